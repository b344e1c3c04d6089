"""`dreamvid preview`: every line under a picture makes it; what cannot be shown is refused in a line."""

import html
import io
import json
import re
import shlex
from base64 import b64decode
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from little import QUICK_PRESET, contents, drifting, film, read_image, texture, write_image
from PIL import Image

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.config.settings import Settings
from dreamvid.core.errors import NetError
from dreamvid.core.types import Pixels
from dreamvid.dream import session
from dreamvid.jobs import preview as previews
from dreamvid.jobs import preview_pool, run
from dreamvid.media import stills
from dreamvid.media.probe import probe
from dreamvid.media.read import read
from dreamvid.models.net import Net
from dreamvid.pipeline.sources import framing_of

Capture = pytest.CaptureFixture[str]
RATE = 6
ONE, OTHER = "first.toml", "third.toml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_net: None) -> Path:
    """The working directory: a clip whose name needs quotes, a still, a large still, a folder, and two looks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(preview_pool, "MOST", 1)  # other processes have no small net
    film(tmp_path / "my 'clip'.mp4", drifting(9), rate=RATE, sound=False)
    write_image(tmp_path / "still.png", texture())
    write_image(tmp_path / "large.png", texture(360, 640, grain=12))
    (tmp_path / "frames").mkdir()
    for number, picture in enumerate(drifting(3)):
        write_image(tmp_path / "frames" / f"{number}.png", picture)
    for name in (ONE, OTHER):
        look = QUICK_PRESET.replace('"second"', f'"{Path(name).stem}"')
        (tmp_path / name).write_text(f'description = "a look of {name}"{look}')
    return tmp_path


def preview(capture: Capture, *arguments: str) -> dict[str, Any]:
    """Run the command and return what --json says."""
    code = cli.run(["preview", *arguments, "--json"])
    out, err = capture.readouterr()
    assert code == 0, err
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


def made(line: str, capture: Capture) -> Path:
    """Run a line and return the file that it makes."""
    program, *words = shlex.split(line)
    assert program == "dreamvid"
    assert cli.run(words) == 0, capture.readouterr().err
    return Path(words[2])


def holds(sheet: Pixels, picture: Pixels) -> bool:
    """Return whether a picture is somewhere in a sheet, to the bit."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, picture.shape)[:, :, 0]
    starts = np.argwhere((windows[:, :, 0, 0] == picture[0, 0]).all(axis=2))
    return any((windows[row, column] == picture).all() for row, column in starts)


STILLS: dict[str, tuple[str, ...]] = {
    "layers of a film": ("my 'clip'.mp4", "--preset", ONE, "--layers", "first,third", "--at", "0.7"),
    "within a range": ("my 'clip'.mp4", "--presets", ONE, "--from", "0.5", "--to", "1", "--fps", "3", "--loop"),
    "channels": ("still.png", "--preset", ONE, "--channels", "first:2,5,second:1"),
    "classes": ("still.png", "--preset", ONE, "--classes", "tabby cat,volcano", "--seed", "0"),
    "a grid": ("still.png", "--presets", f"{ONE},{OTHER}", "--vary", "dream.steps=1,3"),
    "values of two settings": (
        "still.png",
        "--preset",
        ONE,
        "--vary",
        "seed=1,2",
        "--vary",
        "dream.gradient=plain,laplacian",
    ),
    "of a folder": ("frames", "--preset", ONE, "--vary", "dream.octaves=2,[0.5, 1]", "--at", "0.05"),
    "in words that need quotes": (
        *("still.png", "--preset", ONE, "--vary", 'dream.step_size="0.02 + 0.01 * t",0.04', "--mask", "luma"),
        *("--set", "dream.steps = 2", "--size", "60x40", "--fit", "pad", "--seed", "3"),
    ),
    "noise": ("noise:pink", "--preset", ONE, "--size", "64x48", "--vary", "seed=4,5"),
    "drafts": ("my 'clip'.mp4", "--presets", f"{ONE},{OTHER}", "--draft", "--size", "96x64"),
}


