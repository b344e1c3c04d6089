import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dreamvid.core.errors import ToolError
from dreamvid.media import ffmpeg

from .conftest import Clip

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc=s=32x32:r=5", "-f", "null", "-"]


def test_leaving_ends_it() -> None:
    with ffmpeg.Ffmpeg(ENDLESS) as process:
        assert process._process.poll() is None
    assert process._process.poll() is not None


RAW = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "64x64"]


def still(process: ffmpeg.Ffmpeg, kind: signal.Signals) -> None:
    time.sleep(0.3)  # until the shim has become ffmpeg
    os.kill(process._process.pid, kind)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("way", ["read", "write", "finish"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (signal.SIGSTOP, r"^ffmpeg made no progress for 1 s and was stopped: run the command again$"),
        (signal.SIGKILL, r"^ffmpeg was ended from outside \(SIGKILL\), .*: run the command again$"),
        (signal.SIGTERM, r"^ffmpeg was ended from outside \(SIGTERM\), .*: run the command again$"),
    ],
)
def test_ffmpeg_that_is_stopped_or_killed_is_said(kind: signal.Signals, words: str, way: str) -> None:
    arguments = {
        "read": [*ENDLESS[:-3], *RAW[:4], "pipe:1"],
        "write": [*RAW, "-i", "pipe:0", "-f", "null", "-"],
        "finish": ENDLESS,
    }[way]
    began = time.monotonic()
    with ffmpeg.Ffmpeg(arguments, feeds=way == "write", delivers=way == "read", patience=1) as process:
        still(process, kind)
        with pytest.raises(ToolError, match=words):
            while way == "write":
                process.write(memoryview(bytes(64 * 64 * 3)))
            while way == "read":
                assert process.read_into(bytearray(32 * 32 * 3))
            process.finish()
    assert time.monotonic() - began < 20


def test_patience_counts_only_while_something_is_waited_for() -> None:
    arguments = ["-f", "lavfi", "-i", "testsrc=s=320x320:r=5:d=4", *RAW[:4], "pipe:1"]
    with ffmpeg.Ffmpeg(arguments, delivers=True, patience=0.4) as process:
        assert process.read_into(bytearray(320 * 320 * 3))
        time.sleep(1)
        assert process.read_into(bytearray(320 * 320 * 3))


def test_words_are_its_errors(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    with ffmpeg.Ffmpeg([*ffmpeg.source_arguments(tmp_path / "x.mp4"), "-f", "null", "-"]) as process:
        assert process.finish() != 0
    assert "Invalid data found" in process.words
    assert "\n" not in process.words


def test_a_fault_in_a_listener_comes_out(clip: Clip) -> None:
    def fails(line: str) -> None:
        raise LookupError(line)

    arguments = [*ffmpeg.source_arguments(clip("good.mp4")), "-f", "null", "-"]
    with ffmpeg.Ffmpeg(arguments, hear=fails) as process, pytest.raises(LookupError):
        process.finish()


def test_a_long_standard_error_does_not_block(clip: Clip) -> None:
    lines: list[str] = []
    arguments = ["-f", "lavfi", "-i", "testsrc=s=16x16:r=100:d=20", "-vf", "showinfo", "-f", "null", "-"]
    with ffmpeg.Ffmpeg(arguments, hear=lines.append) as process:
        assert process.finish() == 0
    assert sum(len(line) for line in lines) > 1 << 18


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile good.mp4\n", "#EXTM3U\n#EXTINF:2,\ngood.mp4\n#EXT-X-ENDLIST\n"]
)
def test_the_fence_keeps_other_files_out(text: str, clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "good.mp4").write_bytes(clip("good.mp4").read_bytes())
    (tmp_path / "list.mp4").write_text(text)
    with ffmpeg.Ffmpeg([*ffmpeg.source_arguments(tmp_path / "list.mp4"), "-f", "null", "-"]) as process:
        assert process.finish() != 0


def test_encoders_and_filters_are_known() -> None:
    assert "yuv420p" in ffmpeg.pixel_formats("libx264")
    assert ffmpeg.pixel_formats("no_such_encoder") == ()
    assert ffmpeg.has_filter("bwdif")
    assert not ffmpeg.has_filter("no_such_filter")


KILLED = """
import sys, time
from fractions import Fraction
from pathlib import Path
import numpy as np
from dreamvid.config.settings import OutputSettings
from dreamvid.media import encode, ffmpeg

def frames():
    for number in range(1000):
        yield np.full((64, 64, 3), number % 256, np.uint8)
        if number == 200:
            print("there", flush=True)
            time.sleep(60)

class Noted(ffmpeg.Ffmpeg):
    def __enter__(self):
        print(self._process.pid, flush=True)
        return super().__enter__()

film = encode.FilmSpec(size=(64, 64), rate=Fraction(25), count=1000, settings=OutputSettings())
output = Path(sys.argv[1])
trial = encode.rehearse(output, film, output.with_name("trial"), threads=1, notice=print)
encode.Ffmpeg = Noted
encode.encode(frames, output, film, trial, threads=1, notice=print)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_parent_takes_ffmpeg_along(tmp_path: Path) -> None:
    output = tmp_path / "x.mp4"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(output)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == b"there\n"
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child)
    assert not output.exists()


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_relative_name_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert ffmpeg.location(Path("-x:y.mp4")) == f"file:{tmp_path}{os.sep}-x:y.mp4"


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forgets which binary was found, before and after."""
    ffmpeg.executable.cache_clear()
    yield
    ffmpeg.executable.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_a_bare_name_is_looked_for_in_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    binary = tmp_path / ("ours.exe" if sys.platform == "win32" else "ours")
    shutil.copy(ffmpeg.executable(), binary)
    ffmpeg.executable.cache_clear()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", binary.name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg.executable() == str(binary)


@pytest.mark.usefixtures("fresh")
def test_a_binary_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "no-such-ffmpeg")
    with pytest.raises(ToolError, match="no-such-ffmpeg, the path in IMAGEIO_FFMPEG_EXE: correct or unset"):
        ffmpeg.executable()
