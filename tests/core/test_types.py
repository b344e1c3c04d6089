"""Stored pixels and computed pixels."""

from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from dreamvid.core.types import Shot, SourceInfo, to_float, to_pixels


def test_every_stored_level_survives_the_way_to_float_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    image = to_float(levels)
    assert image.dtype == np.float32
    assert (image.min(), image.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(to_pixels(image), levels)


def test_what_lies_outside_is_clipped_and_the_rest_rounded() -> None:
    image = np.array([-3.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.7], dtype=np.float32)
    np.testing.assert_array_equal(to_pixels(image), np.array([0, 0, 1, 255, 255], dtype=np.uint8))


def test_a_source_has_as_many_frames_as_time_stamps() -> None:
    times = tuple(Fraction(index, 25) for index in range(7))
    info = SourceInfo("clip.mp4", "video", 90, 160, times, Fraction(7, 25), Fraction(25), "sha")
    assert info.frames == 7


def test_facts_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Shot(0, 5).stop = 6  # type: ignore[misc]
