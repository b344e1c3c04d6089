"""The jobs of a file, globs, matrices and placeholders filled in; all mistakes of the file are told at once."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from dreamvid.batch.job import Job
from dreamvid.batch.job_table import JobTable, filled, told
from dreamvid.batch.matrix import Table, combinations, flat, labels
from dreamvid.batch.positions import Key, Mistakes
from dreamvid.batch.stretches import begins, given_to_film, read_segments, with_films_own
from dreamvid.config import presets
from dreamvid.config.presets import Defaults
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.framing import parse_size
from dreamvid.core.paths import is_there, matching, read_toml
from dreamvid.core.timing import parse_range, parse_rate
from dreamvid.media import formats
from dreamvid.pipeline.prepare import Command
from dreamvid.pipeline.sources import NOISE, same_file
from dreamvid.pipeline.stretches import Stretch

LONGEST, MOST = 10_000_000, 100_000  # bytes of a file; jobs of a batch
MOST_WRONG = 200  # jobs with mistakes, after which no more are looked for
COMMANDS = get_args(Command)
TABLES = ("defaults", "job", "matrix")


def read(file: Path, user: Defaults | None = None, today: date | None = None) -> list[Job]:
    """Read the jobs of a batch file; raise SettingsError with a line for every mistake: file, line, column, job, key.

    `user`: the user's own defaults, beneath every job's preset; `today`: what {date} stands for.
    """
    table = read_table(file)
    text = file.read_text(encoding="utf-8-sig", errors="surrogatepass")
    return jobs_of(table, file.parent, Mistakes(file, text), user, today)


def read_table(file: Path) -> Table:
    """Read a batch file as a table; raise SettingsError with its place where it is none."""
    if not is_there(file):
        raise SettingsError(f"there is no batch file {file}")
    try:
        return read_toml(file, LONGEST)
    except SettingsError as error:
        words, found, place = str(error).rpartition(" (at line ")
        line = re.fullmatch(r"(\d+), column (\d+)\)", place)
        if not found or line is None:
            raise
        raise SettingsError(f"{file}:{line[1]}:{line[2]}{words.removeprefix(str(file))}") from None


def jobs_of(
    table: Table, folder: Path, mistakes: Mistakes, user: Defaults | None = None, today: date | None = None
) -> list[Job]:
    """Return the jobs of a table as batch files hold it; relative paths start from `folder`. Raises as `read`."""
    for unknown in set(table) - set(TABLES):
        mistakes.add((unknown,), f"unknown key {unknown}{nearest(unknown, TABLES)}", "")
    defaults, entries, matrix = table.get("defaults", {}), table.get("job", []), table.get("matrix")
    if not isinstance(defaults, dict):
        mistakes.add(("defaults",), "defaults must be a table, [defaults]", "")
    if matrix is not None and not isinstance(matrix, dict):
        mistakes.add(("matrix",), "matrix must be a table, [matrix]", "")
    tables = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not tables or not (entries or matrix):
        mistakes.add(("job",), "it has no [[job]]", "")
    mistakes.check()
    reader = _Reader(folder, mistakes, user or Defaults(), today or date.today())
    for number, entry in enumerate(entries):
        reader.add(_Entry(f"job {number + 1}", ("job", number), entry, defaults))
    if matrix is not None:
        reader.add(_Entry("matrix", ("matrix",), {"matrix": matrix}, defaults))
    mistakes.check()
    reader.check_names()
    mistakes.check()
    return reader.jobs


@dataclass(frozen=True)
class _Entry:
    """An entry of a batch file: what errors call it, its key, its table, and the defaults beneath it."""

    said: str
    key: Key
    table: Table
    defaults: Table

    @cached_property
    def matrix(self) -> Any:
        """Lists of values, whose product makes jobs."""
        return self.table.get("matrix", {})

    @cached_property
    def own(self) -> Table:
        """The table without its matrix."""
        return {key: value for key, value in self.table.items() if key != "matrix"}

    @cached_property
    def origins(self) -> dict[str, tuple[str, Key]]:
        """The place of each key of its jobs: the table that an error names, and the key of the file."""
        found: dict[str, tuple[str, Key]] = {}
        for owner, above, table in (("defaults", ("defaults",), self.defaults), (self.said, self.key, self.own)):
            for name, value in table.items():
                found[name] = (owner, (*above, name))
                if name == "set" and isinstance(value, dict):
                    found |= {key: (owner, (*above, name, key)) for key in value}
        if isinstance(self.matrix, dict):
            at = self.key if self.key == ("matrix",) else (*self.key, "matrix")
            found |= {key: (self.said, (*at, *path)) for key, path, _ in flat(self.matrix)}
        return found


@dataclass
class _Reader:
    """A reader of entries; `jobs`: those so far, `owners`: the entry of each."""

    folder: Path
    mistakes: Mistakes
    user: Defaults
    today: date
    jobs: list[Job] = field(default_factory=list)
    owners: list[_Entry] = field(default_factory=list)
    resolved: dict[str, Settings | None] = field(default_factory=dict)
    globs: dict[str, list[str]] = field(default_factory=dict)
    writable: set[tuple[object, ...]] = field(default_factory=set)
    wrong: int = 0

    def add(self, entry: _Entry) -> None:
        """Add the jobs of an entry: one, or one for each combination of its matrix."""
        if not isinstance(entry.matrix, dict):
            return self._mistake(entry, "matrix must be a table", "matrix")
        if "segment" in entry.matrix:
            return self._mistake(entry, "segment: a matrix has none: give them to the job", "segment")
        under = {"preset": self.user.preset} if self.user.preset else {}
        try:
            for chosen in combinations(entry.matrix, MOST):
                table = {key: value for key, value in chosen.items() if key in JobTable.model_fields}
                settings = {key: value for key, value in chosen.items() if key not in table}
                table |= {"set": {**_table(table.get("set")), **settings}} if settings else {}
                whole = presets.merged({**under, **entry.defaults}, presets.merged(entry.own, table))
                self._add(entry, whole, labels(entry.matrix, chosen))
                if self.wrong > MOST_WRONG:
                    return None
        except SettingsError as error:
            self._mistake(entry, str(error), "matrix")

    def check_names(self) -> None:
        """Take note of jobs that write one output."""
        seen: dict[Path, int] = {}
        folders: dict[Path, Path] = {}
        for number, job in enumerate(self.jobs):
            parent = folders.setdefault(job.output.parent, job.output.parent.resolve())
            if seen.setdefault(parent / job.output.name, number) != number:
                words = f"two jobs write {job.output.name}: tell them apart with {{stem}}, {{preset}} or {{index}}"
                self.mistakes.add(self.owners[number].key, words, self.owners[number].said)

    def _mistake(self, entry: _Entry, words: str, *keys: str) -> None:
        """Take note of a mistake at the first of some keys that is said anywhere; else at the entry."""
        owner, key = next((entry.origins[key] for key in keys if key in entry.origins), (entry.said, entry.key))
        self.mistakes.add(key, words, owner)
        self.wrong += 1

    def _add(self, entry: _Entry, table: Table, named: dict[str, str | int | float]) -> None:
        """Add the jobs of a table, one for each source."""
        values = self._values(entry, table)
        if values is None:
            return
        named |= {"preset": Path(values.preset or presets.DEFAULT).stem, "date": self.today.isoformat()}
        settings = self._settings(entry, values)
        stretches = self._stretches(entry, values, settings) if values.segment and settings is not None else ()
        how = (values.priority, values.max_tries, values.max_minutes, values.look)
        for source in self._sources(values.source):
            try:
                name = filled(values.output, {**named, "stem": Path(source).stem, "index": len(self.jobs)})
                output = self.folder / name
                if settings is None or (values.segment and not stretches):
                    return
                self._check_output(values.command, output, settings)
                if same_file(source, output):
                    raise SettingsError(f"{output.name} is the source itself")
            except (SettingsError, OSError, ValueError) as error:  # also a name that is too long
                return self._mistake(entry, f"output: {error}", "output")
            self.jobs.append(Job(values.command, source, name, output, settings, *how, stretches))
            self.owners.append(entry)
            if len(self.jobs) > MOST:
                raise SettingsError(f"{self.mistakes.file}: it has more than {MOST} jobs: make several batches of them")

    def _stretches(self, entry: _Entry, values: JobTable, film: Settings) -> tuple[Stretch, ...]:
        """Return the stretches of a film in segments; none where there are mistakes in them, which are noted."""
        if values.command != "video" or film.input.loop:
            what = "a loop" if values.command == "video" else f"command {values.command}"
            self._mistake(entry, f"{what} has no segments: leave them out", "segment")
            return ()
        owner, path = entry.origins["segment"]
        entries = [
            _Entry(f"{owner}: segment {number + 1}", (*path, number), table, {})
            for number, table in enumerate(values.segment)
        ]
        segments = read_segments(values.segment, lambda words, number, key: self._mistake(entries[number], words, key))
        found = list[Stretch]()
        for segment, its, begin in zip(segments, entries, begins(segments), strict=True):
            own = values.model_copy(
                update={"preset": segment.preset or values.preset, "set": {**values.set, **segment.set}}
            )
            settings, join = self._settings(its, own), segment.join or ("cut" if its is entries[0] else "carry")
            wrong = given_to_film(segment, self._preset(segment.preset) if settings is not None else None, film)
            if settings is not None and join == "carry" and settings.coherence.mode == "none":
                wrong.append(("join", "join: with coherence.mode=none no dream is carried on: give cut"))
            for key, words in wrong:
                self._mistake(its, words, key)
            if settings is None:
                continue
            where = f"{self.mistakes.place(its.key)}: {its.said}{segment.called}"
            settings = with_films_own(settings, film)
            found.append(Stretch(settings, begin, segment.to, join, segment.name, where))
        return tuple(found)

    def _values(self, entry: _Entry, table: Table) -> JobTable | None:
        """Return the values of a table, without those that are wrong, which are noted; None where one is missing."""
        try:
            return JobTable.model_validate(table)
        except ValidationError as error:
            wrong = dict(told(error))
        for key, words in wrong.items():
            self._mistake(entry, words, key)
        right = {key: value for key, value in table.items() if key not in wrong}
        return JobTable.model_validate(right) if {"source", "output"} <= right.keys() else None

    def _check_output(self, command: Command, output: Path, settings: Settings) -> None:
        """Raise SettingsError where an output cannot be written; of names alike that are not there, one is tried."""
        alike = (command, output.parent, output.suffix, id(settings))
        if alike in self.writable and not os.path.lexists(output):
            return
        if command == "image":
            formats.check_image(output, makes_folder=True)
        else:
            formats.check(output, settings.output, makes_folder=True)
        self.writable.add(alike)

    def _settings(self, entry: _Entry, values: JobTable) -> Settings | None:
        """Return the settings of a job; None where there are mistakes in them, which are noted, each at its key."""
        known = json.dumps([values.preset, values.size, values.frames, values.set], default=str)
        if known not in self.resolved:
            short = {"size": ("input.size", values.size), "frames": ("input.frames", values.frames)}
            given = {key: (key, value) for key, value in values.set.items()}
            given |= {key: pair for key, pair in short.items() if pair[1] is not None}
            preset = self._preset(values.preset)
            settings = _resolved(preset, given.values(), self.user)
            if not isinstance(settings, Settings):
                self._tell(entry, preset, given, settings)
                return None
            self.resolved[known] = settings
        return self.resolved[known]

    def _tell(self, entry: _Entry, preset: str | None, given: dict[str, tuple[str, Any]], words: str) -> None:
        """Take note of every mistake in settings: each is tried alone; `words`: of all, where each alone is right."""
        if isinstance(alone := _resolved(preset, (), self.user), str):
            return self._mistake(entry, alone, "preset")
        wrong = {key: _resolved(preset, (pair,), self.user) for key, pair in given.items()}
        for key, said in wrong.items():
            if isinstance(said, str):
                self._mistake(entry, said, key, "set")
        if all(isinstance(said, Settings) for said in wrong.values()):
            self._mistake(entry, words, "set")

    def _preset(self, preset: str | None) -> str | None:
        if preset is None:
            return None
        beside = self.folder / preset
        return str(beside) if preset.endswith(".toml") and is_there(beside) else preset

    def _sources(self, pattern: str) -> list[str]:
        """Return the files that match a pattern, sorted; the pattern itself where none does: its check says so."""
        if pattern not in self.globs:
            path, odd = str(self.folder / pattern), pattern in NOISE or "\0" in pattern
            self.globs[pattern] = [pattern] if odd else matching(path) or [path]
        return self.globs[pattern]


def _table(value: Any) -> Table:
    return value if isinstance(value, dict) else {}


def _resolved(preset: str | None, pairs: Iterable[tuple[str, Any]], user: Defaults) -> Settings | str:
    """Return settings, or what is wrong with them."""
    try:
        settings = presets.resolve(preset, pairs, user.table)
        _check_input(settings)
    except SettingsError as error:
        return str(error)
    return settings


def _check_input(settings: Settings) -> None:
    """Raise SettingsError for a range, rate or size that is invalid for any source."""
    wanted = settings.input
    if wanted.frames:
        parse_range(wanted.frames)
    if wanted.fps:
        parse_rate(wanted.fps)
    if wanted.size and not wanted.size.endswith("%"):
        parse_size(wanted.size, 1080, 1920)
