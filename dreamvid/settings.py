"""Every setting once: its type, default, unit, bounds and a line of what it does.

Help texts, the JSON schema, preset checking and the job folder's `job.toml` are all made from what is declared here.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dreamvid.errors import SettingsError, nearest

Kind = Literal["layer", "channel", "class"]
Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1", "gif", "webp", "png"]


def setting(default: Any, doc: str, unit: str = "", **bounds: Any) -> Any:
    """One declared setting; `unit` is told in help and schema ("" for a name or a plain number)."""
    return Field(default, description=doc, json_schema_extra={"unit": unit}, **bounds)


class Section(BaseModel):
    """A table of settings: unknown keys are errors, values do not change after they are read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, coerce_numbers_to_str=True
    )


class NetSettings(Section):
    """Which net dreams."""

    name: str = setting("dreamnet", "dreamnet, a net of torchvision, a file that `train` made, or FILE.py:FUNCTION")
    weights: str | None = setting(None, "weights file (safetensors or a state dict), or random:SEED for timing only")
    classes: str | None = setting(None, "file of the class names, one a line or a JSON list; none: the weights' own")
    dense: bool = setting(False, "fully connected layers as convolutions: a map of classes; VGG wants 224 pixels")

    @model_validator(mode="before")
    @classmethod
    def _trained(cls, given: Any) -> Any:
        """What `train` made has dreamnet's layers, and so a preset's layers are its own."""
        name = given.get("name") if isinstance(given, dict) else None
        if not isinstance(name, str) or not name.endswith(".safetensors"):
            return given
        if given.get("weights") is not None:
            raise ValueError(f"name = {name} is a file of weights itself: leave out weights, or name the net")
        return {**given, "name": "dreamnet", "weights": name}

    @property
    def is_code(self) -> bool:
        """Whether the net is made by a Python file, which would be executed."""
        return self.name.endswith(".py") or ".py:" in self.name


class ObjectiveSettings(Section):
    """What excites: one term of the sum that a dream climbs."""

    kind: Kind = setting("layer", "layer: energy of a layer; channel: mean of channels; class: a class's logit")
    layer: str | None = setting(None, "layer by its module name or an alias (`models layers NET` lists them)")
    channels: tuple[int, ...] = setting((), "channel numbers within the layer, for kind = channel")
    name: str | None = setting(None, "channel by name (`models channels NET` lists them), in place of its number")
    class_name: str | None = setting(None, "class by name or index, for kind = class")
    weight: float = setting(1.0, "share of this term in the sum", ge=-1000, le=1000)

    @model_validator(mode="after")
    def _complete(self) -> "ObjectiveSettings":
        if self.name is not None:
            if self.kind != "channel":
                raise ValueError(f"name is for kind = channel, not for an objective of kind {self.kind}")
            if self.layer is not None or self.channels:
                raise ValueError("an objective of kind channel takes a name, or layer and channels, not both")
            return self
        if self.kind == "class":
            if self.class_name is None:
                raise ValueError("an objective of kind class needs class_name")
        elif self.layer is None:
            instead = ", or the name of a channel" if self.kind == "channel" else ""
            raise ValueError(f"an objective of kind {self.kind} needs a layer{instead}")
        if self.kind == "channel" and not self.channels:
            raise ValueError("an objective of kind channel needs channels, such as [12]")
        return self


class DreamSettings(Section):
    """How one picture is dreamed."""

    octaves: int = setting(4, "sizes that are dreamed, coarse to fine", "count", ge=1, le=16)
    octave_scale: float = setting(1.4, "from one octave to the next", "factor", gt=1, le=4)
    steps: int = setting(6, "gradient steps per octave on a fresh frame", "count", ge=0, le=10_000)
    step_size: float = setting(0.012, "mean change of one step", "share of the full range", gt=0, le=1)
    jitter: int = setting(16, "largest random shift of a step", "pixels", ge=0, le=4096)
    tiling: Literal["windowed"] = setting("windowed", "how patches are put together: windows that sum to one")
    tile: int = setting(1024, "side of a patch, its context included", "pixels", ge=32, le=16384)
    overlap: int = setting(64, "what neighbouring patches share", "pixels", ge=0, le=4096)
    blur_every: int | None = setting(None, "blur after every so many steps; 0 never", "steps", ge=0, le=1000)
    blur_sigma: float = setting(0.5, "width of that blur", "pixels", gt=0, le=100)

    @model_validator(mode="after")
    def _overlap_fits(self) -> "DreamSettings":
        if self.overlap > self.tile // 2:
            raise ValueError(f"overlap {self.overlap} is more than half of tile {self.tile}")
        return self


