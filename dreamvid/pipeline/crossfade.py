"""The crossfade that ends a loop or a segment: place by place, the carried layer becomes the one that follows on."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from dreamvid.core.easing import smooth
from dreamvid.core.timing import nearest_whole
from dreamvid.core.types import Image, Mask
from dreamvid.media import opencv
from dreamvid.pipeline.plan import Crossfade

CROSSFADE_SECONDS = Fraction(3)  # length of the crossfade that closes a loop, where the loop is long enough
SHARE = 3  # a crossfade takes at most one frame in so many of a cycle
PATCH_SHARE = 1 / 3  # of a crossfade: how long one place takes
LEFT = 1 / 256  # of a look where another has grown, if it made way for it all the while
PATCHES = 3  # places along the short side that crossfade at times of their own


@dataclass(frozen=True)
class Ending:
    """The end of a loop or of a segment: over some frames the carried layer becomes the one that follows on.

    `layer_at`: that layer in a frame of the crossfade, H x W x 3, and where it is to be had, H x W in [0, 1], None for
    all of the frame; `restless`: whether what is static may change as well.
    """

    crossfade: Crossfade
    layer_at: Callable[[int], tuple[Image, Mask | None]]
    restless: bool = False

    def mix(self, index: int, layer: Image) -> Image:
        """Return a carried layer, H x W x 3, with its share of the other one."""
        if self.crossfade.share(index) <= 0:
            return layer
        other, there = self.layer_at(index)
        share = mixing(self.crossfade, index, *layer.shape[:2])
        return layer + (share if there is None else share * there[..., None]) * (other - layer)


def mixing(crossfade: Crossfade, index: int, height: int, width: int) -> Image:
    """Return the share of the other layer that is mixed into the carried layer: H x W x 1, in [0, 1].

    Each place crossfades in a part of the time, one after another: where all of the picture does at once, two dreams
    are visible through each other.
    """
    before, now = (_shares(crossfade.gone(at), height, width) for at in (index - 1, index))
    return np.where(now < 1, (now - before) / np.maximum(1 - before, np.finfo(np.float32).tiny), 1)[..., None]


@dataclass(frozen=True)
class Growth:
    """A dream that grows from one look into another, at frame `at` of `count`: places follow one another, as above."""

    at: int
    count: int

    def places(self, height: int, width: int) -> Mask:
        """Return where the old look makes way for the new one now: H x W in [0, 1], with soft edges."""
        crossfade = Crossfade(0, self.count)
        before, now = (_shares(crossfade.gone(at), height, width) for at in (self.at - 1, self.at))
        share = (before + now) / 2
        return np.minimum(1, 8 * share * (1 - share)).astype(np.float32)  # 1 for most of the time that a place takes

    @property
    def fade(self) -> float:
        """The share of the old look that goes in a frame where it makes way: whatever the rate, hardly any is left."""
        return 1 - LEFT ** (1 / max(1.0, PATCH_SHARE * self.count))


def _shares(gone: float, height: int, width: int) -> Mask:
    late = patch_delays(height, width) * np.float32(1 - PATCH_SHARE)
    shares: Mask = smooth(np.clip((np.float32(gone) - late) / np.float32(PATCH_SHARE), 0, 1))
    return shares


@lru_cache(maxsize=2)
def patch_delays(height: int, width: int) -> Mask:
    """Return when each place of a picture crossfades, H x W, evenly over [0, 1]: soft patches, always the same."""
    cv2 = opencv.load()
    short = min(height, width)
    rows, columns = (max(2, round(PATCHES * side / short)) for side in (height, width))
    few = np.random.default_rng(0).random((rows, columns), np.float32)
    field = cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)
    ranks = np.empty(height * width, np.float32)
    ranks[np.argsort(field, axis=None, kind="stable")] = np.linspace(0, 1, height * width, dtype=np.float32)
    return ranks.reshape(height, width)


def crossfade_frames(rate: Fraction, most: int, share: int = SHARE) -> int:
    """Return the number of crossfade frames: 3 s at `rate` frames a second, at most `most // share`, at least 1."""
    return max(1, min(nearest_whole(CROSSFADE_SECONDS * rate), most // share))
