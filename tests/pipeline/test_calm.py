"""What is animated beats no faster than it may, and is nowhere weaker for it."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little import drifting, film, quick
from test_schedule import plan

from dreamvid.config.serialize import key_paths, read_settings
from dreamvid.config.timeline import Cues, Tempo
from dreamvid.core.errors import SettingsError
from dreamvid.pipeline.calm import LESS_IS_STRONGER, closed
from dreamvid.pipeline.prepare import prepare
from dreamvid.pipeline.schedule import make_schedule

RATES = st.sampled_from([Fraction(10), Fraction(24000, 1001), Fraction(25), Fraction(60)])
CURVES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), min_size=1, max_size=150)
FAST = Cues(tempo=Tempo(Fraction(300)))  # five beats a second


def turns(values: Sequence[float]) -> list[tuple[int, int]]:
    """Where values turn to rise (1) and to fall (-1)."""
    steps = [(at, int(math.copysign(1, new - old))) for at, (old, new) in enumerate(pairwise(values), 1) if new != old]
    return [step for before, step in pairwise([(0, 0), *steps]) if before[1] != step[1]]


def most_in_a_second(values: Sequence[float], rate: Fraction, way: int) -> int:
    """The largest number of turns of one kind, with one of the other between, in any stretch of less than a second."""
    places = [at for at, to in turns(values) if to == way]
    return max((sum(at <= other < at + rate for other in places) for at in places), default=0)


def beating(text: str, most: float | None, key: str = "strength", cues: Cues = FAST, **more: Any) -> list[float]:
    """The values of a setting of the dream over ten seconds."""
    made = make_schedule(quick(dream={key: text}, audio={"max_flash": most}), replace(plan(), **more), cues)
    return [values[f"dream.{key}"] for values in made.values]


@given(CURVES, RATES, st.sampled_from([0.7, 1, 2, 3, 7]), st.booleans())
def test_no_curve_rises_or_falls_more_often_than_it_may(
    values: list[float], rate: Fraction, most: float, periodic: bool
) -> None:
    calm = closed(values, math.ceil(rate / most), periodic)
    shown = calm * (3 if periodic else 1)
    assert most_in_a_second(shown, rate, 1) <= max(most, 1)
    assert most_in_a_second(shown, rate, -1) <= max(most, 1)
    assert len(calm) == len(values)


@given(CURVES, st.integers(1, 40), st.booleans())
def test_nothing_becomes_weaker_or_new_and_what_is_calm_stays(values: list[float], beat: int, periodic: bool) -> None:
    calm = closed(values, beat, periodic)
    assert all(now >= then for now, then in zip(calm, values, strict=True))
    assert set(calm) <= set(values)
    assert closed(calm, beat, periodic) == calm
    assert closed(values, 1, periodic) == values
    assert closed([-0.5] * len(values), beat, periodic) == [-0.5] * len(values)


@given(CURVES, st.integers(1, 40), st.integers(0, 150))
def test_a_loop_is_the_same_wherever_it_begins(values: list[float], beat: int, begin: int) -> None:
    calm = closed(values, beat, periodic=True)
    assert closed(np.roll(values, begin).tolist(), beat, periodic=True) == np.roll(calm, begin).tolist()


@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.integers(1, 12))
def test_dips_shorter_than_a_beat_go_and_others_stay(dips: list[int], beat: int) -> None:
    values = [value for dip in dips for value in [1.0, *[0.0] * dip]] + [1.0]
    wanted = [value for dip in dips for value in [1.0, *[float(dip < beat)] * dip]] + [1.0]
    assert closed(values, beat) == wanted


def test_beats_that_are_too_fast_stay_strong_and_slow_ones_are_left_alone() -> None:
    fast, slow = "1 if b % 1 < .5 else .2", "1 if b % 4 < 2 else .2"
    assert most_in_a_second(beating(fast, None), Fraction(24), 1) == 5
    assert set(beating(fast, 3)[:-3]) == {1}
    assert beating(fast, 0) == beating(fast, None)
    assert beating(slow, 3) == beating(slow, None)
    assert set(beating(slow, None)) == {1, 0.2}


def test_where_less_is_a_stronger_dream_the_rests_stay_instead() -> None:
    assert set(beating("3 if b % 1 < .5 else 0", 3, "smooth")[3:]) == {0}
    whole = beating("200 if b % 1 < .5 else 40", 3, "coarsest")
    assert set(whole[3:]) == {40} and {type(value) for value in whole} == {int}


@pytest.mark.parametrize(("invert", "level"), [(False, 0.1), (True, 0.3)])
def test_a_mask_stays_as_wide_as_it_gets(invert: bool, level: float) -> None:
    mask = {"kind": "luma", "invert": invert, "low": ".3 if b % 1 < .5 else .1", "high": ".8 if b % 1 < .5 else .5"}
    made = make_schedule(quick(mask=mask, audio={"max_flash": 3}), plan(), FAST)
    assert {made.at(frame).mask.low for frame in range(5, 230)} == {level}


def test_the_camera_moves_as_it_is_told() -> None:
    camera = {"zoom": "1.2 + b % 1"}
    loud, calm = (
        make_schedule(quick(camera=camera, dream={"strength": "1 + b % 1"}, audio={"max_flash": most}), plan(), FAST)
        for most in (None, 3)
    )
    assert [row["camera.zoom"] for row in calm.values] == [row["camera.zoom"] for row in loud.values]
    assert calm.values != loud.values


def test_a_loop_has_no_dip_where_it_begins_anew() -> None:
    """One peak in the middle of a second, one near its end: the dip over the seam is as short as the other."""
    keys = "0:.2, 9f:.2, 10f:1 hold, 12f:.2 hold, 22f:1 hold, 23f:.2 hold"
    lap = {"cycle_length": 24, "playback": tuple(range(24)) * 10, "frames": tuple(range(24))}
    assert set(beating(keys, 2, **lap)) == {1}
    assert beating(keys, 2, frames=tuple(range(24)), playback=tuple(range(24)))[0] == 0.2


def test_it_counts_in_the_time_of_the_film_where_a_frame_is_shown_twice() -> None:
    """Twelve frames a second, each shown twice: those that are dreamed have what the film would have."""
    every = beating("1 if b % 1 < .7 else .2", 3)
    twice = tuple(at // 2 for at in range(240))
    assert beating("1 if b % 1 < .7 else .2", 3, frames=tuple(range(120)), playback=twice) == every[::2]


def test_between_frames_settings_are_those_of_the_frame() -> None:
    made = make_schedule(quick(dream={"strength": "1 if b % 1 < .5 else .2"}, audio={"max_flash": 3}), plan(), FAST)
    at = [made.during([time])[0].dream.strength for time in (-1, 1.01, 5.55, 10, 11)]
    assert at == [made.at(frame).dream.strength for frame in (0, 24, 133, 239, 239)]


def test_what_is_said_of_less_is_said_of_settings_that_are_animated() -> None:
    assert set(key_paths()) >= LESS_IS_STRONGER
    for key in LESS_IS_STRONGER:
        section, _, name = key.partition(".")
        assert read_settings({section: {name: ".1 + f" if name == "low" else "40 + f"}}, "test").keyframes


def test_how_often_is_a_number_of_times_a_second() -> None:
    with pytest.raises(SettingsError, match=r"audio\.max_flash: .*greater than or equal to 0"):
        quick(audio={"max_flash": -1})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "no setting is animated"),
        ({"camera": {"zoom": "1 + t"}}, "only the camera is animated"),
        ({"dream": {"strength": "1 + t"}}, None),
    ],
)
def test_that_there_is_nothing_to_calm_is_said(
    changes: dict[str, Any], why: str | None, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    clip = film(tmp_path / "clip.mp4", drifting(3), sound=False)
    with caplog.at_level(logging.INFO, "dreamvid"):
        prepare("video", (str(clip),), quick(audio={"max_flash": 3}, **changes))
    said = [record.getMessage() for record in caplog.records if "max_flash" in record.getMessage()]
    assert said == ([] if why is None else [f"audio.max_flash has nothing to calm: {why}"])
