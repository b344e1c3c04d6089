"""Progress bars and notices of a running command, on standard error."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dreamvid.cli import REPAIRED
from dreamvid.core.errors import SettingsError, one_line
from dreamvid.core.words import counted

if TYPE_CHECKING:
    from dreamvid.batch.whole import Show, Whole
    from dreamvid.jobs.events import Event, Progress
    from dreamvid.jobs.run import Summary

EVERY = 30.0  # seconds from line to line where there is no terminal
COUNTED = {"paint": "steps of the canvas", "render": "frames"}  # what is done in a phase whose time left is told
PHASES = {"paint": "canvas: ", "render": "", "encode": "film: "}  # before the bar of each phase of a render


class _Plain(logging.Formatter):
    """Log formatter: one line that starts with the program's name, like errors."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, marked if it is a warning."""
        name = "dreamvid: warning" if record.levelno >= logging.WARNING else "dreamvid"
        return f"{name}: {one_line(record.getMessage())}"


@dataclass
class _AtLeast(logging.Filter):
    """Log filter of standard error; not the level of its handler, which the progress bar's has not."""

    verbose: bool
    level: int = logging.WARNING

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is shown."""
        return record.levelno >= self.level


def start_log(*, verbose: bool, file: Path | None) -> None:
    """Send the package's log to standard error, warnings alone until `show_notices`, and all of it to a file if given.

    `verbose`: details are shown as well. Raises SettingsError where the file cannot be written.
    """
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_Plain())
    console.addFilter(_AtLeast(verbose))
    log = logging.getLogger("dreamvid")
    log.handlers = [console]
    log.setLevel(logging.DEBUG)
    if file is not None:
        from dreamvid import __version__

        try:
            kept = logging.FileHandler(file, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"--log-file {file} cannot be written: {error.strerror}") from None
        kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(kept)
        log.debug("dreamvid %s", __version__)


def show_notices(*, quiet: bool) -> None:
    """Show notices of the log as well, and details if these were asked for; only warnings if quiet."""
    for handler in logging.getLogger("dreamvid").handlers:
        for rule in handler.filters:
            if isinstance(rule, _AtLeast):
                rule.level = logging.WARNING if quiet else logging.DEBUG if rule.verbose else logging.INFO


@contextmanager
def bar(*, quiet: bool) -> Iterator[Callable[..., None]]:
    """Show a progress bar of frames, with time left and seconds per frame; yield its update function.

    That takes (done, total) and, optionally, the words before the bar and the time left as text; without it, that is
    told from the rate. No bar is shown if quiet or if standard error is not a terminal.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    silent = quiet or not sys.stderr.isatty()
    shape = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} frames [{elapsed} < LEFT, {rate_inv_fmt}]"
    with (
        tqdm(disable=silent, unit="frame", dynamic_ncols=True) as bar,
        logging_redirect_tqdm([logging.getLogger("dreamvid")]),
    ):

        def tell(done: int, total: int, words: str = "", left: str = "{remaining}") -> None:
            if bar.total is None or done < bar.n or words != bar.desc:  # another film, or phase of it, starts
                bar.reset(total)
                bar.set_description_str(words, refresh=False)
                bar.initial = done  # frames of an earlier run must not count in the estimate of the time left
            bar.n = done
            bar.bar_format = shape.replace("LEFT", left)
            bar.refresh()

        yield tell


@contextmanager
def render_bar(*, quiet: bool) -> Iterator["Progress"]:
    """Show a bar of each phase of a render; yields the function that is called with its events.

    Where standard error is not a terminal, there is a line from time to time instead.
    """
    line_is_due = _lines(quiet=quiet)
    with bar(quiet=quiet) as tell:

        def on_event(event: "Event") -> None:
            left = "{remaining}" if event.phase == "encode" else clock(event.seconds_left)
            tell(event.done, event.total, PHASES[event.phase], left)
            if event.phase in COUNTED and line_is_due():
                log, of = logging.getLogger("dreamvid"), COUNTED[event.phase]
                log.info("%d of %d %s, %s left", event.done, event.total, of, clock(event.seconds_left))

        yield on_event


