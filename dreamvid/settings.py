"""Every setting once: its type, default, unit, bounds and a line of what it does.

Help texts, the JSON schema, preset checking and the job folder's `job.toml` are all made from what is declared here.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from dreamvid import tracks
from dreamvid.errors import SettingsError, nearest
from dreamvid.tracks import Curve, Film

Kind = Literal["layer", "channel", "neuron", "direction", "class", "guide", "tv", "l2", "source"]
Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1", "gif", "webp", "png"]


def setting(default: Any, doc: str, unit: str = "", *, moves: bool = False, **bounds: Any) -> Any:
    """One declared setting; `unit` is told in help and schema ("" for a name or a plain number).

    `moves`: a number that may also be a text, a track over the time of the film (`dreamvid.tracks`).
    """
    extra: dict[str, Any] = {"unit": unit, "moves": True} if moves else {"unit": unit}
    return Field(default, description=doc, json_schema_extra=extra, **bounds)


class Section(BaseModel):
    """A table of settings: unknown keys are errors, values do not change after they are read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, coerce_numbers_to_str=True
    )


def _check_weights(net: str, weights: str | None) -> None:
    if net.endswith(".safetensors") and weights is not None:
        raise ValueError(f"{net} is a file of weights itself: leave out weights, or name the net")


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
        _check_weights(name, given.get("weights"))
        return {**given, "name": "dreamnet", "weights": name}

    @property
    def is_code(self) -> bool:
        """Whether the net is made by a Python file, which would be executed."""
        return self.name.endswith(".py") or ".py:" in self.name


# What each kind of objective has to be told, what else it may be told, and its forms, the usual one first:
#   layer: each channel as a share of its usual strength, where that is known; plain mean square; sum of squares
#   channel: those chosen; all others; the `count` strongest, or weakest, on this very picture
#   direction: dot product with a mixture of channels; times the cosine between them
#   class: its logit; the square of that; the logarithm of its probability
#   guide: dot product place by place; with what suits each place best; nearness in what excites together
NEEDED: dict[str, tuple[str, ...]] = {
    "layer": ("layer",),
    "channel": ("layer",),
    "neuron": ("layer", "channels", "row", "column"),
    "direction": ("layer", "channels", "amounts"),
    "class": ("class_name",),
    "guide": ("file",),
}
ALLOWED: dict[str, tuple[str, ...]] = {"channel": ("channels", "name", "count"), "guide": ("layer",)}
FORMS: dict[str, tuple[str, ...]] = {
    "layer": ("usual", "plain", "sum"),
    "channel": ("chosen", "others", "strongest", "weakest"),
    "direction": ("dot", "cosine"),
    "class": ("logit", "square", "log_probability"),
    "guide": ("dot", "best", "statistics"),
}