@pytest.mark.parametrize("arguments", STILLS.values(), ids=STILLS)
def test_every_line_makes_the_picture_that_it_stands_under(
    arguments: tuple[str, ...], here: Path, capfd: Capture
) -> None:
    said = preview(capfd, arguments[0], "looks.png", *arguments[1:])
    sheet = read_image(here / said["output"])
    assert said["cells"] and all(cell["seconds"] > 0 for cell in said["cells"])
    pictures = [read_image(made(cell["command"], capfd)) for cell in said["cells"]]
    assert all(holds(sheet, picture) for picture in pictures)
    for number, picture in enumerate(pictures):
        assert not any(picture.shape == other.shape and (picture == other).all() for other in pictures[:number])


def test_the_page_has_the_same_pictures_and_lines_and_those_of_whole_films(here: Path, capfd: Capture) -> None:
    said = preview(capfd, "my 'clip'.mp4", "looks.html", "--presets", f"{ONE},{OTHER}", "--at", "0.5", "--fps", "3")
    page = (here / "looks.html").read_text()
    assert "frame 3 of 9, at 0:00.5: as --at asks for" in page and said["shows"] in page
    texts = re.findall("<code[^>]*>(.*?)</code>", page)
    lines = [html.unescape(re.sub("<[^>]*>", "", text)) for text in texts]
    assert lines[::2] == [cell["command"] for cell in said["cells"]]
    assert f"a look of {ONE}" in page
    shown = [stills.decode(b64decode(data)) for data in re.findall('src="data:image/webp;base64,([^"]+)"', page)]
    assert len(shown) == 3  # the source is the first
    for picture, line in zip(shown[1:], lines[::2], strict=True):
        assert np.abs(read_image(made(line, capfd)).astype(int) - picture).mean() < 6
    assert probe(str(made(lines[1], capfd)), tolerate_damage=False).frames == 5  # all of it, at three a second


def test_a_picture_that_is_smaller_than_its_line_makes_it_shows_the_same_forms(here: Path, capfd: Capture) -> None:
    """Each is nearest to that of its own line, scaled, among all."""
    look = ("--preset", ONE, "--set", "dream.octaves=4", "--set", "dream.step_size=0.05")
    said = preview(capfd, "large.png", "looks.webp", *look, "--layers", "first,second,third", "--side", "320")
    sheet = np.asarray(Image.open(here / "looks.webp").convert("RGB"))
    assert sheet.shape[1] == 2 * 320 + 3 * 4  # columns and gaps
    boxes = [sheet[row : row + 180, column : column + 320] for row, column in cells(sheet)]
    small = [
        cv2.resize(read_image(made(cell["command"], capfd)), (320, 180), interpolation=cv2.INTER_AREA)
        for cell in said["cells"]
    ]
    source = boxes.pop(0).astype(float)
    for number, box in enumerate(boxes):
        alike = [np.corrcoef((box - source).ravel(), (one - source).ravel())[0, 1] for one in small]
        assert max(alike) > 0.6 and alike.index(max(alike)) == number


def cells(sheet: Pixels) -> list[tuple[int, int]]:
    """Return where the pictures of a sheet of two columns of 320x180 begin: below rows of text on white."""
    found = []
    for column in (4, 328):
        filled = (sheet[:, column : column + 320] < 250).any(axis=2).mean(axis=1) > 0.9
        starts = [row for row in range(1, len(filled)) if filled[row] and not filled[row - 1]]
        found += [(row, column) for row in starts]
    return sorted(found)


def test_motion_is_a_second_of_the_very_film(here: Path, capfd: Capture) -> None:
    said = preview(capfd, "my 'clip'.mp4", "looks.html", "--presets", f"{ONE},{OTHER}", "--motion", "--at", "0.5")
    page = (here / "looks.html").read_text()
    assert "the second from frame 3 of 9" in page
    films = [b64decode(data) for data in re.findall('src="data:image/webp;base64,([^"]+)"', page)][1:]
    for data, cell in zip(films, said["cells"], strict=True):
        info = probe(str(made(cell["command"], capfd)), tolerate_damage=False)
        frames = [frame.image for frame in read(info, framing_of(info, Settings()), range(info.frames))]
        with Image.open(io.BytesIO(data)) as moving:
            assert moving.n_frames == len(frames) == RATE  # type: ignore[attr-defined]
            for number, frame in enumerate(frames):
                moving.seek(number)
                assert np.abs(np.asarray(moving.convert("RGB")).astype(int) - frame).mean() < 12


