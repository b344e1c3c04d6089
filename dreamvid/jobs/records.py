"""A line of the journal: a finished frame, its hash, and what was measured while it was made."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dreamvid.coherence.carry import CarryState
from dreamvid.core.framing import MIN_SIDE


@dataclass(frozen=True)
class FrameRecord:
    """A journal line: a finished frame, the hash of its file, and what was measured while it was made.

    `index`: of the source frame; `state`: what the next frame needs to know; `score`: how much the dream raised the
    objective, None where it was not measured; `valid`: share of the frame whose motion was followed, None on a fresh
    frame; `tile`: side of the patches, in pixels; `seconds`: decode, flow, dream, damp and store; `values`: what the
    animated settings were, by full key.
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


def journal_line(record: FrameRecord, before: FrameRecord | None) -> dict[str, Any]:
    """Return a record as the journal keeps it; a strength is left out where it is that of the frame before."""
    line = asdict(record)
    if before is not None and before.state.strength == record.state.strength:
        line["state"]["strength"] = None
    return line


def read_line(line: dict[str, Any] | None, before: FrameRecord | None) -> FrameRecord | None:
    """Return a journal line as a record again; None where it is damaged, or another version's."""
    if line is None or line.keys() != {field.name for field in fields(FrameRecord)}:
        return None
    state = line["state"]
    if not isinstance(state, dict) or state.keys() != {field.name for field in fields(CarryState)}:
        return None
    if before is not None and state["strength"] is None:
        line = {**line, "state": {**state, "strength": before.state.strength}}
    try:
        record = RECORDS.validate_python(line)
    except ValidationError:
        return None
    return record if record.state.strength.is_whole and record.tile >= MIN_SIDE else None
