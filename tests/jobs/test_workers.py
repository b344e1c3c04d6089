"""Workers: how many render a film, and which of them what, changes no byte; a killed one costs its frame, no more."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from job_runs import KEEP, Here, folder_of, two_tinted
from little import drifting, film, quick
from PIL import Image

from dreamvid.config.presets import resolve
from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.jobs import run
from dreamvid.jobs.events import Event
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.local_worker import LocalWorker
from dreamvid.jobs.parts import Part
from dreamvid.jobs.run import Options
from dreamvid.jobs.segment_records import SegmentRecords
from dreamvid.jobs.workers import News, Tell, WorkerLostError, Workers

LONG = 28  # frames of a shot of two segments
PLAIN = [("dream.steps", 2), ("dream.octaves", 2), ("compute.precision", "fp32")]


def local(count: int) -> Workers:
    return Workers([LocalWorker() for _ in range(count)])


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with local(2) as found:
        yield found


@pytest.fixture(scope="module")
def settings() -> Settings:
    return resolve("dream", [*PLAIN, ("parallel.segment", 1.2)])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shots, the last of two segments."""
    frames = [*two_tinted(4, 3), *drifting(LONG, seed=9)]
    return film(tmp_path_factory.mktemp("clip") / "shots.mkv", frames, rate=12)


@pytest.fixture(scope="module")
def whole(clip: Path, settings: Settings) -> bytes:
    """The film as one process renders it."""
    alone = settings.model_copy(update={"compute": settings.compute.model_copy(update={"threads": 1})})
    output = clip.with_name("whole.mkv")
    run.dream_video(str(clip), output, alone, KEEP)
    assert len(list((folder_of(output) / "journal").iterdir())) == 4
    return output.read_bytes()


def others() -> Callable[[], list[int]]:
    """Returns a function that lists the processes that have been begun since."""
    before = {process.pid for process in multiprocessing.active_children()}
    return lambda: [child.pid for child in multiprocessing.active_children() if child.pid and child.pid not in before]


def test_the_longest_part_is_begun_first(workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit, given = Workers.submit, list[Part]()
    monkeypatch.setattr(Workers, "submit", lambda self, part, *how: given.append(part) or submit(self, part, *how))
    source = film(tmp_path / "in.mkv", two_tinted(3, 6), rate=12)
    run.dream_video(str(source), tmp_path / "out.mkv", resolve("dream", PLAIN), Options(workers=workers))
    assert [part.segments for part in given] == [(1,), (0,)]


def test_the_longest_is_chosen_of_what_can_be_rendered_by_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegmentRecords, "work", property(lambda segment: segment.number))
    submit, given = Workers.submit, list[Part]()
    monkeypatch.setattr(Workers, "submit", lambda self, part, *how: given.append(part) or submit(self, part, *how))
    source = film(tmp_path / "long.mkv", drifting(LONG, seed=9), rate=12)
    settings = resolve("dream", [*PLAIN, ("parallel.segment", 1.2), ("compute.threads", 1)])
    with Workers([Here()]) as one:
        run.dream_video(str(source), tmp_path / "out.mkv", settings, Options(workers=one))
    assert [part.segments for part in given] == [(), (1,), (0,)]


class Waiting(Here):
    """Holds the anchors of a shot after the first, until another part has ended; notes what was rendered by then."""

    def __init__(self, ended: list[Part], one: threading.Event) -> None:
        super().__init__()
        self._ended, self._one, self.stored = ended, one, 0

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        def tells(news: News) -> None:
            tell(news)
            if part.shot is not None and not self._one.is_set():
                assert self._one.wait(60)
                self.stored = len(list((part.folder / "frames").glob("*.png")))

        super().render(part, tells, halt)
        self._ended.append(part)
        self._one.set()


