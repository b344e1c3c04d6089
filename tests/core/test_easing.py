"""The rise that everything that rises has."""

import numpy as np

from dreamvid.core.easing import smooth


def test_a_smooth_rise_is_level_at_its_ends() -> None:
    assert [smooth(share) for share in (0, 0.5, 1)] == [0, 0.5, 1]
    assert smooth(0.01) < 0.001
    assert (np.diff(smooth(np.linspace(0, 1, 50))) > 0).all()
