"""Small odd media, made with ffmpeg; every frame carries its own number as a barcode along its top."""

import hashlib
import subprocess
import tempfile
import wave
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dreamvid.config.settings import OutputSettings
from dreamvid.core.framing import Framing
from dreamvid.core.types import Pixels, SourceInfo
from dreamvid.media import encode, ffmpeg, read

HEIGHT, WIDTH, COUNT = 90, 160, 24
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p", "-g", "8")


def picture(number: int, height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """A moving pattern with `number` (0 to 255) in eight black or white blocks over its upper third."""
    rows, cols = np.mgrid[:height, :width].astype(np.float32)
    waves = (np.sin((cols + 2 * number) / 17), np.sin((rows - 2 * number) / 13), np.cos((cols - rows + number) / 29))
    image = np.stack([127 + 90 * wave for wave in waves], axis=-1)
    for bit in range(8):
        image[: height // 3, bit * width // 8 : (bit + 1) * width // 8] = 235 if number >> bit & 1 else 16
    return image.astype(np.uint8)


def number_of(image: Pixels) -> int:
    """The number in a picture's barcode."""
    height, width = image.shape[:2]
    rows = slice(height // 12, height // 4)
    blocks = [image[rows, (4 * bit + 1) * width // 32 : (4 * bit + 3) * width // 32] for bit in range(8)]
    return sum(1 << bit for bit, block in enumerate(blocks) if block.mean() > 127)


def run(*arguments: str, data: bytes = b"") -> bytes:
    """Runs ffmpeg and gives back its standard output."""
    command = [ffmpeg.executable(), "-v", "error", "-y", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def film(
    path: Path,
    *arguments: str,
    count: int = COUNT,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    rate: str = "25",
    inputs: Sequence[str] = (),
) -> Path:
    """Encodes numbered pictures; `inputs` are further ones, `arguments` those of the output."""
    raw = b"".join(picture(number, *size).tobytes() for number in range(count))
    head = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[1]}x{size[0]}", "-r", rate, "-i", "pipe:0"]
    run(*head, *inputs, *(arguments or X264), f"file:{path}", data=raw)
    return path


def tone(path: Path, seconds: float, pitch: float = 440.0) -> Path:
    """A sine as a 48 kHz mono WAV file."""
    time = np.arange(int(48000 * seconds)) / 48000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes((8000 * np.sin(2 * np.pi * pitch * time)).astype("<i2").tobytes())
    return path


def untouched(info: SourceInfo) -> Framing:
    """The framing that leaves a source's stored pixels as they are."""
    size = (info.height, info.width)
    return Framing((0, info.height), (0, info.width), size, size, info.sar)


def images(info: SourceInfo, numbers: Iterable[int] | None = None) -> list[Pixels]:
    """All frames of a source, or those with these numbers."""
    wanted = range(info.frames) if numbers is None else list(numbers)
    return [frame.image for frame in read.read(info, untouched(info), wanted)]


def numbers(info: SourceInfo, wanted: Iterable[int] | None = None) -> list[int]:
    """What the barcodes of a source's frames say."""
    return [number_of(image) for image in images(info, wanted)]


def sound_md5(path: Path) -> list[str]:
    """One md5 for each sound track, over its packets as they are stored."""
    tracks = ["-map", "0:a", "-vn", "-sn", "-dn", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"]
    lines = run("-i", f"file:{path}", *tracks).decode().split()
    return [line.partition("=")[2] for line in lines]


def sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(output: Path, frames: Sequence[Pixels], rate: Fraction = Fraction(25), **more: Any) -> list[str]:
    """Encodes frames, with `codec` as output settings, and gives back the notices."""
    notices: list[str] = []
    size, settings = frames[0].shape[:2], OutputSettings(**more.pop("codec", {}))
    sar, threads = more.get("sar", Fraction(1)), more.pop("threads", 2)
    encode.check_film(output, settings, size=size, rate=rate, sar=sar, notice=notices.append)
    film = encode.FilmSpec(**{"size": size, "rate": rate, "count": len(frames), "settings": settings, **more})
    with tempfile.TemporaryDirectory() as folder:
        trial = encode.rehearse(output, film, Path(folder) / "trial", threads=threads, notice=notices.append)
        encode.encode(lambda: frames, output, film, trial, threads=threads, notice=notices.append)
    return notices
