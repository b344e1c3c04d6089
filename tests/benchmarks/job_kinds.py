"""The kinds of jobs that `kills.py`, `bit_flips.py` and `environments.py` render: tiny, with the net dreamnet."""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1]))  # what tests make their media with

from job_runs import two_tinted
from little import film, texture, write_image

if TYPE_CHECKING:
    from dreamvid.models.net import Net

LEDGER = "jobs.done.json"  # holds times, and so is never the same twice
FEW = ["--quiet", "--config", "", "--model", "dreamnet", "--threads", "1", "--precision", "fp32"]
FEW += ["--set", "dream.steps=2", "--set", "dream.octaves=1", "--size", "64x48"]
ZOOM = ["--seconds", "0.5", "--fps", "12", "--set", "camera.zoom=2.5"]
BATCH = """
[defaults]
size = "64x48"
[defaults.set]
"net.name" = "dreamnet"
"dream.steps" = 2
"dream.octaves" = 1
"compute.threads" = 1
"compute.precision" = "fp32"
[[job]]
source = "SHOTS"
output = "one.mkv"
[[job]]
command = "zoom"
source = "STILL"
output = "two.mkv"
set = {"input.seconds" = 0.3, "input.fps" = "12", "camera.mode" = "frames"}
"""


@dataclass(frozen=True)
class Kind:
    """A job: its command line, in which words of capitals stand for paths; the names that it gives to what it makes.

    `older`: what lies there before, by name: the bytes of a file, or the number of frames in a folder.
    """

    words: tuple[str, ...]
    makes: tuple[str, ...]
    older: tuple[tuple[str, bytes | int], ...] = ()


KINDS = {
    "video with sound": Kind(("video", "SHOTS", "OUT/dream.mp4", *FEW), ("dream.mp4",)),
    "zoom on a canvas": Kind(("zoom", "STILL", "OUT/dream.mkv", *ZOOM, *FEW), ("dream.mkv",)),
    "zoom frame by frame": Kind(
        ("zoom", "STILL", "OUT/dream.mkv", *ZOOM, "--set", "camera.mode=frames", *FEW), ("dream.mkv",)
    ),
    "image": Kind(("image", "STILL", "OUT/dream.png", *FEW), ("dream.png",)),
    "batch of two films": Kind(("batch", "OUT/jobs.toml", "--quiet"), ("one.mkv", "two.mkv")),
    "over an older film": Kind(
        ("video", "SHOTS", "OUT/dream.mp4", "--overwrite", *FEW), ("dream.mp4",), (("dream.mp4", b"an older film"),)
    ),
    "folder of PNGs": Kind(("video", "SHOTS", "OUT/dream", *FEW), ("dream",)),
    "over a longer folder": Kind(("video", "SHOTS", "OUT/dream", "--overwrite", *FEW), ("dream",), (("dream", 15),)),
}


def tiny_net() -> "Net":
    """Return the net that tests dream with."""
    from conftest import tiny  # not above: it loads torch

    return tiny(0, "tiny")


def make_sources(folder: Path) -> None:
    """Write what is dreamed: a film of two shots with sound, and a still."""
    folder.mkdir(parents=True)
    film(folder / "shots.mkv", two_tinted(6, 5), rate=12)
    write_image(folder / "still.png", texture())


def command_of(kind: Kind, sources: Path, out: Path) -> list[str]:
    """Return the command line of a job whose outputs go to `out`."""
    paths = {"SHOTS": sources / "shots.mkv", "STILL": sources / "still.png", "OUT": out}
    split = [word.partition("/") for word in kind.words]
    return [f"{paths.get(first, first)}{slash}{rest}" for first, slash, rest in split]


def begin(kind: Kind, sources: Path, out: Path) -> None:
    """Make the folder of the outputs anew, with what lies there before the job."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    jobs = BATCH.replace("SHOTS", str(sources / "shots.mkv")).replace("STILL", str(sources / "still.png"))
    if kind.words[0] == "batch":
        (out / "jobs.toml").write_text(jobs)
    for name, older in kind.older:
        if isinstance(older, bytes):
            (out / name).write_bytes(older)
            continue
        (out / name).mkdir()
        for number in range(older):
            write_image(out / name / f"{number:06d}.png", texture(seed=number))
        (out / name / "notes.txt").write_text("mine")


def tree(folder: Path) -> dict[str, str]:
    """Return a hash of every file below a folder, by its path, but for the ledger; of a folder there is none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if path.name != LEDGER
    }
