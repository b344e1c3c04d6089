"""Measure the seconds of frames on this machine: first of a shot, fresh, carried, and where their time goes."""

import queue
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dreamvid.coherence import carry
from dreamvid.config import presets
from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import ComputeSettings, OutputSettings
from dreamvid.core.types import Pixels
from dreamvid.dream import deepdream, tiles
from dreamvid.dream.session import open_session
from dreamvid.jobs.pace import paced
from dreamvid.media import encode, opencv
from dreamvid.media.frame_store import FrameStore
from dreamvid.models.device import wait_for
from dreamvid.pipeline import calibrate
from dreamvid.pipeline.plan import Plan, with_cuts
from dreamvid.pipeline.prepare import open_source, prepare
from dreamvid.pipeline.render import RenderContext
from dreamvid.pipeline.sources import noise

RATE = Fraction(25)
BLOTS = 2, 8, 32  # pixels: how broad what is in the picture is
DRIFT = 1, 2  # pixels a frame, down and right; what stands before it goes the other way
# Part of a frame's time -> the functions that take it: where they are looked up, and their names.
PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    "net": ((tiles, "gradient"), (calibrate, "octave_scores")),
    "flow and warp": ((carry, "follow"),),
    "bands and resampling": (
        (carry, "match_band_energy"),
        (carry, "damp_static"),
        (deepdream, "shrunk"),
        (deepdream, "grown"),
    ),
    "the source": ((queue.Queue, "get"),),
    "the store": ((Future, "result"),),
}
REST = "the rest of the steps"


@dataclass(frozen=True)
class FrameSpeed:
    """Frames of a size by the default preset; seconds, medians over `count` frames.

    `first`: of a shot, which is one frame; `ratio`: of a carried frame to a fresh one of the same picture, median of
    ratios; `parts`: of a carried frame, in the mean.
    """

    size: str
    count: int
    first: float
    fresh: float
    carried: float
    ratio: float
    parts: dict[str, float]


class Stopwatch:
    """Seconds by part, in the thread that dreams: what runs beside it counts where that waits for it.

    Of functions that call each other, each has its own time without that of the others.
    """

    def __init__(self, device: torch.device) -> None:
        """Begin with none; what `device` still computes for a part counts for it."""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._device = device
        self._thread = threading.get_ident()
        self._inside = [0.0]  # of each function that runs, the outermost first: seconds of those that it called

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time taken."""

        def run(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*arguments, **named)
            self._inside.append(0.0)
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                wait_for(self._device)
                took = time.perf_counter() - began
                self.seconds[part] += took - self._inside.pop()
                self._inside[-1] += took

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time the functions of `PARTS` while the context is open."""
        with ExitStack() as undo:
            for part, functions in PARTS.items():
                for owner, name in functions:
                    undo.callback(setattr, owner, name, getattr(owner, name))
                    setattr(owner, name, self.timed(part, getattr(owner, name)))
            yield


def frame_speed(size: tuple[int, int], how: ComputeSettings, count: int, folder: Path) -> FrameSpeed:
    """Dream the frames of a film that is made for this, fresh and carried in turn; `count`: of those carried."""
    film = folder / "{1}x{0}.mp4".format(*size)
    write_film(film, size, count + 1)
    settings = presets.resolve(presets.DEFAULT).model_copy(update={"compute": how})
    planned, schedule = prepare("video", (str(film),), settings)
    source, session = open_source(planned, schedule), open_session(settings)
    plain = settings_at(settings, {})
    ctx = RenderContext(_one_shot(source.plan), plain, source.move, session.dreamer)
    alone = plain.model_copy(update={"coherence": plain.coherence.model_copy(update={"mode": "none"})})
    watch = Stopwatch(session.compute.device)
    singly = paced(
        replace(ctx, settings=settings_at(alone, {})), source.frames(ctx.plan.frames), FrameStore(folder / "fresh")
    )
    onward = paced(ctx, source.frames(ctx.plan.frames), FrameStore(folder / "carried"))
    next(singly)  # warms up
    first, _ = next(onward)
    watch.seconds.clear()
    pairs = []
    for fresh, _ in singly:
        with watch.watching():
            carried, _ = next(onward)
        pairs.append((fresh, carried))
    parts = {part: seconds / len(pairs) for part, seconds in watch.seconds.items()}
    mean = statistics.fmean(carried for _, carried in pairs)
    return FrameSpeed(
        "{1}x{0}".format(*size),
        len(pairs),
        first,
        statistics.median(fresh for fresh, _ in pairs),
        statistics.median(carried for _, carried in pairs),
        statistics.median(carried / fresh for fresh, carried in pairs),
        parts | {REST: max(0.0, mean - sum(parts.values()))},
    )


def _one_shot(plan: Plan) -> Plan:
    """Return the plan without cuts: there are none in the film."""
    return with_cuts(plan, ())


def write_film(film: Path, size: tuple[int, int], count: int) -> None:
    """Write a film of blots of all sizes that drift, with a part in the middle that goes the other way."""
    spec = encode.FilmSpec(size, RATE, count, OutputSettings())
    trial = encode.rehearse(film, spec, film.with_suffix(".trial"), threads=1, notice=lambda _: None)
    encode.encode(lambda: _pictures(size, count), film, spec, trial, threads=1, notice=lambda _: None)


def _pictures(size: tuple[int, int], count: int) -> Iterator[Pixels]:
    (height, width), (down, right) = size, DRIFT
    rows, columns = height + count * down, width + count * right
    behind, before = (_blots(rows, columns, seed) for seed in (0, 1))
    middle = slice(height // 3, 2 * height // 3), slice(width // 3, 2 * width // 3)
    for number in range(count):
        picture = behind[number * down :, number * right :][:height, :width].copy()
        shifted = before[(count - number) * down :, (count - number) * right :][:height, :width]
        picture[middle] = shifted[middle]
        yield picture


def _blots(rows: int, columns: int, seed: int) -> Pixels:
    cv2 = opencv.load()
    whole = np.zeros((rows, columns, 3), np.float32)
    for number, sigma in enumerate(BLOTS):
        soft = cv2.GaussianBlur(noise("noise", rows, columns, 10 * seed + number).astype(np.float32), (0, 0), sigma)
        whole += (soft - soft.mean()) / soft.std()
    return np.rint(np.clip(127.5 + 30 * whole, 0, 255)).astype(np.uint8)
