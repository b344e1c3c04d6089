"""Clips that several tests look at, each made once, when first asked for."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from dreamvid.core.types import SourceInfo
from dreamvid.media import probe

from . import clips
from .clips import X264, film, run, tone

Clip = Callable[[str], Path]
Probed = Callable[[str], SourceInfo]

SUBTITLES = "1\n00:00:00,100 --> 00:00:00,600\nhello\n\n2\n00:00:00,700 --> 00:00:00,800\nagain\n\n"
CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 480}\ntitle={title}\n"
    for start, title in ((0, "a"), (480, "b"))
)
# Constant for 8 frames, then every second one, then every fourth: the time stamps stay.
VARYING = "select='lt(n,8)+between(n,8,15)*not(mod(n,2))+gte(n,16)*not(mod(n,4))'"
HALF_CLEAR = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(gt(X,79),255,0)'"


def make(name: str, folder: Path, clip: Clip) -> Path:
    """Makes the clip of this name in a folder."""
    path = folder / name
    sound = ["-i", str(tone(folder / "a.wav", 0.96))]
    both = ["-map", "0:v", "-map", "1:a"]
    match name:
        case "good.mp4" | "good.mkv":
            film(path, *both, *X264, "-c:a", "aac", inputs=sound)
        case "late.mp4" | "late.ts":
            good = f"file:{clip('good.mp4')}"
            run("-itsoffset", "0.517", "-i", good, "-i", good, "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
        case "two_tracks.mkv":
            (folder / "s.srt").write_text(SUBTITLES)
            (folder / "chapters").write_text(CHAPTERS)
            sound += [
                "-i",
                str(tone(folder / "b.wav", 0.96, 880.0)),
                "-i",
                str(folder / "s.srt"),
                "-i",
                str(folder / "chapters"),
            ]
            both += ["-map", "2:a", "-map", "3:s", "-map_metadata", "4", "-metadata:s:a:1", "language=fra"]
            film(path, *both, *X264, "-c:a", "flac", "-c:s", "srt", inputs=sound)
        case "varying.mp4":
            film(path, "-vf", VARYING, "-fps_mode", "passthrough", *X264, "-bf", "0")
        case "varying.mkv":
            run("-i", str(clip("varying.mp4")), "-c", "copy", str(path))
        case "turned.mp4":
            run("-display_rotation", "90", "-i", str(clip("good.mp4")), "-c", "copy", str(path))
        case "mirrored.mp4":
            run("-display_hflip", "-i", str(clip("good.mp4")), "-c", "copy", str(path))
        case "wide_pixels.mp4":
            film(path, *X264, "-vf", "setsar=4/3")
        case "cropped.mkv":  # 10 rows below and 16 columns on the left, in place of the size on the display
            data = film(path, *X264, "-vf", "setsar=1/2").read_bytes()
            data = data.replace(b"\x54\xb0\x81\x08", b"\x54\xaa\x81\x0a", 1)
            path.write_bytes(data.replace(b"\x54\xba\x81\x09", b"\x54\xcc\x81\x10", 1))
        case "odd.mp4":
            film(path, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv444p", size=(91, 161))
        case "interlaced.mp4":
            fields = ["-flags", "+ilme+ildct", "-x264-params", "tff=1"]
            film(path, "-vf", "setfield=tff", *X264, *fields, size=(96, 160))  # a multiple of 4 lines
        case "ten_bits.mp4":
            film(path, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p10le")
        case "hdr.mp4":
            tags = "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
            film(
                path,
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p10le",
                "-x265-params",
                tags,
                count=4,
            )
        case "clear.webm":
            film(
                path,
                "-vf",
                HALF_CLEAR,
                "-c:v",
                "libvpx-vp9",
                "-cpu-used",
                "8",
                "-pix_fmt",
                "yuva420p",
                "-auto-alt-ref",
                "0",
                count=6,
            )
        case "clear.mov":
            film(path, "-vf", HALF_CLEAR, "-c:v", "qtrle", "-pix_fmt", "argb", count=6)
        case "moving.gif":
            film(path, "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", count=6)
        case "av1.mp4":
            film(path, "-c:v", "libsvtav1", "-preset", "12", count=6)
        case "ntsc.mkv":
            film(path, *X264, rate="30000/1001")
        case "stream.ts" | "plain.avi":
            film(path, *X264)
        case "open_gop.mp4":
            film(path, *X264, "-bf", "3", "-x264-params", "open-gop=1:keyint=10")
        case "edit_list.mp4":
            run("-ss", "0.4", "-i", str(clip("good.mp4")), "-c", "copy", str(path))
        case "bare.h264":
            run("-i", str(clip("good.mp4")), "-c:v", "copy", "-an", str(path))
        case "frames":
            path.mkdir()
            film(path / "f_%d.png", "-start_number", "7", count=6)
        case "still.png":
            film(path, "-frames:v", "1", count=1)
        case _:
            raise ValueError(name)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Gives the path of a clip by its name."""

    @functools.cache
    def give(name: str) -> Path:
        return make(name, tmp_path_factory.mktemp("clips"), give)

    return give


@pytest.fixture(scope="session")
def probed(clip: Clip) -> Probed:
    """Gives the facts of a clip by its name, found out once."""
    return functools.cache(lambda name: probe.probe(str(clip(name))))


@pytest.fixture(scope="session")
def shown() -> dict[str, list[int]]:
    """The numbers that the frames of clips show, where they are not simply all of them."""
    return {
        "varying.mp4": [*range(8), *range(8, 16, 2), *range(16, 24, 4)],
        "varying.mkv": [*range(8), *range(8, 16, 2), *range(16, 24, 4)],
        "edit_list.mp4": list(range(10, clips.COUNT)),
    }
