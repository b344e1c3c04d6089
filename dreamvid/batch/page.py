"""A page about a batch, one file: every job with how far it is, finished films with a picture and links.

It is written anew while the batch runs, seldom enough that rendering does not notice.
"""

import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from dreamvid.analysis.pages import data_uri, link, render_page
from dreamvid.batch.job import Job
from dreamvid.batch.state import Row, State
from dreamvid.batch.status import Status
from dreamvid.batch.whole import Whole
from dreamvid.core.errors import DreamvidError, SettingsError
from dreamvid.core.paths import without_folders
from dreamvid.core.timing import duration
from dreamvid.media import images
from dreamvid.media.formats import check_place
from dreamvid.media.frame_store import write_file
from dreamvid.media.thumbnail import thumbnail

logger = logging.getLogger(__name__)
EVERY = 3.0  # seconds, at least, from one writing to the next
SHARE = 0.02  # of the time, at most, that goes into writing while the batch runs
PICTURES = 200  # films that are shown with a picture: the first
AT_ONCE = 4  # pictures that are made for one writing while the batch runs
SIDE, QUALITY = 320, 72
LONGEST = 60  # characters of a value
MARK = '<meta name="generator" content="dreamvid batch">'


@dataclass(frozen=True)
class Card:
    """A job as it is shown; `look`: what tells it from others; `film`, `report`: their addresses, empty without."""

    name: str
    row: Row
    look: Sequence[tuple[str, str]]
    error: str = ""
    film: str = ""
    report: str = ""
    picture: str = ""

    @property
    def took(self) -> str:
        """The time that its tries took, empty where it was not tried."""
        return duration(self.row.seconds) if self.row.seconds else ""


