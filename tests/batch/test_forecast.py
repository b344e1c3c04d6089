"""What a batch would do, and how long it would take, alone or on several nodes."""

from pathlib import Path

import pytest
from batch_jobs import HEAD, ONE, TWO, Write, render
from hypothesis import given
from hypothesis import strategies as st
from job_runs import Here

from dreamvid.batch.estimate import Estimator, Pace
from dreamvid.batch.forecast import forecast
from dreamvid.batch.orders import JobsFile
from dreamvid.batch.schedule import Unit, simulate
from dreamvid.cli import run
from dreamvid.cli.workers import Crew
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Workers

pytestmark = pytest.mark.usefixtures("small_net")

UNITS = st.lists(st.builds(Unit, st.just("shot"), st.floats(0.1, 100), st.just(0.0)), min_size=1, max_size=30)


def test_a_dry_run_tells_all_jobs_and_writes_nothing(
    jobs: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crew, "_local", lambda crew, trust: [Here() for _ in range(crew.workers)])
    flight = '[[job]]\ncommand = "zoom"\nsource = "in/still.png"\noutput = "flight.mp4"\nframes = "0:2"\n'
    still = '[[job]]\ncommand = "image"\nsource = "in/still.png"\noutput = "still.png"\nframes = "0:1"\n'
    file = jobs(
        HEAD + ONE + flight + 'priority = 1\nset = {"input.seconds" = 0.2}\n' + still + TWO.replace("*", "none")
    )
    before = sorted(tmp_path.rglob("*"))
    assert run(["batch", str(file), "--dry-run", "--nodes", "2", "--failures", "0.1"]) == 0
    assert sorted(tmp_path.rglob("*")) == before
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["film", "frames", "seconds", "disk", "ends"]
    assert [line.split()[:2] for line in lines[1:4]] == [["flight.mp4", "2"], ["one.mp4", "2"], ["still.png", "1"]]
    seconds = [float(line.split()[2]) for line in lines[1:4]]
    assert min(seconds) >= 0 and sum(seconds) > 0
    assert lines[4].startswith("none.mp4: none.mp4: there is no such file")
    assert lines[5].startswith("3 jobs, 5 frames, ") and "; 0 unchanged; disk: " in lines[5]
    assert lines[6].startswith("2 workers: ") and lines[6].count("idle") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--nodes", "2", "--workers", "2"], "--nodes is for workers that are not here"),
        (["--failures", "0.1"], "--failures is of workers: give --nodes as well"),
    ],
)
def test_options_of_a_dry_run_that_do_not_go_together_are_told(
    jobs: Write, capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    assert run(["batch", str(jobs(HEAD + ONE)), "--dry-run", *given]) == 2
    assert said in capsys.readouterr().err


def test_a_sample_is_rendered_by_every_worker_at_once(jobs: Write, renders: list[str]) -> None:
    with Workers([Here(), Here()]) as workers:
        found = forecast(JobsFile(jobs(HEAD + ONE)), Options(workers=workers), nodes=3)
    assert sorted(renders) == ["sample0.mp4"] * 2 + ["sample1.mp4"] * 2  # twice: a net's first run is slow
    assert found.simulation is not None and found.simulation.nodes == 3


def test_films_end_in_the_order_in_which_workers_render_them(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Estimator, "_sampled", lambda *_: Pace(first=3.0, carried=1.0, work=0.0, beside=0.5))
    found = forecast(JobsFile(jobs(HEAD + TWO)), Options(), nodes=2)
    assert found.simulation is not None
    seconds = [each.seconds for each in found.estimates]
    assert found.simulation.ends == pytest.approx([found.begin + each for each in seconds])
    assert found.seconds == pytest.approx(found.begin + max(seconds))


def test_what_is_done_takes_no_time(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Estimator, "_sampled", lambda *_: Pace(first=3.0, carried=1.0, work=0.0, beside=0.5))
    file = jobs(HEAD + TWO)
    render(file)
    (file.parent / "two.mp4").unlink()
    found = forecast(JobsFile(file), Options())
    assert ([each.job.name for each in found.estimates], found.unchanged) == (["two.mp4"], 1)
    assert found.estimates[0].shots == (4.0,)
    assert found.estimates[0].seconds > 4.5  # and to plan it
    assert found.seconds == found.begin + found.estimates[0].seconds and found.begin > 0
    assert found.simulation is not None and found.simulation.longest.name == "two.mp4"


def test_jobs_of_a_kind_are_measured_once(jobs: Write, renders: list[str]) -> None:
    file = jobs(HEAD + TWO + '[[job]]\nsource = "in/one.mp4"\npreset = "bold.toml"\noutput = "bold.mp4"\n')
    found = forecast(JobsFile(file), Options())
    assert len(found.estimates) == 3
    assert renders == ["sample0.mp4"] * 3  # the first twice: a net that runs for the first time is slow


@given(UNITS, st.integers(1, 5))
def test_nodes_do_all_work_and_none_is_faster_than_its_longest_shot(units: list[Unit], nodes: int) -> None:
    found = simulate(units, nodes)
    total, longest = sum(unit.seconds for unit in units), max(unit.seconds for unit in units)
    assert found.work == pytest.approx(total)
    assert max(longest, total / nodes) <= found.makespan * (1 + 1e-9)
    assert found.makespan <= total / nodes + longest + 1e-9  # no schedule of a list is longer
    assert found.idle == pytest.approx(1 - total / (nodes * found.makespan))


@given(UNITS)
def test_what_is_finished_of_a_shot_that_fails_is_kept(units: list[Unit]) -> None:
    found = simulate(units, 3, failures=0.5)
    assert found.work == pytest.approx(sum(unit.seconds for unit in units))
    assert found.makespan > 0


@given(UNITS, st.integers(1, 5), st.floats(0, 20))
def test_nothing_is_done_before_nodes_have_begun(units: list[Unit], nodes: int, begin: float) -> None:
    assert simulate(units, nodes, begin=begin).makespan == pytest.approx(begin + simulate(units, nodes).makespan)


def test_a_failure_costs_the_start_of_a_shot_again() -> None:
    units = [Unit("shot", 10.0, start=2.0)] * 200
    found = simulate(units, 4, failures=0.1)
    assert 10 <= found.failures <= 40
    assert 0 < found.work - 2000 <= 2.0 * found.failures


@given(UNITS, st.integers(1, 5), st.floats(0, 0.5))
def test_a_unit_ends_no_sooner_than_its_work_takes(units: list[Unit], nodes: int, failures: float) -> None:
    found = simulate(units, nodes, failures, begin=1.0)
    assert max(found.ends) == pytest.approx(found.makespan)
    assert all(end >= 1 + unit.seconds - 1e-9 for end, unit in zip(found.ends, units, strict=True))


def test_units_are_done_in_their_order() -> None:
    found = simulate([Unit("one", 3), Unit("two", 2), Unit("three", 2), Unit("four", 2)], 2)
    assert found.ends == (3, 2, 4, 5)


def test_what_bounds_a_batch_is_said() -> None:
    assert "longest shot, long" in simulate([Unit("long", 50), Unit("short", 1)], 4).bound
    assert "more nodes help" in simulate([Unit("even", 1)] * 40, 4).bound
