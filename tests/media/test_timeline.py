"""Times and rates from time stamps."""

import random
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.timing import frame_map
from dreamvid.media import timeline


@given(
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(25, 2)]),
    count=st.integers(1, 300),
)
def test_a_constant_rate_is_found_through_rounded_stamps(rate: Fraction, count: int) -> None:
    stamps = [Fraction(round(n / rate * 1000), 1000) for n in range(count)]
    claimed = (rate.limit_denominator(400), rate)
    line = timeline.timeline([*stamps], Fraction(round(1000 / rate), 1000), claimed)
    assert (line.delay, line.times) == (0, tuple(stamps))
    if count > 1:
        assert line.rate == rate
    assert frame_map(line.times, line.end, line.rate) == tuple(range(count))


@given(steps=st.lists(st.integers(5, 500), min_size=1, max_size=60))
def test_a_varying_rate_shows_every_frame(steps: list[int]) -> None:
    times = [Fraction(0)]
    for step in steps:
        times.append(times[-1] + Fraction(step, 1000))
    line = timeline.timeline([*times], Fraction(1, 25), (Fraction(1000), Fraction(25)))
    assert set(frame_map(line.times, line.end, line.rate)) == set(range(len(times)))
    assert line.rate <= 1000


@pytest.mark.parametrize("lengths", [("3", "1"), ("1.2", "0.8"), ("0.5", "1.5", "1"), ("0.3", "0.1", "0.2", "0.2")])
def test_slow_pictures_of_different_lengths_come_at_their_times(lengths: tuple[str, ...]) -> None:
    *times, end = accumulate(map(Fraction, lengths), initial=Fraction(0))
    rate = timeline.base_rate(tuple(times), end, (len(times) / end,))
    assert rate <= 25
    shown = frame_map(tuple(times), end, rate)
    for number, time in enumerate(times):
        assert abs(shown.index(number) / rate - time) <= Fraction(1, 20)
    assert abs(len(shown) / rate - end) <= Fraction(1, 20)


def test_stamps_that_do_not_rise_give_way_to_the_claimed_rate() -> None:
    for stamps in ([Fraction(1), None, Fraction(2)], [Fraction(1), Fraction(2), Fraction(1)]):
        line = timeline.timeline(stamps, Fraction(0), (Fraction(50),))
        assert line == timeline.Timeline(
            Fraction(1), (Fraction(0), Fraction(1, 50), Fraction(2, 50)), Fraction(3, 50), Fraction(50)
        )


def test_even_time_stamps_are_their_own_rate() -> None:
    """An animated WebP claims a clock of 1000; 59.94 would show its frames too, each three times."""
    times = tuple(Fraction(n, 20) for n in range(8))
    assert timeline.base_rate(times, Fraction(2, 5), (Fraction(1000),)) == 20


def test_a_slow_rate_that_meets_every_time_is_taken_before_a_usual_one() -> None:
    """An animated WebP, which claims none, shows its pictures for 0.1, 0.2, 0.3, 0.2 and 0.2 s: 29.97 is near, too."""
    times = tuple(Fraction(n, 10) for n in (0, 1, 3, 6, 8))
    assert timeline.base_rate(times, Fraction(1), ()) == 10


def stamps_of(rate: Fraction, count: int, clock: int, moved: dict[int, Fraction]) -> list[Fraction | None]:
    """Evenly spaced stamps on a clock of `clock` ticks per second, but for those moved by some seconds."""
    return [Fraction(round((n / rate + moved.get(n, 0)) * clock), clock) for n in range(count)]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30), Fraction(60000, 1001)])
@pytest.mark.parametrize("clock", [1000, 90000])
@pytest.mark.parametrize("at", [1, 20, 59])
@pytest.mark.parametrize("gap", [Fraction(0), Fraction(2, 1000), Fraction(3, 1000)])
def test_two_frames_that_come_together_leave_the_rate(rate: Fraction, clock: int, at: int, gap: Fraction) -> None:
    stamps = stamps_of(rate, 60, clock, {at: gap - 1 / rate})
    line = timeline.timeline(stamps, 1 / rate, (rate, Fraction(1000)))
    assert line.rate == rate
    assert frame_map(line.times, line.end, rate) == tuple(range(60))
    assert all(abs(time - n / rate) <= Fraction(1, 1000) for n, time in enumerate(line.times))
    assert f"1 of 60 frames at nearly the time of the one before (first: frame {at}" in line.note


def test_a_frame_too_many_is_not_shown_and_the_others_stay_in_time() -> None:
    even = stamps_of(Fraction(30), 60, 1000, {})
    line = timeline.timeline([*even[:20], Fraction("0.635"), *even[20:]], Fraction(33, 1000), (Fraction(30),))
    shown = frame_map(line.times, line.end, line.rate)
    assert (line.rate, len(shown)) == (30, 60)
    assert shown == (*range(19), *range(20, 61))
    assert "1 cannot be shown" in line.note


def test_a_few_faster_frames_are_no_slip() -> None:
    """Half a frame is long enough to be seen."""
    even = stamps_of(Fraction(30), 60, 1000, {})
    line = timeline.timeline([*even[:20], Fraction("0.650"), *even[20:]], Fraction(33, 1000), (Fraction(30),))
    assert (line.rate, line.note) == (60, "")


@pytest.mark.parametrize("every", [12, 25])
def test_a_stream_that_stutters_keeps_a_rate_that_displays_show(every: int) -> None:
    """As a browser records a camera: uneven, and time and again a frame comes late and the next one at once."""
    uneven = random.Random(1)
    steps = [{every // 2: 2, every // 2 - 1: 64}.get(n % every) or uneven.randint(31, 35) for n in range(150)]
    stamps = [Fraction(time, 1000) for time in accumulate(steps[:-1], initial=0)]
    line = timeline.timeline([*stamps], Fraction(33, 1000), (Fraction(30), Fraction(1000)))
    assert 29 < line.rate <= 60
    assert len(set(frame_map(line.times, line.end, line.rate))) >= 149
    assert max(abs(a - b) for a, b in zip(line.times, stamps, strict=True)) <= timeline.OFF
    assert f"{150 // every} of 150 frames" in line.note


def test_a_faster_part_of_a_film_keeps_its_frames() -> None:
    slow, fast = [Fraction(n, 30) for n in range(60)], [2 + Fraction(n, 240) for n in range(24)]
    line = timeline.timeline([*slow, *fast], Fraction(1, 240), (Fraction(30),))
    assert (line.rate, line.note) == (240, "")


def test_frames_at_one_time_leave_every_other_at_its_own() -> None:
    """With stamps too uneven for a usual rate."""
    stamps: list[Fraction | None] = [Fraction(n, 1000) for n in (0, 37, 65, 65, 99, 106, 169, 197, 230, 270)]
    line = timeline.timeline(stamps, Fraction(30, 1000), (Fraction(30),))
    assert line.times == (*stamps[:3], Fraction(82, 1000), *stamps[4:])
    assert set(frame_map(line.times, line.end, line.rate)) == set(range(10))


def test_stamps_that_are_all_the_same_give_way_to_the_claimed_rate() -> None:
    line = timeline.timeline([Fraction(1)] * 4, Fraction(0), (Fraction(50),))
    assert (line.times, line.rate) == (tuple(Fraction(n, 50) for n in range(4)), 50)
