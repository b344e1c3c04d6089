"""The share of a film that is new in its frames, and the work that this foretells; no pixel depends on it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from little import drifting, texture

from dreamvid.config.settings import CoherenceSettings
from dreamvid.core.framing import frame_to
from dreamvid.core.types import Frame, Pixels
from dreamvid.pipeline.newness import MEASURING, MORE, SAMPLES, observed, works
from dreamvid.pipeline.plan import Plan, with_cuts

SIZE = 96, 128
FLOW = CoherenceSettings()


def numbered(pictures: list[Pixels]) -> list[Frame]:
    return [Frame(2 * number, Fraction(number, 12), picture) for number, picture in enumerate(pictures)]


def noted(pictures: list[Pixels]) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    frames = numbered(pictures)
    passed = list(observed(frames, len(frames), found))
    assert len(passed) == len(frames) and all(one is other for one, other in zip(passed, frames, strict=True))
    return found


def plan_of(newness: list[tuple[int, float]], frames: int, cuts: tuple[int, ...] = ()) -> Plan:
    framing = frame_to(*SIZE, Fraction(1), None, "crop")
    plan = Plan(framing, Fraction(12), tuple(range(frames)), tuple(range(frames)), newness=tuple(newness))
    return with_cuts(plan, cuts)


def test_what_drifts_by_is_hardly_new_what_comes_into_view_is_and_another_picture_is_lost() -> None:
    calm = noted(drifting(4, cols=1, rows=0, size=SIZE))
    fast = noted(drifting(4, cols=5, rows=0, size=SIZE))
    other = noted([texture(*SIZE, seed) for seed in range(4)])
    assert [index for index, _ in calm] == [2, 4, 6]
    assert max(new for _, new in calm) < 0.05 < min(new for _, new in fast) < 0.5
    assert [new for _, new in other] == [1.0] * 3


@pytest.mark.parametrize("count", [1, 2, SAMPLES, SAMPLES + 1, 5 * SAMPLES + 3])
def test_of_a_long_film_some_frames_are_looked_at_over_all_of_it(count: int) -> None:
    still = texture(16, 16)
    found = noted([still] * count)
    assert min(count - 1, SAMPLES // 2) <= len(found) <= SAMPLES
    assert not found or found[-1][0] >= 2 * (count - 1) * 0.9


def test_a_frame_is_like_the_nearest_that_was_looked_at_but_never_like_a_cut() -> None:
    plan = plan_of([(1, 0.0), (5, 0.1), (6, 1.0), (8, 0.0)], 10, cuts=(6,))
    found = works(plan, range(10), FLOW)
    low, high = found[1], found[5]
    assert found == [low, low, low, low, high, high, high, low, low, low]
    assert high - low == pytest.approx(MORE + MEASURING * (1 / 6 - 1 / 48))
    # Without the fresh dreams that measure the strength, only the further steps are left.
    plain = works(plan, range(10), FLOW, measured=False)
    assert (plain[1], plain[5]) == (0, MORE)


def test_a_frame_that_cannot_be_followed_is_a_fresh_one() -> None:
    assert works(plan_of([(3, 1.0)], 4), range(4), FLOW) == [1.0] * 4


@pytest.mark.parametrize("how", [CoherenceSettings(mode="none"), CoherenceSettings(mode="blend")])
def test_without_flow_all_frames_take_all_steps(how: CoherenceSettings) -> None:
    assert works(plan_of([(1, 0.0), (3, 1.0)], 4), range(4), how) == [MEASURING] * 4
    assert works(plan_of([], 4), range(1, 4), FLOW) == [0.0] * 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(1, 4))
def test_more_that_is_new_never_foretells_less_work(shares: list[float], cadence: int) -> None:
    rising = sorted(shares)
    plan = replace(plan_of([], len(rising) + 1), newness=tuple(enumerate(rising, start=1)))
    found = works(plan, range(1, len(rising) + 1), CoherenceSettings(cadence=cadence))
    assert found == sorted(found)
    assert min(found) > 0 and max(found) <= 1
    assert np.isfinite(found).all()
