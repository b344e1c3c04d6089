"""What runs beside the dream: the same frames and motion, in order; errors where they belong; nothing left running."""

import itertools
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

from dreamvid.coherence.carry import Past
from dreamvid.coherence.optical_flow import Motion, estimate
from dreamvid.config import presets
from dreamvid.config.serialize import PlainSettings, settings_at
from dreamvid.core.errors import JobError, SourceError
from dreamvid.core.framing import frame_to
from dreamvid.core.types import Frame
from dreamvid.pipeline.overlap import AHEAD, Foreseen, keeping_behind, reading_ahead
from dreamvid.pipeline.plan import Plan, Shot
from dreamvid.pipeline.render import RenderContext

PATIENCE = 10.0  # seconds, in which a thread does what takes milliseconds


class Moves:
    """A `Move` that counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, past: Past, now: Frame) -> Motion:
        self.asked.append((past.index, now.index))
        return estimate(past.source, now.image)


def pictures(count: int, *, repeat: frozenset[int] = frozenset()) -> Iterator[Frame]:
    """Frames that drift; those in `repeat` show what the one before showed."""
    whole, at = np.random.default_rng(0).integers(0, 256, (80, 200, 3), dtype=np.uint8), 0
    for index in range(count):
        at += index not in repeat
        yield Frame(index, Fraction(index, 25), whole[:, 2 * at : 2 * at + 96].copy())


def context(tiny_plan: Plan, move: Moves, tiny_settings: PlainSettings, **coherence: Any) -> RenderContext:
    how = tiny_settings.coherence.model_copy(update=coherence)
    return RenderContext(tiny_plan, tiny_settings.model_copy(update={"coherence": how}), move, None)  # type: ignore[arg-type]


@pytest.fixture
def tiny_settings() -> PlainSettings:
    return settings_at(presets.resolve(presets.DEFAULT), {})


@pytest.fixture
def tiny_plan() -> Plan:
    return Plan(
        frames=tuple(range(8)),
        playback=tuple(range(8)),
        rate=Fraction(25),
        framing=frame_to(80, 96, Fraction(1), None, "crop"),
        shots=(Shot(0, 4), Shot(4, 8)),
    )


def test_frames_come_in_order_with_their_motion_known(tiny_plan: Plan, tiny_settings: PlainSettings) -> None:
    move, ask = Moves(), Moves()
    frames = list(pictures(8, repeat=frozenset({2})))
    with reading_ahead(context(tiny_plan, move, tiny_settings), iter(frames)) as (coming, ctx):
        past = None
        for number, frame in enumerate(coming):
            assert frame is frames[number]
            if past is not None:
                motion, wanted = ctx.move(past, frame), ask(past, frame)
                np.testing.assert_array_equal(motion.field, wanted.field)
                np.testing.assert_array_equal(motion.valid, wanted.valid)
            past = Past(frame.index, frame.image, frame.image)
        assert number == 7
    assert sorted(move.asked) == sorted(ask.asked)  # what begins a shot or repeats a picture was asked for here


KEYS = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (6, 7)]
SPACED = [(0, 2), (0, 1), (2, 1), (2, 3), (4, 6), (4, 5), (6, 5), (6, 7)]


@pytest.mark.parametrize(
    ("how", "asked"),
    [({"cadence": 1}, KEYS), ({"cadence": 2}, SPACED), ({"mode": "none"}, []), ({"mode": "blend"}, [])],
)
def test_the_motion_is_estimated_that_a_render_asks_for(
    how: dict[str, Any], asked: list[tuple[int, int]], tiny_plan: Plan, tiny_settings: PlainSettings
) -> None:
    move = Moves()
    with reading_ahead(context(tiny_plan, move, tiny_settings, **how), pictures(8)) as (coming, _):
        assert [frame.index for frame in coming] == list(range(8))
    assert move.asked == asked


def test_only_a_few_frames_are_read_ahead(tiny_plan: Plan, tiny_settings: PlainSettings) -> None:
    read, enough = [], threading.Event()

    def frames() -> Iterator[Frame]:
        for frame in pictures(8):
            read.append(frame.index)
            if len(read) == AHEAD + 2:
                enough.set()
            yield frame

    with reading_ahead(context(tiny_plan, Moves(), tiny_settings), frames()) as (coming, _):
        next(coming)
        assert enough.wait(PATIENCE)
        assert len(read) <= AHEAD + 2  # one was taken, one is held by the thread


def test_leaving_early_ends_the_thread_and_closes_the_frames(tiny_plan: Plan, tiny_settings: PlainSettings) -> None:
    closed = threading.Event()

    def frames() -> Iterator[Frame]:
        try:
            yield from pictures(8)
        finally:
            closed.set()

    before = threading.active_count()
    with (
        pytest.raises(KeyboardInterrupt),
        reading_ahead(context(tiny_plan, Moves(), tiny_settings), frames()) as (coming, _),
    ):
        next(coming)
        raise KeyboardInterrupt
    assert closed.is_set()
    assert threading.active_count() == before


def test_an_error_of_reading_is_raised_after_what_was_read(tiny_plan: Plan, tiny_settings: PlainSettings) -> None:
    def frames() -> Iterator[Frame]:
        yield from pictures(3)
        raise SourceError("frame 3 is damaged")

    seen = []
    with (
        pytest.raises(SourceError, match="frame 3 is damaged"),
        reading_ahead(context(tiny_plan, Moves(), tiny_settings), frames()) as (coming, _),
    ):
        seen.extend(frame.index for frame in coming)
    assert seen == [0, 1, 2]


def test_motion_that_nobody_asks_for_is_forgotten() -> None:
    move = Moves()
    motion, frames = Foreseen(move, 4), list(pictures(12))
    pairs = list(itertools.pairwise(frames))
    for past, now in pairs:
        motion.foresee(past, now)
    for past, now in pairs:
        motion(Past(past.index, past.image, past.image), now)
    again = move.asked[len(pairs) :]
    assert again == [(past.index, now.index) for past, now in pairs[:-4]]


def test_what_is_kept_is_kept_in_order_one_behind() -> None:
    order: list[str] = []
    with keeping_behind() as keep:
        futures = []
        for number in range(5):
            futures.append(keep(partial(order.append, f"kept {number}")))
            order.append(f"made {number}")
    assert [each for each in order if each.startswith("kept")] == [f"kept {number}" for number in range(5)]
    for number in range(1, 5):  # before the next is made, the one before the last is kept
        assert order.index(f"kept {number - 1}") < order.index(f"made {number}")
    assert all(future.done() for future in futures)


def test_what_cannot_be_kept_is_told_with_the_next_or_at_the_end() -> None:
    def full() -> None:
        raise JobError("the disk is full")

    with pytest.raises(JobError, match="full"), keeping_behind() as keep:
        keep(full)
        keep(lambda: None)
        pytest.fail("the next one was taken")
    with pytest.raises(JobError, match="full"), keeping_behind() as keep:
        keep(full)


def test_who_leaves_early_finds_what_was_given_kept() -> None:
    kept, may = [], threading.Event()

    def slowly() -> None:
        assert may.wait(PATIENCE)
        kept.append(1)

    with pytest.raises(KeyboardInterrupt), keeping_behind() as keep:
        keep(slowly)
        may.set()
        raise KeyboardInterrupt
    assert kept == [1]
