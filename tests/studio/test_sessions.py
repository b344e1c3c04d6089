"""Sessions: what one page is at, kept through a reload, and not seen by another page."""

import asyncio
import http.client
import json
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from little import drifting, film, write_image
from studio_page import Page, Running

from dreamvid.media import audio_features
from dreamvid.media.ffmpeg import executable
from dreamvid.studio.clip import BARS
from dreamvid.studio.folder import FILMS, Folder


def test_each_page_has_a_session_of_its_own(quiet: Running, still: Page) -> None:
    other = quiet.page()
    assert other.name != still.name and other.state["clip"] is None
    other.ok(do="take", name="reef")
    assert still.state["look"]["preset"] == "quick.toml" and other.state["look"]["preset"] == "reef"
    assert quiet.ask("GET", f"{quiet.root}/s/{still.name}/")[0] == 200


def test_a_stream_gives_the_whole_state_with_its_version_and_then_each_change(quiet: Running, still: Page) -> None:
    for _ in range(2):  # and again, where the page is loaded anew
        link = http.client.HTTPConnection("127.0.0.1", quiet.port, timeout=20)
        link.request("GET", f"{quiet.root}/s/{still.name}/events")
        stream = link.getresponse()
        assert stream.headers["content-type"].startswith("text/event-stream")

        def event() -> dict[str, object]:
            number, data, end = (stream.readline().decode() for _ in range(3))  # noqa: B023 (called in this round)
            found: dict[str, object] = json.loads(data.removeprefix("data: "))
            assert number == f"id: {found['version']}\n" and end == "\n"
            return found

        assert event()["clip"]["name"] == "clip.mp4"  # type: ignore[index]
        frame = still.session.frame
        still.ok(do="seek", frame=frame + 1)
        assert event()["frame"] == frame + 1
        link.close()


def test_a_stream_ends_with_the_studio(still: Page) -> None:
    server = still.running.server

    async def gone() -> bool:
        return False

    async def read() -> int:
        count = 0
        async for _ in server.events(still.session, gone):
            count += 1
            server.studio.closing.set()
        return count

    try:
        assert asyncio.run(read()) == 1
    finally:
        server.studio.closing.clear()


def test_a_clip_is_open_with_its_facts(still: Page) -> None:
    state = still.until(lambda state: state["clip"]["sound"]["ready"])
    clip = state["clip"]
    assert (clip["width"], clip["height"], clip["frames"], clip["film"]) == (
        64,
        48,
        still.session.clip.info.frames,
        True,
    )
    assert len(clip["strip"]) == clip["frames"] and still.picture(clip["strip"][0]).startswith(b"\xff\xd8")
    assert still.session.frame == clip["frames"] // 3
    still.ok(do="seek", frame=10**9)
    assert still.state["frame"] == clip["frames"] - 1


def test_a_still_is_open_as_a_flight(quiet: Running, fresh: Page) -> None:
    assert "open a clip" in fresh.refused(do="seek", frame=0)
    assert "open a clip" in fresh.refused(do="render", name="a.mp4")
    fresh.ok(do="open", name="still.png")
    state = fresh.state
    assert not state["clip"]["film"] and state["film"]["line"].startswith("dreamvid zoom still.png still-dream.mp4")
    assert "flights/plunge" in [look["name"] for look in state["wall"]]
    assert state["look"]["axis"]["seconds"] == 10


def test_a_folder_of_pictures_is_open_as_a_film(quiet: Running, fresh: Page, small_net: None) -> None:
    folder = quiet.server.studio.folder.root / "frames"
    folder.mkdir()
    try:
        for number, picture in enumerate(drifting(4)):
            write_image(folder / f"{number:02}.png", picture)
        facts = json.loads(quiet.ask("GET", f"{quiet.root}/s/{fresh.name}/facts")[1])
        assert facts["folders"] == ["frames"]
        assert quiet.ask("GET", f"{quiet.root}/thumbs/frames")[0] == 200
        assert fresh.ok(do="open", name="frames") == "the folder frames is open"
        state = fresh.until(lambda state: state["clip"]["sound"]["ready"])  # its strip is drawn
        assert (state["clip"]["film"], state["clip"]["frames"], state["clip"]["rate"]) == (True, 4, 25.0)
        assert state["film"]["line"].startswith("dreamvid video frames frames-dream.mp4")
        (folder / "04.png").symlink_to(quiet.server.studio.folder.root.parent / "outside.png")
        assert "leads out of this folder" in fresh.refused(do="open", name="frames")
    finally:
        shutil.rmtree(folder)


