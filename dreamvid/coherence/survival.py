"""The share of a dream that survives when the picture changes otherwise than by motion: dissolves, fades, shadows."""

import numpy as np

from dreamvid.coherence.optical_flow import Motion, sample
from dreamvid.core.types import Image, Mask, Pixels
from dreamvid.media import opencv

AREA = 1 / 10  # of the short side: side of the squares over which residuals of the flow average out
STEADY = 1.0  # 8-bit levels: a smaller change of a square's mean per frame is ignored
CHANGED = 8.0  # 8-bit levels of change over which a carried dream decays to 1 / e, in however many frames
UNEXPLAINED = 1 / 3  # of the change: where a change of light leaves more of it, there is a new picture


def outlived(past: Pixels, motion: Motion, source: Pixels) -> Mask:
    """Return the share of a layer that survives a change of the picture other than motion: H x W in [0, 1].

    In a dissolve the mean of a whole area changes after motion compensation; the dream decays exponentially with that
    change. A fade, a flicker or an exposure changes the light of the whole picture, and what it shows is still there:
    such a change is left out. `past`, `source`: the earlier frame and the new one, uint8 H x W x 3.
    """
    cv2 = opencv.load()
    height, width = source.shape[:2]
    size = max(1, width // 4), max(1, height // 4)
    before, after = (
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        for picture in (sample(past.astype(np.float32), motion.field), source.astype(np.float32))
    )
    side = max(3, round(min(size) * AREA)) | 1
    before, after = (cv2.blur(picture, (side, side)) for picture in (before, after))
    change, rest = (np.abs(after - each).mean(axis=2) for each in (before, relit(before, after)))
    light = rest if rest.mean() < UNEXPLAINED * change.mean() else change
    survival = np.exp(-np.maximum(light - STEADY, 0) / CHANGED)
    result: Mask = cv2.resize(survival, (width, height), interpolation=cv2.INTER_LINEAR)
    return result


def relit(picture: Image, wanted: Image) -> Image:
    """Return a picture with the contrast and the mean of each channel of another that fit best, H x W x 3 each.

    Least squares. A flat picture, in which nothing could be recognised again, stays as it is.
    """
    deviation = picture - picture.mean(axis=(0, 1))
    variance = np.square(deviation).mean()
    if variance < 1:
        return picture
    gain = max(0.0, float((deviation * (wanted - wanted.mean(axis=(0, 1)))).mean() / variance))
    result: Image = gain * deviation + wanted.mean(axis=(0, 1))
    return result
