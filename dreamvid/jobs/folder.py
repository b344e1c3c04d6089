"""The folder of a job: what a render keeps on disk so that it can be stopped anywhere and go on.

OUTPUT.dreamvid/   job.toml (the resolved settings), plan.json (with the fingerprint), journal.jsonl (a line per
                   finished frame, with its hash), frames/000000.png ..., lock
"""

import hashlib
import io
import json
import logging
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import filelock
import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError

from dreamvid.camera.paint import PaintProgress
from dreamvid.coherence.carry import CarryState
from dreamvid.config import presets
from dreamvid.core.errors import JobError
from dreamvid.core.types import Image
from dreamvid.dream.build_objectives import guide_digests
from dreamvid.dream.session import Session
from dreamvid.media import opencv
from dreamvid.media.frame_store import FrameStore, write_file
from dreamvid.pipeline import masks
from dreamvid.pipeline.plan import FRAMES, RENDER_VERSION, differences
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import Source

logger = logging.getLogger(__name__)
CANVAS = "canvas.npz"
BEGUN = ("journal.jsonl", CANVAS)  # what is there as soon as something is done that a further run goes on from

# What becomes of a job that was begun before. `same`: it goes on if it was begun with the same fingerprint, and is
# refused otherwise; `force`: it goes on all the same; `renew`: it begins anew if it was begun differently; `never`: it
# begins anew.
Resume = Literal["same", "force", "renew", "never"]


@dataclass(frozen=True)
class FrameRecord:
    """A journal line: a finished frame, the hash of its file, and what was seen while it was made.

    `state`: what the next frame needs to know; `score`: how much the dream raised the objective, None
    where it was not asked; `valid`: share of the frame whose motion was followed, None on a fresh frame; `seconds`:
    decode, flow, dream, damp and store; `values`: what the animated settings were, by full key.
    """

    index: int
    sha256: str
    state: CarryState
    valid: float | None
    tile: int
    seconds: float
    score: float | None
    values: dict[str, float]


RECORDS = TypeAdapter(FrameRecord)


def make_folder(output: Path, work_dir: Path | None) -> Path:
    """The folder of the job that makes `output`, beside it or in `work_dir`; raises JobError where it cannot be had."""
    name = f"{output.name}.dreamvid"
    folder = (work_dir or output.parent) / name
    try:
        if folder.exists() and not _is_ours(folder):
            raise JobError(f"{folder} is not a job folder of dreamvid: move it away, or choose another --work-dir")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(f"{folder} cannot be made: {error.strerror}; choose another --work-dir") from None
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether what is there is a job folder, or one in which nothing has begun."""
    return folder.is_dir() and ((folder / "plan.json").exists() or all(p.name == "lock" for p in folder.iterdir()))


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the job for this process; the system lets go of the lock however the process ends.

    A job that fails before its first frame is stored leaves no folder behind.
    """
    try:
        with filelock.FileLock(folder / "lock", timeout=0):
            yield
        if all(path.name == "lock" for path in folder.iterdir()):
            (folder / "lock").unlink(missing_ok=True)
            folder.rmdir()
    except filelock.Timeout:
        raise JobError(f"{folder} is being rendered by another dreamvid: wait for it, or stop it") from None
    except BaseException:
        if not any((folder / name).exists() for name in BEGUN):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def clear(folder: Path) -> None:
    """Removes a job that is done, while it is held; the lock itself goes when it is let go of."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "lock":
            path.unlink(missing_ok=True)


def begin(folder: Path, source: Source, schedule: Schedule, session: Session, resume: Resume) -> FrameStore:
    """The store of a job in `folder`, new or begun before.

    Raises JobError where it was begun differently and is not to go on or be renewed, naming the entries that differ; or
    where the disk is too small.
    """
    fingerprint = json.loads(json.dumps(_fingerprint(source, schedule, session), default=str))
    plan_file = folder / "plan.json"
    begun = plan_file.exists() and any((folder / name).exists() for name in BEGUN)
    if not (begun and _goes_on(plan_file, fingerprint, resume)):
        for old in (folder / "frames", *(folder / name for name in BEGUN), plan_file):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        _check_disk(folder, source)
    for half_written in folder.rglob(".*.part*"):  # left by a run that was killed
        half_written.unlink(missing_ok=True)
    store = FrameStore(folder / "frames")
    write_file(folder / "job.toml", presets.to_toml(schedule.settings).encode())
    write_file(plan_file, source.plan.to_json(fingerprint).encode())
    return store


def _goes_on(plan_file: Path, fingerprint: dict[str, Any], resume: Resume) -> bool:
    """Whether what is there is gone on with, rather than thrown away; raises JobError where it is to be neither."""
    if resume == "never":
        return False
    try:
        stored = _read_fingerprint(plan_file)
    except JobError:
        if resume == "renew":
            return False
        raise
    changed = differences(stored, fingerprint)
    if not changed:
        return True
    if resume == "same":
        raise JobError(
            f"{plan_file.parent} was begun differently: {'; '.join(changed)}. Set it back to go on, "
            "or --no-resume to begin anew, or --force to go on all the same"
        )
    if resume == "force" and stored.get("frame size") != fingerprint["frame size"]:
        raise JobError(f"{plan_file.parent} holds frames of another size: begin anew with --no-resume")
    return resume == "force"


def save_canvas(store: FrameStore, made: PaintProgress) -> None:
    """Save a canvas and how many steps are done; raises JobError where the disk refuses."""
    data = io.BytesIO()
    np.savez(data, layer=made.canvas.layer, done=made.done)
    write_file(store.folder.parent / CANVAS, data.getvalue())


def load_canvas(store: FrameStore) -> tuple[int, Image] | None:
    """Return how many steps a saved canvas has, and its layer; None where there is none, or it is damaged."""
    try:
        with np.load(store.folder.parent / CANVAS, allow_pickle=False) as kept:
            return int(kept["done"]), kept["layer"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s is damaged (%s): the world is dreamed again", store.folder.parent / CANVAS, error)
        return None


def journal_line(record: FrameRecord, before: FrameRecord | None) -> dict[str, Any]:
    """A record as the journal keeps it; a strength that has not changed since the frame before is not told again."""
    line = asdict(record)
    if before is not None and before.state.strength == record.state.strength:
        line["state"]["strength"] = None
    return line


def _record(line: dict[str, Any] | None, before: FrameRecord | None) -> FrameRecord | None:
    """A journal line as a record again; None where it is damaged, or another version's."""
    if line is None or line.keys() != {field.name for field in fields(FrameRecord)}:
        return None
    state = line["state"]
    if not isinstance(state, dict) or state.keys() != {field.name for field in fields(CarryState)}:
        return None
    if before is not None and state["strength"] is None:
        line = {**line, "state": {**state, "strength": before.state.strength}}
    try:
        return RECORDS.validate_python(line)
    except ValidationError:
        return None


