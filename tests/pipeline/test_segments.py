"""Segments: shots divided evenly, anchors by all the motion between, endings that lead into the next anchor."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.coherence.carry import Move, Past
from dreamvid.coherence.optical_flow import Motion
from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import frame_to
from dreamvid.core.types import Frame, Shot
from dreamvid.pipeline.crossfade import Ending
from dreamvid.pipeline.plan import Plan, with_cuts
from dreamvid.pipeline.segments import (
    CROSSFADE_SHARE,
    SHORTEST,
    SegmentEnd,
    anchors_of,
    composed,
    ending_frames,
    with_segments,
)

RATE = 10
SIZE = 48, 64


def cut_into(seconds: float, **coherence: Any) -> Settings:
    return read_settings({"parallel": {"segment": seconds}, "coherence": coherence}, "test")


def plan_of(frames: tuple[int, ...], cuts: tuple[int, ...] = ()) -> Plan:
    framing = frame_to(90, 160, Fraction(1), None, "crop")
    return with_cuts(Plan(framing, Fraction(RATE), frames, tuple(range(len(frames)))), cuts)


def moved(rows: float, columns: float, valid: bool = True) -> Motion:
    field = np.broadcast_to(np.array([rows, columns], np.float32), (*SIZE, 2)).copy()
    return Motion(field, np.full(SIZE, valid))


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=300, unique=True).map(sorted).map(tuple),
    st.lists(st.integers(1, 399), max_size=5).map(tuple),
    st.floats(0.5, 9),
)
def test_segments_divide_each_shot_evenly_and_without_a_gap(
    frames: tuple[int, ...], cuts: tuple[int, ...], seconds: float
) -> None:
    whole = plan_of(frames, cuts)
    plan = with_segments(whole, cut_into(seconds))
    assert plan.shots == whole.shots
    assert [position for part in plan.segments for position in plan.positions(part)] == list(range(len(frames)))
    length = max(SHORTEST, round(seconds * RATE))
    for shot in plan.shots:
        parts = [part for part in plan.segments if shot.start <= part.start < shot.stop]
        assert (parts[0].start, parts[-1].stop) == (shot.start, shot.stop)
        counts = [len(plan.positions(part)) for part in parts]
        assert max(counts) - min(counts) <= 1
        assert len(parts) == 1 or length / 2 <= min(counts) <= 2 * length
        assert anchors_of(plan, shot) == (tuple(part.start for part in parts) if len(parts) > 1 else ())


def test_without_a_length_a_segment_is_a_shot() -> None:
    plan = plan_of(tuple(range(200)), (50,))
    assert with_segments(plan, Settings()) == plan
    assert plan.segments == plan.shots == (Shot(0, 50), Shot(50, 200))
    assert anchors_of(plan, plan.shots[1]) == ()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (cut_into(2, mode="blend"), "coherence.mode=blend"),
        (cut_into(2, cadence=2), "coherence.cadence > 1"),
        (read_settings({"parallel": {"segment": 2}, "input": {"loop": True}}, "test"), "--loop"),
    ],
)
def test_segments_of_what_is_not_carried_frame_by_frame_are_refused(settings: Settings, why: str) -> None:
    with pytest.raises(SettingsError, match=f"{why}: leave out parallel.segment"):
        with_segments(plan_of(tuple(range(200))), settings)


def test_a_segment_crossfades_over_its_last_frames_unless_its_shot_ends_with_it() -> None:
    plan = with_segments(plan_of(tuple(range(0, 120, 2)), (60,)), cut_into(1.5))
    assert plan.segments == (Shot(0, 30), Shot(30, 60), Shot(60, 90), Shot(90, 119))
    assert [ending_frames(plan, part) for part in plan.segments] == [
        (20, 22, 24, 26, 28),
        (),
        (80, 82, 84, 86, 88),
        (),
    ]
    short = with_segments(plan_of(tuple(range(24))), cut_into(1))
    assert len(ending_frames(short, short.segments[0])) == 12 // CROSSFADE_SHARE


@given(st.tuples(*[st.floats(-8, 8)] * 4))
def test_the_motion_over_two_steps_is_their_sum_and_holds_where_both_do(steps: tuple[float, ...]) -> None:
    first, then = moved(*steps[:2]), moved(*steps[2:])
    both = composed(first, then)
    np.testing.assert_allclose(both.field, first.field + then.field, atol=1e-4)
    assert both.valid.all()
    assert not composed(moved(0, 0, valid=False), then).valid.any()
    assert not composed(first, moved(0, 0, valid=False)).valid.any()


def ending(frames: list[Frame], anchor: Past, move: Move) -> Ending:
    """The ending of a segment whose frames have been read, up to its anchor."""
    end = SegmentEnd([frame.index for frame in frames], anchor.index, lambda frame: anchor, move)
    coming = [*frames, Frame(anchor.index, Fraction(anchor.index, RATE), anchor.source)]
    assert list(end.through(iter(coming))) == frames
    return end.ending


def test_the_frames_of_a_crossfade_come_once_all_of_them_and_the_anchor_are_read() -> None:
    grey, read = np.full((*SIZE, 3), 100, np.uint8), list[int]()

    def frames(first: int) -> Iterator[Frame]:
        for index in range(first, 9):
            read.append(index)
            yield Frame(index, Fraction(index, RATE), grey)

    for first in (0, 6):  # also where the crossfade has begun
        read.clear()
        end = SegmentEnd((4, 5, 6, 7), 8, lambda frame: Past(frame.index, grey, grey), lambda *_: moved(0, 0))
        seen = [(frame.index, read[-1]) for frame in end.through(frames(first))]
        assert seen == [(index, index if index < 4 else 8) for index in range(first, 8)]


def test_an_ending_leads_from_the_carried_layer_to_that_of_the_anchor_moved_backwards() -> None:
    """Pictures move right by 2 pixels a frame: `frame` lies to the left of the anchor."""
    rng, grey = np.random.default_rng(0), np.full((*SIZE, 3), 100, np.uint8)
    dream = (grey + rng.integers(-40, 40, (*SIZE, 3))).astype(np.uint8)
    anchor, frames = Past(16, grey, dream), [Frame(index, Fraction(index, RATE), grey) for index in range(12, 16)]

    def move(past: Past, now: Frame) -> Motion:
        assert past.index == now.index + 1
        return moved(0, 2)

    found = ending(frames, anchor, move)
    carried = rng.normal(0, 0.1, (*SIZE, 3)).astype(np.float32)
    assert (found.mix(11, carried) == carried).all()
    inner = np.s_[:, : SIZE[1] - 12]  # where the anchor's picture is seen in all frames
    gaps = []
    for index in range(12, 16):
        wanted = np.roll(anchor.layer, -2 * (16 - index), axis=1)
        mixed = found.mix(index, carried)
        gaps.append(float(np.abs(mixed - wanted)[inner].mean()))
        carried = np.roll(mixed, 2, axis=1)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 0.35 * gaps[0]


def test_where_the_anchor_shows_something_else_the_carried_layer_stays() -> None:
    grey = np.full((*SIZE, 3), 100, np.uint8)
    found = ending([Frame(0, Fraction(0), grey)], Past(1, grey, grey + 50), lambda past, now: moved(0, 0, valid=False))
    carried = np.full((*SIZE, 3), 0.1, np.float32)
    np.testing.assert_allclose(found.mix(0, carried), carried)
