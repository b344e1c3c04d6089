"""The progress of a batch as a whole, and the time that it still takes."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from little import quick

from dreamvid.batch.foretold import pictures_of_canvas
from dreamvid.batch.job import Job
from dreamvid.batch.whole import Tally, Whole
from dreamvid.core.framing import frame_to
from dreamvid.jobs.events import Event
from dreamvid.jobs.time_left import CARRIED
from dreamvid.pipeline.newness import work_of
from dreamvid.pipeline.plan import Plan, with_cuts

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
    tally.tell(one, Event("render", 2, 4, seconds=1.0, work=0.0, seconds_left=2.0))
    assert left_of(told) == pytest.approx(2 + 8 * 2)
    tally.end(one, beside=3.0)
    tally.tell(two, Event("render", 0, 8))
    assert left_of(told) == pytest.approx(8 * 2 + 3)
    assert (told[-1].jobs_done, told[-1].jobs, told[-1].frames_done, told[-1].frames) == (1, 2, 4, 12)


def test_workers_share_what_is_left_but_a_film_is_not_over_before_its_own_parts_are() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append, workers=4), job("one", 4), job("two", 4)
    tally.take_up([one, two])
    tally.tell(one, Event("render", 2, 4, seconds=1.0, work=0.0, seconds_left=1.0, at_once=2))
    assert left_of(told) == pytest.approx((1 * 2 + 4) / 4)
    tally.tell(two, Event("render", 2, 4, seconds=1.0, work=0.0, seconds_left=9.0, at_once=1))
    assert set(told[-1].now) == {"one", "two"}
    assert left_of(told) == 9
    tally.stop(two)  # paused: it is rendered later
    tally.tell(one, Event("render", 3, 4, seconds=1.0, work=0.0, seconds_left=0.5, at_once=2))
    assert left_of(told) == pytest.approx((0.5 * 2 + 4) / 4)


def test_what_lies_beside_the_frames_of_a_film_is_not_told_of_a_still() -> None:
    told: list[Whole] = []
    tally, film = Tally(told.append), job("film", 1)
    stills = [replace(job(name, 1), command="image") for name in ("one", "two")]
    tally.take_up([film, *stills])
    tally.tell(film, Event("render", 1, 1, seconds=1.0, seconds_left=0.0))
    tally.end(film, beside=5.0)
    assert left_of(told) == pytest.approx(2)
    tally.tell(stills[0], Event("render", 1, 1, seconds=1.0, seconds_left=0.0))
    tally.end(stills[0], beside=0.5)
    assert left_of(told) == pytest.approx(1.5)


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
    tally.tell(film, Event("render", 2, 4, seconds=1.0, work=0.0, seconds_left=2.0))
    assert left_of(told) == pytest.approx(2 + 9)
    tally.end(film, beside=0.0)
    tally.tell(still, Event("render", 1, 1, seconds=7.0, seconds_left=0.0))
    assert left_of(told) == 0


def test_a_canvas_takes_its_own_time_and_the_next_one_of_the_same_flight_as_long() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append), job("one", 4), job("two", 8)
    one, two = (replace(each, command="zoom") for each in (one, two))
    tally.take_up([one, two])
    tally.tell(one, Event("render", 0, 4))
    assert left_of(told) is None
    for done in (1, 2):
        tally.tell(one, Event("paint", done, 2, seconds=10.0, seconds_left=20.0 - 10 * done))
    tally.tell(one, Event("render", 1, 4, seconds=0.5, seconds_left=1.5))
    tally.tell(one, Event("render", 2, 4, seconds=0.5, work=0.0, seconds_left=1.0))
    assert left_of(told) == pytest.approx(1.0 + 8 * 0.5 + 20)
    tally.end(one, beside=0.0)
    tally.tell(two, Event("render", 0, 8))
    tally.tell(two, Event("paint", 1, 4, seconds=10.0, seconds_left=30.0))
    assert left_of(told) == pytest.approx(30 + 8 * 0.5)


def test_a_canvas_is_told_from_those_of_its_own_kind() -> None:
    told: list[Whole] = []
    long = quick(dream={"steps": 9})
    one, two, three = (replace(job(name, 4), command="zoom") for name in ("one", "two", "three"))
    two, three = (replace(each, settings=long) for each in (two, three))
    tally = Tally(told.append)
    tally.take_up([one, two, three])
    for each, seconds in ((one, 20.0), (two, 60.0)):
        tally.tell(each, Event("paint", 1, 1, seconds=seconds, seconds_left=0.0))
        tally.tell(each, Event("render", 1, 4, seconds=0.5, seconds_left=0.0))
    assert left_of(told) == pytest.approx(60 + 4 * 0.5)


def test_views_of_a_canvas_are_not_told_from_frames_that_are_dreamed() -> None:
    told: list[Whole] = []
    tally, film, flight = Tally(told.append), job("film", 4), replace(job("flight", 8), command="zoom")
    tally.take_up([film, flight])
    tally.tell(film, Event("render", 1, 4, seconds=2.0, seconds_left=6.0))
    canvas = 2.0 * pictures_of_canvas(flight.settings)  # as that many first frames
    assert left_of(told) == pytest.approx(6 + canvas)
    tally.tell(flight, Event("render", 1, 8, seconds=0.5, seconds_left=3.5))
    tally.stop(flight)
    tally.tell(film, Event("render", 2, 4, seconds=2.0, work=0.0, seconds_left=4.0))
    assert left_of(told) == pytest.approx(4 + canvas + 8 * 0.5)


def plan_of(cuts: tuple[int, ...], newness: dict[int, float], frames: range) -> Plan:
    framing = frame_to(16, 16, Fraction(1), None, "crop")
    plan = Plan(framing, Fraction(12), tuple(frames), tuple(range(len(frames))), newness=tuple(newness.items()))
    return with_cuts(plan, cuts)


def test_a_film_that_waits_is_foretold_by_what_plans_of_its_source_showed_of_the_same_frames() -> None:
    told: list[Whole] = []
    calm, lively, elsewhere = (
        replace(job(name, 10), source_frames=frames)
        for name, frames in [("calm", range(10)), ("lively", range(20, 30)), ("elsewhere", range(40, 50))]
    )
    tally = Tally(told.append)
    tally.take_up([calm, lively, elsewhere])
    tally.learn("in.mp4", [plan_of((25,), {5: 0.0, 21: 0.5, 25: 1.0, 28: 0.5}, range(30))])
    tally.tell(calm, Event("render", 1, 10, seconds=10.0, seconds_left=9.0))
    for done in range(2, 11):
        tally.tell(calm, Event("render", done, 10, seconds=1.0, work=0.0, seconds_left=10.0 - done))
    # Two first frames, and eight of a second with the work of half a picture; another first frame, and nine as so far.
    assert left_of(told) == pytest.approx(2 * 10 + 8 * (1 + 10 * work_of(0.5, SETTINGS.coherence)) + 10 + 9)


def test_a_film_whose_first_frame_is_being_dreamed_waits_as_it_did_before() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append), job("one", 3), job("two", 3)
    tally.take_up([one, two])
    for done, seconds, left in [(1, 5.0, 2.0), (2, 1.0, 1.0), (3, 1.0, 0.0)]:
        work = None if done == 1 else 0.0
        tally.tell(one, Event("render", done, 3, seconds=seconds, work=work, seconds_left=left))
    waiting = left_of(told)
    tally.end(one, beside=0.0)
    tally.tell(two, Event("render", 0, 3))
    assert waiting == left_of(told) == pytest.approx(5 + 2 * 1)


def test_a_job_that_changed_orders_leave_out_while_it_is_opened_is_counted_no_more() -> None:
    told: list[Whole] = []
    tally, one, two = Tally(told.append), job("one", 4), job("two", 4)
    tally.take_up([one, two])
    tally.tell(one, Event("render", 0, 4))
    tally.take_up([two])
    tally.tell(one, Event("render", 1, 4, seconds=1.0, seconds_left=0.0))
    tally.end(one, beside=0.0)
    tally.tell(two, Event("render", 0, 4))
    assert left_of(told) == pytest.approx(1 + 3 * CARRIED)
