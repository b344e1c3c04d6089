"""Events of a render, typed: the same for a terminal, a page and a driver of other processes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dreamvid.core.types import Pixels

Phase = Literal["paint", "render", "encode"]


@dataclass(frozen=True)
class Event:
    """The progress of a render.

    `phase`: a canvas is painted, frames are rendered, or the film is encoded; `done` of `total` steps of it;
    `seconds`: how long the last one took, 0 where none was; `picture`: the frame that was just finished, H x W x 3;
    `seconds_left`: to the end of the phase, None where that cannot be told; `at_once`: frames that are rendered at the
    same time, in the mean until then; `work`: what was foretold of a frame, as of `newness.works`, None: it was dreamed
    in full.
    """

    phase: Phase
    done: int
    total: int
    seconds: float = 0.0
    picture: Pixels | None = None
    seconds_left: float | None = None
    at_once: float = 1.0
    work: float | None = None


Progress = Callable[[Event], None]  # called with every event
Stop = Callable[[], bool]  # returns whether the render is to stop after what is being done


def ignore(event: Event) -> None:
    """Do nothing with an event."""


def never() -> bool:
    """Return that nothing is to stop."""
    return False
