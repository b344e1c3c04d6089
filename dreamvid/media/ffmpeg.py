"""ffmpeg as a subprocess: found, started, read from, and always ended."""

import atexit
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from dreamvid.core.errors import JobError, ToolError

# Formats that may be opened: none is a playlist or script that could name other files; the only protocol is file.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,apng,webp_anim,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,obu,ivf,"
    "flv,ogg,asf,mxf,nut,dv,rm,yuv4mpegpipe,mjpeg,jpeg_pipe,mp3,wav,flac,aac,aiff,caf,w64,au,ac3,eac3,dts,amr,tta,wv"
)
# STRICT: the first error ends ffmpeg. STEADY: a damaged file decodes to the same frames each time.
STRICT, STEADY = ("-xerror", "-err_detect", "explode"), ("-threads", "1")
ONE_GRAPH = ("-reinit_filter", "0")  # filters go on, and count on, where frames say something else of their colours
# Exact between YUV and RGB; without it, 4:2:0 comes out darker by 1 to 2 levels, and not the same on every processor.
SCALER = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
FULL = ("No space left on device", "Disk quota exceeded")
FENCE = {"protocol_whitelist": "file", "format_whitelist": FORMATS}

CRASHES = ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGILL", "SIGBUS")  # of its own doing
PATIENCE = 60.0  # seconds without progress after which ffmpeg is ended; a frame of 8192x8192 takes about 1

_PROGRESS = re.compile(r"(frame|total_size|out_time_us)=(.*)|[a-z0-9_]+=\s*\S*$")  # lines of `-progress`
_SIGNAL = re.compile(r"Exiting normally, received signal (\d+)")
_TROUBLE = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal|panic)\] (.*)")
# Let Linux end the child when its parent is killed: by a shim, since preexec_fn may deadlock with torch's threads.
_TIED = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9);"
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execv(sys.argv[2], sys.argv[2:])"
)


