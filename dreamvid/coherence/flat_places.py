"""Flat places, such as skies and walls, which keep only a part of the dream where `mask.flat` says so."""

import numpy as np

from dreamvid.core.easing import smooth
from dreamvid.core.types import Mask, Pixels
from dreamvid.media import opencv

ROWS = 90  # of the picture in which detail is looked for; the next three are pixels there, of Gaussian blurs
FINE, BROAD = 0.6, 4.5  # what lies between is detail: finer is grain, broader is shading
AROUND = 5.6  # over which a place's detail is told
ENOUGH = 12 / 255  # root mean square of detail from which on a place is dreamed whole, at most


def kept_where_flat(picture: Pixels, flat: float) -> Mask:
    """Return how much of the dream each place keeps, H x W: all where the picture has detail, `flat` where it has none.

    Detail is what is told apart at a glance: grain and shading are none. Of a picture that has little of it anywhere,
    the places with most of it keep all.
    """
    cv2 = opencv.load()
    light = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
    height, width = light.shape
    scale = ROWS / min(height, width)
    small = cv2.resize(light, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    band = cv2.GaussianBlur(small, (0, 0), FINE) - cv2.GaussianBlur(small, (0, 0), BROAD)
    around = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), AROUND))
    most = float(np.percentile(around, 90))
    share = smooth(np.clip(around / max(min(ENOUGH, most), 1 / 255), 0, 1))
    some = min(1.0, max(0.0, 255 * most - 1))  # a picture of one colour has no flat places: all of it is dreamed
    kept = 1 - some * (1 - flat) * (1 - share)
    return np.asarray(cv2.resize(kept.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
