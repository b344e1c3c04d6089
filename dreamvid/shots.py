"""Cuts: where one shot ends and the next begins, found by PySceneDetect."""

from collections.abc import Iterable
from fractions import Fraction

from dreamvid.media import Frame
from dreamvid.video import cv

THRESHOLD = 27.0  # mean change of hue, saturation and lightness in 8-bit levels: PySceneDetect's own default
SHORTEST = Fraction(1, 4)  # seconds; what is shorter is a flash and not a shot


def find_cuts(frames: Iterable[Frame], rate: Fraction) -> tuple[int, ...]:
    """The indices of the source frames that begin a new shot, rising; the very first frame is not among them.

    `frames`: in order; `rate`: frames per second, which decides how many frames the shortest shot has.
    """
    cv2 = cv.load()
    from scenedetect import FrameTimecode
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector(threshold=THRESHOLD, min_scene_len=max(2, round(SHORTEST * rate)))
    seen: list[int] = []
    cuts: list[int] = []
    for position, frame in enumerate(frames):
        seen.append(frame.index)
        height, width = frame.image.shape[:2]
        scale = min(1.0, 256 / max(height, width))  # a cut is as plain in a small picture, and found sooner
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        found = detector.process_frame(FrameTimecode(position, fps=rate), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        cuts += [cut.frame_num for cut in found]
    if seen:
        cuts += [cut.frame_num for cut in detector.post_process(FrameTimecode(len(seen) - 1, fps=rate))]
    return tuple(sorted({seen[cut] for cut in cuts if 0 < cut < len(seen)}))
