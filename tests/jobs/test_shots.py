"""Shots in any order, in processes of their own that get nothing but files: the bytes are those of the ordinary run."""

import json
import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from job_runs import KEEP, folder_of, frames_of, journal_file, two_tinted
from little import apart, drifting, film, texture, write_image

from dreamvid.config.presets import resolve
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.dream.session import open_session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs import run, worker
from dreamvid.jobs.fingerprint import fingerprint
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.job import open_job
from dreamvid.jobs.run import Options
from dreamvid.jobs.segment_records import find_segments
from dreamvid.pipeline.prepare import Command, RenderPlan, prepare

PRESET = '[dream]\nsteps = 2\noctaves = 2\n[compute]\nprecision = "fp32"\nthreads = 1\n'
LENGTHS = 4, 3, 5  # frames of the three shots
TOTAL = sum(LENGTHS)


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    file = tmp_path / "quick.toml"
    file.write_text(PRESET)
    return file


@pytest.fixture
def three_shots(tmp_path: Path) -> Path:
    first, second, third = LENGTHS
    return film(tmp_path / "shots.mkv", [*two_tinted(first, second), *drifting(third, seed=9)], rate=12)


@pytest.fixture
def still(tmp_path: Path) -> Path:
    return write_image(tmp_path / "still.png", texture())


def begun(command: Command, source: Path, output: Path, settings: Settings) -> JobFolder:
    """A job of which nothing is rendered."""
    planned, schedule = prepare(command, (str(source),), settings)
    session = open_session(settings, rate=planned.info.rate)
    folder = job_folder.folder_of(output, None)
    job_folder.make(folder)
    job_folder.begin(folder, planned, settings, fingerprint(planned, schedule, session), "same")
    return folder


def render_apart(folder: str, number: int) -> None:
    """Render one shot of a job, in whatever process this is called."""
    job = open_job(Path(folder))
    worker.render_missing(job, find_segments(job)[number : number + 1])


def in_process(folder: Path, number: int) -> None:
    context: Any = multiprocessing.get_context("forkserver")
    process: BaseProcess = context.Process(target=render_apart, args=(str(folder), number))
    process.start()
    process.join(120)
    assert process.exitcode == 0


def lines_of(output: Path, shot: int) -> int:
    file = journal_file(output, shot)
    return file.read_bytes().count(b"\n") if file.exists() else 0


def test_shots_in_reverse_order_in_processes_of_their_own_give_the_same_bytes(
    three_shots: Path, preset: Path, tmp_path: Path
) -> None:
    settings = resolve(str(preset), [("dream.step_size", "0:0.01, 11f:0.03")])  # animated, and so over all shots
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    assert run.dream_video(str(three_shots), whole, settings, KEEP).rendered == TOTAL
    folder = begun("video", three_shots, output, settings)
    for number in (2, 1, 0):
        in_process(folder.path, number)
        assert [lines_of(output, shot) for shot in range(3)] == [
            count if shot >= number else 0 for shot, count in enumerate(LENGTHS)
        ]
    assert run.dream_video(str(three_shots), output, settings, KEEP).rendered == 0
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_job_killed_in_its_third_shot_resumes_that_shot_alone(
    three_shots: Path, preset: Path, tmp_path: Path
) -> None:
    whole, output, log = tmp_path / "whole.mkv", tmp_path / "killed.mkv", tmp_path / "log"
    log.touch()
    run.dream_video(str(three_shots), whole, resolve(str(preset)), KEEP)
    process = apart(["video", str(three_shots), str(output), "--preset", str(preset)], log)
    while lines_of(output, 2) < 2 and process.is_alive():
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, log.read_text()
    finished = lines_of(output, 2)
    files = [journal_file(output, 0), journal_file(output, 1)]
    before = [(file.stat().st_mtime_ns, file.read_bytes()) for file in files]
    read: list[int] = []
    summary = run.dream_video(
        str(three_shots), output, resolve(str(preset)), Options(keep_work=True, progress=lambda e: read.append(e.done))
    )
    assert summary.rendered == LENGTHS[2] - finished < LENGTHS[2]
    assert read[0] == TOTAL - summary.rendered
    assert [(file.stat().st_mtime_ns, file.read_bytes()) for file in files] == before
    assert frames_of(output) == frames_of(whole)
    assert output.read_bytes() == whole.read_bytes()


