"""Painting of a canvas: gradient steps on views of it; afterwards every frame of the film is a view.

Views are dreamed like pictures: octaves, jitter, tiles, the step rule. Their times are spread evenly over the flight by
the golden ratio, so that every place is dreamed from all poses that show it; the last steps go to the weakest views.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.canvas import Canvas, empty, grown
from dreamvid.camera.path import Flight, Pose
from dreamvid.config.dream_settings import DreamSettings
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Image, Pixels, to_pixels
from dreamvid.dream import step_rules
from dreamvid.dream.deepdream import LIGHT, Dreamer, StepOptions, gradient_step, score, to_tensor
from dreamvid.dream.octaves import octave_sizes
from dreamvid.media import opencv

GOLDEN = (math.sqrt(5) - 1) / 2
COARSE = 48  # pixels of the short side at which low frequencies are computed
BROAD = 1 / 24  # of the short side: sigma of the Gaussian blur that defines low frequencies
CHOICES, EVENING = 4, 0.4  # candidate poses per step, of which the weakest is dreamed; last share of the finest octave
MEMORIES = ("adam", "adagrad", "adagrad_printed")


@dataclass(frozen=True)
class PaintProgress:
    """The progress of painting: `done` of `total` steps; `canvas`: that of the present octave."""

    canvas: Canvas
    done: int
    total: int


def paint_steps(flight: Flight, height: int, width: int, how: DreamSettings) -> list[tuple[int, int, int, int]]:
    """Return all steps that paint a canvas, in order: octave, step, and the frame's height and width.

    Raises SettingsError for a step rule that keeps state.
    """
    if how.step_rule in MEMORIES:
        raise SettingsError(
            f"dream.step_rule={how.step_rule} stores past gradients of each pixel, which do not fit the changing views "
            "of camera.mode=world: give another dream.step_rule, such as mean, or camera.mode=frames"
        )
    found = []
    for octave, (high, wide) in enumerate(octave_sizes(height, width, how)):
        count = math.ceil(how.steps * empty(flight, high, wide).depths)
        found += [(octave, step, high, wide) for step in range(count)]
    return found


def view_times(flight: Flight, count: int) -> list[float]:
    """Return the times of `count` views, in seconds: the golden ratio sequence, evenly spread for any count."""
    return [flight.seconds * ((number + 0.5) * GOLDEN % 1) for number in range(count)]


def paint_canvas(
    backdrop: Backdrop,
    height: int,
    width: int,
    dreamer: Dreamer,
    begun: tuple[int, Image] | None = None,
    dreamer_at: Callable[[int], Dreamer] | None = None,
) -> Iterator[PaintProgress]:
    """Paint a canvas for frames of `height` x `width`; yield the progress after each step.

    `begun`: to resume, the number of steps done and the layer after them; `dreamer_at`: with animated settings, the
    Dreamer of each step by number, in place of `dreamer`. The last canvas is the one of full size. Raises SettingsError
    for a step rule that keeps state, and the errors of `gradient_step`.
    """
    flight, plan = backdrop.flight, paint_steps(backdrop.flight, height, width, dreamer.settings)
    done, rule, times = 0, step_rules.rule(dreamer.settings), view_times(flight, CHOICES * len(plan))
    canvas: Canvas | None = None
    evening = round(EVENING * sum(octave == plan[-1][0] for octave, *_ in plan)) if plan else 0
    if begun is not None:
        done, layer = begun
        canvas = restored(flight, *plan[done - 1][2:], layer)
    for number, (octave, step, high, wide) in enumerate(plan[done:], start=done):
        if canvas is None:
            canvas = empty(flight, high, wide)
        elif plan[number - 1][0] != octave:
            canvas = grown(canvas, empty(flight, high, wide))
        if dreamer_at is not None:
            dreamer = dreamer_at(number)
        # The last steps are taken at the weakest of several poses, so that all parts of the flight are equally strong.
        choices = CHOICES if number >= len(plan) - evening and dreamer_at is None else 1
        looks = [_look(backdrop, canvas, times[number + round_ * len(plan)], high, wide) for round_ in range(choices)]
        at, base, composite = looks[0] if choices == 1 else min(looks, key=lambda look: _worth(look[2], dreamer))
        image = to_tensor(composite, dreamer)
        source = to_tensor(base, dreamer) if dreamer.needs_source else None
        result = gradient_step(dreamer, image, (0, octave, step), StepOptions(rule=rule, source=source))
        change = (result - image)[0].permute(1, 2, 0).cpu().numpy()
        if dreamer.settings.keep_colours:
            change = np.repeat((change @ np.array(LIGHT, np.float32))[..., None], 3, axis=2)
        canvas.take(at, np.ascontiguousarray(change))
        yield PaintProgress(canvas, number + 1, len(plan))


def _look(backdrop: Backdrop, canvas: Canvas, time: float, height: int, width: int) -> tuple[Pose, Image, Image]:
    """Return the pose at a time, the backdrop seen from it, and the backdrop with the dreamed layer added."""
    at = backdrop.flight.pose(time)
    base = backdrop.view(at, height, width)
    return at, base, np.clip(base + fine(canvas.view(at)), 0, 1)


def _worth(image: Image, dreamer: Dreamer) -> float:
    """Return the score of a dream times its sharpness, the mean absolute Laplacian; neither depends on the other."""
    sharpness = np.abs(opencv.load().Laplacian(image, opencv.load().CV_32F)).mean()
    return score(dreamer, to_tensor(image, dreamer)) * float(sharpness)


def restored(flight: Flight, height: int, width: int, layer: Image) -> Canvas:
    """Return a canvas for frames of `height` x `width` with a layer painted earlier."""
    canvas = empty(flight, height, width)
    canvas.layer = layer
    return canvas


def fits(flight: Flight, steps: Sequence[tuple[int, int, int, int]], done: int, layer: Image) -> bool:
    """Return whether a layer is that of a canvas after so many of its `steps`."""
    if not 0 < done <= len(steps) or layer.dtype != np.float32:
        return False
    return layer.shape == empty(flight, *steps[done - 1][2:]).layer.shape


@dataclass(frozen=True)
class FlightView:
    """The frames of a flight as views: backdrop, pose by frame number, and opacity of the canvas by frame, 0 to 1."""

    backdrop: Backdrop
    pose: Callable[[int], Pose]
    share: Callable[[int], float]

    def frame(self, index: int, size: tuple[int, int], canvas: Canvas | None = None) -> Pixels:
        """Return a frame of the film, `size` (height, width), uint8: the backdrop plus the view of the canvas."""
        at, share = self.pose(index), self.share(index)
        base = self.backdrop.view(at, *size, share)
        return to_pixels(base if canvas is None or not share else base + np.float32(share) * fine(canvas.view(at)))


def fine(layer: Image) -> Image:
    """Return a view of a layer, H x W x 3, without low frequencies, which are too broad to be seen as shapes.

    Otherwise dreams made at a distance and enlarged since would add up, octave over octave, to black or white areas.
    """
    cv2 = opencv.load()
    height, width = layer.shape[:2]
    size = max(1, width * COARSE // min(height, width)), max(1, height * COARSE // min(height, width))
    small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(small, (0, 0), COARSE * BROAD, borderType=cv2.BORDER_REFLECT)
    return layer - cv2.resize(broad, (width, height), interpolation=cv2.INTER_CUBIC)
