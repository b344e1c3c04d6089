"""The state of a batch: what it keeps, what it refuses, and where it lies."""

import json
import sqlite3
from pathlib import Path

import pytest
from batch_jobs import HEAD, ONE, Write, render, rows, states

from dreamvid.batch import place
from dreamvid.batch.state import VERSION, Ended, MadeFilm, State
from dreamvid.cli import run
from dreamvid.core.errors import JobError, SettingsError

pytestmark = pytest.mark.usefixtures("small_net")


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A state with jobs a to e."""
    made = State(tmp_path / "jobs.state.sqlite")
    made.take_up((name, 0, f"digest of {name}", 10, "waiting", "") for name in "abcde")
    return made


def test_jobs_come_in_the_order_of_the_file_those_of_higher_priority_first(state: State) -> None:
    state.set_priority("d", 5)
    state.set_priority("a", -1)
    order = []
    while (name := state.next()) is not None:
        state.end(name, state.begin(name), 1.0, Ended("failed", "no"))
        order.append(name)
    assert order == ["d", "b", "c", "e", "a"]


def test_a_priority_that_was_told_holds_until_that_of_the_file_changes(state: State) -> None:
    state.set_priority("b", 5)
    state.take_up((name, 0, "", 10, "waiting", "") for name in "ab")
    assert state.next() == "b"
    state.take_up((name, priority, "", 10, "waiting", "") for name, priority in (("a", 2), ("b", 1)))
    assert state.next() == "a"


def test_a_job_that_leaves_the_file_and_comes_back_is_known(state: State, tmp_path: Path) -> None:
    film = tmp_path / "a"
    film.write_text("film")
    state.end("a", state.begin("a"), 2.0, Ended("done", film=MadeFilm.of(film, "digest of a", "hash")))
    state.take_up([("b", 0, "", 10, "waiting", "")])
    assert [row.name for row in state.rows()] == ["b"]
    row = state.row("a")
    assert row is not None and row.owns(film)
    assert (row.made, row.sha256, row.done, row.tries, row.seconds) == ("digest of a", "hash", 10, 1, 2.0)


def test_of_a_film_that_is_gone_no_frame_is_done(state: State, tmp_path: Path) -> None:
    film = tmp_path / "a"
    film.write_text("film")
    state.end("a", state.begin("a"), 2.0, Ended("done", film=MadeFilm.of(film, "digest of a", "hash")))
    for condition, done in (("done", 10), ("waiting", 0)):
        state.take_up([("a", 0, "digest of a", 10, condition, "")])
        assert [row.done for row in state.rows()] == [done]


def test_shots_and_tries_are_kept(state: State, tmp_path: Path) -> None:
    number = state.begin("a")
    state.plan_shots("a", [range(0, 4), range(4, 10)])
    state.progress("a", 6)
    state.end("a", number, 3.0, Ended("failed", "no"))
    state.begin("a")
    with sqlite3.connect(state.file) as plain:
        assert plain.execute("SELECT number, frames, done FROM shots").fetchall() == [(0, 4, 4), (1, 6, 2)]
        assert plain.execute("SELECT number, seconds, error FROM tries").fetchall() == [(1, 3.0, "no"), (2, None, "")]
    plain.close()


def test_a_picture_is_kept_and_a_file_of_an_earlier_version_takes_it_too(state: State) -> None:
    assert state.picture("hash") is None
    state.keep_picture("hash", b"webp")
    state.keep_picture("other", b"")
    state.close()
    again = State(state.file)
    assert (again.picture("hash"), again.picture("other"), again.picture("third")) == (b"webp", b"", None)
    again.close()


def test_what_is_written_together_is_written_whole_or_not_at_all(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.together():
        state.set_priority("a", 9)
        raise ZeroDivisionError
    row = state.row("a")
    assert row is not None and row.priority == 0


def test_a_newer_state_is_refused(jobs: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = jobs(HEAD + ONE)
    with sqlite3.connect(tmp_path / "jobs.state.sqlite") as plain:
        plain.execute(f"PRAGMA user_version = {VERSION + 1}")
    plain.close()
    assert run(["batch", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "jobs.state.sqlite was written by a newer dreamvid: update" in line


@pytest.mark.parametrize("damage", ["text", "middle"])
def test_a_damaged_state_is_refused(
    damage: str, jobs: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, path = jobs(HEAD + ONE), tmp_path / "jobs.state.sqlite"
    if damage == "text":
        path.write_text("[" * 5000)
    else:
        assert render(file)
        data = bytearray(path.read_bytes())
        data[4096 : 3 * 4096] = b"\x55" * 2 * 4096
        path.write_bytes(data)
    capsys.readouterr()
    for words in (["batch", str(file)], ["batch", "status", str(file)]):
        assert run(words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "jobs.state.sqlite is damaged" in line and "remove it" in line


def test_the_ledger_of_an_earlier_version_is_taken_over(jobs: Write, tmp_path: Path, renders: list[str]) -> None:
    file = jobs(HEAD + ONE)
    render(file)
    row, ledger = rows(file)["one.mp4"], tmp_path / "jobs.done.json"
    ledger.write_text(json.dumps({"one.mp4": [row.made, [row.size, row.changed]]}))
    (tmp_path / "jobs.state.sqlite").unlink()
    assert states(render(file)) == {"one.mp4": "unchanged"}
    assert renders == ["one.mp4"]
    assert not ledger.exists()


def mounted(folder: Path, kind: str) -> str:
    return f"22 1 8:1 / / rw - ext4 /dev/sda rw\n35 22 0:44 / {folder} rw,relatime shared:1 - {kind} host:/films rw\n"


@pytest.mark.parametrize(
    ("kind", "safe"), [("nfs4", False), ("cifs", False), ("fuse.sshfs", False), ("9p", False), ("xfs", True)]
)
def test_on_a_network_the_state_lies_in_the_users_folder(
    kind: str, safe: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(mounted(tmp_path, kind))
    assert place.file_system(tmp_path / "films", mounts) == kind
    monkeypatch.setattr(place, "file_system", lambda folder: kind)
    found = place.state_file(tmp_path / "jobs.toml")
    assert (found == tmp_path / "jobs.state.sqlite") == safe
    assert safe or found.name.startswith("jobs.state-")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="nowhere"):
        State(tmp_path / "nowhere" / "jobs.state.sqlite")


def test_what_was_not_begun_is_said(jobs: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", "status", str(jobs(HEAD + ONE))]) == 6
    assert "was not begun" in capsys.readouterr().err


def test_a_ledger_that_is_none_is_refused_in_a_line(state: State, tmp_path: Path) -> None:
    ledger = tmp_path / "jobs.done.json"
    for text in ("[", "[]", '{"a": 5}', '{"a": [1, 2, 3]}', '{"a": ["x", ["y", 2]]}'):
        ledger.write_text(text)
        with pytest.raises(SettingsError, match=r"jobs\.done\.json is damaged"):
            state.adopt(ledger)
        assert ledger.exists()
