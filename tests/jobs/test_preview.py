"""A preview while it is made: it is whole at every moment, grows sharper, and stops where it is told to."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from little import drifting, film, quick, read_image, texture, write_image

from dreamvid.config.presets import resolve
from dreamvid.core.errors import NetError, ToolError
from dreamvid.core.types import Pixels
from dreamvid.dream import session
from dreamvid.jobs import preview as previews
from dreamvid.jobs import preview_look, preview_pool
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.preview import Options, preview
from dreamvid.jobs.preview_look import Look, factors
from dreamvid.jobs.preview_source import Subject, find_subject
from dreamvid.media.images import encode
from dreamvid.models.net import Net

SIDE = 640
LOOKS = [Look(layer, quick(layer, dream={"octaves": 4}), f"dreamvid image {layer}") for layer in ("first", "third")]


@pytest.fixture
def large(tmp_path: Path, small_net: None) -> str:
    """A still that is dreamed at two sizes, 213x120 and 640x360."""
    return str(write_image(tmp_path / "large.png", texture(360, 640, grain=9)))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every page that was written, in order."""
    pages: list[str] = []
    write = previews.write_file

    def keep(path: Path, data: bytes) -> None:
        write(path, data)
        pages.append(data.decode())

    monkeypatch.setattr(previews, "write_file", keep)
    return pages


def stopping(after: int) -> Callable[[], bool]:
    """Return what asks for a stop once it was asked so often."""
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    return stop


def still(source: str) -> Subject:
    return find_subject(source, quick(), None, motion=False)


def test_pictures_come_small_and_then_sharper(large: str, tmp_path: Path, written: list[str]) -> None:
    told: list[tuple[int, int]] = []
    shown = preview(still(large), LOOKS, tmp_path / "a.html", Options(SIDE, tell=lambda *at: told.append(at)))
    assert [look for look, _ in shown] == LOOKS and all(seconds > 0 for _, seconds in shown)
    assert told == [(number, 4) for number in range(1, 5)]
    notes = [re.findall('<p class="faint">(to come|dreamed at 213x120|as at full size)', page) for page in written]
    assert notes == [
        ["to come", "to come"],
        ["dreamed at 213x120", "to come"],
        ["dreamed at 213x120", "dreamed at 213x120"],
        ["as at full size", "dreamed at 213x120"],
        ["as at full size", "as at full size"],
        ["as at full size", "as at full size"],
    ]
    assert ["location.reload" in page for page in written] == [True] * 5 + [False]
    assert all(page.endswith("</html>\n") for page in written)


def test_a_stop_leaves_a_page_of_what_there_is(large: str, tmp_path: Path, written: list[str]) -> None:
    with pytest.raises(Interrupted, match=r"a\.html holds the pictures that there were"):
        preview(still(large), LOOKS, tmp_path / "a.html", Options(SIDE, stop=stopping(after=1)))
    page = (tmp_path / "a.html").read_text()
    assert page == written[-1] and "Stopped before" in page and "location.reload" not in page
    assert page.count("dreamed at 213x120") == 1 and page.count('"faint">to come') == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "large.png"]


def test_a_stop_within_a_second_of_film_ends_there(tmp_path: Path, small_net: None) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(8), rate=8, sound=False)
    subject = find_subject(str(clip), quick(), None, motion=True)
    with pytest.raises(Interrupted):
        preview(subject, LOOKS, tmp_path / "a.webp", Options(SIDE, stop=stopping(after=3)))
    assert (tmp_path / "a.webp").read_bytes()[:4] == b"RIFF"