def check(page: Path, watched: Path | None = None) -> None:
    """Raise SettingsError where a page cannot be written under a name, or something else has it.

    `watched`: a folder whose files are sources.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--page {page}: give a name that ends in .html")
    check_place(page, makes_folder=True)
    if watched is not None and page.resolve().parent == watched.resolve():
        raise SettingsError(f"--page {page}: what lies in {watched} is dreamed: write the page elsewhere")
    if page.is_dir():
        raise SettingsError(f"--page {page} is a folder: give the page another name")
    if page.exists() and MARK.encode() not in page.read_bytes():
        raise SettingsError(f"--page {page} is there already and is no page of a batch: give another name")


@contextmanager
def kept(
    page: Path | None, file: Path, state: State, jobs: Callable[[], Mapping[str, Job]]
) -> Iterator[Callable[[Whole | None], None]]:
    """Keep a page about a batch up to date; yield what is called with its progress, None where that is not known.

    `file`: that of the batch. At the end it is written a last time, however that comes.
    """
    if page is None:
        yield lambda whole: None
        return
    found = BatchPage(page, file, state, jobs)
    try:
        yield found.see
    finally:
        found.see(None, over=True)


@dataclass
class BatchPage:
    """A page about a batch that is rendered; `addresses`: pictures of films, by the hash of these."""

    page: Path
    file: Path
    state: State
    jobs: Callable[[], Mapping[str, Job]]
    now: Callable[[], float] = time.monotonic
    addresses: dict[str, str] = field(default_factory=dict)
    _left: float | None = None
    _due: float = 0.0
    _fails: bool = False
    _may_make: int = 0  # pictures, for the writing at hand
    _lock: threading.Lock = field(default_factory=threading.Lock)  # films that are rendered at once tell of themselves

    def see(self, whole: Whole | None, *, over: bool = False) -> None:
        """Take note of the progress of a batch, and write the page where that is due, or all is `over`.

        A page that cannot be written stops no batch: it is said once.
        """
        with self._lock:
            if whole is not None:
                self._left = whole.seconds_left
            if over or self.now() >= self._due:
                self._write(over=over)

    def _write(self, *, over: bool) -> None:
        began = self.now()
        try:
            self.page.parent.mkdir(parents=True, exist_ok=True)
            write_file(self.page, self.html(over=over).encode("utf-8", "replace"))
            self._fails = False
        except (DreamvidError, OSError) as error:
            if not self._fails:
                logger.warning("the page is not written: %s", error)
            self._fails = True
        ended = self.now()
        self._due = ended + max(EVERY, (ended - began) / SHARE)

    def html(self, *, over: bool) -> str:
        """Return the page as it is now."""
        paused = bool(self.state.told("paused"))
        status = Status(self.file, self.state.rows(), {} if over else {"driver": "this"}, paused)
        counts, frames = status.counts, sum(row.frames for row in status.rows)
        stopped = over and counts["waiting"] > 0
        self._may_make = PICTURES if over and not stopped else AT_ONCE
        common, cards = self._cards(status)
        pictures = sum(bool(card.picture) for card in cards["done"])
        return render_page(
            "batch.html.j2",
            name=self.file.stem if self.file.suffix else self.file.parent.name,
            mark=MARK,
            condition="stopped" if stopped else "over" if over else "paused" if paused else "running",
            cards=cards,
            counts=counts,
            jobs=len(status.rows),
            frames=(sum(row.done for row in status.rows), frames),
            took=duration(seconds) if (seconds := sum(row.seconds for row in status.rows)) else "",
            left=duration(self._left) if self._left is not None and not over else "",
            common=common,
            most=PICTURES,
            pictures=pictures if pictures < len(cards["done"]) else 0,
            written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        )

    def _cards(self, status: Status) -> tuple[Sequence[tuple[str, str]], Mapping[str, list[Card]]]:
        """Return what all jobs have in common, and the jobs by their condition, each in the order of its turn."""
        jobs = self.jobs()
        common, differing = _looks(jobs.values())
        cards: dict[str, list[Card]] = {condition: [] for condition in status.counts}
        for row in sorted(status.rows, key=lambda row: -row.priority):
            condition, job = status.condition(row), jobs.get(row.name)
            if job is None:  # it has left the file meanwhile
                continue
            look = [(key, _text(job.said[key], self._folders(job))) for key in differing if key in job.said]
            name, error = (without_folders(text, self._folders(job)) for text in (row.name, row.error))
            film = report = picture = ""
            if condition == "done" and job.output.exists():
                film, beside = link(job.output, self.page), Path(f"{job.output}.html")
                report = link(beside, self.page) if beside.is_file() else ""
                if len(cards["done"]) < PICTURES:
                    picture = self._picture(row, job.output)
            cards[condition].append(
                Card(name, row, look, error or ("left out" if row.skip else ""), film, report, picture)
            )
        return common, cards

    def _folders(self, job: Job) -> Iterator[Path]:
        """Yield the folders that a text about a job may speak of."""
        yield from (self.file.parent, job.output.parent, Path(job.source).parent)

    def _picture(self, row: Row, film: Path) -> str:
        """Return the picture of a film as an address: made once, and kept; empty where it has none, or has none yet."""
        sha256 = row.sha256 or ""
        if sha256 not in self.addresses:
            webp = self.state.picture(sha256)
            if webp is None:
                if not self._may_make:
                    return ""
                self._may_make -= 1
                webp = _webp(film)
                self.state.keep_picture(sha256, webp)
            self.addresses[sha256] = data_uri(webp, "image/webp") if webp else ""
        return self.addresses[sha256]


def _webp(film: Path) -> bytes:
    """Return a small picture of a film; nothing where it shows none."""
    try:
        return images.encode(thumbnail(film, SIDE), ".webp", quality=QUALITY)
    except DreamvidError as error:
        logger.debug("%s", error)
        return b""


def _looks(jobs: Iterable[Job]) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """Return what is said of every job in the same words, and the keys of which it is not."""
    values, counts, total = defaultdict[str, dict[str, Any]](dict), defaultdict[str, int](int), 0
    for job in jobs:
        total += 1
        for key, value in job.said.items():
            values[key].setdefault(str(value), value)
            counts[key] += 1
    same = [key for key, found in values.items() if len(found) == 1 and counts[key] == total and total > 1]
    return [(key, _text(next(iter(values[key].values())))) for key in same], [key for key in values if key not in same]


def _text(value: Any, folders: Iterable[Path] = ()) -> str:
    """Return a value as it is shown; of a file, its name."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = Path(text).name if Path(text).is_absolute() else without_folders(text, folders)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
