"""Folders of frames, and names of files, as people and programs make them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from odd.case import ALL, Film, Refused, case
from odd.making import encode, with_sound
from odd.picture import picture

SIX = Film(shows=ALL[:6])


def frames(folder: Path, names: Sequence[str], numbers: Sequence[int] | None = None) -> None:
    folder.mkdir()
    for number, name in zip(numbers or range(len(names)), names, strict=False):
        Image.fromarray(picture(number)).save(folder / name)


FOLDERS = {
    "from_1": [f"frame_{n:04d}.png" for n in range(1, 7)],
    "from_8": [f"{n}.png" for n in range(8, 14)],
    "by_tens": [f"shot-{n:04d}.png" for n in range(10, 70, 10)],
    "spaces": [f"my frame ({n}).png" for n in range(1, 7)],
    "upper": [f"IMG_{n:04d}.PNG" for n in range(6)],
    "no_numbers": [f"{letter}.png" for letter in "abcdef"],
    "times": [f"2024-05-01 12.00.{n:02d}.png" for n in (1, 4, 9, 11, 30, 59)],
    "unicode": [f"日本_{n}.png" for n in range(1, 7)],
    "percent.png": [f"f_%04d_{n}.png" for n in range(6)],
    "mixed_kinds": ["1.png", "2.bmp", "3.tif", "4.png", "5.bmp", "6.png"],
}
for name, names in FOLDERS.items():
    case(name, SIX, name=f"folder {name}")(lambda path, names=names: frames(path, names))
case("with_others", SIX, name="folder with other files")(
    lambda path: (
        frames(path, FOLDERS["from_1"]),
        (path / "Thumbs.db").write_bytes(b"x"),
        (path / ".DS_Store").touch(),
        (path / "more").mkdir(),
        (path / "notes.txt").touch(),
    )
)
case("with_film", Film(shows=ALL[:6], said="making-of.mp4 is left out"), name="folder with a film")(
    lambda path: (frames(path, FOLDERS["from_1"]), encode(path / "making-of.mp4"))
)
case("dead_link", Refused("frame_0007.png is a link"), name="folder with a dead link")(
    lambda path: (frames(path, FOLDERS["from_1"]), (path / "frame_0007.png").symlink_to("nowhere.png"))
)
case("frames", Film(shows=ALL[:6], rate="12"), "--fps", "12", name="folder at 12")(
    lambda path: frames(path, FOLDERS["from_1"])
)
case("frames", SIX, output="film.mp4", name="folder")(lambda path: frames(path, FOLDERS["from_1"]))
case("one", Film(shows=(0,)), name="folder of one")(lambda path: frames(path, ["a.png"]))

WRONG = {
    "gap": ([f"{n:03d}.png" for n in (1, 2, 3, 5)], "004.png is missing"),
    "twice": (["f_1.png", "f_2.png", "f_02.png", "f_3.png"], "same number"),
    "empty": ([], "without images"),
}
for name, (names, word) in WRONG.items():
    case(name, Refused(word), name=f"folder {name}")(lambda path, names=names: frames(path, names))


@case("sizes", Refused("resize all to one size"), name="folder of two sizes")
def sizes(path: Path) -> None:
    frames(path, ["1.png", "2.png"])
    Image.fromarray(picture(1, 48, 80)).save(path / "2.png")


@case("damaged", Refused("3.png"), name="folder with a damaged picture")
def damaged(path: Path) -> None:
    frames(path, ["1.png", "2.png", "3.png"])
    (path / "3.png").write_bytes((path / "3.png").read_bytes()[:200])


@case("nothing", Refused("3.png"), name="folder with an empty picture")
def empty_picture(path: Path) -> None:
    frames(path, ["1.png", "2.png", "3.png"])
    (path / "3.png").write_bytes(b"")


@case("clips", Refused("without images"), name="folder of clips")
def clips(path: Path) -> None:
    path.mkdir()
    encode(path / "a.mp4")


@case("seq/%04d.png", Refused("give the folder"))
def pattern(path: Path) -> None:
    frames(path.parent, FOLDERS["from_1"])


NAMES = (
    "with space.mp4",
    "per%cent.mp4",
    "f_%04d.mp4",
    "%03d.mp4",
    "-dash.mp4",
    "--help.mp4",
    "üñïçødé-日本.mp4",
    "quo'te.mp4",
    'dquo"te.mp4',
    "new\nline.mp4",
    "semi;colon.mp4",
    "co:lon.mp4",
    "http:x.mp4",
    "[br]*?.mp4",
    "$(touch pwned).mp4",
    "concat:x.mp4",
    "back\\slash.mp4",
    "UPPER.MP4",
    "two.dots.mp4",
    " leading.mp4",
    "trailing.mp4 ",
    "🎬.mp4",
    "tab\there.mp4",
    "e\u0301.mp4",
    "no_suffix",
    ".hidden.mp4",
    "a" * 240 + ".mp4",
    "~.mp4",
    "@list.mp4",
    "#1.mp4",
    "{stem}.mp4",
)
for name in NAMES:
    case(name, Film(sound=1), name=f"name {name}", output="film.mp4")(
        lambda path: (with_sound(path.with_name("v.mov")), path.with_name("v.mov").rename(path))
    )
case("noise", Refused("needs a size", code=2))(lambda path: path.touch())  # a kind of noise; the file is ./noise
for output in (
    "out put.mp4",
    "ü日本.mp4",
    "%03d.mp4",
    "co:lon.mp4",
    "-dash.mp4",
    "new\nline.mp4",
    "UP.MP4",
    "quo'te.webm",
    "a.b.c.mkv",
):
    case("clip.mp4", Film(sound=1), name="to a name", output=output)(with_sound)
