"""Loops that land, place by place, on what they were a lap before."""

import numpy as np
import pytest

from dreamvid.pipeline.landing import Landing, waits


def test_a_landing_mixes_in_what_its_share_still_lacks() -> None:
    landing, left, means = Landing(20, 20, 44), np.ones((36, 64, 1)), []
    assert not landing.mixing(19, 36, 64).any()
    for index in range(20, 44):
        left = left * (1 - landing.mixing(index, 36, 64))
        means.append(1 - float(left.mean()))
    assert means == pytest.approx(
        [(index - 19) / 24 for index in range(20, 44)], abs=0.15
    )  # about evenly, over the picture
    assert not left.any()


def test_each_place_lands_in_a_part_of_the_time_one_after_another() -> None:
    landing, whole = Landing(20, 20, 44), (36, 64)
    mixed = np.stack([landing.mixing(index, *whole)[..., 0] for index in range(20, 44)])
    begins, ends = (mixed > 0).argmax(axis=0), (mixed == 1).argmax(axis=0)
    assert (ends - begins).max() <= 24 / 3 + 1
    assert begins.min() == 0 and begins.max() >= 15
    assert np.abs(np.diff(begins, axis=1)).max() <= 4  # one after another, not here and there


def test_what_has_landed_stays_what_it_was() -> None:
    landing = Landing(20, 20, 24)
    early = np.argwhere(waits(36, 64) < 0.05)[0]
    assert [landing.mixing(index, 36, 64)[tuple(early)][0] for index in (22, 23)] == [1, 1]
