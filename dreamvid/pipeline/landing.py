"""How a loop that is dreamed frame by frame comes back to what it began with: place by place, in its last frames."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dreamvid.core.easing import smooth
from dreamvid.core.types import Image, Mask
from dreamvid.media import opencv

TURNING = 1 / 3  # of a landing: how long one place takes
PATCHES = 3  # places along the short side that have turns of their own


@dataclass(frozen=True)
class Landing:
    """The end of a loop: from frame `start` to before `stop` the layer turns into that of `lap` frames before, where
    the very same was to be seen; so the frame that follows the last is the one that followed there."""

    lap: int
    start: int
    stop: int

    def share(self, index: int) -> float:
        """How much of a lap before is in a frame: from 0, before the landing, to 1 in the last."""
        return float(smooth(self._gone(index)))

    def mixing(self, index: int, height: int, width: int) -> Image:
        """How much of the layer of a lap before is mixed into what is carried to a frame: H x W x 1, in [0, 1].

        Each place turns into what it was in a part of the time, one after another: where all of the picture does at
        once, two dreams are seen through each other.
        """
        before, now = (self._shares(at, height, width) for at in (index - 1, index))
        return np.where(now < 1, (now - before) / np.maximum(1 - before, np.finfo(np.float32).tiny), 1)[..., None]

    def _gone(self, index: int) -> float:
        return min(1.0, max(0.0, (index - self.start + 1) / (self.stop - self.start)))

    def _shares(self, index: int, height: int, width: int) -> Mask:
        late = waits(height, width) * np.float32(1 - TURNING)
        shares: Mask = smooth(np.clip((np.float32(self._gone(index)) - late) / np.float32(TURNING), 0, 1))
        return shares


@lru_cache(maxsize=2)
def waits(height: int, width: int) -> Mask:
    """When each place of a picture has its turn, H x W, evenly spread over [0, 1]: soft patches, always the same."""
    cv2 = opencv.load()
    short = min(height, width)
    rows, columns = (max(2, round(PATCHES * side / short)) for side in (height, width))
    few = np.random.default_rng(0).random((rows, columns), np.float32)
    field = cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC)
    ranks = np.empty(height * width, np.float32)
    ranks[np.argsort(field, axis=None, kind="stable")] = np.linspace(0, 1, height * width, dtype=np.float32)
    return ranks.reshape(height, width)
