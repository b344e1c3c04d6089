"""A line of the journal: a finished frame, its hash, what was measured while it was made, and the state after it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dreamvid.coherence.carry import CarryState
from dreamvid.core.framing import MIN_SIDE
from dreamvid.media.frame_store import Journal


@dataclass(frozen=True)
class FrameRecord:
    """What is kept in memory of a finished frame: the hash of its file, and what was measured while it was made.

    A journal line holds the state after the frame as well, which only the next one needs. `index`: of the source frame;
    `score`: how much the dream raised the objective, None where it was not measured; `valid`: share of the frame whose
    motion was followed, None on a fresh frame; `tile`: side of the patches, in pixels; `seconds`: of the frame, without
    what ran beside it; `values`: what the animated settings were, by full key.
    """

    index: int
    sha256: str
    valid: float | None
    tile: int
    seconds: float
    score: float | None
    values: dict[str, float]


RECORDS, STATES = TypeAdapter(FrameRecord), TypeAdapter(CarryState)


def journal_line(record: FrameRecord, state: CarryState, before: CarryState | None) -> dict[str, Any]:
    """Return a record and the state after it as the journal keeps them; a strength is left out where it is as before.

    `before`: the state in the line before; None in the first line that a run writes, which may follow upon any.
    """
    line = {**asdict(record), "state": asdict(state)}
    if before is not None and before.strength == state.strength:
        line["state"]["strength"] = None
    return line


def read_line(line: dict[str, Any], before: CarryState | None) -> tuple[FrameRecord, CarryState] | None:
    """Return a journal line as a record and the state after it; None where it is damaged, or another version's."""
    if line.keys() != {*(field.name for field in fields(FrameRecord)), "state"}:
        return None
    state = line["state"]
    if not isinstance(state, dict) or state.keys() != {field.name for field in fields(CarryState)}:
        return None
    if before is not None and state["strength"] is None:
        state = {**state, "strength": before.strength}
    values = {key: value for key, value in line.items() if key != "state"}
    try:
        record, after = RECORDS.validate_python(values), STATES.validate_python(state)
    except ValidationError:
        return None
    return (record, after) if after.strength.is_whole and record.tile >= MIN_SIDE else None


def read_lines(journal: Journal) -> Iterator[tuple[FrameRecord, CarryState]]:
    """Yield the record of each line of a journal and the state after it, one at a time: states of a film are large."""
    before = None
    for line in journal.lines():
        found = read_line(line, before)
        before = None if found is None else found[1]
        if found is not None:
            yield found
