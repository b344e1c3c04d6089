"""The state of a batch, `JOBS.state.sqlite`: what is finished, what comes next, what it is told while it runs.

The one owner of these facts: whoever runs a batch, asks after it or tells it something opens this file.
"""

import contextlib
import json
import os
import platform
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dreamvid.core.errors import JobError, SettingsError
from dreamvid.core.texts import parse_json

VERSION = 1
BUSY = 30.0  # seconds that a write waits for another process's
SCHEMA = """
CREATE TABLE jobs (
    name TEXT PRIMARY KEY,                     -- of its output, as the job file has it
    place INTEGER,                             -- in the file, from 0; null: it is no longer in it
    priority INTEGER NOT NULL DEFAULT 0,       -- higher ones come first
    filed INTEGER NOT NULL DEFAULT 0,          -- the priority that the file gives
    state TEXT NOT NULL DEFAULT 'waiting',     -- waiting, running, done, skipped or failed
    skip INTEGER NOT NULL DEFAULT 0,           -- the user has said to leave it out
    digest TEXT NOT NULL DEFAULT '',           -- of all that its film is to be made from
    made TEXT NOT NULL DEFAULT '',             -- of all that the film which this batch made was made from
    size INTEGER, changed INTEGER, sha256 TEXT, -- of that film; changed: its time of change, in nanoseconds
    frames INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX turns ON jobs (state, skip, priority DESC, place);
CREATE TABLE tries (
    job TEXT, number INTEGER, began REAL, seconds REAL, error TEXT NOT NULL DEFAULT '', PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE shots ( -- or segments of long ones
    job TEXT, number INTEGER, first INTEGER, frames INTEGER, done INTEGER DEFAULT 0, PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE control (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
# Small pictures of films, by the hash of these: made when first shown, which an earlier version need not know.
PICTURES = "CREATE TABLE IF NOT EXISTS pictures (sha256 TEXT PRIMARY KEY, webp BLOB) WITHOUT ROWID"
TURN = "state = 'waiting' AND skip = 0 AND place IS NOT NULL"
Condition = Literal["waiting", "running", "done", "skipped", "failed"]


@dataclass(frozen=True)
class Row:
    """A job as the state has it; columns as in `SCHEMA`."""

    name: str
    place: int | None
    priority: int
    filed: int
    state: Condition
    skip: int
    digest: str
    made: str
    size: int | None
    changed: int | None
    sha256: str | None
    frames: int
    done: int
    tries: int
    seconds: float
    error: str

    def owns(self, output: Path) -> bool:
        """Return whether an output is a film that this batch has made."""
        with contextlib.suppress(OSError):
            return bool(self.made) and (self.size, self.changed) == stamp_of(output)
        return False


@dataclass(frozen=True)
class MadeFilm:
    """A film that this batch has made; columns as in `SCHEMA`."""

    digest: str
    size: int
    changed: int
    sha256: str

    @staticmethod
    def of(output: Path, digest: str, sha256: str) -> "MadeFilm":
        """Return a film that is there now."""
        return MadeFilm(digest, *stamp_of(output), sha256)


@dataclass(frozen=True)
class Ended:
    """The end of a try of a job; `passing`: whether another may go well."""

    condition: Condition
    error: str = ""
    passing: bool = False
    film: MadeFilm | None = None


COLUMNS = ", ".join(Row.__dataclass_fields__)


class State:
    """An open state; every method raises SettingsError where the file is damaged, JobError where the disk refuses."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()  # films that are rendered at once write over one connection
        with self._advised():
            self._db = sqlite3.connect(file, timeout=BUSY, isolation_level=None, check_same_thread=False)
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise SettingsError(
                    f"{file} was written by a newer dreamvid: update dreamvid, or give the batch file another name"
                )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            if version == 0:
                with self.together():
                    if not self._db.execute("PRAGMA user_version").fetchone()[0]:
                        for statement in SCHEMA.split(";\n"):
                            self._db.execute(statement)
                        self._db.execute(f"PRAGMA user_version = {VERSION}")
            if (said := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(said)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # What is known

    def rows(self, *, all_known: bool = False) -> list[Row]:
        """Return the jobs of the file, in its order; `all_known`: also those that are no longer in it."""
        where = "" if all_known else "WHERE place IS NOT NULL "
        return [Row(*values) for values in self._do(f"SELECT {COLUMNS} FROM jobs {where}ORDER BY place")]

    def row(self, name: str) -> Row | None:
        """Return a job; None where it is not known."""
        values = self._do(f"SELECT {COLUMNS} FROM jobs WHERE name = ?", name).fetchone()
        return None if values is None else Row(*values)

    def next(self, besides: frozenset[str] = frozenset()) -> str | None:
        """Return the name of the job whose turn it is, `besides` some; None where none waits."""
        others = f"{TURN} AND name NOT IN ({', '.join('?' * len(besides))})"
        order = "ORDER BY priority DESC, place LIMIT 1"
        found = self._do(f"SELECT name FROM jobs WHERE {others} {order}", *besides).fetchone()
        return None if found is None else found[0]

    def is_left_out(self, name: str) -> bool:
        """Return whether the user has said to leave a job out."""
        found = self._do("SELECT skip FROM jobs WHERE name = ?", name).fetchone()
        return found is not None and bool(found[0])

    @property
    def version(self) -> int:
        """A number that changes when another process has changed the state."""
        return int(self._do("PRAGMA data_version").fetchone()[0])

    def told(self, key: str) -> str:
        """Return what was told under a key, empty where nothing was: `paused`, `driver`, `date`."""
        found = self._do("SELECT value FROM control WHERE key = ?", key).fetchone()
        return "" if found is None else str(found[0])

    def picture(self, sha256: str) -> bytes | None:
        """Return the picture of a film, empty where it has none; None where none was made yet."""
        self._do(PICTURES)
        found = self._do("SELECT webp FROM pictures WHERE sha256 = ?", sha256).fetchone()
        return None if found is None else bytes(found[0])

    # What happens

    def keep_picture(self, sha256: str, webp: bytes) -> None:
        """Keep the picture of a film."""
        self._do("INSERT OR REPLACE INTO pictures VALUES (?, ?)", sha256, webp)

    def tell(self, key: str, value: str) -> None:
        """Keep what was told under a key."""
        self._do("INSERT OR REPLACE INTO control VALUES (?, ?)", key, value)

    def take_up(self, planned: Iterable[tuple[Any, ...]]) -> None:
        """Take up the jobs of a file, in its order: name, priority, digest, frames, state and error of each.

        Others that are known stay known, as they may come back.
        """
        with self.together():
            self._do("UPDATE jobs SET place = NULL")
            self._db.executemany(
                "INSERT INTO jobs (place, name, priority, filed, digest, frames, state, error) "
                "VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET place = ?1, "
                "priority = CASE WHEN filed = ?3 THEN priority ELSE ?3 END, filed = ?3, "
                "done = CASE WHEN digest = ?4 AND (state <> 'done' OR ?6 = 'done') THEN done ELSE 0 END, "
                "digest = ?4, frames = ?5, state = ?6, error = ?7",
                ((place, *values) for place, values in enumerate(planned)),
            )

    def begin(self, name: str) -> int:
        """Take note that a job is tried; return which try it is, of all its runs."""
        with self.together():
            self._do("UPDATE jobs SET state = 'running', tries = tries + 1, error = '' WHERE name = ?", name)
            number = int(self._do("SELECT tries FROM jobs WHERE name = ?", name).fetchone()[0])
            self._do("INSERT OR REPLACE INTO tries (job, number, began) VALUES (?, ?, ?)", name, number, time.time())
        return number

    def plan_shots(self, name: str, shots: Sequence[range]) -> None:
        """Take note of the shots of a job: the positions of their frames."""
        with self.together():
            self._do("DELETE FROM shots WHERE job = ?", name)
            rows = [(name, number, shot.start, len(shot)) for number, shot in enumerate(shots)]
            self._db.executemany("INSERT INTO shots (job, number, first, frames) VALUES (?, ?, ?, ?)", rows)

    def progress(self, name: str, done: int, *, in_order: bool = True) -> None:
        """Take note of how many frames of a job are finished; `in_order`: of the film, which tells those of shots."""
        with self.together():
            self._do("UPDATE jobs SET done = ? WHERE name = ?", done, name)
            if in_order:
                self._do("UPDATE shots SET done = max(0, min(frames, ? - first)) WHERE job = ?", done, name)

    def end(self, name: str, number: int, seconds: float, ended: Ended) -> None:
        """Take note of how a try of a job ended; `number`: which try it was. A film is known after a power cut, too."""
        self._do(f"PRAGMA synchronous = {'FULL' if ended.film else 'NORMAL'}")
        with self.together():
            self._do(
                "UPDATE tries SET seconds = ?, error = ? WHERE job = ? AND number = ?",
                seconds,
                ended.error,
                name,
                number,
            )
            self._do(
                "UPDATE jobs SET state = ?, error = ?, seconds = seconds + ? WHERE name = ?",
                *(ended.condition, ended.error, seconds, name),
            )
            if film := ended.film:
                self._do("UPDATE shots SET done = frames WHERE job = ?", name)
                self._do(
                    "UPDATE jobs SET made = ?, size = ?, changed = ?, sha256 = ?, done = frames WHERE name = ?",
                    *(film.digest, film.size, film.changed, film.sha256, name),
                )

    # What it is told

    def set_priority(self, name: str, priority: int) -> None:
        """Give a job another priority than the file does, until that changes there."""
        self._do("UPDATE jobs SET priority = ? WHERE name = ?", priority, name)

    def leave_out(self, name: str, *, skip: bool) -> None:
        """Leave a job out, or take it in again."""
        self._do("UPDATE jobs SET skip = ? WHERE name = ?", skip, name)
        if not skip:
            self._do("UPDATE jobs SET state = 'waiting', error = '' WHERE name = ? AND state = 'skipped'", name)

    def adopt(self, ledger: Path) -> None:
        """Take over the ledger of an earlier version of dreamvid, and remove it; raise SettingsError for a damaged."""
        try:
            table = parse_json(ledger.read_text(encoding="utf-8"))
            rows = [(name, digest, int(size), int(changed)) for name, (digest, (size, changed)) in table.items()]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError):
            raise SettingsError(f"{ledger} is damaged: remove it to let the batch look at its outputs anew") from None
        with self.together():
            self._db.executemany(
                "INSERT OR IGNORE INTO jobs (name, made, size, changed, state) VALUES (?, ?, ?, ?, 'done')", rows
            )
        ledger.unlink(missing_ok=True)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write all that is written within at once, or none of it."""
        with self._lock, self._advised():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _do(self, statement: str, *values: Any) -> sqlite3.Cursor:
        with self._lock, self._advised():
            return self._db.execute(statement, values)

    @contextmanager
    def _advised(self) -> Iterator[None]:
        """Turn an error of SQLite into a line that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise JobError(
                f"{self.file} cannot be used ({error}): free some space, or see to it that it can be written"
            ) from None
        except sqlite3.DatabaseError as error:
            raise SettingsError(
                f"{self.file} is damaged ({error}): remove it, and render with --overwrite to replace the films "
                "that it knew"
            ) from None


def stamp_of(output: Path) -> tuple[int, int]:
    """Return the size of a file, in bytes, and its time of change, in nanoseconds."""
    found = output.stat()
    return found.st_size, found.st_mtime_ns


def this_process() -> str:
    """Return who is at work, as JSON: process, machine and time."""
    return json.dumps({"process": os.getpid(), "machine": platform.node(), "since": time.time()})
