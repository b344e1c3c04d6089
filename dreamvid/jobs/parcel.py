"""A job that is sent to where its folder and its sources are not seen, and what comes back of it: frames and journals.

The folder that is made there is a job folder as any other, whose paths lead to the files that were sent.
"""

import shutil
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dreamvid.config.named_files import change_files
from dreamvid.config.serialize import with_files
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.jobs.fingerprint import Facts
from dreamvid.jobs.folder import FRAMES, JOURNALS, JobFolder, read_fingerprint, read_plan, read_settings, write
from dreamvid.jobs.parts import Part
from dreamvid.jobs.stretch_folders import before as stretch_before
from dreamvid.media.frame_store import Journal, write_file
from dreamvid.pipeline.plan import Plan

Held = Any  # what stands for the bytes of a file on their way


@dataclass(frozen=True)
class Parcel:
    """All that a part of a job needs.

    `name`: of the job folder; `files`: what plan and settings name, by path; `stored`: what is stored of the job, by
    path in its folder; `before`: the same of the end of the stretch whose dream it goes on with.
    """

    name: str
    settings: Settings
    plan: dict[str, Any]
    facts: Facts
    files: dict[str, Held]
    stored: dict[str, bytes]
    before: "Parcel | None" = None


@dataclass(frozen=True)
class Brought:
    """The files that were stored of a part, and the lines of journals, both by path in the job folder."""

    files: dict[str, bytes]
    lines: dict[str, bytes]


def named_files(path: Path) -> list[Path]:
    """Return the files that the plan and the settings of a job name, as far as they are there."""
    folder = JobFolder(path)
    planned, settings = read_plan(folder), read_settings(folder)
    named = [file for info in (*planned.sources, planned.info) for file in info.files]

    def note(key: str, value: str) -> str:
        named.append(Path(value))
        return value

    change_files(settings.model_dump(), note)
    if (before := stretch_before(folder, planned.plan)) is not None:
        named += named_files(before.path)
    inside = [file for place in named for file in (sorted(place.iterdir()) if place.is_dir() else [place])]
    return [file for file in dict.fromkeys(inside) if file.is_file()]


def pack(part: Part, files: Iterable[Path], hold: Callable[[Path], Held], *, to_render: bool = True) -> Parcel:
    """Return what a machine needs to render a part, whose anchors are stored; else only to read what is stored of it.

    `files`: of `named_files`; `hold`: returns what stands for one on its way. Raises JobError where the folder is no
    job, or where its net is code, which may import more than its file.
    """
    path, folder = part.folder, JobFolder(part.folder)
    planned, settings = read_plan(folder), read_settings(folder)
    if any(net.is_code for net in settings.nets):
        raise JobError("a net that is code is not sent: put it, output and sources where all nodes see them")
    stored = dict[str, bytes]()
    for number in _segments_for(part, planned.plan):
        journal = folder.journal(number).file
        if journal.exists():
            positions = planned.plan.positions(planned.plan.segments[number])
            frames = [frame for position in positions if (frame := folder.frames.path(position)).exists()]
            stored |= {str(file.relative_to(path)): file.read_bytes() for file in (journal, *frames)}
    if folder.canvas_file.exists():
        stored[folder.canvas_file.name] = folder.canvas_file.read_bytes()
    sent = {str(file): hold(file) for file in files}
    earlier = None
    if to_render and (before := stretch_before(folder, planned.plan)) is not None:
        last = Part(before.path, (len(read_plan(before).plan.segments) - 1,))
        earlier = pack(last, files, hold, to_render=False)
    return Parcel(path.name, settings, planned.to_table(), read_fingerprint(folder), sent, stored, earlier)


def _segments_for(part: Part, plan: Plan) -> list[int]:
    """Return the segments of which a part needs what is stored: its own, and those whose anchors end them."""
    every = range(len(plan.segments))
    if part.shot is not None:
        shot = plan.shots[part.shot]
        return [number for number in every if shot.start <= plan.segments[number].start < shot.stop]
    return sorted({at + side for at in part.segments for side in (0, 1)} & {*every})


def unpack(parcel: Parcel, into: Path, fetch: Callable[[Held], bytes]) -> Path:
    """Make a job folder of a parcel in a folder, or bring that up to date, and return it; raise JobError if it cannot.

    `fetch`: returns the bytes of a file.
    """
    path = into / parcel.name
    folder = JobFolder(path)
    if parcel.before is not None:
        unpack(parcel.before, into, fetch)
    whole = folder.fingerprint_file.exists()  # it is written last
    if whole and read_fingerprint(folder) != parcel.facts:  # the job was begun anew meanwhile, otherwise
        shutil.rmtree(path)
        whole = False
    (path / JOURNALS).mkdir(parents=True, exist_ok=True)
    (path / FRAMES).mkdir(exist_ok=True)
    for name, data in parcel.stored.items():
        write_file(path / name, data)
    if whole:
        return path
    where = dict[str, str]()
    for name, held in parcel.files.items():
        there = Path(name).parent
        moved = Path(where.setdefault(str(there), str(into / "files" / parcel.name / str(len(where)) / there.name)))
        where[name] = str(moved / Path(name).name)
        moved.mkdir(parents=True, exist_ok=True)
        write_file(moved / Path(name).name, fetch(held))
    settings = with_files(parcel.settings, lambda key, value: where.get(value, value))
    write(folder, settings, _moved(parcel.plan, where), parcel.facts)
    return path


def _moved(value: Any, where: dict[str, str]) -> Any:
    """Return a table in which paths lead to where the files are now."""
    if isinstance(value, dict):
        return {key: _moved(inner, where) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(inner, where) for inner in value)
    return where.get(value, value) if isinstance(value, str) else deepcopy(value)


@dataclass
class Outbox:
    """Takes from a job folder what it has stored since it was unpacked, or since it was asked last."""

    path: Path
    _read: dict[Path, int] = field(default_factory=dict)
    _canvas: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        folder = JobFolder(self.path)
        plan = read_plan(folder).plan
        self._positions = {index: position for position, index in enumerate(plan.frames)}
        self.take()

    def take(self) -> Brought:
        """Return what is new."""
        folder, files, lines = JobFolder(self.path), dict[str, bytes](), dict[str, bytes]()
        for journal in sorted((self.path / JOURNALS).glob("*.jsonl")):
            new, said = Journal(journal).since(self._read.get(journal, 0))
            self._read[journal] = self._read.get(journal, 0) + len(new)
            if new:
                lines[str(journal.relative_to(self.path))] = new
            for line in said:
                frame = folder.frames.path(self._positions[line["index"]])
                files[str(frame.relative_to(self.path))] = frame.read_bytes()
        if folder.canvas_file.exists():
            found = folder.canvas_file.stat()
            if (stamp := (found.st_size, found.st_mtime_ns)) != self._canvas:
                self._canvas = stamp
                files[folder.canvas_file.name] = folder.canvas_file.read_bytes()
        return Brought(files, lines)


def store(brought: Brought, folder: JobFolder) -> None:
    """Store in a job folder what was brought, frames before the lines that tell of them; raises JobError."""
    for name, data in brought.files.items():
        (folder.path / name).parent.mkdir(exist_ok=True)
        write_file(folder.path / name, data)
    for name, lines in brought.lines.items():
        folder.journal(int(Path(name).stem)).extend(lines)
