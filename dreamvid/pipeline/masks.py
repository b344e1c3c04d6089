"""Masks, which say where a frame is dreamed: from a picture or film, brightness, motion, and where there is detail."""

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dreamvid.coherence.carry import Past
from dreamvid.coherence.flat_places import kept_where_flat
from dreamvid.config.settings import MaskSettings, Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import Framing
from dreamvid.core.types import Frame, Mask, Pixels
from dreamvid.media import opencv
from dreamvid.media.companion import digest, open_companion
from dreamvid.pipeline.sources import Source

Levels = npt.NDArray[np.float32]  # height x width, of what a mask is made from
Seen = Callable[[Frame, Frame | None], Levels]  # in a frame, given its neighbour in the same shot


def with_masks(source: Source, settings: Settings, at: Callable[[int], Settings] | None = None) -> Source:
    """Return the source with a mask in each frame, where the settings have one; `at`: settings at a source frame.

    What flat places keep of the dream is part of it.

    Raises SourceError for a mask that cannot be read, SettingsError for one that there cannot be.
    """
    how = settings.mask
    if how.flat == 1 and not how.shapes:
        return source
    seen, plan = _seen(source, settings), source.plan

    def with_mask(frame: Frame, beside: Frame | None) -> Frame:
        wanted = mask(seen(frame, beside), at(frame.index).mask if at else how)
        return replace(
            frame, mask=wanted if how.flat == 1 else _in_steps(wanted * kept_where_flat(frame.image, how.flat))
        )

    def frames(indices: Sequence[int]) -> Generator[Frame, None, None]:
        # What moves is measured against the frame before, or at the start of a shot against the one after.
        wider, wanted = _with_neighbours(plan.frames, indices) if how.kind == "motion" else indices, set(indices)
        with closing(source.frames(wider)) as coming:
            for before, frame, after in _neighbours(coming):
                if frame.index not in wanted:
                    continue
                beside = after if before is None or plan.starts_shot(frame.index) else before
                if after is not None and beside is after and plan.starts_shot(after.index):
                    beside = None
                yield with_mask(frame, beside)

    return replace(source, frames=frames)


def _with_neighbours(frames: Sequence[int], indices: Sequence[int]) -> list[int]:
    """Return some of `frames`, rising, and those before and after each."""
    positions = {bisect_left(frames, index) + step for index in indices for step in (-1, 0, 1)}
    return [frames[position] for position in sorted(positions) if 0 <= position < len(frames)]


def mask(levels: Levels, how: MaskSettings) -> Mask:
    """Return a mask from levels, H x W: 0 below `how.low`, 1 above `how.high`, then inverted and feathered.

    Its values are multiples of 1 / 255, so that 0 is exactly 0.
    """
    low, high = how.levels
    rising = np.clip((levels - np.float32(low)) / np.float32(high - low), 0, 1)
    rising = 1 - rising if how.invert else rising
    reach = round(how.feather * min(levels.shape))
    if reach:
        cv2, side = opencv.load(), 2 * (reach // 2) + 1
        for _ in range(2):  # two boxes: a ramp with round shoulders, and no farther than it says
            rising = cv2.blur(rising, (side, side), borderType=cv2.BORDER_REPLICATE)
    return _in_steps(rising)


def _in_steps(levels: Levels) -> Mask:
    result: Mask = (np.rint(np.clip(levels, 0, 1) * 255) / 255).astype(np.float32)
    return result


def digests(how: MaskSettings) -> list[str]:
    """Return the sha256 of the mask's file, if it has one; raise SourceError where it cannot be read."""
    return [] if how.file is None else [digest(how.file)]


def _seen(source: Source, settings: Settings) -> Seen:
    how = settings.mask
    if not how.shapes:
        return lambda frame, _: np.ones(frame.image.shape[:2], np.float32)
    if how.kind == "luma":
        return lambda frame, _: _light(frame.image)
    if how.kind == "motion":
        if len(source.plan.frames) < 2:
            raise SettingsError("mask.kind=motion needs a film: nothing moves in one picture")
        return lambda frame, beside: _speed(source, frame, beside)
    beside = open_companion(how.file or "", source.info.rate)
    if settings.input.loop and beside.info.frames > 1:
        raise SettingsError(f"the mask {how.file} is a film, and a loop has no end: give a still, or no --loop")
    framed = replace(beside, framing=_laid_over(source.plan.framing, beside.info.height, beside.info.width))
    animated = any(key.startswith("mask.") for key in settings.keyframes)
    if beside.info.frames == 1 and not animated and not mask(_light(framed.picture(0)), how).any():
        why, instead = "black, or transparent,", "make white what is to be dreamed, or give mask.invert=true"
        if how.invert:
            why, instead = "white, which mask.invert makes black,", "make black what is to be dreamed"
        raise SettingsError(f"nothing would be dreamed: the mask {how.file} is {why} everywhere; {instead}")
    return lambda frame, _: _light(framed.picture(framed.index(frame.time)))


def _laid_over(framing: Framing, height: int, width: int) -> Framing:
    """Return the framing of a source for a picture of `height` x `width` that is stretched over it."""
    rows, columns = (
        (round(start * side / (start + stop)), max(1, round(stop * side / (start + stop))))
        for (start, stop), side in ((framing.rows, height), (framing.cols, width))  # cut evenly: it ends at the sum
    )
    return replace(framing, rows=rows, cols=columns)


def _light(picture: Pixels) -> Levels:
    cv2 = opencv.load()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) / np.float32(255), np.float32)


def _speed(source: Source, frame: Frame, beside: Frame | None) -> Levels:
    """Return the speed of each place, H x W, in heights per second."""
    height, width = frame.image.shape[:2]
    if beside is None:  # a shot of one frame
        return np.zeros((height, width), np.float32)
    field = source.move(Past(beside.index, beside.image, beside.image), frame).field
    seconds = abs(float(frame.time - beside.time))
    return np.asarray(np.hypot(field[..., 0], field[..., 1]) / (height * seconds), np.float32)


def _neighbours(frames: Iterator[Frame]) -> Iterator[tuple[Frame | None, Frame, Frame | None]]:
    """Yield each frame with the one before it and the one after it."""

    def ended() -> Iterator[Frame | None]:
        yield None
        yield from frames
        yield None

    before: Frame | None = None
    for frame, after in pairwise(ended()):
        if frame is not None:
            yield before, frame, after
        before = frame