class ObjectiveSettings(Section):
    """What excites: one term of the sum that a dream climbs."""

    kind: Kind = setting(
        "layer",
        "layer, channel, neuron, direction, class, guide; of the picture: less tv, l2, change from its source",
    )
    layer: str | None = setting(None, "layer by its module name or an alias (`models layers NET` lists them)")
    channels: tuple[int, ...] = setting((), "channel numbers within the layer, for kind = channel, neuron, direction")
    name: str | None = setting(None, "channel by name (`models channels NET` lists them), in place of its number")
    form: str | None = setting(
        None,
        "of the kind: what of it is climbed, such as plain, strongest, cosine, log_probability, best; none: usual",
    )
    count: int = setting(1, "how many channels are the strongest or weakest", "count", ge=1)
    row: int | None = setting(None, "row of a neuron in the layer's map", "units", ge=0)
    column: int | None = setting(None, "column of a neuron in the layer's map", "units", ge=0)
    amounts: tuple[float, ...] = setting((), "share of each channel in a direction")
    class_name: str | None = setting(None, "class by name or index, for kind = class")
    file: str | None = setting(None, "picture that guides, or video or folder that runs along, for kind = guide")
    net: str | None = setting(None, "net that this term looks at, as net.name has it; none: the render's own")
    weights: str | None = setting(None, "weights of that net, as net.weights has them")
    weight: float = setting(
        1.0, "share of this term in the sum; below zero it is avoided", moves=True, ge=-1000, le=1000
    )
    step_size: float | None = setting(
        None, "with dream.cycle: its own, in place of dream.step_size", "share of the full range", moves=True, gt=0
    )

    @model_validator(mode="after")
    def _complete(self) -> "ObjectiveSettings":
        needed, forms = NEEDED.get(self.kind, ()), FORMS.get(self.kind, ())
        if self.name is not None:
            if self.kind != "channel":
                raise ValueError(f"name is for kind = channel, not for an objective of kind {self.kind}")
            if self.layer is not None or self.channels:
                raise ValueError("an objective of kind channel takes a name, or layer and channels, not both")
            needed = ()
        elif self.kind == "channel" and self.form not in ("strongest", "weakest"):
            needed = ("layer", "channels")
        for key in needed:
            if getattr(self, key) in (None, ()):
                example = {"channels": ", such as [12]", "layer": ", or the name of a channel"}
                more = example.get(key, "") if self.kind == "channel" else ""
                raise ValueError(f"an objective of kind {self.kind} needs {_article(key)}{more}")
        always = {"kind", "form", "weight", "step_size", *(("net", "weights") if self.kind in NEEDED else ())}
        foreign = self.model_fields_set - always - set(NEEDED.get(self.kind, ())) - set(ALLOWED.get(self.kind, ()))
        for key in sorted(foreign):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"an objective of kind {self.kind} takes no {key}")
        if self.form is not None and self.form not in forms:
            raise ValueError(f"form of an objective of kind {self.kind} is {' or '.join(forms) or 'not given'}")
        if self.kind == "direction" and len(self.amounts) != len(self.channels):
            raise ValueError(f"a direction needs an amount for each of its {len(self.channels)} channels")
        if self.net is not None:
            _check_weights(self.net, self.weights)
        elif self.weights is not None:
            raise ValueError("weights of an objective are for a net of its own: name it, too, as net")
        return self

    @property
    def own_net(self) -> NetSettings | None:
        """The net that this term names for itself, None where it looks at the render's."""
        return None if self.net is None else NetSettings(name=self.net, weights=self.weights)


def _article(key: str) -> str:
    return {"layer": "a layer", "row": "a row", "column": "a column", "file": "a file"}.get(key, key)


