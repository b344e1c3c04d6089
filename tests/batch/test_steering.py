"""A batch that is told something while it runs, or whose jobs fail for a while."""

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from batch_jobs import HEAD, ONE, TWO, Write, render, rows, states
from little import QUICK_PRESET

from dreamvid.batch import control, orders, place
from dreamvid.batch import run as driver
from dreamvid.batch.orders import Clips, JobsFile, Watched
from dreamvid.batch.status import status_of
from dreamvid.batch.whole import Whole
from dreamvid.cli import run
from dreamvid.core.errors import SourceError, ToolError
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Workers
from dreamvid.media.ffmpeg import EndedError

pytestmark = pytest.mark.usefixtures("small_net")


def once(when: Callable[[Event], bool], what: Callable[[], object]) -> Options:
    """Options by which something is done at the first event of a kind."""
    done: list[Event] = []

    def on_event(event: Event) -> None:
        if not done and when(event):
            done.append(event)
            what()

    return Options(progress=on_event)


def first_frame(event: Event) -> bool:
    return event.phase == "render" and event.done == 1


def test_a_paused_batch_waits_and_goes_on_where_it_was(
    jobs: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file, seen = jobs(HEAD + TWO), []

    def meanwhile(seconds: float) -> None:
        seen.append(status_of(file))
        control.resume(file)

    monkeypatch.setattr(driver, "sleep", meanwhile)
    outcomes = render(file, once(first_frame, lambda: control.pause(file)))
    assert states(outcomes) == {"one.mp4": "rendered", "two.mp4": "rendered"}
    (status,) = seen
    assert status.paused and status.driver
    assert [(row.name, row.state, row.done) for row in status.rows] == [
        ("one.mp4", "waiting", 1),
        ("two.mp4", "waiting", 0),
    ]
    assert "paused: `dreamvid batch resume" in caplog.text
    assert rows(file)["one.mp4"].tries == 2


def test_a_job_is_left_out_while_it_is_rendered_and_taken_in_again(jobs: Write) -> None:
    file = jobs(HEAD + TWO)
    outcomes = render(file, once(first_frame, lambda: control.skip(file, "1")))
    assert states(outcomes) == {"one.mp4": "skipped", "two.mp4": "rendered"}
    assert "left out" in outcomes[0].message
    assert states(render(file)) == {"one.mp4": "skipped", "two.mp4": "unchanged"}
    control.resume(file, "one.mp4")
    assert states(render(file)) == {"one.mp4": "rendered", "two.mp4": "unchanged"}


def test_a_job_of_higher_priority_comes_first_also_when_that_is_told_meanwhile(jobs: Write, renders: list[str]) -> None:
    three = HEAD + TWO + '[[job]]\nsource = "in/one.mp4"\noutput = "three.mp4"\n[[job]]\nsource = "in/one.mp4"\n'
    file = jobs(three + 'output = "four.mp4"\npriority = 1\n')
    render(file, once(first_frame, lambda: control.set_priority(file, "three.mp4", 3)))
    assert renders == ["four.mp4", "three.mp4", "one.mp4", "two.mp4"]


def test_who_names_no_job_is_told_the_nearest(jobs: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = jobs(HEAD + ONE)
    render(file)
    for words in (["skip", str(file), "oen.mp4"], ["priority", str(file), "oen.mp4", "3"]):
        assert run(["batch", *words]) == 2
        assert "there is no job 'oen.mp4'; nearest: one.mp4" in capsys.readouterr().err


def test_an_edited_file_is_taken_up_between_jobs(jobs: Write, renders: list[str], tmp_path: Path) -> None:
    file = jobs(HEAD + TWO)
    more = HEAD + '[[job]]\nsource = "in/one.mp4"\n[[job]]\nsource = "in/one.mp4"\noutput = "new.mp4"\n'
    outcomes = render(file, once(first_frame, lambda: jobs(more)))
    assert states(outcomes) == {"one.mp4": "rendered", "new.mp4": "rendered"}
    assert renders == ["one.mp4", "new.mp4"]


def test_of_an_edited_file_with_a_mistake_the_old_jobs_go_on(
    jobs: Write, renders: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    file = jobs(HEAD + TWO)
    outcomes = render(file, once(first_frame, lambda: jobs(HEAD + TWO + "sorce = 1\n")))
    assert states(outcomes) == {"one.mp4": "rendered", "two.mp4": "rendered"}
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1 and "not taken up" in warnings[0] and "jobs.toml:7:1: job 1: unknown key" in warnings[0]


@pytest.mark.parametrize(
    ("error", "tries"), [(EndedError("ended"), 3), (ToolError("no encoder"), 1), (SourceError("broken"), 1)]
)
def test_a_job_is_tried_again_only_where_that_can_help(
    error: Exception, tries: int, jobs: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, begun = jobs(HEAD + ONE), []

    def fails(*given: Any) -> None:
        begun.append(given)
        raise error

    monkeypatch.setitem(driver.RENDERERS, "video", fails)
    (outcome,) = render(file)
    assert (outcome.state, outcome.message, len(begun)) == ("failed", str(error), tries)


def test_a_job_that_goes_well_the_second_time_is_rendered(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, faults = driver.RENDERERS["video"], [EndedError("ended")]

    def fails_once(*given: Any) -> Any:
        if faults:
            raise faults.pop()
        return plain(*given)

    monkeypatch.setitem(driver.RENDERERS, "video", fails_once)
    file = jobs(HEAD + ONE)
    assert states(render(file)) == {"one.mp4": "rendered"}
    assert rows(file)["one.mp4"].tries == 2


def test_memory_that_runs_out_fails_one_job(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = driver.RENDERERS["video"]

    def greedy(source: str, *rest: Any) -> Any:
        if source.endswith("one.mp4"):
            raise MemoryError
        return plain(source, *rest)

    monkeypatch.setitem(driver.RENDERERS, "video", greedy)
    outcomes = render(jobs(HEAD + TWO))
    assert states(outcomes) == {"one.mp4": "failed", "two.mp4": "rendered"}
    assert outcomes[0].message.startswith("memory ran out")


def test_a_job_stops_after_its_minutes_and_goes_on_in_the_next_run(jobs: Write, tmp_path: Path) -> None:
    file = jobs(HEAD + ONE + "max_minutes = 1e-6\n")
    (outcome,) = render(file)
    assert outcome.state == "failed"
    assert outcome.message.startswith("stopped after 1e-06 minutes (max_minutes): 0 of 2 frames are kept")
    assert states(render(jobs(HEAD + ONE + "max_minutes = 9\n"))) == {"one.mp4": "rendered"}


def test_outputs_that_are_in_the_way_are_all_told_before_the_first_frame(
    jobs: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = jobs(HEAD + TWO + '[[job]]\nsource = "in/one.mp4"\noutput = "three.mp4"\n')
    for name in ("one.mp4", "three.mp4"):
        (tmp_path / name).write_text("precious")
    told: list[int] = []
    outcomes = render(file, once(lambda _: True, lambda: told.append(caplog.text.count("is there already"))))
    assert [outcome.state for outcome in outcomes] == ["failed", "rendered", "failed"]
    assert told == [2]
    assert (tmp_path / "one.mp4").read_text() == (tmp_path / "three.mp4").read_text() == "precious"


def test_a_disk_that_is_too_small_is_told_before_the_first_frame(
    jobs: Write, renders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamvid.jobs.folder.bytes_needed", lambda frames, size: 10**18)
    (outcome,) = render(jobs(HEAD + ONE))
    assert (outcome.state, renders) == ("failed", [])
    assert "needs about 1000000000.0 GB for 2 frames" in outcome.message


def test_a_second_batch_only_says_how_far_the_first_is(
    jobs: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "PATIENCE", 0.0)
    file, codes = jobs(HEAD + TWO), []
    outcomes = render(file, once(first_frame, lambda: codes.append(run(["batch", str(file)]))))
    assert codes == [0]
    assert states(outcomes) == {"one.mp4": "rendered", "two.mp4": "rendered"}
    out, err = capsys.readouterr()
    assert "is being rendered by another dreamvid" in err
    assert out.startswith("at work: process ") and "running    one.mp4: 0 of 2 frames" in out
    assert out.endswith("0 done, 1 running, 1 waiting, 0 skipped, 0 failed; 0 of 4 frames\n")


def test_with_workers_a_job_is_another_one_unless_it_says_how_many_threads(jobs: Write) -> None:
    """They have a thread each, and another number of threads is another dream."""
    one, two = '[[job]]\nsource = "in/one.mp4"\n', '[[job]]\nsource = "in/two.mp4"\n'
    orders_ = JobsFile(jobs(HEAD + one + two + 'set = {"compute.threads" = 3}\n'))
    day = date(2031, 4, 5)
    alone = driver.read(orders_, day, Options())
    over = driver.read(orders_, day, Options(workers=Workers([])))
    assert [job.settings.compute.threads for job in alone] == [None, 3]
    assert [job.settings.compute.threads for job in over] == [1, 3]


def test_the_commands_steer_a_batch(jobs: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = jobs(HEAD + TWO + '[[job]]\nsource = "in/none.mp4"\n')
    assert run(["batch", str(file), "--quiet"]) == 7
    for words in (["pause"], ["skip", "two.mp4"], ["priority", "one.mp4", "4"]):
        assert run(["batch", words[0], str(file), *words[1:]]) == 0
    capsys.readouterr()
    assert run(["batch", "status", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nobody is at work, and it is paused"
    assert lines[1].startswith("skipped    none.mp4: none.mp4: there is no such file")
    assert lines[-1] == "2 done, 0 running, 0 waiting, 1 skipped, 0 failed; 4 of 4 frames"
    assert run(["batch", "status", str(file), "--json"]) == 0
    assert '"paused": true' in capsys.readouterr().out
    assert run(["batch", "resume", str(file)]) == 0
    assert not status_of(file).paused


def test_the_progress_of_the_whole_is_told(jobs: Write) -> None:
    told: list[Whole] = []
    driver.run(JobsFile(jobs(HEAD + TWO)), None, told.append)
    rendering = [whole for whole in told if [event.phase for event in whole.now.values()] == ["render"]]
    assert [(*whole.now, whole.jobs_done, whole.frames_done) for whole in rendering] == [
        ("one.mp4", 0, 0),
        ("one.mp4", 0, 1),
        ("one.mp4", 0, 2),
        ("two.mp4", 1, 2),
        ("two.mp4", 1, 3),
        ("two.mp4", 1, 4),
    ]
    assert {(whole.jobs, whole.frames) for whole in told} == {(2, 4)}
    assert told[0].seconds_left is None
    assert all(whole.seconds_left is not None and whole.seconds_left > 0 for whole in told[1:-1])


@pytest.fixture
def inbox(jobs: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is watched; what is put into it is complete at once."""
    jobs("")
    monkeypatch.setattr(orders, "SETTLED", 0.0)
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def watching(of: JobsFile | Clips, inbox: Path, drops: list[Callable[[], object]], patch: pytest.MonkeyPatch) -> None:
    """Watches a folder in which one thing after another happens; it is stopped after the last."""
    left = list(drops)
    patch.setattr(driver, "sleep", lambda _: left.pop(0)() if left else None)
    with pytest.raises(Interrupted):
        driver.run(Watched(inbox, of), Options(stop=lambda: not left and not any(inbox.glob("late*"))))


def test_what_is_put_into_a_watched_folder_is_rendered(
    inbox: Path, tmp_path: Path, renders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (tmp_path / "in" / name for name in ("one.mp4", "two.mp4"))
    look = Clips([], [str(tmp_path / "quick.toml")], tmp_path / "films")
    drops: list[Callable[[], object]] = [
        lambda: (inbox / "a.mp4").write_bytes(one.read_bytes()),
        lambda: (inbox / "notes.txt").write_text("no film"),
        lambda: (inbox / "b.mp4").write_bytes(two.read_bytes()),
        lambda: None,
    ]
    watching(look, inbox, drops, monkeypatch)
    assert renders == ["a quick.mp4", "b quick.mp4"]
    assert sorted(path.name for path in (tmp_path / "films").glob("*.mp4")) == renders
    watching(look, inbox, [lambda: None], monkeypatch)
    assert len(renders) == 2


def test_a_watched_folder_has_the_defaults_of_a_batch_file(
    inbox: Path, tmp_path: Path, renders: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(HEAD + '[matrix]\npreset = ["quick.toml", "bold.toml"]\noutput = "{stem} {preset}.mp4"\n')
    one = (tmp_path / "in" / "one.mp4").read_bytes()
    watching(JobsFile(file), inbox, [lambda: (inbox / "x.mp4").write_bytes(one), lambda: None], monkeypatch)
    assert renders == ["x quick.mp4", "x bold.mp4"]


def test_a_file_is_taken_up_once_it_has_stopped_growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(orders.time, "monotonic", lambda: now)
    watched = Watched(tmp_path, Clips([], [], tmp_path / "films"))
    file = tmp_path / "a.mp4"
    for now, data, complete in (
        (0, "a", False),
        (2, "ab", False),
        (4, "ab", False),
        (5, "ab", True),
        (6, "abc", False),
    ):
        if not file.exists() or file.read_text() != data:
            file.write_text(data)
        assert bool(watched._settled()) == complete, now


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobs.toml", "--watch", "nowhere"], "--watch nowhere: there is no such folder"),
        (["--watch", "in", "--out", "in", "--preset", "quick.toml"], "films are written into it, too"),
        (["--watch", "in", "--out", "films", "--preset", "quik"], "--preset: there is no preset 'quik'"),
        (["in/one.mp4", "--preset", "quick.toml"], "--out FOLDER"),
        (["jobs.toml", "--out", "films"], "--out: for clips"),
        (["--out", "films"], "give a clip or more"),
        (["in/one.mp4", "--out", "films", "--watch", "in"], "not both"),
        (["a.toml", "b.toml"], "give one batch file, or clips and --out FOLDER"),
        ([], "give one batch file, or clips and --out FOLDER"),
        (["in/one.mp4", "in/one.mp4", "--out", "films", "--preset", "quick.toml"], "two jobs write one quick.mp4"),
        (["in/one.mp4", "--out", "films", "--pattern", "{stm}.mp4"], "--pattern: '{stm}.mp4' may hold {stem}"),
        (["jobs.toml", "--nodes", "3"], "are of --dry-run"),
    ],
)
def test_a_command_line_that_is_not_clear_is_refused(
    words: list[str],
    said: str,
    jobs: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs(HEAD + ONE)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert run(["batch", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert sorted(tmp_path.rglob("*")) == before


def test_clips_are_dreamed_by_each_preset_into_a_folder(
    jobs: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs("")
    (tmp_path / "quick.toml").write_text(QUICK_PRESET)
    monkeypatch.chdir(tmp_path)
    looks = ["--preset", "quick.toml", "--preset", "bold.toml"]
    command = ["batch", "in/one.mp4", *looks, "--out", "films", "--quiet"]
    assert run(command) == 0
    films = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "films").glob("*.mp4")}
    assert sorted(films) == ["one bold.mp4", "one quick.mp4"]
    assert run(command) == 0
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "films").glob("*.mp4")} == films
    assert run(["batch", "status", "films"]) == 0
    assert capsys.readouterr().out.endswith("2 done, 0 running, 0 waiting, 0 skipped, 0 failed; 4 of 4 frames\n")
