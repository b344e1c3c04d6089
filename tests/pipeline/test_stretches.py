"""Stretches of a film: where each lies, which goes on with a dream, and how one look grows into another."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from little import quick

from dreamvid.config.fields import Moment
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import SourceInfo
from dreamvid.pipeline.crossfade import Growth
from dreamvid.pipeline.frame_params import growing_frames
from dreamvid.pipeline.plan import Plan, make_plan, with_cuts
from dreamvid.pipeline.schedule import make_schedule
from dreamvid.pipeline.stretches import Join, Stretch, divided

RATE, COUNT = 24, 48


def planned(settings: Settings | None = None, cuts: tuple[int, ...] = ()) -> Plan:
    """The plan of a film of two seconds."""
    times = tuple(Fraction(number, RATE) for number in range(COUNT))
    info = SourceInfo("clip", "video", 48, 64, times, Fraction(COUNT, RATE), Fraction(RATE), "0")
    return with_cuts(make_plan(settings or quick(), info), cuts)


def stretch(start: float, join: Join = "carry", layer: str = "second", **changes: object) -> Stretch:
    return Stretch(quick(layer, **changes), Moment(start), None, join, where=f"at {start}")


def test_they_share_the_frames_and_the_time_of_the_film() -> None:
    whole = planned(quick(input={"start": 0.5}))
    parts = list(divided(whole, [stretch(0, "cut"), stretch(0.52), stretch(1)]))
    assert [frame for part in parts for frame in part.frames] == list(whole.frames)
    assert [moment for part in parts for moment in part.moments] == list(whole.moments)
    assert [part.clip for part in parts] == [
        tuple(Fraction(at, RATE) for at in ends) for ends in pairwise((12, 24, 36, 48))
    ]
    moving = quick(dream={"step_size": "0:0.01, 100%:0.05"})
    values = [row for part in parts for row in make_schedule(moving, part).values]
    assert values == list(make_schedule(moving, whole).values)


def test_a_dream_goes_on_but_over_cuts_of_film_and_source() -> None:
    looks = [stretch(0, "cut"), stretch(0.5), stretch(1, "cut"), stretch(1.5)]
    parts = list(divided(planned(cuts=(36,)), looks))
    assert [part.carries_on for part in parts] == [False, True, False, False]
    assert [part.starts_shot(part.frames[0]) for part in parts] == [True, False, True, True]
    assert [part.continues_shot(part.frames[-1]) for part in parts] == [True, False, False, False]
    assert [[(shot.start, shot.stop) for shot in part.shots] for part in parts][1] == [(12, 24)]


def test_another_objective_grows_and_other_numbers_are_gone_over_to() -> None:
    looks = [stretch(0, "cut"), stretch(0.5, dream={"strength": 0.5}), stretch(1, layer="third")]
    assert [part.grows for part in divided(planned(), looks)] == [False, False, True]


@pytest.mark.parametrize(("cuts", "cadence", "frames"), [((), 1, 24), ((), 2, 18), ((30,), 1, 18)])
def test_it_grows_for_a_second_and_some_frames_or_to_the_next_cut(
    cuts: tuple[int, ...], cadence: int, frames: int
) -> None:
    _, part = divided(planned(cuts=cuts), [stretch(0, "cut"), stretch(0.5, layer="third")])
    assert growing_frames(part, cadence) == frames


@pytest.mark.parametrize("count", [1, 5, 24, 60])
def test_wherever_a_look_grows_hardly_anything_is_left_of_the_one_before(count: int) -> None:
    left, seen = np.ones((36, 64)), np.zeros((36, 64))
    for at in range(count):
        growth = Growth(at, count)
        places = growth.places(36, 64)
        left, seen = left * (1 - growth.fade * places), seen + places
    assert left.max() < 0.03
    assert count < 24 or seen.max() < count / 2  # each place in a part of the time


def test_what_cannot_be_carried_on_is_said() -> None:
    with pytest.raises(SettingsError, match=r"at 0.5: with coherence.mode=none no dream is carried on"):
        list(divided(planned(), [stretch(0, "cut"), stretch(0.5, coherence={"mode": "none"})]))
    with pytest.raises(SettingsError, match="a loop has no segments"):
        list(divided(planned(), [stretch(0, "cut", input={"loop": True})]))
