"""The folder of a job: what a render keeps on disk so that it can be stopped anywhere and resumed.

OUTPUT.dreamvid/   job.toml (the resolved settings), plan.json (the plan), fingerprint.json (what pixels depend on),
                   journal/000000.jsonl ... (one per segment, a line per finished frame, with its hash),
                   frames/000000.png ..., canvas.npz, trial/ (a film of plain frames with the film's sound and
                   subtitles), done.json (once the film has its name), lock
                   stretches/000 ... (a job folder for each stretch of a film that has such; beside trial, done.json and
                   lock there is nothing else then)
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dreamvid.coherence.carry import CarryState
from dreamvid.config import presets
from dreamvid.config.serialize import with_files
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.jobs.fingerprint import Facts, differences
from dreamvid.jobs.locks import HeldError, locked
from dreamvid.jobs.records import FrameRecord, read_lines
from dreamvid.media.frame_store import FrameStore, Journal, read_table, write_file, write_table
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.prepare import RenderPlan

SETTINGS, PLAN, FINGERPRINT, CANVAS, DONE = "job.toml", "plan.json", "fingerprint.json", "canvas.npz", "done.json"
FRAMES, JOURNALS, TRIAL, LOCK, STRETCHES = "frames", "journal", "trial", "lock", "stretches"
OLDER, OLDER_CANVAS = "journal.jsonl", "world.npz"  # of an earlier version of dreamvid
PARTS = {SETTINGS, PLAN, FINGERPRINT, CANVAS, DONE, FRAMES, JOURNALS, TRIAL, LOCK, STRETCHES, OLDER, OLDER_CANVAS}
FOLDERS = {FRAMES, JOURNALS, TRIAL, STRETCHES}  # of these parts; all others are files
PART = re.compile(r"\..*\.part(\.\w+)?")  # a file that is not written to its end

# What becomes of a job that was begun before. `same`: it is resumed if it was begun with the same fingerprint, and is
# refused otherwise; `force`: it is resumed all the same; `renew`: it begins anew if it was begun differently; `never`:
# it begins anew.
Resume = Literal["same", "force", "renew", "never"]


@dataclass(frozen=True)
class JobFolder:
    """The paths of each part of a job, under `path`."""

    path: Path

    @cached_property
    def frames(self) -> FrameStore:
        """The finished frames, by their position in the plan."""
        return FrameStore(self.path / FRAMES)

    def journal(self, segment: int) -> Journal:
        """Return the journal of a segment, by its number from 0."""
        return Journal(self.path / JOURNALS / f"{segment:06d}.jsonl")

    @property
    def settings_file(self) -> Path:
        """The resolved settings, as a preset."""
        return self.path / SETTINGS

    @property
    def plan_file(self) -> Path:
        """The plan, as JSON."""
        return self.path / PLAN

    @property
    def fingerprint_file(self) -> Path:
        """The fingerprint: what the stored pixels depend on, as JSON."""
        return self.path / FINGERPRINT

    @property
    def canvas_file(self) -> Path:
        """The canvas of a zoom, and how many steps it has."""
        return self.path / CANVAS

    @property
    def trial(self) -> Path:
        """The folder of the trial film, from which the film gets its sound and subtitles; each run makes it anew."""
        return self.path / TRIAL

    @property
    def done_file(self) -> Path:
        """The record of the finished film, as JSON."""
        return self.path / DONE

    @property
    def begun(self) -> bool:
        """Return whether anything is done that a further run can resume from."""
        journals = (f"{JOURNALS}/*.jsonl", f"{STRETCHES}/*/{JOURNALS}/*.jsonl")
        return self.canvas_file.exists() or self.older or any(any(self.path.glob(journal)) for journal in journals)

    @property
    def older(self) -> bool:
        """Return whether an earlier version of dreamvid began the job."""
        return (self.path / OLDER).exists()


def folder_of(output: Path, work_dir: Path | None) -> JobFolder:
    """Return the folder of the job that makes `output`, beside it or in `work_dir`, whether it is there or not."""
    return JobFolder((work_dir or output.parent) / f"{output.name}.dreamvid")


def make(folder: JobFolder) -> None:
    """Make a job folder; raise JobError where it cannot be made, or something else has its name."""
    path = folder.path
    try:
        check_ours(path)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        long = error.errno == errno.ENAMETOOLONG
        advice = "give the output a shorter name" if long else "choose another --work-dir"
        raise JobError(f"{path} cannot be made: {error.strerror}; {advice}") from None


def check_ours(path: Path) -> None:
    """Raise JobError where a path is there and is no folder of parts of a job, however far that has come."""
    if odd := _odd(path):
        raise JobError(
            f"{path} is not a job folder of dreamvid ({odd} is no part of one): move it away, or choose another "
            "--work-dir"
        )


def _odd(path: Path) -> str:
    """Return the name of the first thing in a job folder that is no part of it; empty where none is.

    A link is none: it would lead what is written and removed elsewhere; nor is a named pipe, which would block.
    """
    if path.is_symlink() or not path.is_dir():
        return path.name if os.path.lexists(path) else ""
    for part in _entries(path):
        is_folder = part.is_dir(follow_symlinks=False)
        known = part.name in PARTS or PART.fullmatch(part.name)
        if not known or is_folder != (part.name in FOLDERS):
            return part.name
        for entry in _entries(Path(part)) if is_folder else (part,):
            if part.name == STRETCHES:
                if odd := _odd(Path(entry)):
                    return odd
            elif not entry.is_file(follow_symlinks=False):
                return entry.name
    return ""


def _entries(path: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(path) as entries:
        return list(entries)


@contextmanager
def held(folder: JobFolder) -> Iterator[None]:
    """Hold a job for this process; the system releases the lock however the process ends.

    A job that fails before its first frame is stored leaves no folder behind. Raises HeldError where another process
    holds the job.
    """
    check_ours(folder.path)
    try:
        with locked(folder.path / LOCK, str(folder.path)):
            yield
    except HeldError:
        raise
    except BaseException:
        if not folder.begun:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
    if _is_empty(folder):
        (folder.path / LOCK).unlink(missing_ok=True)
        folder.done_file.unlink(missing_ok=True)  # last: until then its film is known to be done
        folder.path.rmdir()


def tidy(folder: JobFolder) -> None:
    """Remove a job folder in which nothing is left; raise HeldError where another process holds it."""
    if _is_empty(folder):
        with held(folder):
            pass


def _is_empty(folder: JobFolder) -> bool:
    """Return whether a job folder holds nothing but its lock and the record of its film."""
    try:
        return folder.path.is_dir() and {path.name for path in folder.path.iterdir()} <= {LOCK, DONE}
    except OSError:  # a name that is too long, a folder without permission: said where it is made
        return False


def clear(folder: JobFolder) -> None:
    """Remove the parts of a job that is done, while it is held; its lock and its record go when it is released."""
    for path in folder.path.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in (LOCK, DONE):
            path.unlink(missing_ok=True)


def begin(folder: JobFolder, planned: RenderPlan, settings: Settings, facts: Facts, resume: Resume) -> None:
    """Write down what a job is, so that it can be resumed; `facts`: its fingerprint.

    What an earlier run finished stays, or goes, as `resume` says. Raises JobError where that run was begun differently
    and is to be resumed all the same, naming what differs; or where the disk is too small.
    """
    if folder.older and resume not in ("never", "renew"):
        raise JobError(f"{folder.path} was begun by an earlier version of dreamvid: begin anew with --no-resume")
    if not (folder.fingerprint_file.exists() and folder.begun and _resumes(folder, facts, resume)):
        for old in folder.path.iterdir():
            if old.name != LOCK:
                shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        if wrong := lacks_space(folder.path, len(planned.plan.frames), planned.plan.framing.size):
            raise JobError(wrong)
    for half_written in folder.path.rglob(".*.part*"):  # left by a run that was killed
        half_written.unlink(missing_ok=True)
    write(folder, settings, planned.to_table(), facts)


def write(folder: JobFolder, settings: Settings, plan: dict[str, Any], facts: Facts) -> None:
    """Write what a job is: its settings, in which files have absolute paths; its plan, as a table; its fingerprint."""
    whole = with_files(settings, lambda key, value: str(Path(value).absolute()))
    write_file(folder.settings_file, presets.to_toml(whole).encode("utf-8", "surrogatepass"))
    write_table(folder.plan_file, plan)
    write_table(folder.fingerprint_file, facts)


def _resumes(folder: JobFolder, facts: Facts, resume: Resume) -> bool:
    """Return whether what is there is resumed, rather than thrown away; raises JobError where neither may be."""
    if resume == "never":
        return False
    try:
        stored = read_fingerprint(folder)
    except JobError:
        if resume == "renew":
            return False
        raise
    changed = differences(stored, facts)
    if not changed:
        return True
    if resume == "same":
        raise JobError(
            f"{folder.path} was begun differently: {'; '.join(changed)}. Set it back to resume, "
            "or --no-resume to begin anew, or --force to resume all the same"
        )
    if resume == "force" and stored.get("frame size") != facts["frame size"]:
        raise JobError(f"{folder.path} holds frames of another size: begin anew with --no-resume")
    return resume == "force"


def read_settings(folder: JobFolder) -> Settings:
    """Read the settings of a job, which may name a net that is code; raises JobError where they are damaged."""
    try:
        return presets.read_whole(folder.settings_file)
    except SettingsError:
        raise JobError(f"{folder.settings_file} is damaged: begin anew with --no-resume") from None


def read_fingerprint(folder: JobFolder) -> Facts:
    """Read what the stored pixels of a job depend on; raises JobError where the file is damaged."""
    facts = read_table(folder.fingerprint_file)
    if facts is None:
        raise JobError(f"{folder.fingerprint_file} is damaged, or an earlier version's: begin anew with --no-resume")
    return facts


def read_plan(folder: JobFolder) -> RenderPlan:
    """Read the plan of a job; raises JobError where there is none, or it is damaged."""
    if not folder.plan_file.exists():
        raise JobError(f"{folder.path} is not a job that was begun: render it first")
    table = read_table(folder.plan_file)
    if table is None:
        raise JobError(f"{folder.plan_file} is damaged, or an earlier version's: render it again to write it anew")
    return RenderPlan.from_table(table)


def finished(
    folder: JobFolder, plan: Plan, segment: int, most: int | None = None
) -> tuple[list[FrameRecord], CarryState | None]:
    """Return the records of a segment's finished frames and the state after the last, None where there is no frame.

    They are the longest run from its first frame that the journal knows and whose files still have their hash.
    `most`: frames that are looked at, by default all.
    """
    records, state, coming = list[FrameRecord](), None, iter(plan.positions(plan.segments[segment])[:most])
    position = next(coming, None)
    for record, after in read_lines(folder.journal(segment)):
        if position is None:
            break
        due = record.index == plan.frames[position]
        if due and folder.frames.matches(position, record.sha256, plan.framing.size):
            records.append(record)
            state, position = after, next(coming, None)
    return records, state


def bytes_needed(frames: int, size: tuple[int, int]) -> int:
    """Return the bytes that a job of so many frames of (height, width) needs, about: their PNGs, and the film."""
    return int(frames * size[0] * size[1] * 3 * 0.8 * 1.2)


def lacks_space(path: Path, frames: int, size: tuple[int, int]) -> str:
    """Say what a job folder needs where the disk has less; nothing where it has enough. `path`: there yet, or not."""
    needed, path = bytes_needed(frames, size), path.absolute()
    free = shutil.disk_usage(next(each for each in (path, *path.parents) if each.exists())).free
    if needed <= free:
        return ""
    return (
        f"{path} needs about {needed / 1e9:.1f} GB for {frames} frames and the disk has {free / 1e9:.1f} GB free: "
        "free some space, or choose a smaller size, or, for a single film, another disk with --work-dir"
    )
