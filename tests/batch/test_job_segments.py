"""Segments of a film with presets of their own: read from a batch file, every mistake at its place, rendered as one."""

from pathlib import Path

import pytest
from batch_jobs import HEAD, ONE, Write, render, rows, states

from dreamvid.batch.estimate import Estimator, Pace
from dreamvid.batch.forecast import forecast
from dreamvid.batch.jobs_file import read
from dreamvid.batch.orders import JobsFile
from dreamvid.cli import run
from dreamvid.core.errors import NetError, SettingsError
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import Options
from dreamvid.media import record

pytestmark = pytest.mark.usefixtures("small_net")

JOB = '[[job]]\nsource = "in/one.mp4"\nset = {"dream.step_size" = 0.02}\n'
TWO = (
    '[[job.segment]]\nname = "calm"\nto = "0:00.08"\n'
    '[[job.segment]]\npreset = "bold.toml"\njoin = "carry"\nset = {"dream.steps" = 3}\n'
)


def test_keys_of_the_job_are_defaults_of_its_segments(jobs: Write) -> None:
    (job,) = read(jobs(HEAD + JOB + TWO))
    calm, bold = job.stretches
    assert [(each.name, float(each.start), each.join) for each in job.stretches] == [
        ("calm", 0, "cut"),
        ("", 0.08, "carry"),
    ]
    assert (calm.settings.dream.step_size, calm.settings.dream.steps) == (0.02, 1)
    assert (bold.settings.dream.step_size, bold.settings.dream.steps) == (0.02, 3)
    assert calm.settings.input == bold.settings.input == job.settings.input
    assert bold.where == f"{job.output.with_name('jobs.toml')}:11:1: job 1: segment 2"
    said = TWO.replace('to = "0:00.08"\n', "").replace('preset = "bold.toml"\n', 'from = 0.08\npreset = "bold.toml"\n')
    assert [each.start for each in read(jobs(HEAD + JOB + said))[0].stretches] == [0, 0.08]


def test_they_become_one_film_of_which_all_is_told(jobs: Write, tmp_path: Path) -> None:
    file, told = jobs(HEAD + JOB + TWO + '[[job]]\nsource = "in/two.mp4"\n'), list[Event]()
    assert states(render(file, Options(progress=told.append))) == {"one.mp4": "rendered", "two.mp4": "rendered"}
    assert [(event.done, event.total) for event in told if event.phase == "render"][:3] == [(0, 2), (1, 2), (2, 2)]
    assert (rows(file)["one.mp4"].done, rows(file)["one.mp4"].frames) == (2, 2)
    segments = record.needed(tmp_path / "one.mp4").segments
    assert [(each.name, each.first, each.join) for each in segments] == [("calm", 0, "cut"), ("", 1, "carry")]
    assert states(render(file)) == {"one.mp4": "unchanged", "two.mp4": "unchanged"}
    file.write_text(file.read_text().replace('"carry"', '"cut"'))
    assert states(render(file)) == {"one.mp4": "rendered", "two.mp4": "unchanged"}


def test_a_batch_that_is_stopped_goes_on_with_its_segments(jobs: Write, tmp_path: Path) -> None:
    file = jobs(HEAD + JOB + TWO)

    def stop(event: Event) -> None:
        if event.phase == "render" and event.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(file, Options(progress=stop))
    told: list[Event] = []
    render(file, Options(progress=told.append))
    assert [event.done for event in told if event.phase == "render"] == [1, 2]
    assert not (tmp_path / "one.mp4.dreamvid").exists()


def test_a_dry_run_counts_them(jobs: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled: list[float] = []

    def pace(self: Estimator, job: object, plan: object) -> Pace:
        sampled.append(job.settings.dream.steps)  # type: ignore[attr-defined]
        return Pace(first=3.0, carried=1.0, work=0.0, beside=0.5)

    monkeypatch.setattr(Estimator, "_sampled", pace)
    (estimate,) = forecast(JobsFile(jobs(HEAD + JOB + TWO.replace('"carry"', '"cut"'))), Options()).estimates
    assert (estimate.job.frames, estimate.shots) == (2, (3.0, 3.0))
    assert sampled == [1, 1, 3]  # the first twice: a net that runs for the first time is slow
    (carried,) = forecast(JobsFile(jobs(HEAD + JOB + TWO)), Options()).estimates
    assert carried.shots == (3.0, 1.0)


def test_a_layer_that_is_not_there_is_told_before_the_first_frame(jobs: Write, renders: list[str]) -> None:
    file = jobs(HEAD + JOB + TWO.replace('{"dream.steps" = 3}', '{"objective.0.layer" = "sixth"}'))
    with pytest.raises(NetError, match=r"one\.mp4: .*sixth"):
        render(file)
    assert not renders


WRONG = """
[[job]]
source = "in/one.mp4"
[[job.segment]]
name = "one"
to = "soon"
join = "cut"
colour = "red"
[[job.segment]]
name = "one"
join = "fade"
set = {"input.size" = "20x", "dream.stepz" = 1}
[[job]]
source = "in/one.mp4"
[[job.segment]]
to = 2
[[job.segment]]
from = 1
to = 0.5
preset = "bald.toml"
[[job.segment]]
from = 4
set = {"coherence.mode" = "none"}
[[job]]
source = "in/one.mp4"
[[job.segment]]
from = 1
[[job.segment]]
preset = "sized.toml"
[[job]]
source = "in/still.png"
command = "image"
[[job.segment]]
[[job]]
source = "in/one.mp4"
set = {"input.loop" = true}
[[job.segment]]
[[job]]
source = "in/one.mp4"
[job.matrix]
segment = [{to = 1}, {}]
"""


def test_all_mistakes_are_told_at_once_each_with_its_place(jobs: Write, tmp_path: Path) -> None:
    (tmp_path / "sized.toml").write_text('extends = "quick.toml"\n[output]\ncrf = 3\n')
    file = jobs(HEAD.replace("{stem}", "{stem} {index}") + WRONG)
    with pytest.raises(SettingsError) as caught:
        read(file)
    before = HEAD.count("\n")
    found = [line.removeprefix(f"{file}:").split(": ", 3) for line in caught.value.lines]
    assert [(int(place.split(":")[0]) - before, job, segment) for place, job, segment, _ in found] == [
        (6, "job 1", "segment 1"),
        (7, "job 1", "segment 1"),
        (8, "job 1", "segment 1"),
        (10, "job 1", "segment 2"),
        (11, "job 1", "segment 2"),
        (12, "job 1", "segment 2"),
        (12, "job 1", "segment 2"),
        (12, "job 1", "segment 2"),
        (18, "job 2", "segment 2"),
        (19, "job 2", "segment 2"),
        (20, "job 2", "segment 2"),
        (21, "job 2", "segment 3"),
        (22, "job 2", "segment 3"),
        (26, "job 3", "segment 1"),
        (27, "job 3", "segment 1"),
        (29, "job 3", "segment 2"),
        (30, "job 4", "command image has no segments"),
        (34, "job 5", "a loop has no segments"),
        (41, "job 6", "segment"),
    ]


def test_what_their_source_says_is_told_at_their_place_before_any_frame(
    jobs: Write, renders: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = jobs(HEAD + ONE + TWO.replace("0:00.08", "0:09") + '[[job]]\nsource = "in/two.mp4"\n')
    assert run(["batch", str(file)]) == 7
    said = capsys.readouterr().err
    assert (
        f"skipping one.mp4: {file}:7:1: job 1: segment 1 (calm): 0:09 lies behind the end of the film, 0:00.17" in said
    )
    assert renders == ["two.mp4"]
