"""ffmpeg as a subprocess: found, started, read from, and always ended."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

from dreamvid.core.errors import JobError, ToolError

# Formats that may be opened: none is a playlist or script that could name other files; the only protocol is file.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,webp_anim,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,"
    "flv,ogg,asf,mxf,nut,dv,rm,yuv4mpegpipe,mp3,wav,flac,aac"
)
# STRICT: the first error ends ffmpeg. STEADY: a damaged file decodes to the same frames each time.
STRICT, STEADY = ("-xerror", "-err_detect", "explode"), ("-threads", "1")
FULL = ("No space left on device", "Disk quota exceeded")
FENCE = {"protocol_whitelist": "file", "format_whitelist": FORMATS}

_TROUBLE = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal|panic)\] (.*)")
# Let Linux end the child when its parent is killed: by a shim, since preexec_fn may deadlock with torch's threads.
_TIED = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9);"
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)


@cache
def executable() -> str:
    """Return the path of ffmpeg, from imageio-ffmpeg or IMAGEIO_FFMPEG_EXE; raise ToolError where there is none."""
    try:
        import imageio_ffmpeg

        named = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise ToolError(f"ffmpeg was not found ({error}): run `pip install imageio-ffmpeg`") from error
    found = shutil.which(named)
    if found is None:
        raise ToolError(
            f"there is no ffmpeg at {named}, the path in IMAGEIO_FFMPEG_EXE: correct or unset that variable"
        )
    return os.path.abspath(found)  # noqa: PTH100 (resolve would follow links)


def location(path: Path) -> str:
    """Return a path for ffmpeg and PyAV that cannot be read as a protocol (`co:lon.mp4`) or an option (`-dash.mp4`)."""
    return f"file:{path.absolute()}"


def source_arguments(path: Path, *, decoder: str = "", mood: Sequence[str] = ()) -> list[str]:
    """Return the arguments that open a source, restricted to FENCE; `decoder` replaces ffmpeg's choice for the picture.

    `mood` is STRICT, STEADY or empty.
    """
    fence = [part for key, value in FENCE.items() for part in (f"-{key}", value)]
    chosen = ["-c:v", decoder] if decoder else []
    return [*mood, *fence, *chosen, "-i", location(path)]


@cache
def pixel_formats(encoder: str) -> tuple[str, ...]:
    """Return the pixel formats of an encoder, its preferred one first; empty where the binary lacks the encoder."""
    answer = subprocess.run(
        [executable(), "-hide_banner", "-h", f"encoder={encoder}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    match = re.search(r"Supported pixel formats: (.*)", answer.stdout.decode("utf-8", "replace"))
    return tuple(match[1].split()) if match else ()


@cache
def has_filter(name: str) -> bool:
    """Return whether the binary has a filter; not every build has zscale."""
    answer = subprocess.run(
        [executable(), "-hide_banner", "-h", f"filter={name}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return answer.stdout.startswith(b"Filter ")


def check_space(words: str, path: Path) -> None:
    """Raise JobError where ffmpeg's words about a file that it was writing say that the disk is full."""
    if any(full in words for full in FULL):
        raise JobError(
            f"{path} cannot be written: the disk is full; free some space, or give an output on another "
            "disk, and run again to resume"
        )


class Ffmpeg:
    """Running ffmpeg process; a context manager that drains its standard error and ends the process on exit.

    `hear` is called with each line of standard error, from another thread. `errors` holds the last lines of level error
    and worse.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        feeds: bool = False,
        delivers: bool = False,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        command = [executable(), "-hide_banner", "-nostdin", "-nostats", "-v", "level+info", *arguments]
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
        self.errors: deque[str] = deque(maxlen=40)
        self._last: deque[str] = deque(maxlen=4)
        self._hear = hear
        self._fault: Exception | None = None
        self._heard = time.monotonic()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE if delivers else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must reach us only, not an encoder in the middle of a film
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
        self._listener = threading.Thread(target=self._listen, name="ffmpeg's standard error", daemon=True)
        self._listener.start()

    def __enter__(self) -> "Ffmpeg":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # buffered bytes cannot be flushed to a dead encoder
                    pipe.close()

    def read_into(self, buffer: bytearray) -> bool:
        """Fill the buffer from ffmpeg's standard output; return False where the output ends before it is full."""
        assert self._process.stdout is not None
        view, filled = memoryview(buffer), 0
        while filled < len(view):
            count = self._process.stdout.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                return False
            filled += count
        return True

    def write(self, data: memoryview) -> None:
        """Write bytes to ffmpeg's standard input; raise ToolError with ffmpeg's last lines where it accepts no more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except OSError:
            self.finish()
            raise ToolError(f"the encoder stopped: {self.words}") from None

    def finish(self, patience: float | None = None) -> int:
        """Wait for ffmpeg to end and return its exit status; `patience`: timeout in seconds between two output lines.

        Raises ToolError after that timeout, and any exception that `hear` raised.
        """
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        while True:
            try:
                status = self._process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if patience is not None and time.monotonic() - self._heard > patience:
                    raise ToolError(
                        f"ffmpeg made no progress for {patience:.0f} s and was stopped: run the command again"
                    ) from None
        self._listener.join()
        if self._fault is not None:
            raise self._fault
        return status

    @property
    def words(self) -> str:
        """Return ffmpeg's last lines joined into one: its errors if there were any."""
        return "; ".join(list(self.errors)[-3:] or self._last) or "it said nothing"

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            self._heard = time.monotonic()
            if match := _TROUBLE.match(line):
                self.errors.append(match[1])
            elif line:
                self._last.append(line)
            if self._hear is None or self._fault is not None:
                continue
            try:
                self._hear(line)
            except Exception as error:  # raised again by finish; a reader that stops would block ffmpeg on a full pipe
                self._fault = error
                self._process.kill()
