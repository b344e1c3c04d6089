"""What happens to pictures: augmentation and drawings."""

import numpy as np
import pytest
import torch

from dreamvid.training.augment import augment, centred
from dreamvid.training.drawings import draw
from dreamvid.training.shapes import KINDS


def pictures() -> torch.Tensor:
    return torch.randint(0, 256, (8, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_views_have_the_asked_size_and_range_and_repeat_with_the_seed() -> None:
    first, again = (augment(pictures(), 32, torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.shape == (8, 3, 32, 32)
    assert first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(pictures(), 32, torch.Generator().manual_seed(4)))


def test_a_view_shows_its_own_picture() -> None:
    flat = (torch.arange(8) * 30 + 15).to(torch.uint8).view(8, 1, 1, 1).expand(8, 3, 40, 40)
    views = augment(flat, 32, torch.Generator().manual_seed(3)).mean(dim=(1, 2, 3))
    assert torch.corrcoef(torch.stack([views, torch.arange(8.0)]))[0, 1] > 0.98


def test_whole_pictures_change_in_size_only() -> None:
    assert torch.allclose(centred(pictures(), 40), pictures() / 255, atol=1e-6)
    assert centred(pictures(), 32).shape == (8, 3, 32, 32)


def test_there_are_at_least_24_kinds() -> None:
    assert len(KINDS) >= 24


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_shows_something_in_its_own_way_each_time(kind: str) -> None:
    first, again, other = (draw(kind, 48, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (3, 48, 48) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 5
    assert first.astype(float).std(axis=(1, 2)).max() > 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_shape_is_a_finite_relief_with_high_and_low(kind: str) -> None:
    line = np.linspace(-1, 1, 64, dtype=np.float32)
    row, col = np.meshgrid(line, line, indexing="ij")
    height = KINDS[kind](row, col, np.random.default_rng(0))
    assert height.shape == (64, 64)
    assert np.isfinite(height).all()
    assert np.ptp(np.clip(height, 0, 1)) > 0.5
