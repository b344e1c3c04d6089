"""What happens to pictures: augmentation and drawings."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from dreamvid.research.training.augment import augment, centred
from dreamvid.research.training.drawings import draw
from dreamvid.research.training.recipe import Augment
from dreamvid.research.training.shapes import KINDS

NOTHING = Augment(shift=False, flip=False, colour=False, noise=False)


def pictures() -> torch.Tensor:
    return torch.randint(0, 256, (8, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_views_have_the_asked_size_and_range_and_repeat_with_the_seed() -> None:
    first, again = (augment(pictures(), 32, torch.Generator().manual_seed(3), Augment()) for _ in range(2))
    assert first.shape == (8, 3, 32, 32)
    assert first.min() >= 0 and first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, augment(pictures(), 32, torch.Generator().manual_seed(4), Augment()))


def test_a_view_shows_its_own_picture() -> None:
    flat = (torch.arange(8) * 30 + 15).to(torch.uint8).view(8, 1, 1, 1).expand(8, 3, 40, 40)
    views = augment(flat, 32, torch.Generator().manual_seed(3), Augment()).mean(dim=(1, 2, 3))
    assert torch.corrcoef(torch.stack([views, torch.arange(8.0)]))[0, 1] > 0.98


@pytest.mark.parametrize(
    ("how", "same"),
    [
        (NOTHING, lambda view, whole: torch.allclose(view, whole)),
        (
            NOTHING.model_copy(update={"flip": True}),
            lambda view, whole: (
                torch.allclose(view, whole, atol=1e-5) or torch.allclose(view, whole.flip(2), atol=1e-5)
            ),
        ),
        (NOTHING.model_copy(update={"colour": True}), lambda view, whole: not torch.allclose(view, whole)),
        (NOTHING.model_copy(update={"noise": True}), lambda view, whole: (view - whole).abs().max() < 0.8),
        (NOTHING.model_copy(update={"shift": True}), lambda view, whole: not torch.allclose(view, whole, atol=0.1)),
    ],
)
def test_each_change_can_be_alone(how: Augment, same: Callable[[torch.Tensor, torch.Tensor], bool]) -> None:
    whole = centred(pictures(), 40)
    views = augment(pictures(), 40, torch.Generator().manual_seed(3), how)
    assert all(same(view, one) for view, one in zip(views, whole, strict=True))
    turned = [not torch.allclose(view, one, atol=1e-5) for view, one in zip(views, whole, strict=True)]
    assert any(turned) == (how != NOTHING)


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
