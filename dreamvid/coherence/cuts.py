"""Cuts: where one shot ends and the next begins, found by PySceneDetect."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from dreamvid.coherence import optical_flow
from dreamvid.core.types import Frame, Image, Pixels, to_float, to_pixels
from dreamvid.media import opencv

THRESHOLD = 27.0  # mean change of hue, saturation and lightness in 8-bit levels: PySceneDetect's own default
SHORTEST = Fraction(1, 4)  # seconds; what is shorter is a flash and not a shot
LIFT = 8.0  # times that a dark picture is made brighter at most: a cut in the dark is a cut, too
FADING = 0.97  # share of the light that is remembered from frame to frame: it comes at once and goes slowly
THUMBNAIL = 16, 9  # columns, rows: enough to know a picture again
SAME = 12.0  # mean difference, in 8-bit levels, of the thumbnails of one picture
UNLIKE = 4.0  # mean difference of two thumbnails from which on they may lie on both sides of a cut
FOLLOWED = 0.6  # share of the picture that can be followed by optical flow: something has come close, and it is no cut


def find_cuts(frames: Iterable[Frame], rate: Fraction) -> tuple[int, ...]:
    """The indices of the source frames that begin a new shot, rising; the very first frame is not among them.

    `frames`: in order; `rate`: frames per second, which decides how many frames the shortest shot has.
    """
    cv2 = opencv.load()
    from scenedetect import FrameTimecode
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector(threshold=THRESHOLD, min_scene_len=max(2, round(SHORTEST * rate)))
    seen: list[int] = []
    cuts: list[int] = []
    thumbnails: list[Image] = []
    following: set[int] = set()  # positions of frames that go on from the one before, however much has come or gone
    before: Pixels | None = None
    light = 0.0  # of the brightest places, lately
    for position, frame in enumerate(frames):
        seen.append(frame.index)
        height, width = frame.image.shape[:2]
        scale = min(1.0, 256 / max(height, width))  # a cut is as plain in a small picture, and found sooner
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
    """Whether so much of a picture can be followed from the one before that nothing was cut."""
    return float(optical_flow.estimate(before, after).valid.mean()) >= FOLLOWED


def _alike(one: Image, other: Image, most: float) -> bool:
    """Whether the mean difference of two thumbnails is below `most` 8-bit levels."""
    return 255 * float(np.abs(one - other).mean()) < most


def _flash(thumbnails: Sequence[Image], cut: int, longest: int) -> bool:
    """Whether the picture before a cut is back within `longest` frames of it, or was there as long before it.

    Then something came between and went, and both sides are one shot.
    """

    before, after = thumbnails[max(0, cut - 1 - longest) : cut - 1], thumbnails[cut + 1 : cut + 1 + longest]
    back = any(_alike(thumbnails[cut - 1], later, SAME) for later in after)
    return back or any(_alike(earlier, thumbnails[cut], SAME) for earlier in before)