def test_a_segment_is_begun_before_the_next_anchor_is_there_and_its_crossfade_follows(tmp_path: Path) -> None:
    clip, output = film(tmp_path / "long.mkv", drifting(LONG, seed=9), rate=12), tmp_path / "dream.mkv"
    settings = resolve("dream", [*PLAIN, ("parallel.segment", 1.2), ("compute.threads", 1)])
    run.dream_video(str(clip), tmp_path / "whole.mkv", settings)
    ended, one = list[Part](), threading.Event()
    waiting = [Waiting(ended, one), Waiting(ended, one)]
    with Workers(waiting) as two:
        run.dream_video(str(clip), output, settings, Options(workers=two))
    segments = [part.segments for part in ended]
    assert segments[:2] == [(0,), ()]
    assert sorted(segments[2:]) == [(0,), (1,)]
    assert sorted(worker.stored for worker in waiting) == [0, LONG // 2 - 4]  # a third of 14 frames is left
    assert output.read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_two_workers_render_the_bytes_of_one_process_and_of_one_worker(
    clip: Path, settings: Settings, whole: bytes, workers: Workers, tmp_path: Path
) -> None:
    told: list[Event] = []
    options = Options(progress=told.append, workers=workers)
    summary = run.dream_video(str(clip), tmp_path / "two.mkv", settings, options)
    assert (tmp_path / "two.mkv").read_bytes() == whole
    assert summary.rendered == 7 + LONG
    assert [event.done for event in told if event.phase == "render"] == list(range(7 + LONG + 1))
    with local(1) as one:
        run.dream_video(str(clip), tmp_path / "one.mkv", settings, Options(workers=one))
    assert (tmp_path / "one.mkv").read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_is_replaced_and_the_bytes_are_the_same(
    clip: Path, settings: Settings, whole: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed, processes = list[int](), others()

    def kill(event: Event) -> None:
        if event.phase == "render" and event.done in (3, 15) and event.done not in killed:
            killed.append(event.done)
            os.kill(processes()[0], signal.SIGKILL)

    with local(2) as two:
        run.dream_video(str(clip), tmp_path / "dream.mkv", settings, Options(progress=kill, workers=two))
    assert len(killed) == 2
    assert "a worker was killed (signal 9) while it rendered" in caplog.text
    assert (tmp_path / "dream.mkv").read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_part_whose_worker_is_killed_again_and_again_is_given_up_and_said(
    clip: Path, settings: Settings, whole: bytes, workers: Workers, tmp_path: Path
) -> None:
    output, processes = tmp_path / "dream.mkv", others()

    def kill(event: Event) -> None:
        if event.phase == "render" and event.done:
            for process in processes():
                os.kill(process, signal.SIGKILL)

    with local(2) as two, pytest.raises(WorkerLostError, match="run again to resume"):
        run.dream_video(str(clip), output, settings, Options(progress=kill, workers=two))
    assert not output.exists()
    run.dream_video(str(clip), output, settings, Options(workers=workers))
    assert output.read_bytes() == whole


def test_a_render_that_is_stopped_goes_on_where_it_was(
    clip: Path, settings: Settings, whole: bytes, workers: Workers, tmp_path: Path
) -> None:
    output, told = tmp_path / "dream.mkv", list[int]()
    options = Options(progress=lambda event: told.append(event.done), stop=lambda: told[-1] >= 9, workers=workers)
    with pytest.raises(Interrupted, match="the same command resumes"):
        run.dream_video(str(clip), output, settings, options)
    summary = run.dream_video(str(clip), output, settings, Options(workers=workers))
    assert 0 < summary.rendered <= 7 + LONG - 9
    assert output.read_bytes() == whole


def test_what_goes_wrong_in_a_worker_is_raised_here_and_the_worker_goes_on(workers: Workers, tmp_path: Path) -> None:
    for _ in range(2):
        future = workers.submit(Part(tmp_path, (0,)), lambda news: None, threading.Event())
        with pytest.raises(JobError, match="is not a job that was begun"):
            future.result(120)


def test_what_is_told_of_a_source_is_told_once_however_many_open_it(
    workers: Workers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(np.full((32, 48), 40_000, np.uint16)).save(tmp_path / "deep.png")
    settings = resolve("dream", [*PLAIN, ("mask.file", str(tmp_path / "deep.png"))])
    clip = film(tmp_path / "shots.mkv", two_tinted(2, 2), rate=12)
    with caplog.at_level(logging.INFO, "dreamvid"):
        run.dream_video(str(clip), tmp_path / "film.mkv", settings, Options(workers=workers))
    assert sum("deep.png has more than 8 bits" in record.getMessage() for record in caplog.records) == 1


def test_a_job_that_lacks_only_its_film_needs_no_worker(small_net: None, tmp_path: Path) -> None:
    clip, output = film(tmp_path / "clip.mp4", drifting(2)), tmp_path / "dream.mkv"
    with Workers([Here()]) as one:
        summaries = [
            run.dream_video(str(clip), output, quick(output={"crf": crf}), Options(True, "force", True, workers=one))
            for crf in (20, 30)
        ]
    assert [summary.rendered for summary in summaries] == [2, 0]


def test_a_worker_opens_a_job_anew_where_it_was_begun_with_other_settings(tmp_path: Path) -> None:
    clip, films = str(film(tmp_path / "clip.mkv", drifting(2))), [tmp_path / "one.mkv", tmp_path / "alone.mkv"]
    plain, bold = (
        resolve("dream", [*PLAIN, ("dream.step_size", size), ("compute.threads", 1)]) for size in (0.01, 0.05)
    )
    with local(1) as one:
        for settings in (plain, bold):
            run.dream_video(clip, films[0], settings, Options(True, "renew", workers=one))
    run.dream_video(clip, films[1], bold)
    assert films[0].read_bytes() == films[1].read_bytes()