def test_a_shot_in_the_middle_that_is_lost_is_rendered_alone(three_shots: Path, preset: Path, tmp_path: Path) -> None:
    output, settings = tmp_path / "dream.mkv", resolve(str(preset), [("mask.kind", "motion")])
    run.dream_video(str(three_shots), output, settings, KEEP)
    whole = frames_of(output)
    journal_file(output, 1).unlink()
    (folder_of(output) / "frames" / "000005.png").unlink()
    (folder_of(output) / "frames" / "000009.png").unlink()  # the third of the third shot
    again = run.dream_video(str(three_shots), output, settings, Options(keep_work=True, overwrite=True))
    assert again.rendered == LENGTHS[1] + LENGTHS[2] - 2
    assert frames_of(output) == whole


def test_a_canvas_is_painted_and_filmed_from_the_job_folder_alone(preset: Path, tmp_path: Path, still: Path) -> None:
    settings = resolve(str(preset), [("input.seconds", "0.3"), ("input.fps", "12"), ("dream.octaves", "1")])
    whole, output = tmp_path / "whole.mkv", tmp_path / "again.mkv"
    run.dream_zoom(str(still), whole, settings, KEEP)
    in_process(begun("zoom", still, output, settings).path, 0)
    assert run.dream_zoom(str(still), output, settings, KEEP).rendered == 0
    assert frames_of(output) == frames_of(whole)


def test_a_job_that_would_be_continued_differently_is_refused(
    three_shots: Path, preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begun("video", three_shots, tmp_path / "dream.mkv", resolve(str(preset)))
    monkeypatch.setattr("dreamvid.jobs.fingerprint.torch.__version__", "0.0.1")
    with pytest.raises(JobError, match=r"continued differently here: torch \(was .*, now 0\.0\.1\)"):
        open_job(folder.path)
    with pytest.raises(JobError, match="not a job that was begun"):
        open_job(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files must be text here")
def test_settings_may_name_a_file_whose_name_is_not_text(three_shots: Path, preset: Path, tmp_path: Path) -> None:
    mask = write_image(tmp_path / "mask.png", texture()).rename(tmp_path / os.fsdecode(b"m\xe9.png"))
    settings = resolve(str(preset), [("mask.file", str(mask))])
    folder = begun("video", three_shots, tmp_path / "dream.mkv", settings)
    assert open_job(folder.path).schedule.settings.mask.file == str(mask)


@pytest.mark.parametrize("command", ["video", "image", "zoom"])
@pytest.mark.parametrize("loop", [False, True])
def test_a_plan_comes_back_from_its_table(
    command: Command, loop: bool, three_shots: Path, still: Path, preset: Path
) -> None:
    settings = resolve(str(preset), [("input.loop", loop), ("camera.mode", "frames"), ("input.seconds", 1)])
    planned, _ = prepare(command, (str(three_shots if command == "video" else still),), settings)
    assert RenderPlan.from_table(json.loads(json.dumps(planned.to_table()))) == planned
    assert (planned.plan.crossfade is not None) == (loop and command != "image")


def test_a_plan_of_an_earlier_version_knows_no_numbers_of_tracks(three_shots: Path, preset: Path) -> None:
    planned, _ = prepare("video", (str(three_shots),), resolve(str(preset)))
    table = planned.to_table()
    for info in (table["info"], *table["sources"]):
        assert info.pop("picture") == 0
        for track in (*info["audio"], *info["subtitles"]):
            del track["number"]
    assert RenderPlan.from_table(table) == planned


def test_a_damaged_plan_is_said(three_shots: Path, preset: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="damaged at command"):
        RenderPlan.from_table({"command": "dance"})
    folder = begun("video", three_shots, tmp_path / "dream.mkv", resolve(str(preset)))
    folder.plan_file.write_text(folder.plan_file.read_text().replace('"start": 0', '"start": 1', 1))
    with pytest.raises(JobError, match=r"plan\.json is damaged.*render it again"):
        open_job(folder.path)
