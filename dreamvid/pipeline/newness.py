"""Foretell how much work frames take, from how much of the picture is new in them: the time of a film depends on it.

A frame that is carried whole takes little. Where much came into view it takes more steps; and the more comes into view,
the sooner a fresh dream is due, which measures the strength anew. No pixel depends on any of it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from dreamvid.coherence import optical_flow
from dreamvid.coherence.carry import LOST, calibration_wear, gets_more, newness
from dreamvid.coherence.optical_flow import WORKING_SIDE
from dreamvid.coherence.survival import outlived
from dreamvid.config.settings import CoherenceSettings
from dreamvid.core.types import Frame, Pixels
from dreamvid.media import opencv
from dreamvid.pipeline.plan import Plan

SAMPLES = 24  # frames of a film whose motion is estimated for this, at most: some hundredths of a second each
# Shares of the work of a frame that begins a shot, as `python tests/benchmarks/foretold_work.py` finds them:
MORE = 0.18  # the further steps where much came into view
MEASURING = 0.7  # a fresh dream that measures the strength


def observed(frames: Iterable[Frame], count: int, into: list[tuple[int, float]]) -> Iterator[Frame]:
    """Yield the `count` frames of a film as they come, and note of some of them, in `into`, how much is new in them.

    Noted are the index of the frame, and the share of its picture that is new, in [0, 1]; 1 where nothing is carried.
    """
    every, before = max(1, -(-count // SAMPLES)), None
    for position, frame in enumerate(frames):
        yield frame
        if before is not None and position % every == 0:
            into.append((frame.index, round(_new_share(before.image, frame.image), 4)))
        before = frame if (position + 1) % every == 0 else None


def _new_share(before: Pixels, now: Pixels) -> float:
    """Return the share of a picture that is new in it, as it is carried; 1 where the one before it is lost."""
    cv2 = opencv.load()
    scale = min(1.0, WORKING_SIDE / min(now.shape[:2]))
    size = round(now.shape[1] * scale), round(now.shape[0] * scale)
    before, now = (cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (before, now))
    motion = optical_flow.estimate(before, now)
    kept = outlived(before, motion, now)
    lost = min(float(motion.valid.mean()), float(kept.mean())) < LOST
    return 1.0 if lost else float(newness(motion, kept).mean())


def works(plan: Plan, positions: range, how: CoherenceSettings, *, measured: bool = True) -> list[float]:
    """Return the work that carried frames take beyond one that is carried whole; that of the first of a shot is 1.

    `positions`: of the frames in the plan; `measured`: whether fresh dreams that measure the strength are counted, of
    which a few frames have none, as a rule. Each is like the nearest frame that was observed. Where no motion is
    followed, all take all steps.
    """
    if how.mode != "flow":
        return [MEASURING] * len(positions)
    begins = {shot.start for shot in plan.shots}  # looked through once: this is asked for every segment of a film
    samples = [each for each in plan.newness if each[0] not in begins or not plan.starts_shot(each[0])]
    if not samples:
        return [0.0] * len(positions)
    at = [index for index, _ in samples]
    found = list[float]()
    for position in positions:
        found.append(work_of(samples[_nearest(at, plan.frames[position])][1], how, measured=measured))
    return found


def work_of(new: float, how: CoherenceSettings, *, measured: bool = True) -> float:
    """Return the work that a carried frame takes beyond one that is carried whole, by the share of it that is new."""
    if how.mode != "flow":
        return MEASURING
    return 1.0 if new == 1 else MORE * gets_more(new, how) + measured * MEASURING * calibration_wear(new)


def _nearest(rising: Sequence[int], wanted: int) -> int:
    """Return the position of the nearest of some numbers."""
    after = min(bisect_left(rising, wanted), len(rising) - 1)
    return min(max(0, after - 1), after, key=lambda position: abs(rising[position] - wanted))
