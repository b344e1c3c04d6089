"""Grid cells: the mean around each place, and back to every pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.dream.local_stats import means, spread


def test_a_neighbourhood_is_the_mean_around_its_place() -> None:
    field = torch.zeros(1, 1, 120, 120)
    field[..., 50:60, 90:100] = 9.0
    grid = means(field)[0, 0]
    assert float(grid.max()) == pytest.approx(1.0)
    lit = {(row, column) for row, column in zip(*np.nonzero(grid.numpy()), strict=True)}
    assert lit == {(row, column) for row in (4, 5, 6) for column in (8, 9, 10)}


@given(st.integers(16, 90), st.integers(16, 90), st.floats(-2, 2))
def test_what_is_the_same_everywhere_is_so_in_neighbourhoods_and_spread_again(h: int, w: int, value: float) -> None:
    field = torch.full((1, 1, h, w), value)
    torch.testing.assert_close(spread(means(field), field), field)
