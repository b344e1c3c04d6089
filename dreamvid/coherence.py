"""How the dream of one frame goes on in the next: what is carried, where it begins, where it rests."""

from dataclasses import dataclass

import numpy as np

from dreamvid.media import Image, Mask, Pixels, to_float
from dreamvid.motion import Motion, warp
from dreamvid.settings import CoherenceSettings
from dreamvid.strength import Strength, bands
from dreamvid.video import cv

LOST = 0.4  # share of the frame below which a motion that is valid is no longer worth following
GAIN = (0.90, 1.05)  # limits of a band's gain per frame: strength is steered, not forced
SPECK = 1 / 60  # of the short side: what is smaller is the flow's own error and not a place uncovered
SHORTEST_AGE, LONGEST_AGE = 6, 32  # frames from one measure of the strength to the next
FADED = 0.5  # share of the carried layer that goes where something was uncovered: the rest is soon made to fit
RENEWED = 0.25  # share of the frame uncovered that calls for a new measure


@dataclass(frozen=True)
class Carry:
    """All that crosses from one frame to the next, exactly as it is stored: `source` and `dream`, uint8 H x W x 3.

    `index`: the source frame's; `strength`: what dreams of this picture are held to; `age`: how much the picture has
    changed since that was measured; at 1 it is measured anew.
    """

    index: int
    source: Pixels
    dream: Pixels
    strength: Strength
    age: float

    @property
    def layer(self) -> Image:
        """What dreaming has added to the picture: H x W x 3, in [-1, 1]."""
        return to_float(self.dream) - to_float(self.source)


def uncovered(motion: Motion) -> Mask:
    """Where nothing was before: H x W in [0, 1], 1 in the places uncovered, soft at their edges.

    Specks are left out: there the check of the flow has failed, and what is carried fits well enough.
    """
    cv2 = cv.load()
    new = (~motion.valid).astype(np.float32)
    speck = max(3, round(min(new.shape) * SPECK))
    new = cv2.morphologyEx(new, cv2.MORPH_OPEN, np.ones((speck, speck), np.uint8), borderType=cv2.BORDER_REPLICATE)
    if not new.any():
        return new
    wider: Mask = cv2.GaussianBlur(cv2.dilate(new, np.ones((7, 7), np.uint8)), (0, 0), 2)
    return wider


def aged(age: float, new: Mask) -> float:
    """The age of a strength after a further frame, in which the places `new` were uncovered."""
    return round(age + min(1 / SHORTEST_AGE, float(new.mean()) / RENEWED + 1 / LONGEST_AGE), 6)


def seed(carry: Carry, motion: Motion, new: Mask, strength: Strength, sizes: list[tuple[int, int]]) -> Image:
    """The layer that the next frame's dream begins with: the last one, moved with the picture; less where it is `new`.

    Each octave's band is held at its strength, since warping and further steps would let it fade or grow.
    """
    moved = warp(carry.layer, motion)
    if new.any():
        moved = moved * (1 - FADED * new[..., None])
    layer = np.zeros_like(moved)
    for band, wanted in zip(bands(moved, sizes), strength.bands, strict=True):
        rms = float(np.sqrt(np.square(band).mean()))
        layer += band * (np.clip(wanted / rms, *GAIN) if rms > 0 else 1.0)
    return layer


def blended(carry: Carry, source: Image, settings: CoherenceSettings) -> Image:
    """The layer that mixes a share of the last dream, where it was, into the next frame's start (DeepDreamVideo)."""
    return settings.blend * (to_float(carry.dream) - source)


def settle(dream: Image, carry: Carry, source: Pixels) -> Image:
    """Lets the dream rest where the picture does: where the source has not changed at all, the last dream stays.

    `dream`: the new one, H x W x 3 in [0, 1]; `source`: the new source frame. The edge between rest and change is soft.
    """
    cv2 = cv.load()
    still = (source == carry.source).all(axis=2).astype(np.uint8)
    if not still.any():
        return dream
    reach = max(3, min(source.shape[:2]) // 40) | 1  # a pixel rests only if its neighbourhood does
    still = cv2.erode(still, np.ones((reach, reach), np.uint8), borderValue=1)
    weight = cv2.blur(still.astype(np.float32), (reach, reach))[..., None] * still[..., None]
    return weight * to_float(carry.dream) + (1 - weight) * dream