class EndedError(ToolError):
    """ffmpeg was ended from outside, or stood still: that says nothing about what it was to do."""

    passing = True


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

    `mood` is STRICT, STEADY or empty, and ONE_GRAPH.
    """
    fence = [part for key, value in FENCE.items() for part in (f"-{key}", value)]
    chosen = ["-c:v", decoder] if decoder else []
    return [*mood, *fence, *chosen, "-i", location(path)]


@cache
def pixel_formats(encoder: str) -> tuple[str, ...]:
    """Return the pixel formats of an encoder, its preferred one first; empty where the binary lacks the encoder."""
    match = re.search(r"Supported pixel formats: (.*)", _help(f"encoder={encoder}"))
    return tuple(match[1].split()) if match else ()


@cache
def has_filter(name: str) -> bool:
    """Return whether the binary has a filter; not every build has zscale."""
    return _help(f"filter={name}").startswith("Filter ")


def version() -> str:
    """Return the version of the binary; raise ToolError where there is none."""
    return re.sub(r"^ffmpeg version (\S+).*", r"\1", _asked("-version").partition("\n")[0])


def _help(topic: str) -> str:
    return _asked("-hide_banner", "-h", topic)


def _asked(*words: str) -> str:
    """Return what ffmpeg answers to arguments that read and write nothing."""
    command = [executable(), *words]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise _stalled(PATIENCE) from None
    if answer.returncode < 0:
        raise _ended(-answer.returncode)
    return answer.stdout.decode("utf-8", "replace")


def _stalled(patience: float) -> ToolError:
    return EndedError(f"ffmpeg made no progress for {patience:g} s and was stopped: run the command again")


def _ended(number: int) -> ToolError:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    kind = ToolError if name in CRASHES else EndedError
    return kind(f"ffmpeg was ended from outside ({name}), perhaps for lack of memory: run the command again")


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
    and worse. While something is waited for, the process is ended after `patience` seconds without progress: a byte
    read, a line of standard error, where `counts` another number of frames or bytes, or a change of the file `writes`.
    Every method raises ToolError where ffmpeg was ended so, or from outside.
    """

    _running: ClassVar["weakref.WeakSet[Ffmpeg]"] = weakref.WeakSet()

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        feeds: bool = False,
        delivers: bool = False,
        hear: Callable[[str], None] | None = None,
        counts: bool = False,
        writes: Path | None = None,
        patience: float | None = None,
    ) -> None:
        command = [executable(), "-hide_banner", "-nostdin", "-nostats", "-v", "level+info"]
        command += [*(["-progress", "pipe:2", "-stats_period", "1"] if counts else []), *arguments]
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
        self.errors: deque[str] = deque(maxlen=40)
        self._last: deque[str] = deque(maxlen=4)
        self._hear = hear
        self._fault: Exception | None = None
        self._heard = time.monotonic()
        self._counted: dict[str, str] = {}
        self._writes = writes
        self._patience = PATIENCE if patience is None else patience
        self._waits_since: float | None = None
        self._stalled, self._signal = False, 0
        self._left = threading.Event()
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
        self._watchdog = threading.Thread(target=self._watch, name="ffmpeg's watchdog", daemon=True)
        self._watchdog.start()
        self._running.add(self)

    @classmethod
    def end_all(cls) -> None:
        """End every process that is not ended yet, such as that of a generator nobody has read to its end."""
        for ffmpeg in tuple(cls._running):
            ffmpeg.__exit__(None, None, None)

    def __enter__(self) -> "Ffmpeg":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._running.discard(self)
        self._left.set()
        self._listener.join()
        self._watchdog.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # buffered bytes cannot be flushed to a dead encoder
                    pipe.close()

    def read_into(self, buffer: bytearray) -> bool:
        """Fill the buffer from ffmpeg's standard output; return False where the output ends before it is full."""
        assert self._process.stdout is not None
        with self._waiting():
            filled = self._process.stdout.readinto(buffer)  # type: ignore[attr-defined]
        if filled < len(buffer):
            self.finish()
        return bool(filled == len(buffer))

    def write(self, data: memoryview) -> None:
        """Write bytes to ffmpeg's standard input; raise ToolError with ffmpeg's last lines where it accepts no more."""
        assert self._process.stdin is not None
        try:
            with self._waiting():
                self._process.stdin.write(data)
        except OSError:
            self.finish()
            raise ToolError(f"the encoder stopped: {self.words}") from None

    def finish(self) -> int:
        """Wait for ffmpeg to end and return its exit status; raise any exception that `hear` raised."""
        with self._waiting():
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            status = self._process.wait()
            self._listener.join()
        if self._fault is not None:
            raise self._fault
        if self._stalled:
            raise _stalled(self._patience)
        if status < 0 or self._signal:
            raise _ended(self._signal or -status)
        return status

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waits_since = time.monotonic()
        try:
            yield
        finally:
            self._waits_since = None

    def _watch(self) -> None:
        """End the process where we wait for it and it makes no progress; even one that is stopped can be killed."""
        changed = 0
        while not self._left.wait(min(1.0, self._patience / 4)):
            if self._writes is not None:
                with contextlib.suppress(OSError):
                    before, changed = changed, self._writes.stat().st_mtime_ns
                    if changed != before:
                        self._heard = time.monotonic()
            since = self._waits_since
            if since is not None and time.monotonic() - max(since, self._heard) > self._patience:
                self._stalled = True
                self._process.kill()
                return

    @property
    def words(self) -> str:
        """Return ffmpeg's last lines joined into one: its errors if there were any."""
        return "; ".join(list(self.errors)[-3:] or self._last) or "it said nothing"

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            if match := _PROGRESS.fullmatch(line):
                if match[1] and self._counted.get(match[1]) != match[2]:
                    self._counted[match[1]] = match[2]
                    self._heard = time.monotonic()
                continue
            self._heard = time.monotonic()
            if match := _SIGNAL.search(line):
                self._signal = int(match[1])
            if match := _TROUBLE.match(line):
                self.errors.append(match[1])
            elif line and not line.startswith("[Parsed_showinfo_"):
                self._last.append(line)
            if self._hear is None or self._fault is not None:
                continue
            try:
                self._hear(line)
            except Exception as error:  # raised again by finish; a reader that stops would block ffmpeg on a full pipe
                self._fault = error
                self._process.kill()


atexit.register(Ffmpeg.end_all)  # its threads would be stopped in the middle of a read, which aborts Python
