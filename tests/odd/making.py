"""How odd media are made: with ffmpeg, with PyAV packet by packet, and sound by hand."""

import wave
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from media.clips import run

from odd.picture import BEEPS, COUNT, HEIGHT, WIDTH, Pixels, picture

X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-pix_fmt", "yuv420p", "-g", "8")
LOSSLESS = ("-c:v", "ffv1")
AAC = ("-c:a", "aac", "-b:a", "128k")
MS = Fraction(1, 1000)
AS_BT709 = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=colorspace=bt709:range=tv"


def url(path: Path) -> str:
    return f"file:{path}"


def pictures(count: int = COUNT, height: int = HEIGHT, width: int = WIDTH) -> list[Pixels]:
    return [picture(number, height, width) for number in range(count)]


def encode(path: Path, *how: str, shown: Sequence[Pixels] | None = None, rate: str = "25", more: Iterable[str] = ()):
    """Encode pictures, those of a plain clip if none are given; `more`: inputs besides, `how`: output arguments."""
    shown = pictures() if shown is None else shown
    height, width = shown[0].shape[:2]
    head = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", rate, "-i", "pipe:0"]
    run(*head, *more, *(how or X264), url(path), data=b"".join(image.tobytes() for image in shown))


def with_sound(path: Path, *how: str, sound: Path | None = None, video: Sequence[str] = X264, **more) -> None:
    """Encode a plain clip with a sound that beeps where it flashes."""
    sound = sound or beeps(path.parent / "beeps.wav")
    encode(path, "-map", "0:v", "-map", "1:a", *video, *(how or AAC), more=["-i", url(sound)], **more)


def beeps(path: Path, at: Sequence[float] = BEEPS, seconds: float = 0.96, rate: int = 48000, channels: int = 1) -> Path:
    """Write a WAV file of silence, with 50 ms of 1 kHz at these times, in all channels."""
    time = np.arange(round(rate * seconds)) / rate
    sound = np.zeros(len(time))
    for start in at:
        inside = (time >= start - 1e-9) & (time < start + 0.05)
        sound[inside] = 12000 * np.sin(2 * np.pi * 1000 * (time[inside] - start))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(sound[:, None], channels, axis=1).astype("<i2").tobytes())
    return path


def sound_with_cover(path: Path) -> None:
    """Write a sound file that holds a picture, as players show it beside the title."""
    cover = path.with_name("cover.jpg")
    encode(cover, "-frames:v", "1")
    run(
        *("-i", url(beeps(path.with_name("a.wav"))), "-i", url(cover), "-map", "0", "-map", "1", "-c:v", "copy"),
        *("-disposition:v", "attached_pic", url(path)),
    )


def stamped(
    path: Path,
    stamps: Sequence[int | None],
    *,
    shown: Sequence[Pixels] | None = None,
    base: Fraction = MS,
    codec: str = "libx264",
    last: int = 40,
    form: str | None = None,
) -> None:
    """Write pictures whose packets have these time stamps, in units of `base`, without B-frames."""
    shown = pictures(len(stamps)) if shown is None else shown
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "12", "bf": "0", "preset": "veryfast", "g": "8"} if codec == "libx264" else {}
        stream.time_base = base
        stream.codec_context.time_base = Fraction(1, 25)
        coming = list(stamps)
        frames = [av.VideoFrame.from_ndarray(image, format="rgb24") for image in shown]
        for number, frame in enumerate([*frames, None]):
            if frame is not None:
                frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in stream.encode(frame):
                packet.time_base = base
                packet.pts = packet.dts = coming.pop(0)
                packet.duration = last
                container.mux(packet)


def held(times: Sequence[tuple[int, float]], end: float, rate: float) -> tuple[int, ...]:
    """What a film of constant rate shows of pictures (number, second it appears): at half of each frame's time."""
    middles = [(frame + 0.5) / rate for frame in range(round(end * rate))]
    return tuple(max((second, number) for number, second in times if second < middle)[1] for middle in middles)


def cut_off(path: Path, share: float) -> None:
    """Keep only the beginning of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
