"""Recipe of a net: all parameters of its training, declared once and read from TOML."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.paths import is_there, read_toml


class Part(BaseModel):
    """Table of the recipe: unknown keys are rejected, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Part):
    """Labelled pictures and their share of the samples; `training.sources` reads them."""

    path: str = Field(default=".", description="in the data folder: a folder with a sub-folder a class, or an .npz")
    weight: float = Field(default=1.0, gt=0, description="share of the samples; weights need not sum to one")
    photographs: bool = Field(default=True, description="counts towards the channel statistics")
    rename: dict[str, str] = Field(default_factory=dict, description="class name in the source -> readable name")
    classes: tuple[str, ...] = Field(default=(), description="only these classes of it, by either name; none: all")


class Drawings(Part):
    """Generated drawings and their share of the samples."""

    weight: float = Field(default=0.0, ge=0, description="share of the samples")
    per_kind: int = Field(default=80, ge=1, description="pictures of each kind in memory, drawn anew once an epoch")


class Augment(Part):
    """Random changes of every training picture; each can be switched off to measure its effect."""

    shift: bool = Field(default=True, description="a crop of random size, place, aspect and tilt; else the whole")
    flip: bool = Field(default=True, description="every second picture mirrored")
    colour: bool = Field(default=True, description="contrast, saturation, hue, brightness, cast")
    noise: bool = Field(default=True, description="blur on some pictures, noise on others")


class Attack(Part):
    """Free adversarial training in L2; radii are for pixels in [0, 1], over a picture of the recipe's `size`.

    The radius rises slowly: under a strong attack from the beginning, a net learns only classes of strong, simple
    patterns (dots and stripes).
    """

    starts: float = Field(default=0.14, ge=0, le=1, description="share of the budget before the first attack")
    full: float = Field(default=0.55, ge=0, le=1, description="share at which the radius, rising steadily, is reached")
    radius: float = Field(default=1.0, ge=0)
    replays: int = Field(default=3, ge=1, description="times each batch is replayed under attack")
    ends: float = Field(default=0.9, ge=0, le=1, description="share of the budget at which the last radius begins")
    last_radius: float = Field(default=0.7, ge=0, description="smaller at the end: finer detail")
    least: float = Field(default=1.0, ge=0, le=1, description="smallest radius of a picture, as a share of the radius")
    noise: float = Field(default=0.0, ge=0, le=1, description="share of its radius at which a perturbation begins")


class Teacher(Part):
    """Distillation from the start itself, frozen: its outputs replace labels, and activations are kept near its own.

    Batch norm and dropout are in evaluation mode, so that the net changes only where attacks require it.
    """

    layers: dict[str, float] = Field(
        default_factory=dict, description="layer -> loss weight of the squared distance, as a share of its mean square"
    )


class Recipe(Part):
    """All parameters of a training; `minutes` of wall clock are the budget of all schedules."""

    minutes: float = Field(default=75, gt=0, description="wall clock")
    interval: float = Field(default=4, gt=0, description="minutes between checkpoints; a fifth of the budget at most")
    sheet: bool = Field(default=True, description="dreams of some photographs are drawn at every checkpoint")
    net: str = Field(default="dreamnet", description="dreamnet, or a classification net of torchvision by name")
    seed: int = 0
    size: int = Field(default=112, ge=32, description="side of a training picture in pixels")
    first_size: int = Field(default=80, ge=32, description="side at the beginning: small pictures teach faster")
    grown: float = Field(default=0.5, ge=0, le=1, description="share of the budget at which the side is `size`")
    batch: int = Field(default=64, ge=2)
    width: float = Field(default=1.0, gt=0, description="dreamnet's: factor on the channels of every layer")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="dreamnet's; other nets keep their own")
    rate: float = Field(default=3e-3, gt=0, description="peak learning rate")
    warmup: float = Field(default=0.02, ge=0, lt=1, description="share of the budget in which the rate rises")
    decay: float = Field(default=0.05, ge=0, description="weight decay of AdamW, on matrices and kernels")
    smoothing: float = Field(default=0.1, ge=0, lt=1, description="label smoothing")
    auxiliary: float = Field(default=0.25, ge=0, description="dreamnet's: loss weight of each auxiliary head")
    average: float = Field(default=0.998, ge=0, lt=1, description="decay per step of the averaged net that ships")
    clip: float | None = Field(default=None, gt=0, description="largest norm of a step's gradient; none: any")
    held_out: float = Field(default=0.05, gt=0, lt=1, description="share of each class kept for the figures")
    mean: tuple[float, float, float] = (0.5, 0.47, 0.42)
    std: tuple[float, float, float] = (0.27, 0.26, 0.27)
    augment: Augment = Augment()
    attack: Attack = Attack()
    drawings: Drawings = Drawings()
    start: str | None = Field(default=None, description="begins with a file's weights, or the usual ones by name")
    teacher: Teacher | None = Field(default=None, description="the start, frozen, teaches in place of the labels")
    only: tuple[str, ...] = Field(default=(), description="only these classes, whichever source has them; none: all")
    sources: tuple[Source, ...] = (Source(),)

    @field_validator("sources")
    @classmethod
    def _once_each(cls, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        if not sources or len({source.path for source in sources}) < len(sources):
            raise ValueError("give at least one source, and each only once")
        return sources

    @model_validator(mode="after")
    def _parts_agree(self) -> "Recipe":
        if self.net != "dreamnet" and self.width != 1:
            raise ValueError(f"width applies to dreamnet, not to {self.net}: leave it out")
        if self.teacher is not None and self.start is None:
            raise ValueError("the teacher is a frozen copy of start: give start as well, or leave out teacher")
        return self

    @property
    def stored_side(self) -> int:
        """Return the side in pixels of pictures in memory: 8 / 7 of what the net gets, for the crops."""
        return round(self.size * 8 / 7)


def read_recipe(path: Path, changes: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe and apply `changes` to its keys; raise SettingsError that names the file and the key."""
    if not is_there(path):
        raise SettingsError(f"{path}: no such recipe; give the path of a TOML file")
    try:
        return Recipe.model_validate(read_toml(path) | (changes or {}))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the recipe"
        if first["type"] == "extra_forbidden":
            known = {
                name for part in (Recipe, Augment, Attack, Teacher, Drawings, Source) for name in part.model_fields
            }
            raise SettingsError(f"{path}: there is no key {key}{nearest(key.split('.')[-1], sorted(known))}") from None
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{path}: {key}: {said}; correct it there") from None