def test_a_frame_is_read_once_and_its_mask_anew(still: Page) -> None:
    clip = still.session.clip
    assert clip is not None
    still.ok(do="mask", mask="luma")
    first = clip.frame(2, still.session.settings)
    still.ok(do="set", key="mask.invert", value=True)
    second = clip.frame(2, still.session.settings)
    assert first.image is second.image and first.mask is not None and second.mask is not None
    assert abs(first.mask + second.mask - 1).max() < 0.02
    still.ok(do="mask", mask="motion")
    moving = clip.frame(clip.count - 1, still.session.settings)
    assert moving.mask is not None and moving.index == clip.count - 1
    assert clip.time(3) == 3 / Fraction(12)


def test_keyframes_count_in_the_beats_of_the_sound_which_is_heard_once(
    page: Page, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("scipy")
    plain = film(tmp_path / "plain.mp4", drifting(12), rate=2, sound=False)
    beat = "aevalsrc=sin(6283*t)*lt(mod(t\\,0.5)\\,0.02):d=6"
    command = [executable(), "-v", "error", "-i", str(plain), "-f", "lavfi", "-i", beat, "-c:v", "copy"]
    subprocess.run([*command, str(folder / "song.mp4")], check=True)
    heard: list[Path] = []
    listen = audio_features.listen
    monkeypatch.setattr(audio_features, "listen", lambda file, *rest: heard.append(file) or listen(file, *rest))
    page.ok(do="open", name="song.mp4")
    state = page.until(lambda state: state["clip"]["sound"]["ready"])
    axis = state["look"]["axis"]
    assert axis["bpm"] == pytest.approx(120, abs=0.5) and len(state["clip"]["sound"]["loudness"]) == BARS
    gaps = [after - before for before, after in pairwise(axis["beats"])]
    assert len(gaps) > 8 and gaps == pytest.approx([0.5] * len(gaps), abs=0.01)
    keys = [{"time": time, "unit": "b", "value": value, "way": "linear"} for time, value in ((0, 1), (4, 2))]
    page.ok(do="keys", key="dream.strength", keys=keys)
    page.ok(do="cut", size=None, start=1.0, stop=5.0)
    curve = page.state["look"]["axis"]["curves"]["dream.strength"]
    assert max(value for _, value in curve) == 2 and page.dreamed()["view"]["error"] == ""
    again = [{"time": time, "unit": "b", "value": value, "way": "ease-out"} for time, value in ((0, 2), (1, 0.5))]
    page.ok(do="keys", key="dream.strength", keys=again, every=1)
    look = page.state["look"]
    assert look["keys"]["dream.strength"] | {"text": ""} == {"text": "", "keys": again, "every": 1.0}
    values = [value for _, value in look["axis"]["curves"]["dream.strength"]]
    assert sum(later - value > 1 for value, later in pairwise(values)) in (7, 8)  # in four seconds
    assert "every 1b, 0b:2 ease-out" in page.state["film"]["line"]
    assert len(heard) == 1
    page.ok(do="open", name="still.png")
    assert page.state["look"]["axis"]["bpm"] is None and "beats" in page.dreamed()["view"]["error"]


def test_snapshots_are_kept_and_taken_again(still: Page) -> None:
    assert "not finished yet" in still.ok(do="snapshot") and not still.state["snapshots"]
    assert "there is no snapshot 3" in still.refused(do="restore", number=3)


def test_a_clip_comes_before_the_films_that_were_made_of_it(tmp_path: Path) -> None:
    for name in ("clip-dream.mp4", "b/a.mp4", "Clip.mp4", "clip-dream-2.mkv", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = Folder.at(tmp_path).named(FILMS)
    assert found == ["Clip.mp4", "clip-dream.mp4", "clip-dream-2.mkv", "b/a.mp4"]
