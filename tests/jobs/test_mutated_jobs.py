"""Plans, journals, records and ledgers with a few characters changed: what was written, nothing, or one line."""

import hashlib
import json
import zlib
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutated import mutated

from dreamvid.coherence.carry import CarryState
from dreamvid.coherence.energy import BROADER, Strength
from dreamvid.core.errors import DreamvidError
from dreamvid.core.framing import Framing
from dreamvid.core.texts import parse_json
from dreamvid.core.types import Shot, SourceInfo
from dreamvid.jobs.done import Done, Summary, film_hash, read_done, write_done
from dreamvid.jobs.folder import JobFolder, read_fingerprint
from dreamvid.jobs.records import FrameRecord, journal_line, read_line, read_lines
from dreamvid.media.frame_store import Journal, write_table
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.prepare import RenderPlan

TIMES = tuple(Fraction(number, 24) for number in range(3))
INFO = SourceInfo("clip.mp4", "video", 48, 64, TIMES, Fraction(1, 8), Fraction(24), "0" * 64, files=(Path("clip.mp4"),))
FRAMING = Framing((0, 48), (0, 64), (48, 64), (48, 64))
PLAN = RenderPlan("video", (INFO,), INFO, Plan(FRAMING, Fraction(24), (0, 1, 2), (0, 1, 2), (Shot(0, 3),)))
GRID = ((0.5, 0.25),)
STRENGTH = Strength(((0.1, 0.2, 0.3),) * (BROADER + 1), (0.0, 0.1, 0.2), (GRID,))
RECORD, STATE = FrameRecord(0, "0" * 64, 0.5, 1024, 0.25, None, {"dream.step_size": 0.5}), CarryState(STRENGTH)
SUMMARY = Summary("dream.mp4", 3, 24.0, 0.125, None, 0.5, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> JobFolder:
    return JobFolder(tmp_path_factory.mktemp("mutated"))


def tables(table: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Tables whose JSON differs by a few characters from that of this one."""
    return mutated(json.dumps(table)).map(parsed).filter(lambda found: isinstance(found, dict))


def parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None


@given(tables(PLAN.to_table()))
def test_a_plan_is_one_or_one_line(table: dict[str, Any]) -> None:
    try:
        plan = RenderPlan.from_table(table)
    except DreamvidError as error:
        assert "\n" not in str(error)
        return
    assert RenderPlan.from_table(plan.to_table()) == plan


NUMBERS = st.floats(0, 1e6, allow_nan=False)


@given(st.integers(0, 10**7), NUMBERS, NUMBERS | st.none(), st.dictionaries(st.text(max_size=9), NUMBERS, max_size=3))
def test_a_record_comes_back_as_it_was(
    folder: JobFolder, index: int, seconds: float, score: float | None, values: dict[str, float]
) -> None:
    record, state = FrameRecord(index, "0" * 64, score, 512, seconds, score, values), CarryState(STRENGTH, seconds)
    journal = Journal(folder.path / "journal" / f"{index}.jsonl")
    journal.file.unlink(missing_ok=True)
    for before in (None, state):
        journal.append(journal_line(record, state, before))
    assert list(read_lines(journal)) == [(record, state), (record, state)]


@given(mutated(json.dumps(journal_line(RECORD, STATE, None))), st.booleans())
def test_a_line_of_a_journal_is_a_record_or_nothing(folder: JobFolder, text: str, sealed: bool) -> None:
    journal = Journal(folder.path / "journal" / "mutated.jsonl")
    journal.file.parent.mkdir(exist_ok=True)
    raw = text.encode("utf-8", "surrogatepass")
    journal.file.write_bytes(b"%08x " % (zlib.crc32(raw) if sealed else 0) + raw + b"\n")
    for line in journal.lines():
        found = read_line(line, None)
        again = None if found is None else read_line(journal_line(*found, None), None)
        assert found == again or found[0].values != found[0].values


@given(tables(asdict(Done(hashlib.sha256(b"film").hexdigest(), "1" * 64, SUMMARY))))
def test_a_sealed_record_of_a_film_is_one_or_nothing(folder: JobFolder, table: dict[str, Any]) -> None:
    output = folder.path / "sealed.mp4"
    output.write_bytes(b"film")
    write_table(folder.done_file, table)
    done = read_done(folder, output)
    assert done is None or done.film == film_hash(output)


@given(mutated(json.dumps(asdict(Done("0" * 64, "1" * 64, SUMMARY)))) | st.text())
def test_a_record_of_a_film_without_its_seal_is_nothing(folder: JobFolder, text: str) -> None:
    folder.done_file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_done(folder, folder.path / "none.mp4") is None


def test_the_record_of_a_film_comes_back_as_it_was(folder: JobFolder) -> None:
    output = folder.path / "dream.mp4"
    output.write_bytes(b"film")
    write_done(folder, Done("0" * 64, "1" * 64, SUMMARY))
    assert read_done(folder, output) is None
    done = Done(film_hash(output), "1" * 64, SUMMARY)
    write_done(folder, done)
    assert read_done(folder, output) == done


@given(mutated(json.dumps({"seed": 1, "net": {"name": "x"}, "source": "0" * 64}, indent=1)) | st.text())
def test_a_fingerprint_is_a_table_or_one_line(folder: JobFolder, text: str) -> None:
    folder.fingerprint_file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert all(isinstance(key, str) for key in read_fingerprint(folder))
    except DreamvidError as error:
        assert "\n" not in str(error)
