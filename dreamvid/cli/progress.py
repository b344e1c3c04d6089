"""Progress bars and notices of a running command, on standard error."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Plain(logging.Formatter):
    """Log formatter: one line that starts with the program's name, like errors."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, marked if it is a warning."""
        name = "dreamvid: warning" if record.levelno >= logging.WARNING else "dreamvid"
        return f"{name}: {' '.join(record.getMessage().split())}"


def show_notices(*, quiet: bool, verbose: bool) -> None:
    """Send the package's log to standard error: warnings always, notices unless quiet, details if verbose."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    log = logging.getLogger("dreamvid")
    log.handlers = [handler]
    log.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)


@contextmanager
def bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of frames, with time left and seconds per frame; yield its update function (done, total).

    No bar is shown if quiet or if standard error is not a terminal.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    silent = quiet or not sys.stderr.isatty()
    shape = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} frames [{elapsed} < {remaining}, {rate_inv_fmt}]"
    with (
        tqdm(disable=silent, unit="frame", bar_format=shape, dynamic_ncols=True) as bar,
        logging_redirect_tqdm([logging.getLogger("dreamvid")]),
    ):

        def tell(done: int, total: int) -> None:
            if bar.total is None or done < bar.n:  # another film starts
                bar.reset(total)
                bar.initial = done  # frames of an earlier run must not count in the estimate of the time left
            bar.n = done
            bar.refresh()

        yield tell


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
