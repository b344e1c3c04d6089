"""Ranges, rates, and the map from the frames of a film to those of its source."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import (
    duration,
    frame_map,
    parse_duration,
    parse_moment,
    parse_range,
    parse_rate,
    seconds_to_frames,
    timecode,
)

RATES = st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(1, 3)])
COUNTS = st.integers(1, 300)


@given(COUNTS, RATES)
def test_at_a_constant_rate_every_frame_is_shown_once(count: int, rate: Fraction) -> None:
    times = tuple(index / rate for index in range(count))
    assert frame_map(times, count / rate, rate) == tuple(range(count))


@given(COUNTS, RATES.filter(lambda rate: rate > 20))
def test_time_stamps_rounded_to_milliseconds_fall_on_their_own_frames(count: int, rate: Fraction) -> None:
    times = tuple(Fraction(round(1000 * index / rate), 1000) for index in range(count))
    assert frame_map(times, Fraction(round(1000 * count / rate), 1000), rate) == tuple(range(count))


@given(
    st.lists(st.fractions(Fraction(1, 120), Fraction(2), max_denominator=1000), min_size=1, max_size=60),
    st.fractions(Fraction(1), Fraction(120), max_denominator=1001),
)
def test_a_film_of_any_gaps_runs_forward_and_shows_what_has_begun(gaps: list[Fraction], rate: Fraction) -> None:
    starts = [sum(gaps[:index], Fraction(0)) for index in range(len(gaps))]
    end = sum(gaps, Fraction(0))
    shown = frame_map(tuple(starts), end, rate)
    assert len(shown) == max(1, round(end * rate))
    assert list(shown) == sorted(shown)
    assert shown[0] >= 0 and shown[-1] < len(gaps)
    for position, frame in enumerate(shown):
        middle = (position + Fraction(1, 2)) / rate
        assert frame == max(index for index, start in enumerate(starts) if start <= middle)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=60),
    st.sampled_from([Fraction(25), Fraction(30000, 1001)]),
)
def test_on_the_grid_of_its_own_rate_every_frame_is_held_for_its_gap(gaps: list[int], rate: Fraction) -> None:
    starts = [sum(gaps[:index]) for index in range(len(gaps))]
    shown = frame_map(tuple(start / rate for start in starts), sum(gaps) / rate, rate)
    assert shown == tuple(index for index, gap in enumerate(gaps) for _ in range(gap))


def test_a_varying_rate_repeats_the_frames_that_last() -> None:
    ticks = [*range(10), *range(10, 20, 2), *range(20, 40, 5)]  # at 25 fps, then every 2nd, then every 5th
    shown = frame_map(tuple(Fraction(tick, 25) for tick in ticks), Fraction(40, 25), Fraction(25))
    held_twice = [frame for frame in range(10, 15) for _ in range(2)]
    held_five_times = [frame for frame in range(15, 19) for _ in range(5)]
    assert shown == (*range(10), *held_twice, *held_five_times)


def test_half_the_rate_shows_every_second_frame() -> None:
    shown = frame_map(tuple(Fraction(index, 50) for index in range(20)), Fraction(20, 50), Fraction(25))
    assert len(shown) == 10
    assert {later - earlier for earlier, later in itertools.pairwise(shown)} == {2}


def test_a_source_shorter_than_one_frame_still_shows_one() -> None:
    assert frame_map((Fraction(0),), Fraction(1, 1000), Fraction(24)) == (0,)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0:48", (0, 48)), ("48:", (48, None)), (":48", (None, 48)), (":", (None, None)), (" 1 : 2 ", (1, 2))],
)
def test_a_range_may_be_open_at_either_end(text: str, wanted: tuple[int | None, int | None]) -> None:
    assert parse_range(text) == wanted


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_range_is_read_as_it_is_written(start: int, length: int) -> None:
    assert parse_range(f"{start}:{start + length}") == (start, start + length)


@pytest.mark.parametrize("text", ["", "5", "a:b", "1:2:3", "1.5:2", "5:5", "7:3", "-2:4", ":-1", ":0"])
def test_what_is_no_range_is_quoted_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_range(text)
    assert repr(text) in str(error.value) and "\n" not in str(error.value)
    assert "--" not in str(error.value)  # a preset may have said it


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("25", Fraction(25)),
        ("12.5", Fraction(25, 2)),
        ("30000/1001", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("2997/100", Fraction(2997, 100)),
        ("24.5", Fraction(49, 2)),
        ("14.985", Fraction(15000, 1001)),
        ("0.999", Fraction(999, 1000)),
    ],
)
def test_a_rate_is_exact_and_the_decimals_of_ntsc_mean_their_fraction(text: str, wanted: Fraction) -> None:
    assert parse_rate(text) == wanted


@pytest.mark.parametrize("text", ["", "fast", "0", "-25", "0.004", "25/0", "1001", "nan", "inf"])
def test_what_is_no_rate_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse_rate(text)
    assert text in str(error.value) and "\n" not in str(error.value)


@given(st.fractions(Fraction(1, 100), Fraction(1000), max_denominator=10**5))
def test_a_rate_written_as_a_fraction_is_kept(rate: Fraction) -> None:
    assert parse_rate(f"{rate.numerator}/{rate.denominator}") == rate


@given(st.decimals("0.01", "1000", places=3))
def test_a_rate_is_never_read_as_far_from_what_was_written(text: object) -> None:
    rate = parse_rate(str(text))
    assert rate > 0
    assert abs(rate - Fraction(str(text))) < Fraction(1, 200)


@given(st.integers(0, 10**5), RATES.filter(lambda rate: rate > 20))
def test_seconds_find_the_frame_they_belong_to(frame: int, rate: Fraction) -> None:
    assert seconds_to_frames(float(frame / rate), float((frame + 1) / rate), rate) == (frame, frame + 1)


def test_open_ends_in_seconds_stay_open() -> None:
    assert seconds_to_frames(None, None, Fraction(25)) == (None, None)
    assert seconds_to_frames(0.0, 0.48, Fraction(25)) == (0, 12)


def test_a_second_is_as_many_frames_wherever_it_begins() -> None:
    """`round` takes halves to the even number: 1.5 to 2.5 seconds would be 24 frames, 0.5 to 1.5 would be 26."""
    lengths = set()
    for half_seconds in range(8):
        start, stop = seconds_to_frames(half_seconds / 2, half_seconds / 2 + 1, Fraction(25))
        assert start is not None and stop is not None
        lengths.add(stop - start)
    assert lengths == {25}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("62.5", 62.5),
        ("0", 0),
        (".5", 0.5),
        ("1:02.5", 62.5),
        ("0:01:02.5", 62.5),
        ("90:00", 5400),
        (" 2:00:00 ", 7200),
    ],
)
def test_a_moment_is_seconds_or_a_timecode(text: str, seconds: float) -> None:
    assert parse_moment(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "1:60", "1:60:00", "1:2:3:4", ":30", "1:", "-1", "1:-2", "1e3", "nan", "²"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a time: give seconds"):
        parse_moment(text)


@given(st.integers(0, 10**6))
def test_a_timecode_is_read_as_it_is_written(cents: int) -> None:
    assert parse_moment(timecode(cents / 100)) == cents / 100


def test_a_timecode_has_hours_and_fractions_only_where_there_are_any() -> None:
    assert [timecode(seconds) for seconds in (4, 62.5, 3600, 3725.25)] == ["0:04", "1:02.5", "1:00:00", "1:02:05.25"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 M ", 120), ("0.5s", 0.5)]
)
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0m", "1:30", "10 minutes", "1e3s", "٣m", "nan", "1d"])
def test_another_text_is_no_length_of_time(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a length of time: give one such as 90s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "1s"), (59.4, "59s"), (60, "1m"), (560, "9m20s"), (3599.6, "1h"), (3900, "1h05m"), (3599, "59m59s")],
)
def test_a_length_of_time_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text