class DreamSettings(Section):
    """How one picture is dreamed."""

    octaves: int = setting(4, "sizes that are dreamed, coarse to fine", "count", moves=True, ge=1, le=16)
    octave_scale: float = setting(1.4, "from one octave to the next", "factor", moves=True, gt=1, le=4)
    steps: int = setting(6, "gradient steps per octave on a fresh frame", "count", moves=True, ge=0, le=10_000)
    step_size: float = setting(
        0.012, "change of one step, as step_rule measures it", "share of the full range", moves=True, gt=0
    )
    step_rule: Literal["mean", "std", "l2", "raw", "adam", "adagrad", "adagrad_printed"] = setting(
        "mean",
        "what divides a gradient: its mean, std, rms (l2); nothing (raw, of pixels to 255); those before",
    )
    gradient: Literal["plain", "laplacian", "fourier"] | None = setting(
        None, "laplacian: as strong in every band; fourier: even; none: plain, or fourier where a class is dreamed"
    )
    smooth: float = setting(0.0, "width of a blur of the gradient", "pixels", moves=True, ge=0, le=100)
    cycle: bool = setting(False, "each step climbs the next objective, in turn, in place of their sum")
    jitter: int | None = setting(
        None,
        "largest random shift of a step; none: 16, or 0 where a neuron is dreamed",
        "pixels",
        moves=True,
        ge=0,
        le=4096,
    )
    zoom_jitter: float = setting(0.0, "largest random change of scale of a step", "share", moves=True, ge=0, le=0.5)
    turn_jitter: float = setting(0.0, "largest random turn of a step", "degrees", moves=True, ge=0, le=180)
    decay: float = setting(
        1.0, "what is left of the picture's contrast after each step", "factor", moves=True, gt=0, le=1
    )
    clamp: bool = setting(True, "values are kept in range after each step")
    keep_colours: bool = setting(False, "only the light is dreamed: hue and saturation stay the source's")
    tiling: Literal["windowed", "summed", "contiguous"] = setting(
        "windowed",
        "windows that sum to one; or plain patches: summed where they overlap, or contiguous, side by side",
    )
    tile: int = setting(1024, "side of a patch, its context included", "pixels", ge=32, le=16384)
    overlap: int = setting(64, "what neighbouring patches share", "pixels", ge=0, le=4096)
    blur_every: int | None = setting(
        None, "blur after every so many steps; 0 never", "steps", moves=True, ge=0, le=1000
    )
    blur_sigma: float = setting(0.5, "width of that blur", "pixels", moves=True, gt=0, le=100)

    @model_validator(mode="after")
    def _overlap_fits(self) -> "DreamSettings":
        most = self.tile - 1 if self.tiling == "summed" else self.tile // 2
        if self.overlap > most:
            share = "all" if self.tiling == "summed" else "half"
            raise ValueError(f"overlap {self.overlap} is more than {share} of tile {self.tile}")
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
        moves=True,
        ge=0,
    )
    step_size: float = setting(
        0.5,
        "flow: size of a carried frame's steps; little: calm, much: lively",
        "share of dream.step_size",
        moves=True,
        ge=0,
        le=4,
    )
    references: tuple[Annotated[int, Field(ge=1, le=64)], ...] = setting(
        (1, 2, 4), "flow: how far back a dream is looked for, the nearest first", "frames", min_length=1
    )
    blend: float = setting(
        0.5,
        "blend: share of the last dream in the next frame's start (flow does not use it)",
        "share",
        moves=True,
        ge=0,
        le=1,
    )
    cadence: int = setting(
        1, "flow: every so many frames are dreamed, those between carried from both sides", "frames", ge=1, le=64
    )

    @model_validator(mode="after")
    def _between_by_flow(self) -> "CoherenceSettings":
        if self.cadence > 1 and self.mode != "flow":
            raise ValueError(f"cadence {self.cadence} needs coherence.mode=flow: the frames between are carried by it")
        return self


class MaskSettings(Section):
    """Where a frame is dreamed: elsewhere it stays its source, to the byte."""

    file: str | None = setting(None, "picture, video or folder, laid over the source: white is dreamed, black is not")
    kind: Literal["luma", "motion"] | None = setting(
        None, "in place of a file: luma, what is bright; motion, what moves"
    )
    low: float | None = setting(
        None, "below it nothing is dreamed; none: 0, luma .4, motion .05", "level in 0..1; heights per second", ge=0
    )
    high: float | None = setting(
        None, "above it all is; none: 1, luma .6, motion .2", "level in 0..1; heights per second", gt=0
    )
    feather: float = setting(0.02, "how far the edge is softened to either side", "share of the short side", ge=0, le=1)
    invert: bool = setting(False, "dreamed and not dreamed change places")

    @model_validator(mode="after")
    def _one_mask(self) -> "MaskSettings":
        if self.file is not None and self.kind is not None:
            raise ValueError("a mask has a file or a kind, not both")
        if self.invert and self.file is None and self.kind is None:
            raise ValueError("there is no mask to invert: give mask.file or mask.kind")
        low, high = self.levels
        if low >= high:
            raise ValueError(f"mask.low {low:g} must be below mask.high {high:g}")
        return self

    @property
    def levels(self) -> tuple[float, float]:
        """From where to where a mask rises from 0 to 1."""
        low, high = {"luma": (0.4, 0.6), "motion": (0.05, 0.2)}.get(self.kind or "", (0.0, 1.0))
        return low if self.low is None else self.low, high if self.high is None else self.high