@contextmanager
def batch_bars(*, quiet: bool) -> Iterator["Show"]:
    """Show a bar of a batch and one of each film that is being rendered; yields the function that takes its progress.

    Lines as for `render_bar`.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    line_is_due, silent = _lines(quiet=quiet), quiet or not sys.stderr.isatty()
    log, films = logging.getLogger("dreamvid"), dict[str, Any]()
    with ExitStack() as opened:

        def new_bar() -> Any:
            shape = "{percentage:3.0f}%|{bar}| {desc}"
            return opened.enter_context(tqdm(disable=silent, bar_format=shape, dynamic_ncols=True, leave=not films))

        films[""] = new_bar()  # the bar of all
        opened.enter_context(logging_redirect_tqdm([log]))

        def draw(name: str, done: int, total: int, words: str) -> None:
            bar = films[name]
            bar.total, bar.n = total, done
            bar.set_description_str(words)

        def show(whole: "Whole") -> None:
            for name in films.keys() - whole.now.keys() - {""}:
                films.pop(name).close()
            for name, event in whole.now.items():
                films[name] = films.get(name) or new_bar()
                left = f", {clock(event.seconds_left)} left" if event.phase in COUNTED else ""
                draw(name, event.done, event.total, f"{PHASES[event.phase]}{name}, {event.done} of {event.total}{left}")
            words = f"{whole.jobs_done} of {counted(whole.jobs, 'job')}, {whole.frames_done} of "
            words += f"{counted(whole.frames, 'frame')}, {clock(whole.seconds_left)} left"
            draw("", whole.frames_done, whole.frames, f"batch: {words}")
            if line_is_due():
                log.info("batch: %s; now %s", words, ", ".join(whole.now))

        yield show


def _lines(*, quiet: bool) -> Callable[[], bool]:
    """Return a function that says whether a line is due: where there is no terminal, after `EVERY` seconds."""
    last = time.monotonic()

    def is_due() -> bool:
        nonlocal last
        if quiet or sys.stderr.isatty() or time.monotonic() - last < EVERY:
            return False
        last = time.monotonic()
        return True

    return is_due


def clock(seconds: float | None) -> str:
    """Return a length of time as minutes and seconds, with hours where there are any; `?` for None."""
    from tqdm import tqdm

    return "?" if seconds is None else tqdm.format_interval(round(seconds))


@contextmanager
def minutes_bar(*, quiet: bool) -> Iterator[Callable[[float, float], None]]:
    """Show a progress bar of minutes; yield its update function (done, total).

    No bar is shown if quiet or if standard error is not a terminal.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    silent = quiet or not sys.stderr.isatty()
    shape = "{percentage:3.0f}%|{bar}| {n:.1f}/{total:.1f} minutes"
    with (
        tqdm(total=1.0, disable=silent, bar_format="reading the pictures", dynamic_ncols=True) as bar,
        logging_redirect_tqdm([logging.getLogger("dreamvid")]),
    ):

        def tell(done: float, total: float) -> None:
            bar.bar_format, bar.total, bar.n = shape, total, done
            bar.refresh()

        yield tell


def report(summary: "Summary", *, json: bool) -> None:
    """Say what a finished render is, on a last line of JSON too if `json`; exit where damage was repaired."""
    log = logging.getLogger("dreamvid")
    log.info("%s: %s", summary.output, summary.in_words())
    if json:
        print(summary.to_json())
    if summary.damaged:
        are = "is damaged: it" if summary.damaged == 1 else "are damaged: each"
        log.warning("%s of the source %s shows the last good one, or the first", counted(summary.damaged, "frame"), are)
    if summary.cut_short:
        log.warning("the source is cut short: the film ends where it breaks off, and so may its sound before that")
    if summary.damaged or summary.cut_short:
        raise typer.Exit(REPAIRED)