def test_where_dreaming_fails_the_page_ends(large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise NetError("the gradient is not finite")

    monkeypatch.setattr(preview_look, "render", fails)
    with pytest.raises(NetError, match="not finite"):
        preview(still(large), LOOKS, tmp_path / "a.html", Options(SIDE))
    assert "Stopped before" in (tmp_path / "a.html").read_text()


def test_before_a_picture_is_there_the_source_stands_pale_in_its_place(large: str, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        preview(still(large), LOOKS, tmp_path / "a.png", Options(320, stop=lambda: True))
    sheet = read_image(tmp_path / "a.png").astype(float)
    source, pale = sheet[16:196, 4:324], sheet[16:196, 328:648]
    assert pale.min() >= 160 and np.corrcoef(source.ravel(), pale.ravel())[0, 1] > 0.99


def test_every_net_is_loaded_once(
    large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_net: Net, other_net: Net
) -> None:
    loaded: list[str] = []

    def get(name: str, weights: str | None = None) -> Net:
        loaded.append(name)
        return other_net if name == "alexnet" else tiny_net

    monkeypatch.setattr(session.zoo, "get", get)
    other = [Look(f"{look.title} of another", quick(look.title, net={"name": "alexnet"}), "") for look in LOOKS]
    preview(still(large), [*LOOKS, *other], tmp_path / "a.png", Options(200))
    assert sorted(loaded) == ["alexnet", "efficientnet_lite2_robust"]


@pytest.mark.parametrize(
    ("size", "octaves", "side", "expected"),
    [
        ((360, 640), 4, 640, (3, 1)),
        ((720, 1280), 4, 640, (3, 2)),
        ((1080, 1920), 4, 640, (6, 3, 2)),  # a third at the end would be less than the coarsest octave
        ((1080, 1920), [0.2, 0.5, 1.0], 640, (5, 3)),
        ((1080, 1920), [180, 360], 640, (6, 3)),
        ((360, 640), 1, 640, (2, 1)),
        ((720, 1280), 1, 640, (4, 2, 1)),
        ((720, 1280), 4, 1280, (3, 1)),
        ((2160, 3840), 4, 640, (12, 6, 3, 2)),
        ((216, 384), 4, 640, (1,)),
        ((48, 2000), 4, 640, (1,)),  # smaller ones have too few rows
    ],
)
def test_pictures_are_no_smaller_than_the_coarsest_octave(
    size: tuple[int, int], octaves: object, side: int, expected: tuple[int, ...], small_net: None
) -> None:
    settings = quick(dream={"octaves": octaves})
    assert factors(size, settings, session.open_session(settings), side) == expected


def test_a_net_that_takes_no_small_picture_gets_none(small_net: None) -> None:
    settings = quick(dream={"octaves": 4})
    opened = session.open_session(settings)
    needs = replace(opened, dreamer=replace(opened.dreamer, net=replace(opened.dreamer.net, dense=True, min_size=300)))
    assert factors((360, 640), settings, needs, 640) == (1,)
    assert factors((720, 1280), settings, needs, 640) == (2,)
    with pytest.raises(NetError, match="at least 300x300"):
        factors((200, 640), settings, needs, 640)


def gradation(strength: float) -> Pixels:
    return np.clip(128 + strength * (texture(60, 80, seed=3).astype(float) - 128), 0, 255).astype(np.uint8)


def test_the_most_telling_frame_is_taken_of_the_range_that_is_asked_for(tmp_path: Path) -> None:
    strengths = [0, 0.1, 0.3, 1.0, 0.5, 0.2, 0.7, 0.1]
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, strength in enumerate(strengths):
        (folder / f"{number}.png").write_bytes(encode(gradation(strength), ".png"))
    subject = find_subject(str(folder), quick(), None, motion=False)
    assert (subject.command, subject.frames) == ("image", "3:4")
    assert subject.words == "frame 3 of 8, at 0:00.12: the most telling of 8 (--at takes another)"
    assert find_subject(str(folder), quick(input={"frames": "4:8"}), None, motion=False).frames == "6:7"
    assert find_subject(str(folder), quick(input={"start": 0.15}), None, motion=False).frames == "6:7"
    assert find_subject(str(folder), quick(), "0.2", motion=False).frames == "5:6"


@pytest.mark.parametrize(("at", "fps", "expected"), [("0.5", None, "4:12"), ("1.9", None, "8:16"), ("0.5", "4", "2:6")])
def test_a_second_begins_at_the_frame_or_is_the_last(at: str, fps: str | None, expected: str, tmp_path: Path) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(16), rate=8, sound=False)
    assert find_subject(str(clip), quick(input={"fps": fps}), at, motion=True).frames == expected


def test_two_processes_dream_the_pictures_of_one(tmp_path: Path) -> None:
    source = str(write_image(tmp_path / "still.png", texture(80, 120, grain=9)))
    how = [("compute.threads", 1), ("dream.steps", 1), ("dream.octaves", 2)]
    looks = [Look(name, resolve(name, how), f"dreamvid image {name}") for name in ("tulips", "glass", "pack")]
    for processes in (1, 2):
        made = preview(still(source), looks, tmp_path / f"{processes}.png", Options(SIDE, processes=processes))
        assert [look for look, _ in made] == looks
        assert all(seconds > 0 for _, seconds in made)
    assert np.array_equal(read_image(tmp_path / "1.png"), read_image(tmp_path / "2.png"))


def test_a_preview_in_two_processes_stops_and_one_that_is_ended_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = str(write_image(tmp_path / "still.png", texture(80, 120, grain=9)))
    look = Look("tulips", resolve("tulips", [("dream.steps", 1)]), "dreamvid image")
    with pytest.raises(Interrupted, match="holds the pictures that there were"):
        preview(still(source), [look], tmp_path / "a.png", Options(SIDE, stop=lambda: True, processes=2))
    assert (tmp_path / "a.png").exists()
    monkeypatch.setattr(preview_pool, "_dream", os.abort)  # pickled by name: of the module that processes import
    monkeypatch.setattr(preview_pool, "_nothing", os.abort)
    with pytest.raises(ToolError, match="--threads 1 dreams them in one process"):
        preview(still(source), [look], tmp_path / "b.png", Options(SIDE, processes=2))
