"""Detection of cuts between shots, by PySceneDetect, with flashes and close passing objects left out."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from dreamvid.coherence import optical_flow
from dreamvid.core.types import Frame, Image, Pixels, to_float, to_pixels
from dreamvid.media import opencv

THRESHOLD = 27.0  # mean change of hue, saturation and lightness in 8-bit levels: PySceneDetect's own default
SHORTEST = Fraction(1, 4)  # seconds: a shorter shot counts as a flash
LIFT = 8.0  # largest gain for dark pictures, so that cuts between them are found
FADING = 0.97  # decay of the tracked peak brightness per frame: it rises at once and falls slowly
THUMBNAIL = 16, 9  # columns, rows: enough to recognise a picture
SAME = 12.0  # mean difference, in 8-bit levels, below which two thumbnails show the same picture
UNLIKE = 4.0  # mean difference of two thumbnails, in 8-bit levels, from which on there may be a cut between them
FOLLOWED = 0.6  # share of valid flow from which on a change is no cut, but something that has come close


def find_cuts(frames: Iterable[Frame], rate: Fraction) -> tuple[int, ...]:
    """Return the indices of the source frames that begin a new shot, rising, without the first frame of all.

    `frames`: in order; `rate`: frames per second, which determines the shortest shot in frames.
    """
    cv2 = opencv.load()
    from scenedetect import FrameTimecode
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector(threshold=THRESHOLD, min_scene_len=max(2, round(SHORTEST * rate)))
    seen: list[int] = []
    cuts: list[int] = []
    thumbnails: list[Image] = []
    following: set[int] = set()  # positions of frames that optical flow connects to the one before: no cut
    before: Pixels | None = None
    light = 0.0  # tracked peak brightness, 8-bit levels
    for position, frame in enumerate(frames):
        seen.append(frame.index)
        height, width = frame.image.shape[:2]
        scale = min(1.0, 256 / max(height, width))  # small pictures show cuts as well, and are faster
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        light = max(float(np.percentile(small, 99)), FADING * light)
        lifted = to_pixels(to_float(small) * min(LIFT, 255 / max(1.0, light)))
        found = detector.process_frame(FrameTimecode(position, fps=rate), cv2.cvtColor(lifted, cv2.COLOR_RGB2BGR))
        cuts += [cut.frame_num for cut in found]
        thumbnails.append(to_float(cv2.resize(lifted, THUMBNAIL, interpolation=cv2.INTER_AREA)))
        if before is not None and not _alike(thumbnails[-2], thumbnails[-1], UNLIKE) and _follows(before, lifted):
            following.add(position)
        before = lifted
    if seen:
        cuts += [cut.frame_num for cut in detector.post_process(FrameTimecode(len(seen) - 1, fps=rate))]
    longest = max(1, round(SHORTEST * rate))
    kept = {cut for cut in cuts if 0 < cut < len(seen)} - following
    return tuple(sorted({seen[cut] for cut in kept if not _flash(thumbnails, cut, longest)}))


def _follows(before: Pixels, after: Pixels) -> bool:
    """Return True if optical flow is valid in at least `FOLLOWED` of a picture, which means no cut."""
    return float(optical_flow.estimate(before, after).valid.mean()) >= FOLLOWED


def _alike(one: Image, other: Image, most: float) -> bool:
    """Return True if the mean difference of two thumbnails is below `most` 8-bit levels."""
    return 255 * float(np.abs(one - other).mean()) < most


def _flash(thumbnails: Sequence[Image], cut: int, longest: int) -> bool:
    """Return True if a cut is a side of a flash: the picture on its other side recurs within `longest` frames.

    That is, the picture before the cut returns after it, or the picture after it was there before it; both sides of a
    flash are one shot.
    """
    before, after = thumbnails[max(0, cut - 1 - longest) : cut - 1], thumbnails[cut + 1 : cut + 1 + longest]
    back = any(_alike(thumbnails[cut - 1], later, SAME) for later in after)
    return back or any(_alike(earlier, thumbnails[cut], SAME) for earlier in before)
