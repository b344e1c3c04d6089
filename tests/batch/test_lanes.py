"""Films of a batch that are rendered at once, by workers: the same films, and what steers a batch steers them."""

import threading
import time
from pathlib import Path

import pytest
from batch_jobs import HEAD, ONE, TWO, Write, render, rows, states
from job_runs import Here

from dreamvid.batch import control
from dreamvid.batch import run as driver
from dreamvid.batch.lanes import Lanes
from dreamvid.batch.orders import JobsFile
from dreamvid.batch.whole import Whole
from dreamvid.core.errors import JobError
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Workers

pytestmark = pytest.mark.usefixtures("small_net")
THREE = TWO + '[[job]]\nsource = "in/still.png"\noutput = "still.png"\ncommand = "image"\nframes = "0:1"\n'
PINNED = 'set = {"compute.threads" = 1}\n'


def outputs(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("one.mp4", "two.mp4", "still.png")}


def test_films_that_are_rendered_at_once_have_the_bytes_of_one_after_another(jobs: Write, tmp_path: Path) -> None:
    render(jobs(HEAD + PINNED + THREE))
    alone, told = outputs(tmp_path), list[Whole]()
    both = threading.Barrier(2, timeout=60)  # each film has one part: neither is begun without the other
    with Workers([Here(both.wait), Here(both.wait)]) as two:
        for name in alone:
            (tmp_path / name).unlink()
        driver.run(JobsFile(jobs(HEAD + PINNED + THREE)), Options(workers=two), told.append)
    assert outputs(tmp_path) == alone
    assert max(len(whole.now) for whole in told) >= 2
    assert (told[-1].jobs, told[-1].frames) == (3, 5)


def test_a_job_that_fails_does_not_stop_those_beside_it(jobs: Write, tmp_path: Path) -> None:
    left = [True]

    def fails() -> None:
        if left and left.pop():
            raise JobError("the disk is full")

    with Workers([Here(fails)]) as one:
        outcomes = render(jobs(HEAD + TWO), Options(workers=one))
    assert sorted(outcome.state for outcome in outcomes) == ["failed", "rendered"]


def test_a_stop_stops_them_all_and_the_next_run_makes_the_same_films(jobs: Write, tmp_path: Path) -> None:
    render(jobs(HEAD + PINNED + TWO))
    names, begun = ("one.mp4", "two.mp4"), list[Event]()
    alone = [(tmp_path / name).read_bytes() for name in names]
    for name in names:
        (tmp_path / name).unlink()
    with Workers([Here(), Here()]) as two:
        how = Options(workers=two, progress=begun.append, stop=lambda: any(event.done for event in begun))
        with pytest.raises(Interrupted, match="the same command"):
            render(jobs(HEAD + PINNED + TWO), how)
        assert {row.state for row in rows(tmp_path / "jobs.toml").values()} == {"waiting"}
        assert set(states(render(jobs(HEAD + PINNED + TWO), Options(workers=two))).values()) == {"rendered"}
    assert [(tmp_path / name).read_bytes() for name in names] == alone


def test_a_job_that_is_changed_while_it_is_rendered_is_rendered_again(
    jobs: Write, renders: list[str], tmp_path: Path
) -> None:
    file = jobs(HEAD + PINNED + ONE)

    def change(event: Event) -> None:
        if event.phase == "render" and event.done == 1 and len(renders) == 1:
            before = rows(file)["one.mp4"].digest
            jobs(HEAD.replace("quick", "bold") + PINNED + ONE)
            while rows(file)["one.mp4"].digest == before:
                time.sleep(0.02)

    with Workers([Here()]) as one:
        render(file, Options(workers=one, progress=change))
    assert renders == ["one.mp4"] * 2
    made = (tmp_path / "one.mp4").read_bytes()
    (tmp_path / "one.mp4").unlink()
    render(file)
    assert (tmp_path / "one.mp4").read_bytes() == made


def test_a_pause_holds_for_every_film(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file, waiting = jobs(HEAD + TWO), list[set[str]]()

    def meanwhile(batch: driver.Batch, *, paused: bool) -> None:
        assert paused
        waiting.append({row.state for row in rows(file).values()})
        control.resume(file)

    def pause(event: Event) -> None:
        if event.phase == "render" and event.done == 1 and not waiting:
            control.pause(file)

    monkeypatch.setattr(driver.Batch, "wait", meanwhile)
    with Workers([Here(), Here()]) as two:
        outcomes = render(file, Options(workers=two, progress=pause))
    assert waiting == [{"waiting"}]
    assert set(states(outcomes).values()) == {"rendered"}


def test_an_error_that_nobody_foresaw_ends_all_and_is_raised() -> None:
    stopped = threading.Event()

    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Lanes(3) as lanes:
        lanes.begin("other", lambda: stopped.set() if lanes.halt.wait(60) else None)
        lanes.begin("broken", fails)
        while True:
            lanes.wait(60)
    assert stopped.is_set()


def test_one_film_is_opened_at_a_time_and_the_right_to_is_given_back_once() -> None:
    lanes = Lanes(2)
    with lanes.opening() as first:
        first.give_back()
        with lanes.opening():
            first.give_back()
            assert lanes._one_opens.locked()
        assert not lanes._one_opens.locked()
    with pytest.raises(JobError), lanes.opening():
        raise JobError("not opened")
    assert not lanes._one_opens.locked()
