"""What a film or a picture that was written holds, measured with ffmpeg, PyAV and Pillow alone."""

import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from PIL import Image

from odd.case import Film, Still
from odd.making import held
from odd.picture import CLASSES, Colours, Pixels, colours_of, flashes, number_of

SYNC = 0.010  # seconds
BEST = 99.0


@dataclass
class Measured:
    """`times`: seconds of the frames; `beeps`: of each sound track, in seconds after the first frame.

    `end`: of the last frame where the file tells, as animated pictures do, which hold equal frames as one.
    """

    frames: list[Pixels]
    times: list[float] = field(default_factory=list)
    end: float = 0.0
    sar: Fraction = Fraction(1)
    beeps: list[list[float]] = field(default_factory=list)
    subtitles: int = 0
    chapters: int = 0

    @property
    def rate(self) -> float:
        steps = [b - a for a, b in pairwise(self.times)]
        return 1 / float(np.mean(steps)) if steps else 0.0

    @property
    def size(self) -> tuple[int, int]:
        return self.frames[0].shape[1], self.frames[0].shape[0]

    @property
    def flashes(self) -> list[float]:
        """The times at which the bar lights up, after the first frame."""
        lit = [flashes(frame) for frame in self.frames]
        return [
            time - self.times[0]
            for time, now, before in zip(self.times, lit, [False, *lit], strict=False)
            if now and not before
        ]

    def at(self, rate: float) -> "Measured":
        """The same at a constant rate."""
        if not self.end:
            return self
        numbers = held(list(enumerate(self.times)), self.end, rate)
        return Measured([self.frames[number] for number in numbers], [place / rate for place in range(len(numbers))])

    def sync(self) -> float | None:
        """The largest distance of a beep from the nearest flash, in seconds."""
        flashes = self.flashes
        if not flashes:
            return None
        return max(
            (min(abs(beep - flash) for flash in flashes) for track in self.beeps for beep in track), default=None
        )

    def fidelity(self, colours: Colours) -> dict[str, float]:
        """The PSNR of each class of colours, over all frames."""
        seen, names = np.array([colours_of(frame) for frame in self.frames]), list(colours)
        found = {}
        for kind, members in CLASSES.items():
            places = [names.index(name) for name in members]
            wanted = np.array([colours[name] for name in members])
            error = float(((seen[:, places] - wanted) ** 2).mean())
            found[kind] = min(BEST, 10 * np.log10(255**2 / error)) if error else BEST
        return found


def measure(path: Path) -> Measured:
    if path.is_dir():
        frames = [np.array(Image.open(file).convert("RGB")) for file in sorted(path.glob("*.png"))]
        return Measured(frames, [number / 25 for number in range(len(frames))])
    if path.suffix in (".png", ".webp", ".gif"):
        return _animated(path)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{path}", "-map", "0:v:0"]
    raw = subprocess.run(
        [*command, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True,
        check=True,
    ).stdout
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = np.frombuffer(raw, np.uint8).reshape(-1, stream.height, stream.width, 3)
        times = sorted(
            float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.pts is not None
        )
        found = Measured(list(frames), times, sar=Fraction(stream.sample_aspect_ratio or 1))
        found.subtitles, found.chapters = len(container.streams.subtitles), len(container.chapters())
        tracks = len(container.streams.audio)
    found.beeps = [_beeps(path, track, times[0]) for track in range(tracks)]
    return found


def _animated(path: Path) -> Measured:
    frames, times, now = [], [], 0.0
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(np.array(image.convert("RGB")))
            times.append(now)
            now += image.info.get("duration", 0) / 1000
    return Measured(frames, times, end=now)


def _beeps(path: Path, track: int, start: float) -> list[float]:
    """When a track becomes loud, in seconds after `start`."""
    times, levels = [], []
    mono = av.AudioResampler(format="fltp", layout="mono")  # PyAV crashes on frames of many channels
    with av.open(str(path)) as container:
        for decoded in container.decode(audio=track):
            for frame in mono.resample(decoded):
                levels.append(np.abs(frame.to_ndarray()[0]))
                times.append(float(frame.time) + np.arange(levels[-1].size) / frame.sample_rate)
    if not levels:
        return []
    time, level = np.concatenate(times), np.concatenate(levels)
    loud = time[level > 0.3 * max(level.max(), 0.05)]
    return [float(now - start) for before, now in zip([-1e9, *loud], loud, strict=False) if now - before > 0.1]


def mistakes(expected: Film | Still, found: Measured) -> list[str]:
    """What a film or picture has otherwise than expected."""
    wrong = []

    def check(name: str, right: object, seen: object) -> None:
        if right != seen:
            wrong.append(f"{name} {seen} instead of {right}")

    if isinstance(expected, Still):
        check("number", expected.number, number_of(found.frames[0]))
    else:
        shown = tuple(map(number_of, found.frames))
        check("frames", len(expected.shows), len(shown))
        if len(shown) == len(expected.shows):
            check("shows", expected.shows, shown)
        rate = float(Fraction(expected.rate))
        if len(shown) > 1 and abs(found.rate / rate - 1) > 0.002:
            check("rate", expected.rate, f"{found.rate:.4g}")
        check("sar", Fraction(expected.sar), found.sar)
        for what in ("subtitles", "chapters"):
            check(what, getattr(expected, what), getattr(found, what))
        check("sound tracks", expected.sound, len(found.beeps))
        for number, track in enumerate(found.beeps):
            far = max((abs(a - b) for a, b in zip(track, expected.beeps, strict=False)), default=0.0)
            if len(track) != len(expected.beeps) or far > SYNC:
                check(f"beeps of track {number + 1}", expected.beeps, [round(beep, 3) for beep in track])
    check("size", "{}x{}".format(*expected.size), "{}x{}".format(*found.size))
    for kind, decibels in found.fidelity(expected.palette).items():
        if decibels < expected.fidelity:
            seen = dict(
                zip(
                    expected.palette,
                    np.mean([colours_of(f) for f in found.frames], axis=0).round().astype(int).tolist(),
                    strict=True,
                )
            )
            wrong.append(f"{kind} colours {decibels:.1f} dB instead of {expected.fidelity:g}: {seen}")
    return wrong
