"""The progress of a batch as a whole, and the time that it still takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from little import quick

from dreamvid.batch.job import Job
from dreamvid.batch.whole import Tally, Whole
from dreamvid.jobs.events import Event

SETTINGS = quick()


def job(name: str, frames: int, size: tuple[int, int] = (10, 10)) -> Job:
    return Job("video", "in.mp4", name, Path(name), SETTINGS, frames=frames, size=size)


def left_of(told: list[Whole]) -> float | None:
    return told[-1].seconds_left


def test_jobs_take_as_long_as_the_pixels_so_far_and_what_lies_beside_their_frames() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append), job("one", 4), job("two", 8, (20, 10))
    tally.take_up([one, two])
    tally.tell(one, Event("render", 0, 4))
    assert left_of(told) is None
    tally.tell(one, Event("render", 2, 4, seconds=1.0, seconds_left=2.0))
    assert left_of(told) == pytest.approx(2 + 8 * 2)
    tally.end(one, beside=3.0)
    tally.tell(two, Event("render", 0, 8))
    assert left_of(told) == pytest.approx(8 * 2 + 3)
    assert (told[-1].jobs_done, told[-1].jobs, told[-1].frames_done, told[-1].frames) == (1, 2, 4, 12)


def test_workers_share_what_is_left_but_a_film_is_not_over_before_its_own_parts_are() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append, workers=4), job("one", 4), job("two", 4)
    tally.take_up([one, two])
    tally.tell(one, Event("render", 2, 4, seconds=1.0, seconds_left=1.0, at_once=2))
    assert left_of(told) == pytest.approx((1 * 2 + 4) / 4)
    tally.tell(two, Event("render", 2, 4, seconds=1.0, seconds_left=9.0, at_once=1))
    assert set(told[-1].now) == {"one", "two"}
    assert left_of(told) == 9
    tally.stop(two)  # paused: it is rendered later
    tally.tell(one, Event("render", 3, 4, seconds=1.0, seconds_left=0.5, at_once=2))
    assert left_of(told) == pytest.approx((0.5 * 2 + 4) / 4)


def test_a_job_that_is_taken_up_again_is_no_longer_done() -> None:
    told: list[Whole] = []
    tally, one = Tally(told.append), job("one", 4)
    tally.take_up([one])
    tally.end(one, beside=None)
    tally.take_up([one])
    tally.tell(one, Event("render", 1, 4, seconds=1.0, seconds_left=3.0))
    assert (told[-1].jobs_done, told[-1].frames_done) == (0, 1)


def test_a_first_frame_is_told_from_first_frames_and_a_still_is_nothing_else() -> None:
    told: list[Whole] = []
    tally, film, still = Tally(told.append), job("film", 4), job("still", 1)
    tally.take_up([film, still])
    tally.tell(film, Event("render", 1, 4, seconds=9.0))
    tally.tell(film, Event("render", 2, 4, seconds=1.0, seconds_left=2.0))
    assert left_of(told) == pytest.approx(2 + 9)
    tally.end(film, beside=0.0)
    tally.tell(still, Event("render", 1, 1, seconds=7.0, seconds_left=0.0))
    assert left_of(told) == 0


def test_a_canvas_takes_its_own_time_and_the_next_one_as_long_by_its_frames() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append), job("one", 4), job("two", 8)
    one, two = (replace(each, command="zoom") for each in (one, two))
    tally.take_up([one, two])
    tally.tell(one, Event("render", 0, 4))
    assert left_of(told) is None
    for done in (1, 2):
        tally.tell(one, Event("paint", done, 2, seconds=10.0, seconds_left=20.0 - 10 * done))
    tally.tell(one, Event("render", 1, 4, seconds=0.5, seconds_left=1.5))
    assert left_of(told) == pytest.approx(1.5 + 8 * 0.5 + 2 * 20)
    tally.end(one, beside=0.0)
    tally.tell(two, Event("render", 0, 8))
    tally.tell(two, Event("paint", 1, 4, seconds=10.0, seconds_left=30.0))
    assert left_of(told) == pytest.approx(30 + 8 * 0.5)
