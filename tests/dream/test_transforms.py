"""Random shifts, turns and changes of scale, and the way back of a gradient."""

import numpy as np
import pytest
import torch

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.dream.transforms import shaken


@pytest.mark.parametrize(
    "changes", [{"turn_jitter": 20.0}, {"zoom_jitter": 0.2}, {"turn_jitter": 5, "zoom_jitter": 0.05}]
)
def test_the_way_back_of_a_random_turn_and_scale_is_the_transpose_of_the_way_there(
    changes: dict[str, float],
) -> None:
    """<there(a), b> = <a, back(b)> is what makes the gradient that of what the net saw."""
    settings = DreamSettings(jitter=4, **changes)
    there, back = shaken((48, 72), settings, np.random.default_rng(3))
    random = np.random.default_rng(1)
    a, b = torch.from_numpy(random.random((2, 1, 3, 48, 72), dtype=np.float32))
    assert float((there(a) * b).sum()) == pytest.approx(float((a * back(b)).sum()), rel=1e-4)
    assert not torch.allclose(there(a), a, atol=0.05)


def test_a_turn_is_a_turn_and_not_a_shear() -> None:
    """A disc stays a disc of the same size in a picture that is not square."""
    rows, columns = np.mgrid[0:48, 0:72]
    disc = (np.hypot(rows - 23.5, columns - 35.5) < 15).astype(np.float32)
    settings = DreamSettings(turn_jitter=45.0, jitter=0)
    there, _ = shaken((48, 72), settings, np.random.default_rng(1))
    turned = there(torch.from_numpy(disc)[None, None])[0, 0].numpy()
    assert np.abs(turned - disc).mean() < 0.01
