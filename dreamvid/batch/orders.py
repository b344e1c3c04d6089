"""The sources of the jobs of a batch: a file, clips named on the command line, a folder that is watched."""

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from dreamvid.batch.job import Job
from dreamvid.batch.jobs_file import jobs_of, read, read_table
from dreamvid.batch.matrix import Table
from dreamvid.batch.positions import Key, Mistakes
from dreamvid.batch.state import stamp_of
from dreamvid.config.presets import Defaults
from dreamvid.core.errors import SettingsError

logger = logging.getLogger(__name__)
PATTERN = "{stem} {preset}.mp4"
SETTLED = 3.0  # seconds for which a file has not changed, after which it is taken as complete
OPTIONS = {"source": "CLIP", "preset": "--preset", "output": "--pattern"}  # by the keys that they stand for
ANY = "any.mp4"  # stands for the files to come while their table is checked


class Orders(Protocol):
    """The jobs that a batch is to render, and whether others have come."""

    @property
    def file(self) -> Path:
        """The file that names the batch."""

    @property
    def endless(self) -> bool:
        """True where more may come when all is done."""

    def read(self, today: date) -> list[Job]:
        """Return the jobs; raise SettingsError with a line for each mistake."""

    def changed(self) -> bool:
        """Return whether there may be others than were read last."""


@dataclass
class JobsFile:
    """The jobs of a batch file."""

    file: Path
    user: Defaults | None = None
    endless = False
    _read: tuple[int, int] | None = None

    def read(self, today: date) -> list[Job]:
        """Return the jobs of the file."""
        self._read = _stamp(self.file)
        return read(self.file, self.user, today)

    def changed(self) -> bool:
        """Return whether the file was written since it was read."""
        return _stamp(self.file) != self._read


@dataclass
class Clips:
    """Clips, each dreamed by each of some presets; films go to a folder, which holds the state as well."""

    clips: Sequence[str]
    presets: Sequence[str]
    out: Path
    pattern: str | None = None
    user: Defaults | None = None
    endless = False

    @property
    def file(self) -> Path:
        """The name of the batch; there is no such file."""
        return self.out / "batch"

    def read(self, today: date) -> list[Job]:
        """Return a job for each clip and preset."""
        table = {"matrix": {"source": [os.path.abspath(clip) for clip in self.clips], **self.look}}  # noqa: PTH100
        return jobs_of(table, self.out, Options(self.file), self.user, today)

    def changed(self) -> bool:
        """Return that they stay."""
        return False

    @property
    def look(self) -> Table:
        """The presets and the names of films, as a matrix has them."""
        return {**({"preset": list(self.presets)} if self.presets else {}), "output": self.pattern or PATTERN}


@dataclass
class Watched:
    """The files that are put into a folder, dreamed by the defaults and the matrix of a batch file, or as clips are.

    A file is taken up once it has not changed for `SETTLED` seconds.
    """

    folder: Path
    of: JobsFile | Clips
    endless = True
    _since: dict[Path, tuple[tuple[int, int] | None, float]] = field(default_factory=dict)
    _taken: dict[Path, tuple[int, int] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise SettingsError(f"--watch {self.folder}: there is no such folder")

    @property
    def file(self) -> Path:
        """The file that names the batch."""
        return self.of.file

    def read(self, today: date) -> list[Job]:
        """Return the jobs for the files that are complete; one that cannot be taken up is left out, and said."""
        table = self._table()
        for job in self._jobs(table, [self.folder / ANY], today):  # mistakes of the table, before any file comes
            if job.output.parent.resolve() == self.folder.resolve():
                raise SettingsError(f"--watch {self.folder}: films are written into it, too: write them elsewhere")
        self._taken = self._settled()
        files = sorted(self._taken)
        try:
            return self._jobs(table, files, today)
        except SettingsError:
            kept: list[Path] = []
            for file in files:
                try:
                    self._jobs(table, [*kept, file], today)
                    kept.append(file)
                except SettingsError as error:
                    logger.warning("%s is left out: %s", file.name, error.lines[0])
            return self._jobs(table, kept, today)

    def changed(self) -> bool:
        """Return whether files have come, or changed, or the batch file has."""
        return self._settled() != self._taken or self.of.changed()

    def _table(self) -> Table:
        if isinstance(self.of, Clips):
            return {"matrix": self.of.look}
        self.of._read = _stamp(self.of.file)
        return read_table(self.of.file)

    def _jobs(self, table: Table, files: Sequence[Path], today: date) -> list[Job]:
        matrix: Any = table.get("matrix", {})
        if files and isinstance(matrix, dict):
            table = {**table, "matrix": {**matrix, "source": [str(file.absolute()) for file in files]}}
        elif not table.get("job"):
            return []
        else:
            table = {key: value for key, value in table.items() if key != "matrix"}
        if isinstance(self.of, Clips):
            return jobs_of(table, self.of.out, Options(self.file), self.of.user, today)
        text = self.of.file.read_text(encoding="utf-8-sig", errors="surrogatepass")
        return jobs_of(table, self.file.parent, Mistakes(self.file, text), self.of.user, today)

    def _settled(self) -> dict[Path, tuple[int, int] | None]:
        now, found = time.monotonic(), dict[Path, tuple[int, int] | None]()
        for path in self.folder.iterdir():
            if path.name.startswith(".") or not path.is_file():
                continue
            stamp = _stamp(path)
            if self._since.get(path, (None, 0.0))[0] != stamp:
                self._since[path] = (stamp, now)
            if now - self._since[path][1] >= SETTLED and stamp is not None and stamp[0]:
                found[path] = stamp
        return found


class Options(Mistakes):
    """The mistakes of a batch that is given by options: each names the option."""

    def line(self, key: Key, owner: str, words: str) -> str:
        """Return what is said of a mistake."""
        option = OPTIONS.get(str(key[-1])) if key else None
        return f"{option}: {words.removeprefix('output: ')}" if option else words


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return the stamp of a file; None where there is none."""
    with suppress(OSError):
        return stamp_of(file)
    return None