class CoherenceSettings(Section):
    """How the dream of one frame goes on in the next."""

    mode: Literal["flow", "blend", "none"] = setting(
        "flow", "flow: the layer moves with the picture; blend: the last dream is mixed in where it was; none"
    )
    steps: int | None = setting(
        None,
        "gradient steps per octave on a carried frame; none: 1 in flow, all of dream.steps in blend",
        "count",
        ge=0,
    )
    step_size: float = setting(
        0.5, "flow: size of a carried frame's steps; little: calm, much: lively", "share of dream.step_size", ge=0, le=4
    )
    references: tuple[Annotated[int, Field(ge=1, le=64)], ...] = setting(
        (1, 2, 4), "flow: how far back a dream is looked for, the nearest first", "frames", min_length=1
    )
    blend: float = setting(
        0.5, "blend: share of the last dream in the next frame's start (flow does not use it)", "share", ge=0, le=1
    )


class CameraSettings(Section):
    """How the camera of a zoom moves."""

    mode: Literal["frames"] = setting("frames", "frames: frame by frame, each dreamed on from the last")
    zoom: float = setting(1.5, "enlargement; below 1 zooms out", "factor per second", gt=0.05, le=20)
    rotate: float = setting(0.0, "turn, counter-clockwise", "degrees per second", ge=-3600, le=3600)
    shift: tuple[float, float] = setting((0.0, 0.0), "movement of the camera down and right", "heights per second")


class InputSettings(Section):
    """Which frames are rendered, and at what size."""

    size: str | None = setting(None, "WxH, Wx, xH or N%; none keeps the source's", "pixels")
    fit: Literal["crop", "pad", "inside", "stretch"] = setting("crop", "how another aspect is brought to WxH")
    frames: str | None = setting(None, "half-open range A:B of frames", "frames")
    start: float | None = setting(None, "first moment rendered", "seconds", ge=0)
    stop: float | None = setting(None, "moment before which it ends", "seconds", gt=0)
    fps: str | None = setting(None, "frame rate of the film; none keeps the source's", "frames per second")
    seconds: float = setting(10.0, "length of a zoom", "seconds", gt=0, le=36_000)
    tolerate_damage: bool = setting(False, "repeat the last good frame where the source is damaged")


class OutputSettings(Section):
    """How the film is written; none of it changes what is dreamed."""

    codec: Codec | None = setting(None, "none chooses by the file's name: mp4, mov, mkv h264; webm vp9; gif; webp")
    crf: int | None = setting(None, "constant rate factor, lower is better; none: 16, or the codec's like", ge=0, le=63)
    pix_fmt: str | None = setting(None, "pixel format as ffmpeg names it; none: yuv420p, or the codec's usual")


class ComputeSettings(Section):
    """Where and how precisely it is computed."""

    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps", pattern=r"^(auto|cpu|cuda(:\d{1,3})?|mps)$")
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", "auto: bf16 where the processor computes in it")
    threads: int | None = setting(None, "threads; none: the physical cores", "count", ge=1, le=1024)


class Settings(Section):
    """Everything a render depends on, except its source."""

    description: str = setting("", "what the look is, in a line")
    seed: int = setting(0, "seed of every random number", ge=0, lt=2**63)
    net: NetSettings = NetSettings()
    objective: tuple[ObjectiveSettings, ...] = setting((), "terms of the sum; none: the net's own choice of layers")
    dream: DreamSettings = DreamSettings()
    coherence: CoherenceSettings = CoherenceSettings()
    camera: CameraSettings = CameraSettings()
    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    compute: ComputeSettings = ComputeSettings()


def key_paths(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every setting's full key, such as `dream.step_size`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from key_paths(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


def read_settings(table: dict[str, Any], where: str) -> Settings:
    """Checks a table of settings and completes it with defaults.

    `where` begins each error: a file's name or an option. Raises SettingsError with the key's path, and the nearest
    valid key where it is unknown.
    """
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError(f"{where}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        if path.startswith("objective."):
            valid = [f"{path.rsplit('.', 1)[0]}.{name}" for name in ObjectiveSettings.model_fields]
        else:
            valid = list(key_paths())
        return f"unknown key {path}{nearest(path, valid)}"
    message = first["msg"].removeprefix("Value error, ")
    value = first["input"]
    shown = f" (it is {value!r})" if isinstance(value, str | int | float | bool) else ""
    return f"{path or 'settings'}: {message[0].lower()}{message[1:]}{shown}"
