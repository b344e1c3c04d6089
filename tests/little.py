"""Little things to render: textures, clips made with ffmpeg, quick settings, and jobs in a process of their own."""

import contextlib
import multiprocessing
import os
import re
import subprocess
import sys
import wave
from collections.abc import Iterable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dreamvid import cli
from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.types import Pixels
from dreamvid.media.ffmpeg import executable

HEIGHT, WIDTH = 48, 64
# What a preset of a test holds: fewest steps, and a layer of the net `tiny_net`.
QUICK: dict[str, Any] = {
    "dream": {"octaves": 2, "steps": 2, "jitter": 4, "step_size": 0.03},
    "compute": {"precision": "fp32"},
}
# A preset of that kind as a file.
QUICK_PRESET = """
[[objective]]
layer = "second"
[dream]
octaves = 2
steps = 1
jitter = 4
[compute]
precision = "fp32"
"""


def quick(layer: str | None = "second", **changes: Any) -> Settings:
    """Settings of few steps; a section that is given is laid over them key by key. No layer: the net's own."""
    table = {key: dict(value) for key, value in QUICK.items()}
    for key, value in changes.items():
        table[key] = table.get(key, {}) | value if isinstance(value, dict) else value
    if layer is not None:
        table.setdefault("objective", [{"layer": layer}])
    return read_settings(table, "test")


def texture(height: int = HEIGHT, width: int = WIDTH, seed: int = 0, grain: float = 2.0) -> Pixels:
    """Smooth random blots about `grain` pixels wide, with good contrast."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), grain)
    return np.clip(127.5 + 50 * soft / soft.std(), 0, 255).astype(np.uint8)


def drifting(count: int, rows: int = 1, cols: int = 2, seed: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> list:
    """Frames of a texture that moves down by `rows` and right by `cols` pixels a frame."""
    height, width = size
    margin = (count + 1) * max(abs(rows), abs(cols))
    whole = texture(height + 2 * margin, width + 2 * margin, seed)
    starts = [(margin - number * rows, margin - number * cols) for number in range(count)]
    return [whole[row : row + height, col : col + width] for row, col in starts]


def film(path: Path, frames: Iterable[Pixels], rate: int = 12, *, sound: bool = True) -> Path:
    """Writes frames as H.264, with a tone beside them."""
    pictures = list(frames)
    height, width = pictures[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "pipe:0"]
    tone = ["-f", "lavfi", "-t", str(len(pictures) / rate), "-i", "sine=440"] if sound else []
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    command = [executable(), "-v", "error", "-y", *raw, *tone, *codec, f"file:{path}"]
    subprocess.run(command, input=b"".join(picture.tobytes() for picture in pictures), check=True)
    return path


def tone(path: Path) -> Path:
    """Half a second of sound without a picture."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 4000)
    return path


def write_image(path: Path, picture: Pixels) -> Path:
    """Writes a still."""
    done, data = cv2.imencode(path.suffix, picture[..., ::-1])
    assert done
    path.write_bytes(data.tobytes())
    return path


def read_image(path: Path) -> Pixels:
    """A still as RGB."""
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def unstyled(text: str) -> str:
    """Text without the colours that some terminals are given."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def apart(arguments: list[str], log: Path) -> BaseProcess:
    """A command line begun in a process of its own, which can be killed; what it says goes to `log`.

    The processes are forked from one that has loaded torch already, and so begin at once.
    """
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dreamvid.jobs.run", "dreamvid.cli.app", "tqdm.contrib.logging"])
    process: BaseProcess = context.Process(target=_command, args=(arguments, str(log)), daemon=True)
    process.start()
    return process


def _command(arguments: list[str], log: str) -> None:
    with Path(log).open("a") as file, contextlib.redirect_stderr(file), contextlib.redirect_stdout(file):
        code = cli.run(arguments)
    sys.exit(code)


os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
