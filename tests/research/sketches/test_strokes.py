"""A sketch in parts and as pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.errors import SettingsError
from dreamvid.research.sketches.strokes import CHANNELS, Stroke, length, render, six_channels, split


def ruled(lengths: list[float]) -> list[Stroke]:
    """Lines across, one under the other, of these lengths."""
    rows = np.linspace(-0.8, 0.8, len(lengths))
    return [np.array([[row, -0.9], [row, -0.9 + long]]) for row, long in zip(rows, lengths, strict=True)]


@given(st.lists(st.floats(0.05, 1.8), max_size=20), st.integers(2, 5), st.sampled_from(["drawn", "long first"]))
def test_parts_are_even_and_lose_nothing(lengths: list[float], parts: int, order: str) -> None:
    strokes = ruled(lengths)
    groups = split(strokes, parts, order)
    counts = [len(group) for group in groups]
    assert len(groups) == parts and max(counts) - min(counts) <= 1
    together = [id(stroke) for group in groups for stroke in group]
    assert sorted(together) == sorted(id(stroke) for stroke in strokes)
    if order == "drawn":
        assert together == [id(stroke) for stroke in strokes]
    else:
        found = [length(stroke) for group in groups for stroke in group]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("parts", [1, 6])
def test_a_sketch_has_two_to_five_parts(parts: int) -> None:
    with pytest.raises(SettingsError, match=f"2 to 5 parts, not {parts}"):
        split(ruled([1.0]), parts)


def test_a_line_is_black_on_white_where_it_belongs() -> None:
    paper = render([np.array([[0.5, -0.5], [0.5, 0.5]])], side=64, width=3)
    assert paper.dtype == np.uint8 and paper.shape == (64, 64)
    rows, cols = np.nonzero(paper < 128)
    assert {int(rows.min()), int(rows.max())} == {45, 50}  # row 0.5 of -1 to 1 is pixel 47.5 of 0 to 63
    assert abs(cols.min() - 15.5) <= 2 and abs(cols.max() - 47.5) <= 2
    assert paper[0, 0] == 255 and paper.min() == 0


def test_a_wider_pen_leaves_more_ink() -> None:
    ink = [int((255 - render(ruled([1.5]), width=width).astype(int)).sum()) for width in (1, 3, 6)]
    assert ink == sorted(ink) and ink[0] < ink[2] / 3


def test_six_channels_are_parts_and_what_follows_each_other() -> None:
    strokes = ruled([0.5, 1.0, 0.6, 1.2, 0.7, 1.6])
    channels = six_channels(strokes, 64)
    assert channels.shape == (6, 64, 64)
    parts = split(strokes, 3)
    for channel, numbers in zip(channels, CHANNELS, strict=True):
        assert np.array_equal(channel, render([stroke for number in numbers for stroke in parts[number]], 64))
    assert np.array_equal(channels[5], render(strokes, 64))
    longest = six_channels(strokes, 64, order="long first")
    assert np.array_equal(longest[5], channels[5]) and not np.array_equal(longest[0], channels[0])
