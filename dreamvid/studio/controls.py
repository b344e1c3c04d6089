"""The controls of a look: which settings a page offers, by which steps, and what they do."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any, Literal

from dreamvid.config.keyframes import parse
from dreamvid.config.settings import Settings

Of = Literal["any", "film", "still"]
Table = dict[str, Any]


@dataclass(frozen=True)
class Control:
    """A control of one number setting, or of one that is on or off.

    `low`, `high`, `step`: of its slider, 0 where it is a switch; `log`: whether equal ways on it are equal factors;
    `about`: what it does, in a line; `ends`: words for its two ends; `of`: the sources that show anything of it;
    `animated`: whether it takes keyframes; `moving`: whether only a film shows it; `masks`: whether it needs a mask.
    """

    key: str
    group: str
    label: str
    about: str
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    ends: tuple[str, str] = ("", "")
    log: bool = False
    of: Of = "any"
    animated: bool = False
    moving: bool = False
    masks: bool = False


DREAM, MOTION, MASK, CAMERA = "Dream", "Motion", "Mask", "Camera"
CONTROLS = (
    Control(
        *("dream.strength", DREAM, "Strength", "How far the dream goes.", 0.1, 3, 0.05),
        ends=("whisper", "delirium"),
        animated=True,
    ),
    Control(
        *("dream.coarsest", DREAM, "Scale", "The size of the largest forms: left large ones, right small ones."),
        *(32, 320, 1),
        ends=("large forms", "fine texture"),
        log=True,
    ),
    Control(
        *("dream.steps", DREAM, "Steps", "Gradient steps at each size: more are clearer, and slower.", 1, 32, 1),
        ends=("sketch", "finished"),
    ),
    Control(
        *("dream.spectrum", DREAM, "Softness", "How smooth the forms are.", 0, 2.5, 0.05),
        ends=("fine lines", "soft forms"),
        animated=True,
    ),
    Control("seed", DREAM, "Composition", "Another number composes the same look anew.", 0, 99, 1),
    Control(
        *("mask.flat", DREAM, "Flat places", "How much is dreamed where there is nothing to see: skies, walls."),
        *(0, 1, 0.05),
        ends=("calm", "as elsewhere"),
        of="film",
    ),
    Control("dream.keep_colours", DREAM, "Keep the colours", "Only brightness is dreamed."),
    Control(
        *("coherence.step_size", MOTION, "Liveliness", "How much the dream changes from frame to frame.", 0, 2, 0.05),
        ends=("painted on", "boiling"),
        of="film",
        animated=True,
        moving=True,
    ),
    Control(
        "mask.low", MASK, "Dark end", "Up to this level nothing is dreamed.", 0, 1, 0.01, animated=True, masks=True
    ),
    Control(
        "mask.high", MASK, "Bright end", "From this level on all is dreamed.", 0.01, 1, 0.01, animated=True, masks=True
    ),
    Control(
        "mask.feather", MASK, "Soft edge", "How soft the edge of the mask is.", 0, 0.2, 0.005, animated=True, masks=True
    ),
    Control("mask.invert", MASK, "Invert", "Dream everywhere else.", masks=True),
    Control(
        *("camera.zoom", CAMERA, "Zoom", "Enlargement in a second; below 1 it flies out.", 0.5, 3, 0.05),
        ends=("out", "in"),
        of="still",
        log=True,
        animated=True,
        moving=True,
    ),
    Control(
        *("camera.rotate", CAMERA, "Turn", "Degrees in a second, counter-clockwise.", -60, 60, 1),
        ends=("clockwise", "counter"),
        of="still",
        animated=True,
        moving=True,
    ),
    Control("input.seconds", CAMERA, "Length", "Seconds of the flight.", 1, 60, 1, of="still", log=True, moving=True),
    Control("input.loop", CAMERA, "Loop", "The end leads into the beginning.", of="still", moving=True),
)
BY_KEY = {control.key: control for control in CONTROLS}


def as_tables() -> list[Table]:
    """Return the controls as tables that JSON can hold."""
    return [asdict(control) for control in CONTROLS]


def value(settings: Settings, key: str) -> float | bool:
    """Return the value that a control shows: of an animated setting the first."""
    if key in ("mask.low", "mask.high"):
        return settings.mask.levels[key == "mask.high"]
    found: float | bool = attrgetter(key)(settings)
    return found


def values(settings: Settings) -> dict[str, float | bool]:
    """Return the value of every control, by its key."""
    return {key: value(settings, key) for key in BY_KEY}


def animated(settings: Settings) -> Iterator[tuple[str, Table]]:
    """Yield the settings that have keyframes, each with its text and, unless it is a formula, its keyframes.

    `every`: after how many beats they begin anew, None where they do not; others that do are shown as a text alone.
    """
    for key, text in settings.keyframes.items():
        parsed = parse(text)
        anew, units = parsed.every, {key.unit for key in parsed.keys}
        plain = parsed.keys if anew is None or {anew.unit} | units == {"b"} else ()
        keys = [{"time": float(key.time), "unit": key.unit, "value": key.value, "way": key.way} for key in plain]
        yield key, {"text": text, "keys": keys, "every": float(anew.count) if anew is not None and keys else None}