def test_a_drawn_sheet_moves_as_webp(here: Path, capfd: Capture) -> None:
    preview(capfd, "my 'clip'.mp4", "looks.webp", "--presets", ONE, "--motion", "--set", "coherence.cadence=2")
    with Image.open(here / "looks.webp") as moving:
        assert moving.n_frames == RATE  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "more",
    [
        ("--presets", ONE, "--mask", "luma", "--tolerate-damage", "--threads", "1", "--precision", "fp32"),
        ("--preset", ONE, "--neuron", "second:1:2:3", "--guide", "still.png", "--layer", "first", "--vary", "seed=0,7"),
        ("--preset", ONE, "--vary", "objective.0.weight=-1,0.5", "--set", "net.dense=false", "--weights", "random:1"),
        ("--preset", ONE, "--classes", "tabby cat", "--audio", "my 'clip'.mp4", "--frames", "1:7", "--draft"),
    ],
)
@pytest.mark.parametrize("motion", [(), ("--motion",)], ids=["still", "motion"])
def test_every_line_says_all_settings(
    more: tuple[str, ...], motion: tuple[str, ...], here: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the command line makes of a line are the settings that its picture is dreamed with."""
    looks: list[previews.Look] = []
    monkeypatch.setattr(previews, "preview", lambda subject, given, *_: looks.extend(given) or [])
    assert cli.run(["preview", "my 'clip'.mp4", "looks.html", *more, *motion]) == 0, capfd.readouterr().err
    given: list[Settings] = []

    def keep(source: str, output: Path, settings: Settings, *_: Any, **__: Any) -> None:
        given.append(settings)
        raise NetError("that is all")

    monkeypatch.setattr(run, "dream_image", keep)
    monkeypatch.setattr(run, "dream_video", keep)
    for look in looks:
        assert cli.run(shlex.split(look.command)[1:]) == 5
        assert given.pop() == look.settings
        assert cli.run(shlex.split(look.film)[1:]) == 5
        whole = given.pop()
        film_only = ("input", "audio", "compute")  # a film is rendered by as many threads as there are
        assert whole.model_copy(update={key: getattr(look.settings, key) for key in film_only}) == look.settings


def refused(capture: Capture, *arguments: str) -> tuple[int, str]:
    code = cli.run(["preview", *arguments])
    out, err = capture.readouterr()
    assert not out
    return code, err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("still.png", "looks.jpg"), 2, "written as .html, .png, .webp"),
        (("my 'clip'.mp4", "looks.png", "--motion"), 2, "looks.html, or a sheet, looks.webp"),
        (("still.png", "still.png"), 2, "is the source itself"),
        (("still.png", "large.png"), 2, "--overwrite replaces it"),
        (("still.png", "no/looks.png"), 2, "the folder no does not exist"),
        (("still.png", "frames"), 2, "written as"),
        (("none.mp4", "looks.png"), 3, "none.mp4"),
        (("still.png", "looks.html", "--motion"), 2, "still.png is a still, and --motion is for films"),
        (("still.png", "looks.html", "--at", "1"), 2, "still.png is a still, and --at is for films"),
        (("my 'clip'.mp4", "looks.html", "--at", "9"), 2, "ends at 0:01.5"),
        (("my 'clip'.mp4", "looks.html", "--at", "soon"), 2, "'soon' is not a time"),
        (("still.png", "a.html", "--presets", f"{ONE},"), 2, "give names with a comma between them"),
        (("still.png", "a.html", "--presets", "reeff"), 2, "there is no preset 'reeff'; nearest: reef"),
        (("still.png", "a.html", "--presets", ONE, "--preset", ONE), 2, "give --preset or --presets, not both"),
        (("still.png", "a.html", "--classes", "1", "--class", "1"), 2, "give --class or --classes, not both"),
        (("still.png", "a.html", "--vary", "seed"), 2, "dream.steps=4,8,16"),
        (("still.png", "a.html", "--vary", "seed=1,2", "--vary", "seed=3"), 2, "--vary seed is given twice"),
        (("still.png", "a.html", "--vary", "sed=1,2"), 2, "unknown key sed; nearest: seed"),
        (("still.png", "a.html", "--vary", f"seed={','.join(map(str, range(130)))}"), 2, "these are 130 looks"),
        (("still.png", "a.html", "--presets", ONE, "--layers", "first", "--vary", "seed=1"), 2, "two of these at most"),
        (("still.png", "a.html", "--layers", "first,fifth"), 5, "fifth: "),
        (("noise", "a.html"), 2, "noise needs a size"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(
    arguments: tuple[str, ...], code: int, says: str, here: Path, capfd: Capture
) -> None:
    before = contents(here)
    found, err = refused(capfd, *arguments)
    (*_, last) = err.splitlines()
    assert (found, says in last) == (code, True), err
    assert contents(here) == before


def test_all_looks_that_cannot_be_dreamed_are_said_in_a_line_each(here: Path, capfd: Capture) -> None:
    code, err = refused(capfd, "still.png", "a.html", "--classes", "volcano,tabby cat,unicorn,gryphon")
    assert code == 5 and not (here / "a.html").exists()
    assert [re.split(": +", line)[2] for line in err.splitlines()[:-1]] == ["unicorn", "gryphon"]
    assert "2 of 4 looks" in err.splitlines()[-1]


SHIPPED = {
    "dream": (Path(ONE).stem, ""),
    "third": (Path(OTHER).stem, ""),
    "calm": (Path(ONE).stem, "[coherence]\nstep_size = 0.1\n"),
    "absent": (Path(ONE).stem, '[net]\nname = "alexnet"\n'),
}


@pytest.fixture
def shipped(here: Path, monkeypatch: pytest.MonkeyPatch, tiny_net: Net) -> None:
    """The presets that ship are four: one moves as no other, and the net of one is not here."""
    (here / "shipped").mkdir()
    for name, (layer, more) in SHIPPED.items():
        (here / "shipped" / f"{name}.toml").write_text(QUICK_PRESET.replace("second", layer) + more)
    monkeypatch.setattr(presets, "folder", lambda: here / "shipped")

    def get(name: str, weights: str | None = None) -> Net:
        if name == "alexnet":
            raise NetError("the weights of alexnet are not on this machine")
        return tiny_net

    monkeypatch.setattr(session.zoo, "get", get)


@pytest.mark.usefixtures("shipped")
def test_without_a_list_every_preset_is_shown_that_can_be_and_differs(capfd: Capture) -> None:
    assert cli.run(["preview", "still.png", "a.html", "--json"]) == 0
    out, err = capfd.readouterr()
    assert [cell["look"] for cell in json.loads(out)["cells"]] == ["dream", "third"]
    assert "calm is left out: in a still it looks like dream" in err
    assert "absent is left out: the weights of alexnet are not on this machine" in err
    assert cli.run(["preview", "my 'clip'.mp4", "b.html", "--motion", "--json", "--fps", "2"]) == 0
    assert [cell["look"] for cell in json.loads(capfd.readouterr().out)["cells"]] == ["dream", "calm", "third"]


@pytest.mark.usefixtures("shipped")
def test_a_net_that_is_not_here_is_an_error_where_its_preset_is_named(here: Path, capfd: Capture) -> None:
    code, err = refused(capfd, "still.png", "a.html", "--presets", "dream,absent")
    assert code == 5 and err.splitlines()[-1].startswith("dreamvid: absent: the weights of alexnet")
    code, err = refused(capfd, "still.png", "a.html", "--model", "alexnet")
    assert code == 5 and "none of the looks can be dreamed" in err
    assert not (here / "a.html").exists()


def test_an_existing_sheet_is_overwritten_only_where_that_is_asked_for(here: Path, capfd: Capture) -> None:
    (here / "a.png").write_text("mine")
    assert refused(capfd, "still.png", "a.png", "--presets", ONE)[0] == 2
    assert (here / "a.png").read_text() == "mine"
    preview(capfd, "still.png", "a.png", "--presets", ONE, "--overwrite")
    assert read_image(here / "a.png").shape[1] > 64


def test_a_drawn_sheet_says_that_it_lacks_letters(here: Path, capfd: Capture) -> None:
    write_image(here / "café.png", texture())
    assert cli.run(["preview", "café.png", "a.png", "--presets", ONE]) == 0
    assert "a page (.html) or --json has the lines as they are" in capfd.readouterr().err
