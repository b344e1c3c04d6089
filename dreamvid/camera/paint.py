"""Paint a canvas once, through views of it; then every frame of the film is only a view.

Views are dreamed as pictures are: octaves, shifts, tiles, the step rule. The times they are taken at are spread evenly
over the flight by the golden ratio, so every place is dreamed from everywhere that it is seen from; at the end, where
the film is weakest.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dreamvid.camera.backdrop import Backdrop
from dreamvid.camera.canvas import Canvas, empty, grown
from dreamvid.camera.path import Flight, Pose
from dreamvid.core.errors import SettingsError
from dreamvid.core.types import Image, Pixels, to_pixels
from dreamvid.dream import step_rules
from dreamvid.dream.deepdream import LIGHT, Dreamer, StepOptions, gradient_step, score, to_tensor
from dreamvid.dream.octaves import octave_sizes
from dreamvid.media import opencv

GOLDEN = (math.sqrt(5) - 1) / 2
COARSE = 48  # pixels of the short side at which what is broad is looked for
BROAD = 1 / 24  # of the short side: the width of the blur that tells what is broad
CHOICES, EVENING = 4, 0.4  # poses that the weakest is taken of, in this share of the finest octave's steps
MEMORIES = ("adam", "adagrad", "adagrad_printed")


@dataclass(frozen=True)
class PaintProgress:
    """The progress of painting a canvas: after `done` of `total` steps; `canvas`: that of the present octave."""

    canvas: Canvas
    done: int
    total: int


def paint_steps(flight: Flight, height: int, width: int, dreamer: Dreamer) -> list[tuple[int, int, int, int]]:
    """Return every step that paints a canvas, in order: octave, step, and the frame's height and width."""
    how = dreamer.settings
    if how.step_rule in MEMORIES:
        raise SettingsError(
            f"dream.step_rule={how.step_rule} remembers gradients place by place, and a world is seen from many: give "
            "another rule, or camera.mode=frames"
        )
    found = []
    for octave, (high, wide) in enumerate(octave_sizes(height, width, how)):
        count = math.ceil(how.steps * empty(flight, high, wide).depths)
        found += [(octave, step, high, wide) for step in range(count)]
    return found


def view_times(flight: Flight, count: int) -> list[float]:
    """Return when in the flight each of so many views is taken, in seconds: spread evenly, however many have been."""
    return [flight.seconds * ((number + 0.5) * GOLDEN % 1) for number in range(count)]


def paint_canvas(
    backdrop: Backdrop,
    height: int,
    width: int,
    dreamer: Dreamer,
    begun: tuple[int, Image] | None = None,
    dreamer_at: Callable[[int], Dreamer] | None = None,
) -> Iterator[PaintProgress]:
    """Paint a canvas step by step, for frames of `height` x `width`.

    `begun`: steps done before, and the layer as it was then; `dreamer_at`: where settings move, what dreams each step,
    in place of `dreamer`. The last that is made is of the full size. Raises SettingsError for a step rule with a
    memory, and what `gradient_step` raises.
    """
    flight, plan = backdrop.flight, paint_steps(backdrop.flight, height, width, dreamer)
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
        # At the end steps go where the film is weakest, so that no part of the flight is behind the others.
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
    """Return the pose at a time, the backdrop from there, and that with what has been dreamed over it."""
    at = backdrop.flight.pose(time)
    base = backdrop.view(at, height, width)
    return at, base, np.clip(base + fine(canvas.view(at)), 0, 1)


def _worth(image: Image, dreamer: Dreamer) -> float:
    """Return the score of a dream times its sharpness, the mean size of its Laplacian: neither tells of the other."""
    sharpness = np.abs(opencv.load().Laplacian(image, opencv.load().CV_32F)).mean()
    return score(dreamer, to_tensor(image, dreamer)) * float(sharpness)


def restored(flight: Flight, height: int, width: int, layer: Image) -> Canvas:
    """Return a canvas for frames of `height` x `width` with a layer that was made before."""
    canvas = empty(flight, height, width)
    canvas.layer = layer
    return canvas


@dataclass(frozen=True)
class FlightView:
    """The view of each frame of a flight: its backdrop, its pose, and the share of the canvas in it, 0 to 1."""

    backdrop: Backdrop
    pose: Callable[[int], Pose]
    share: Callable[[int], float]

    def frame(self, index: int, size: tuple[int, int], canvas: Canvas | None = None) -> Pixels:
        """A frame of the film of `size`, (height, width), uint8: the stills, and what was dreamed over them."""
        at, share = self.pose(index), self.share(index)
        base = self.backdrop.view(at, *size, share)
        return to_pixels(base if canvas is None or not share else base + np.float32(share) * fine(canvas.view(at)))


def fine(layer: Image) -> Image:
    """Return a layer's view, H x W x 3, without what is broad beside the frame: too large to be seen as a thing.

    Without it, what was dreamed far away and has come near adds up, octave over octave, until all is black or white.
    """
    cv2 = opencv.load()
    height, width = layer.shape[:2]
    size = max(1, width * COARSE // min(height, width)), max(1, height * COARSE // min(height, width))
    small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(small, (0, 0), COARSE * BROAD, borderType=cv2.BORDER_REFLECT)
    return layer - cv2.resize(broad, (width, height), interpolation=cv2.INTER_CUBIC)
