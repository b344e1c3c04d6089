"""Plans: which source frames are dreamed, which the film shows, where shots begin."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Shot, SourceInfo
from dreamvid.pipeline.plan import Plan, make_plan, with_cuts
from dreamvid.pipeline.sources import plan_video

VARYING = (*range(10), *range(10, 20, 2), *range(20, 40, 5))  # in ticks of 1/25 s


def source(ticks: tuple[int, ...], end: int, rate: int = 25, height: int = 90, width: int = 160) -> SourceInfo:
    """A video whose frames begin at these ticks of its rate."""
    times = tuple(Fraction(tick, rate) for tick in ticks)
    return SourceInfo("clip.mp4", "video", height, width, times, Fraction(end, rate), Fraction(rate), "sha")


def wanted(**inputs: Any) -> Settings:
    """Settings that differ from the defaults in what of the source is rendered."""
    return read_settings({"input": inputs}, "test")


@given(st.integers(1, 400), st.data())
def test_a_range_is_half_open_and_numbered_from_its_start(count: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    plan = make_plan(wanted(frames=f"{start}:{stop}"), source(tuple(range(count)), count))
    assert plan.frames == tuple(range(start, stop))
    assert plan.playback == tuple(range(stop - start))
    whole = (start, stop) == (0, count)
    assert plan.clip == (None if whole else (Fraction(start, 25), Fraction(stop, 25)))


@given(st.integers(1, 60), st.fractions(Fraction(1), Fraction(120), max_denominator=100))
def test_at_any_rate_each_frame_is_dreamed_once_and_the_film_keeps_its_length(count: int, rate: Fraction) -> None:
    info = source(tuple(range(count)), count)
    plan = make_plan(wanted(fps=f"{rate.numerator}/{rate.denominator}"), info)
    assert plan.rate == rate
    assert len(plan.playback) == max(1, round(count * rate / 25))
    assert list(plan.frames) == sorted(set(plan.frames))
    assert set(plan.playback) == set(range(len(plan.frames)))
    assert list(plan.playback) == sorted(plan.playback)


def test_a_varying_rate_dreams_every_frame_once_and_shows_it_as_long_as_it_lasts() -> None:
    plan = make_plan(Settings(), source(VARYING, 40))
    assert plan.frames == tuple(range(len(VARYING)))
    assert [plan.playback.count(frame) for frame in range(len(VARYING))] == [1] * 10 + [2] * 5 + [5] * 4
    assert plan.clip is None


def test_a_picture_that_stands_for_very_long_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    info = source((0, 1, 12_000), 12_001)
    for frames, said in (("0:9000", False), (None, True)):
        plan_video([info], read_settings({"input": {"frames": frames}, "coherence": {"mode": "none"}}, "test"))
        assert bool(caplog.text) == said
    assert "clip.mp4: frame 1 stands for 479.96 s, 11999 frames of the film: " in caplog.text


def test_a_range_of_a_varying_rate_counts_the_frames_of_the_film() -> None:
    plan = make_plan(wanted(frames="12:22"), source(VARYING, 40))
    assert plan.frames == (11, 12, 13, 14, 15)
    assert plan.playback == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4)
    assert plan.clip == (Fraction(12, 25), Fraction(22, 25))


def test_a_range_in_seconds_falls_on_the_nearest_frames() -> None:
    info = source(tuple(range(100)), 100)
    assert make_plan(wanted(start=1.0, stop=1.48), info).frames == tuple(range(25, 37))
    assert make_plan(wanted(start=3.6), info).frames == tuple(range(90, 100))
    assert make_plan(wanted(stop=0.41), info).frames == tuple(range(10))


@pytest.mark.parametrize(
    "inputs",
    [
        {"frames": "90:110"},
        {"frames": "100:"},
        {"frames": "5"},
        {"start": 4.0},
        {"start": 2.0, "stop": 1.0},
        {"stop": 0.001},
        {"stop": 9.0},
        {"frames": "0:5", "start": 0.5},
        {"fps": "0"},
        {"size": "5x5"},
    ],
)
def test_what_cannot_be_rendered_is_said_in_one_line(inputs: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as error:
        make_plan(wanted(**inputs), source(tuple(range(100)), 100))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"frames": "90:110"}, "clip.mp4 has frames 0 to 99 (4.00 s): the range --frames 90:110 goes beyond its end"),
        ({"start": 4.5}, "clip.mp4 is 4 s long: the range --from 4.5 s goes beyond its end"),
        ({"start": 1, "stop": "0:09"}, "clip.mp4 is 0:04 long: the range --from 1 s --to 0:09 goes beyond its end"),
        ({"start": "0:02", "stop": "0:01.5"}, "the range --from 0:02 --to 0:01.5 holds no frame: --to must come after"),
    ],
)
def test_a_range_outside_is_told_in_the_unit_that_was_given(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        make_plan(wanted(**inputs), source(tuple(range(100)), 100))
    assert said in str(error.value)


def test_more_pixels_than_a_disk_holds_are_refused() -> None:
    with pytest.raises(SettingsError, match="smaller --size"):
        make_plan(wanted(size="16384x16384"), source(tuple(range(4000)), 4000))


def plan_of(frames: tuple[int, ...]) -> Plan:
    """A plan of these source frames out of a long film."""
    picked = make_plan(Settings(), source(tuple(range(200)), 200))
    return Plan(picked.framing, picked.rate, frames, tuple(range(len(frames))))


@given(
    st.lists(st.integers(0, 199), min_size=1, max_size=60, unique=True).map(sorted).map(tuple),
    st.lists(st.integers(-5, 250), max_size=20).map(tuple),
)
def test_shots_divide_the_frames_without_a_gap(frames: tuple[int, ...], cuts: tuple[int, ...]) -> None:
    shots = with_cuts(plan_of(frames), cuts).shots
    assert shots[0].start == frames[0] and shots[-1].stop == frames[-1] + 1
    assert all(shot.start < shot.stop for shot in shots)
    assert [shot.stop for shot in shots[:-1]] == [shot.start for shot in shots[1:]]
    assert {shot.start for shot in shots[1:]} == {cut for cut in cuts if frames[0] < cut <= frames[-1]}


def test_a_shot_begins_at_the_first_frame_and_at_every_cut() -> None:
    plan = with_cuts(plan_of(tuple(range(10, 30))), (15, 22, 99))
    assert plan.shots == (Shot(10, 15), Shot(15, 22), Shot(22, 30))
    assert [frame for frame in plan.frames if plan.starts_shot(frame)] == [10, 15, 22]
    assert [frame for frame in plan.frames if not plan.continues_shot(frame)] == [14, 21, plan.frames[-1]]
    assert [plan.positions(shot) for shot in plan.shots] == [range(5), range(5, 12), range(12, 20)]


def test_a_shot_may_hold_no_frame_that_is_dreamed() -> None:
    plan = with_cuts(plan_of((0, 8, 16)), (3, 5))
    assert [list(plan.positions(shot)) for shot in plan.shots] == [[0], [], [1, 2]]


def test_with_a_cadence_every_nth_frame_of_a_shot_is_dreamed_and_its_last() -> None:
    plan = with_cuts(make_plan(wanted(), source(tuple(range(9)), 9)), (5,))
    assert [frame for frame in plan.frames if plan.is_key(frame, 3)] == [0, 3, 4, 5, 8]
    assert [frame for frame in plan.frames if plan.is_key(frame, 1)] == list(range(9))
    rarer = with_cuts(make_plan(wanted(fps="5"), source(tuple(range(40)), 40)), ())
    assert [frame for frame in rarer.frames if rarer.is_key(frame, 2)] == [*rarer.frames[::2], rarer.frames[-1]]


def test_the_moment_of_a_frame_is_when_the_film_first_shows_it() -> None:
    plan = make_plan(Settings(), source(VARYING, 40))
    assert plan.moments == (*range(10), *range(10, 20, 2), *range(20, 40, 5))
    assert make_plan(wanted(frames="12:22"), source(VARYING, 40)).moments == (0, 2, 4, 6, 8)
