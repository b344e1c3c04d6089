"""The most telling frame: detail, light, no fade, no dissolve."""

import cv2
import numpy as np
import pytest
from little import texture

from dreamvid.analysis.telling import telling
from dreamvid.core.types import Pixels

pytestmark = pytest.mark.fast
ONE, OTHER = (texture(90, 160, seed=seed).astype(np.float32) for seed in (1, 2))


def pixels(image: np.ndarray) -> Pixels:
    return np.clip(image, 0, 255).astype(np.uint8)


WORSE = {
    "a fade to black": pixels(ONE * 0.3),
    "a fade to white": pixels(255 - (255 - ONE) * 0.3),
    "a dissolve": pixels((ONE + OTHER) / 2),
    "a blur": pixels(cv2.GaussianBlur(ONE, (0, 0), 4)),
    "burnt out": pixels(ONE * 2.2),
    "in the dark": pixels(ONE - 110),
    "one hard edge": np.repeat(np.uint8([[40] * 80 + [220] * 80]), 90, axis=0)[..., None].repeat(3, axis=2),
    "black": np.zeros((90, 160, 3), np.uint8),
}


@pytest.mark.parametrize("name", WORSE)
def test_it_tells_less_than_a_whole_picture(name: str) -> None:
    assert telling(WORSE[name]) < 0.95 * min(telling(pixels(ONE)), telling(pixels(OTHER)))


def test_nothing_tells_nothing() -> None:
    assert telling(WORSE["black"]) == 0