class CameraSettings(Section):
    """How the camera of a zoom moves."""

    mode: Literal["world", "frames"] = setting(
        "world", "world: it is dreamed once, then filmed; frames: frame by frame, each dreamed on from the last"
    )
    zoom: float = setting(1.5, "enlargement; below 1 zooms out", "factor per second", moves=True, gt=0.05, le=20)
    rotate: float = setting(0.0, "turn, counter-clockwise", "degrees per second", moves=True, ge=-3600, le=3600)
    shift: tuple[float, float] = setting(
        (0.0, 0.0), "movement of the camera down and right", "heights per second", moves=True
    )
    centre: tuple[float, float] = setting((0.0, 0.0), "what it zooms and turns about, from the middle", "heights")
    ease: Literal["none", "in", "out", "in-out"] = setting("none", "whether it gathers speed, or slows down at the end")
    intro: float = setting(0.0, "time from the untouched start until it is all dreamed", "seconds", ge=0, le=3600)


class AudioSettings(Section):
    """The sound that moves settings, as far as their tracks listen, and that the film carries."""

    file: str | None = setting(None, "sound that is listened to and goes with the film; none: the source's own")
    attack: float = setting(0.0, "in which what is heard rises from 0 to 1 at the fastest", "seconds", ge=0, le=60)
    release: float = setting(0.25, "in which it falls from 1 to 0 at the fastest", "seconds", ge=0, le=60)


class InputSettings(Section):
    """Which frames are rendered, and at what size."""

    size: str | None = setting(None, "WxH, Wx, xH or N%; none keeps the source's", "pixels")
    fit: Literal["crop", "pad", "inside", "stretch"] = setting("crop", "how another aspect is brought to WxH")
    frames: str | None = setting(None, "half-open range A:B of frames", "frames")
    start: float | None = setting(None, "first moment rendered", "seconds", ge=0)
    stop: float | None = setting(None, "moment before which it ends", "seconds", gt=0)
    fps: str | None = setting(None, "frame rate of the film; none keeps the source's", "frames per second")
    seconds: float = setting(10.0, "length of a zoom, or of its lap", "seconds", gt=0, le=36_000)
    loop: bool = setting(False, "the end leads into the beginning")
    laps: int = setting(1, "how often a loop goes round", "count", ge=1, le=10_000)
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
    """Everything a render depends on, except its source.

    `tracks`: by its full key, such as `dream.step_size` or `objective.0.weight`, the text of each setting that moves;
    the setting itself holds the first value. Written as the setting's own value, there and nowhere else.
    """

    description: str = setting("", "what the look is, in a line")
    seed: int = setting(0, "seed of every random number", ge=0, lt=2**63)
    net: NetSettings = NetSettings()
    objective: tuple[ObjectiveSettings, ...] = setting((), "terms of the sum; none: the net's own choice of layers")
    dream: DreamSettings = DreamSettings()
    coherence: CoherenceSettings = CoherenceSettings()
    mask: MaskSettings = MaskSettings()
    camera: CameraSettings = CameraSettings()
    audio: AudioSettings = AudioSettings()
    input: InputSettings = InputSettings()
    output: OutputSettings = OutputSettings()
    compute: ComputeSettings = ComputeSettings()
    tracks: dict[str, str] = setting({}, "what moves, by full key; written as the value of the setting itself")

    @property
    def nets(self) -> tuple[NetSettings, ...]:
        """Every net that looks at the picture, each once: the render's own, then those that objectives name."""
        named = (term.own_net for term in self.objective)
        return tuple(dict.fromkeys([self.net, *(how for how in named if how is not None)]))


