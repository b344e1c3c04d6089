"""Kinds, the hands that draw them, and the distortions kept for the test."""

from dataclasses import replace

import numpy as np
import pytest

from dreamvid.research.sketches.hand import CLASSES, DISTORTIONS, Sketch, distorted, drawn
from dreamvid.research.sketches.kinds import KINDS
from dreamvid.research.sketches.pen import arc, bow, box, joined, line
from dreamvid.research.sketches.strokes import length, render


def same(some: Sketch, other: Sketch) -> bool:
    return some.width == other.width and all(map(np.array_equal, some.strokes, other.strokes))


def test_there_are_thirty_kinds_and_more_in_order_of_name() -> None:
    assert len(KINDS) >= 30 and list(KINDS) == sorted(KINDS) == list(CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_kind_varies_and_stays_on_the_paper(kind: str) -> None:
    sketches = [drawn(kind, np.random.default_rng(seed)) for seed in range(12)]
    assert same(sketches[3], drawn(kind, np.random.default_rng(3)))
    pictures = [render(sketch.strokes, 64, sketch.width / 4) for sketch in sketches]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    for sketch, picture in zip(sketches, pictures, strict=True):
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) > 1 for stroke in sketch.strokes)
        assert np.abs(np.concatenate(sketch.strokes)).max() <= 1
        assert 0.002 < (picture < 128).mean() < 0.4
    if kind != "spiral":  # a spiral has one stroke and no part to leave out
        shapes = {tuple(KINDS[kind](np.random.default_rng(seed))[0].ravel()) for seed in range(8)}
        assert len(shapes) > 1 or len({len(sketch.strokes) for sketch in sketches}) > 1


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_changes_what_is_drawn(name: str) -> None:
    plain = Sketch(
        (box(-0.5, -0.5, 0.5, 0.5), line((0, -0.9), (0, 0.9)), arc(0, 0, 0.3, 0.3), bow((0, 0), (0.9, 0), (0, 0.5))),
        3.0,
    )
    changed = DISTORTIONS[name](plain, np.random.default_rng(0))
    assert not np.array_equal(render(plain.strokes, 64, plain.width), render(changed.strokes, 64, changed.width))
    assert changed.strokes and all(len(stroke) > 1 for stroke in changed.strokes)


def test_a_sketch_of_one_stroke_keeps_most_of_it() -> None:
    plain = Sketch((line((0, -0.9), (0, 0.9)),), 3.0)
    rest = DISTORTIONS["unfinished"](plain, np.random.default_rng(0)).strokes
    assert len(rest) == 1 and 0.7 < length(rest[0]) / 1.8 < 0.8


def test_the_pen_of_the_test_is_none_of_the_training() -> None:
    plain = Sketch((line((0, -0.9), (0, 0.9)),), 3.0)
    pens = [DISTORTIONS["other pen"](plain, np.random.default_rng(seed)).width for seed in range(40)]
    usual = [drawn("cup", np.random.default_rng(seed)).width for seed in range(40)]
    assert round(min(pens)) > round(max(usual))


def test_the_same_seed_gives_the_same_distorted_sketch() -> None:
    some, again = (distorted("house", np.random.default_rng(5)) for _ in range(2))
    assert same(some, again) and not same(some, drawn("house", np.random.default_rng(5)))
    assert not same(some, replace(some, width=some.width + 1))


def test_pieces_are_joined_in_one_stroke() -> None:
    pieces = line((0, 0), (0, 1)), bow((0, 1), (0.5, 1), (1, 1))
    assert len(joined(*pieces)) == sum(map(len, pieces))
    assert length(joined(*pieces)) == pytest.approx(2, rel=1e-6)
