"""A world dreamed once, through views of it; then every frame of the film is only a view.

Views are dreamed as pictures are: octaves, shifts, tiles, the step rule. The times they are taken at are spread evenly
over the flight by the golden ratio, so every place is dreamed from everywhere that it is seen from; at the end, where
the film is weakest.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dreamvid.camera.backdrop import Scene
from dreamvid.camera.canvas import World, empty, grown
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
class Made:
    """How far the dreaming of a world has come: after `done` of `total` steps; `world`: that of the present octave."""

    world: World
    done: int
    total: int


def steps_of(flight: Flight, height: int, width: int, dreamer: Dreamer) -> list[tuple[int, int, int, int]]:
    """Every step that makes a world, in order: octave, step, and the frame's height and width."""
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


def times_of(flight: Flight, count: int) -> list[float]:
    """When in the flight each of so many views is taken, in seconds: spread evenly, however many have been."""
    return [flight.seconds * ((number + 0.5) * GOLDEN % 1) for number in range(count)]


def make(
    scene: Scene,
    height: int,
    width: int,
    dreamer: Dreamer,
    begun: tuple[int, Image] | None = None,
    moving: Callable[[int], Dreamer] | None = None,
) -> Iterator[Made]:
    """Dreams a world step by step, for frames of `height` x `width`.

    `begun`: steps done before, and the layer as it was then; `moving`: where settings move, what dreams each step, in
    place of `dreamer`. The last that is made is of the full size. Raises SettingsError for a step rule with a memory,
    and what `gradient_step` raises.
    """
    flight, plan = scene.flight, steps_of(scene.flight, height, width, dreamer)
    done, rule, times = 0, step_rules.rule(dreamer.settings), times_of(flight, CHOICES * len(plan))
    world: World | None = None
    evening = round(EVENING * sum(octave == plan[-1][0] for octave, *_ in plan)) if plan else 0
    if begun is not None:
        done, layer = begun
        world = restored(flight, *plan[done - 1][2:], layer)
    for number, (octave, step, high, wide) in enumerate(plan[done:], start=done):
        if world is None:
            world = empty(flight, high, wide)
        elif plan[number - 1][0] != octave:
            world = grown(world, empty(flight, high, wide))
        if moving is not None:
            dreamer = moving(number).with_tile(dreamer.settings.tile)
        # At the end steps go where the film is weakest, so that no part of the flight is behind the others.
        choices = CHOICES if number >= len(plan) - evening and moving is None else 1
        looks = [_look(scene, world, times[number + turn * len(plan)], high, wide) for turn in range(choices)]
        at, base, shown = looks[0] if choices == 1 else min(looks, key=lambda look: _worth(look[2], dreamer))
        image = to_tensor(shown, dreamer)
        source = to_tensor(base, dreamer) if dreamer.needs_source else None
        result, dreamer = gradient_step(dreamer, image, (0, octave, step), StepOptions(rule=rule, source=source))
        change = (result - image)[0].permute(1, 2, 0).cpu().numpy()
        if dreamer.settings.keep_colours:
            change = np.repeat((change @ np.array(LIGHT, np.float32))[..., None], 3, axis=2)
        world.take(at, np.ascontiguousarray(change))
        yield Made(world, number + 1, len(plan))


def _look(scene: Scene, world: World, time: float, height: int, width: int) -> tuple[Pose, Image, Image]:
    """The pose at a time, the scene from there, and that with what has been dreamed over it."""
    at = scene.flight.pose(time)
    base = scene.view(at, height, width)
    return at, base, np.clip(base + fine(world.view(at)), 0, 1)


def _worth(image: Image, dreamer: Dreamer) -> float:
    """How strong a dream is, times how sharp it is to be seen, which is not the same."""
    sharpness = np.abs(opencv.load().Laplacian(image, opencv.load().CV_32F)).mean()
    return score(dreamer, to_tensor(image, dreamer)) * float(sharpness)


def restored(flight: Flight, height: int, width: int, layer: Image) -> World:
    """A world for frames of `height` x `width` with a layer that was made before."""
    world = empty(flight, height, width)
    world.layer = layer
    return world


@dataclass(frozen=True)
class Filming:
    """How a world is filmed: what it is made of, and of each frame from where and with what share of it, 0 to 1."""

    scene: Scene
    pose: Callable[[int], Pose]
    share: Callable[[int], float]

    def frame(self, index: int, size: tuple[int, int], world: World | None = None) -> Pixels:
        """A frame of the film of `size`, (height, width), uint8: the stills, and what was dreamed over them."""
        at, share = self.pose(index), self.share(index)
        base = self.scene.view(at, *size, share)
        return to_pixels(base if world is None or not share else base + np.float32(share) * fine(world.view(at)))


def fine(layer: Image) -> Image:
    """What of a layer's view, H x W x 3, is finer than the frame: what has grown too large to be seen as a thing goes.

    Without it, what was dreamed far away and has come near adds up, octave over octave, until all is black or white.
    """
    cv2 = opencv.load()
    height, width = layer.shape[:2]
    size = max(1, width * COARSE // min(height, width)), max(1, height * COARSE // min(height, width))
    small = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(small, (0, 0), COARSE * BROAD, borderType=cv2.BORDER_REFLECT)
    return layer - cv2.resize(broad, (width, height), interpolation=cv2.INTER_CUBIC)