def key_paths(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every setting's full key, such as `dream.step_size`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from key_paths(kind, f"{prefix}{name}.")
        elif name != "tracks":
            yield prefix + name


def read_settings(table: dict[str, Any], where: str) -> Settings:
    """Checks a table of settings and completes it with defaults; a text at a number is a track, and is read.

    `where` begins each error: a file's name or an option. Raises SettingsError with the key's path, and the nearest
    valid key where it is unknown.
    """
    texts: dict[str, str] = {}
    try:
        plain = _without_tracks(table, Settings, "", texts)
        return Settings.model_validate(plain | {"tracks": texts})
    except ValidationError as error:
        raise SettingsError(f"{where}: {_explain(error)}") from None
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def _without_tracks(table: Any, model: type[BaseModel], prefix: str, texts: dict[str, str]) -> Any:
    """A table with the first value in place of each track, whose text goes to `texts`; raises SettingsError."""
    if not isinstance(table, dict):
        return table
    result = dict(table)
    for name, value in table.items():
        key, field = f"{prefix}{name}", model.model_fields.get(name)
        if key == "tracks":
            raise SettingsError("tracks: what moves is written as the value of the setting itself")
        if field is None:
            continue
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            result[name] = _without_tracks(value, inner, f"{key}.", texts)
        elif key == "objective" and isinstance(value, list | tuple):
            numbered = enumerate(value)
            result[name] = [_without_tracks(term, ObjectiveSettings, f"{key}.{at}.", texts) for at, term in numbered]
        elif isinstance(value, list | tuple):
            result[name] = [_first(f"{key}.{at}", part, field, texts) for at, part in enumerate(value)]
        else:
            result[name] = _first(key, value, field, texts)
    return result


def _first(key: str, value: Any, field: FieldInfo, texts: dict[str, str]) -> Any:
    """The first value of a track, whose text goes to `texts`; of anything else, that itself."""
    numeric = {int, float} & {field.annotation, *get_args(field.annotation)}
    if not numeric or not isinstance(value, str) or _is_number(value):
        return value
    if not (isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("moves")):
        raise SettingsError(f"{key}: give a number; it cannot move with time (it is {value!r})")
    try:
        track = tracks.parse(value)
        if not track.constant:
            texts[key] = value
        return _whole(track.first, field)
    except SettingsError as error:
        raise SettingsError(f"{key}: {value[:80]!r}: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(value: float, field: FieldInfo) -> float:
    """A value as a setting takes it: rounded where only whole numbers will do."""
    return math.floor(value + 0.5) if int in {field.annotation, *get_args(field.annotation)} else value


def rounded(key: str, value: float) -> float:
    """A value as the setting of a full key takes it: whole where only whole numbers will do."""
    section, name, *_ = (part for part in key.split(".") if not part.isdecimal())
    model: Any = ObjectiveSettings if section == "objective" else Settings.model_fields[section].annotation
    return _whole(value, model.model_fields[name])


def settings_at(settings: Settings, values: Mapping[str, float]) -> Settings:
    """Settings that do not move: these `values`, by full key, in place of their tracks.

    Raises SettingsError with the key's path for a value out of bounds.
    """
    table = settings.model_dump(exclude={"tracks"})
    for key, value in values.items():
        _place(table, key, value)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def curve(settings: Settings, key: str, film: Film) -> Curve:
    """A number among the settings, by its full key, at any time of a film, in seconds, whether it moves or not.

    Neither rounded nor checked against its bounds. Raises SettingsError, as the curve does, as a `Track` does.
    """
    if key in settings.tracks:
        return tracks.parse(settings.tracks[key]).on(film)
    value: Any = settings
    for step in key.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    return lambda time: float(value)


def to_table(settings: Settings) -> dict[str, Any]:
    """Settings as `read_settings` takes them: the text of each track where the setting holds its first value."""
    table = settings.model_dump(mode="json", exclude={"tracks"})
    for key, text in settings.tracks.items():
        _place(table, key, text)
    return table


def _place(table: dict[str, Any], key: str, value: Any) -> None:
    """Puts a value where a full key leads, through tables and lists."""
    *way, last = key.split(".")
    part: Any = table
    for step in way:
        inner = part[step if isinstance(part, dict) else int(step)]
        if isinstance(inner, tuple):
            inner = part[step] = list(inner)
        part = inner
    part[last if isinstance(part, dict) else int(last)] = value


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
