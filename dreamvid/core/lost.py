"""Refuse frames of a source that are damaged, where that is not tolerated."""

from collections.abc import Sequence
from math import ceil

from dreamvid.core.errors import SourceError
from dreamvid.core.types import SourceInfo

AGAIN = "get it again, or repeat the last good frame with --tolerate-damage"


def refuse_damage(info: SourceInfo, frames: Sequence[int]) -> None:
    """Raise SourceError where one of these frames is damaged, or is the last one before a file breaks off."""
    lost = sorted(set(info.damaged) & set(frames))
    if lost:
        what = f"{info.name}: frame {lost[0]} of {max(info.promised or 0, info.frames)} is damaged"
        good = next(number for number in range(info.frames) if number not in info.damaged)
        if lost[0] < good:  # up to the first keyframe of a recording that was begun amid a broadcast
            raise SourceError(
                f"{what}, as all before frame {good} are: leave them out with --from "
                f"{ceil(info.times[good] * 1000) / 1000:g}, or show that one for them with --tolerate-damage"
            )
        raise SourceError(f"{what}; {AGAIN}")
    if info.promised is not None and info.frames - 1 in frames:
        raise SourceError(f"{info.name} is cut short: it ends after frame {info.frames - 1}; {AGAIN}")
