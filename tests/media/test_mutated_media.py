"""Damaged copies of films and stills of every kind: frames or one line, and never a crash, a hang or a gigabyte.

DREAMVID_MUTANTS=2000 looks at so many copies of each kind, from number DREAMVID_MUTANTS_FROM on.
"""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from . import clips

COUNT, FIRST = int(os.environ.get("DREAMVID_MUTANTS", "12")), int(os.environ.get("DREAMVID_MUTANTS_FROM", "0"))
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits"),
    pytest.mark.timeout(max(300, 60 * COUNT)),
]
SMALL = {"count": 5, "size": (36, 64)}


def filmed(*arguments: str) -> Callable[[Path], object]:
    return lambda path: clips.film(path, *arguments, **SMALL)


def saved(form: str, frames: int = 1, **more: object) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        first, *others = (Image.fromarray(clips.picture(number, 36, 64)) for number in range(frames))
        file = io.BytesIO()
        first.save(
            file, form, **({"save_all": True, "append_images": others, "duration": 40} if others else {}), **more
        )
        path.write_bytes(file.getvalue())

    return make


FAST = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "2")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")
MPEG2 = ("-c:v", "mpeg2video", "-b:v", "300k")
MADE: dict[str, Callable[[Path], object]] = {
    "film.mp4": filmed(*FAST, "-bf", "1"),
    "film.mov": filmed("-c:v", "prores_ks"),
    "film.mkv": filmed(*FAST),
    "film.webm": filmed(*VP9),
    "film.avi": filmed("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "film.ts": filmed(*MPEG2),
    "film.mpg": filmed(*MPEG2),
    "film.flv": filmed(*FAST),
    "film.nut": filmed("-c:v", "ffv1"),
    "film.gif": filmed("-c:v", "gif"),
    "moving.png": saved("PNG", 3),
    "moving.webp": saved("WEBP", 3),
    "moving.avif": saved("AVIF", 3),
    "still.png": saved("PNG"),
    "still.jpg": saved("JPEG"),
    "still.webp": saved("WEBP"),
    "still.tiff": saved("TIFF", compression="tiff_deflate"),
    "still.bmp": saved("BMP"),
    "still.avif": saved("AVIF"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_damaged_copy_is_frames_or_one_line(name: str, tmp_path: Path) -> None:
    MADE[name](tmp_path / name)
    command = [sys.executable, "-m", "media.mutated_media", str(tmp_path), str(FIRST), str(COUNT), str(tmp_path / name)]
    tests = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=tests, capture_output=True, text=True, check=False)
    last = done.stdout.splitlines()[-1:]
    assert done.returncode == 0, f"{last} ended it by {done.returncode}: {done.stderr[-2000:]}"
    assert len(done.stdout.splitlines()) == COUNT
    # Not that nothing was said: some versions of the libraries for AVIF write a line of their own.
    assert "Traceback" not in done.stderr, f"{last}: {done.stderr[-2000:]}"