def finished(store: FrameStore, source: Source) -> list[FrameRecord]:
    """The longest run of frames from the start that the journal knows and whose files still have their hash."""
    records: list[FrameRecord] = []
    lines = {line["index"]: line for line in store.journal() if isinstance(line.get("index"), int)}
    for position, index in enumerate(source.plan.frames):
        record = _record(lines.get(index), records[-1] if records else None)
        if record is None or not store.matches(position, record.sha256):
            break
        records.append(record)
    if records:
        logger.info("resuming after frame %d of %d", len(records), len(source.plan.frames))
    return records


def _read_fingerprint(plan_file: Path) -> dict[str, Any]:
    try:
        stored = json.loads(plan_file.read_text(encoding="utf-8"))["fingerprint"]
        return dict(stored)
    except (OSError, ValueError, KeyError, TypeError):
        raise JobError(f"{plan_file} is damaged: begin anew with --no-resume") from None


def _fingerprint(source: Source, schedule: Schedule, session: Session) -> dict[str, Any]:
    """Everything that a stored pixel depends on. How the film is encoded, and its sound, is not among it."""
    settings = schedule.settings
    table = settings.model_dump(exclude={"output", "compute", "description", "audio"}, mode="json")
    flat = {
        f"{section}.{key}": value
        for section, values in table.items()
        if isinstance(values, dict)
        for key, value in values.items()
    }
    frames = json.dumps([source.plan.frames, asdict(source.plan)["shots"]], default=str)
    values = hashlib.sha256(json.dumps(schedule.values).encode()).hexdigest()[:16]  # what a sound makes of them, too
    moved = {"values of settings that move": values} if schedule.values else {}
    return {
        **flat,
        **moved,
        "seed": settings.seed,
        "objective": table["objective"],
        "source": source.info.identity,
        "frame size": "{1}x{0}".format(*source.plan.framing.size),
        FRAMES: hashlib.sha256(frames.encode()).hexdigest()[:16],
        "net": session.net.sha256,
        "further nets": [net.sha256 for net in session.nets.values()][1:],
        "named channels": [
            session.nets[term.own_net or settings.net].named_channel(term.name)
            for term in settings.objective
            if term.name is not None
        ],
        "guides": guide_digests(settings.objective),
        "mask": masks.digests(settings.mask),
        "threads": session.compute.threads,
        "device": session.compute.description,
        "precision": str(session.compute.dtype),
        "torch": torch.__version__,
        "opencv": opencv.load().__version__,
        "numpy": np.__version__,
        "render version": RENDER_VERSION,
    }


def _check_disk(folder: Path, source: Source) -> None:
    height, width = source.plan.framing.size
    needed = int(len(source.plan.frames) * height * width * 3 * 0.8 * 1.2)  # a PNG of a dream, and the film beside them
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise JobError(
            f"{folder} needs about {needed / 1e9:.1f} GB for {len(source.plan.frames)} frames and the disk has "
            f"{free / 1e9:.1f} GB free: choose another with --work-dir, or a smaller --size"
        )
