"""Settings of DeepDream on one picture."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from dreamvid.config.fields import LIST, NUMBER, Section, number_or_list, setting


def _scales_or_pixels(octaves: tuple[float, ...]) -> tuple[float, ...]:
    """Return a list of octaves; raise ValueError if it is neither rising scales up to 1 nor rising whole pixels."""
    rising = all(small < large for small, large in pairwise(octaves))
    pixels = all(size > 1 and size == int(size) for size in octaves)
    if not rising or (octaves[-1] != 1 and not pixels):
        raise ValueError(
            "give rising scales of the frame that end in 1, such as [0.3, 0.55, 1], or rising whole pixels of its "
            "short side, such as [128, 256, 512]"
        )
    return octaves


Octaves = Annotated[
    Annotated[int, Field(ge=1, le=16), Tag(NUMBER)]
    | Annotated[
        tuple[Annotated[float, Field(gt=0)], ...],
        Field(min_length=1, max_length=16),
        AfterValidator(_scales_or_pixels),
        Tag(LIST),
    ],
    Discriminator(number_or_list),
]


class DreamSettings(Section):
    """Settings of DeepDream on one picture: octaves, gradient steps, gradient filters, tiles."""

    octaves: Octaves = setting(
        4, "number of sizes; or a list of them, as scales up to 1 or as pixels of the short side", animated=True
    )
    octave_scale: float = setting(
        1.4, "size ratio of one octave to the next, if octaves is a number", "factor", animated=True, gt=1, le=4
    )
    coarsest: int = setting(
        32, "octaves with a shorter short side are left out", "pixels of the short side", animated=True, ge=32, le=4096
    )
    draft: int = setting(
        1, "the octaves of a picture so many times as large, as far as they fit: same forms", "factor", ge=1, le=16
    )
    steps: int = setting(6, "gradient steps per octave on a fresh frame", "count", animated=True, ge=0, le=10_000)
    step_size: float = setting(
        0.012, "change of one step, as step_rule measures it", "share of the full range", animated=True, gt=0
    )
    step_rule: Literal["mean", "std", "l2", "raw", "adam", "adagrad", "adagrad_printed"] = setting(
        "mean",
        "divisor of the gradient: its mean, std, rms (l2), none (raw, pixels 0..255), past (adam, adagrad)",
    )
    strength: float = setting(
        1.0, "how far a dream goes: 0.3 whispers, 2 is delirium", "factor on step_size", animated=True, gt=0, le=10
    )
    gradient: Literal["plain", "laplacian", "fourier"] | None = setting(
        None,
        "fourier: spectrum of photographs; laplacian: equal bands; plain; none: plain, fourier for a class",
    )
    spectrum: float = setting(
        1.0,
        "fourier: exponent a of the factor 1 / frequency^a on the gradient's spectrum",
        "exponent",
        animated=True,
        ge=0,
        le=3,
    )
    cutoff: float | None = setting(
        None,
        "fourier: wavelengths above it stay unchanged; 0: none do; none: 64, or 0 for a class",
        "pixels of the octave",
        animated=True,
        ge=0,
        le=16384,
    )
    decorrelate: bool = setting(True, "fourier: colour channels are correlated as in photographs")
    smooth: float = setting(0.0, "width of a blur of the gradient", "pixels", animated=True, ge=0, le=100)
    cycle: bool = setting(False, "each step maximises the next objective, in turn, in place of their sum")
    jitter: int | None = setting(
        None,
        "largest random shift of a step; none: 16, or 0 with an objective of kind neuron",
        "pixels",
        animated=True,
        ge=0,
        le=4096,
    )
    zoom_jitter: float = setting(0.0, "largest random change of scale of a step", "share", animated=True, ge=0, le=0.5)
    turn_jitter: float = setting(0.0, "largest random turn of a step", "degrees", animated=True, ge=0, le=180)
    decay: float = setting(
        1.0, "the picture's contrast is multiplied by it after each step", "factor", animated=True, gt=0, le=1
    )
    clamp: bool = setting(True, "pixels are clipped to the valid range after each step")
    keep_colours: bool = setting(False, "only brightness is dreamed: hue and saturation stay the source's")
    tiling: Literal["windowed", "summed", "contiguous"] = setting(
        "windowed",
        "windowed: tiles blended, weights sum to 1; summed: overlaps added; contiguous: side by side",
    )
    tile: int = setting(1024, "side of a tile, its margins included", "pixels", ge=32, le=16384)
    overlap: int = setting(64, "overlap of neighbouring tiles", "pixels", ge=0, le=4096)
    blur_every: int | None = setting(
        None, "blur after every so many steps; 0 never", "steps", animated=True, ge=0, le=1000
    )
    blur_sigma: float = setting(0.5, "width of that blur", "pixels", animated=True, gt=0, le=100)

    @model_validator(mode="after")
    def _overlap_fits(self) -> "DreamSettings":
        most = self.tile - 1 if self.tiling == "summed" else self.tile // 2
        if self.overlap > most:
            raise ValueError(
                f"overlap {self.overlap} is too large for tile {self.tile} with tiling {self.tiling}: "
                f"give at most {most}, or a larger tile"
            )
        return self
