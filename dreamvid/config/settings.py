"""Every setting once: its type, default, unit, bounds and a line of what it does.

Help texts, the JSON schema, preset checking and the job folder's `job.toml` are all made from what is declared here.
"""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from dreamvid.config.fields import LIST, NUMBER, Moment, Section, number_or_list, setting
from dreamvid.config.objective_settings import NetSettings, ObjectiveSettings

Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1", "gif", "webp", "png"]
# Codec by another name -> ours.
OTHER_CODEC_NAMES = {"avc": "h264", "hevc": "h265"}


def _scales_or_pixels(octaves: tuple[float, ...]) -> tuple[float, ...]:
    """Raises ValueError for a list of octaves that are neither rising scales up to 1 nor rising whole pixels."""
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
    """How one picture is dreamed."""

    octaves: Octaves = setting(
        4, "how many sizes are dreamed; or a list of these: scales up to 1, or pixels of the short side", animated=True
    )
    octave_scale: float = setting(
        1.4, "from one octave to the next, where octaves are a number", "factor", animated=True, gt=1, le=4
    )
    coarsest: int = setting(
        32, "octaves with a shorter short side are left out", "pixels of the short side", animated=True, ge=32, le=4096
    )
    steps: int = setting(6, "gradient steps per octave on a fresh frame", "count", animated=True, ge=0, le=10_000)
    step_size: float = setting(
        0.012, "change of one step, as step_rule measures it", "share of the full range", animated=True, gt=0
    )
    step_rule: Literal["mean", "std", "l2", "raw", "adam", "adagrad", "adagrad_printed"] = setting(
        "mean",
        "what divides a gradient: its mean, std, rms (l2); nothing (raw, of pixels to 255); those before",
    )
    strength: float = setting(
        1.0, "how far a dream goes: 0.3 whispers, 2 is delirium", "factor on step_size", animated=True, gt=0, le=10
    )
    gradient: Literal["plain", "laplacian", "fourier"] | None = setting(
        None,
        "fourier: as photographs vary; laplacian: even bands; plain; none: plain, or fourier for a class",
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
        "fourier: what is broader stays as it is; 0: nothing does; none: 64, or 0 for a class",
        "pixels of the octave",
        animated=True,
        ge=0,
    )
    decorrelate: bool = setting(True, "fourier: colours change together as they do in photographs")
    smooth: float = setting(0.0, "width of a blur of the gradient", "pixels", animated=True, ge=0, le=100)
    cycle: bool = setting(False, "each step climbs the next objective, in turn, in place of their sum")
    jitter: int | None = setting(
        None,
        "largest random shift of a step; none: 16, or 0 where a neuron is dreamed",
        "pixels",
        animated=True,
        ge=0,
        le=4096,
    )
    zoom_jitter: float = setting(0.0, "largest random change of scale of a step", "share", animated=True, ge=0, le=0.5)
    turn_jitter: float = setting(0.0, "largest random turn of a step", "degrees", animated=True, ge=0, le=180)
    decay: float = setting(
        1.0, "what is left of the picture's contrast after each step", "factor", animated=True, gt=0, le=1
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
        None, "blur after every so many steps; 0 never", "steps", animated=True, ge=0, le=1000
    )
    blur_sigma: float = setting(0.5, "width of that blur", "pixels", animated=True, gt=0, le=100)

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
        animated=True,
        ge=0,
    )
    step_size: float = setting(
        0.5,
        "flow: size of a carried frame's steps; little: calm, much: lively",
        "share of dream.step_size",
        animated=True,
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
        animated=True,
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
        None,
        "below it nothing is dreamed; none: 0, luma .4, motion .05",
        "level in 0..1; heights per second",
        animated=True,
        ge=0,
    )
    high: float | None = setting(
        None,
        "above it all is; none: 1, luma .6, motion .2",
        "level in 0..1; heights per second",
        animated=True,
        gt=0,
    )
    feather: float = setting(
        0.02, "how far the edge is softened to either side", "share of the short side", animated=True, ge=0, le=1
    )
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
    zoom: float = setting(1.5, "enlargement; below 1 zooms out", "factor per second", animated=True, gt=0.05, le=20)
    rotate: float = setting(0.0, "turn, counter-clockwise", "degrees per second", animated=True, ge=-3600, le=3600)
    shift: tuple[float, float] = setting(
        (0.0, 0.0), "movement of the camera down and right", "heights per second", animated=True
    )
    centre: tuple[float, float] = setting(
        (0.0, 0.0), "what it zooms and turns about, down and right of the middle", "heights", animated=True
    )
    ease: Literal["none", "in", "out", "in-out"] = setting("none", "whether it gathers speed, or slows down at the end")
    intro: float = setting(0.0, "time from the untouched start until it is all dreamed", "seconds", ge=0, le=3600)


class AudioSettings(Section):
    """The sound that animates settings, as far as their formulas listen, and that the film carries."""

    file: str | None = setting(None, "sound that is listened to and goes with the film; none: the source's own")
    attack: float = setting(0.0, "in which what is heard rises from 0 to 1 at the fastest", "seconds", ge=0, le=60)
    release: float = setting(0.25, "in which it falls from 1 to 0 at the fastest", "seconds", ge=0, le=60)


class InputSettings(Section):
    """Which frames are rendered, and at what size."""

    size: str | None = setting(None, "WxH, Wx, xH or N%; none keeps the source's", "pixels")
    fit: Literal["crop", "pad", "inside", "stretch"] = setting("crop", "how another aspect is brought to WxH")
    frames: str | None = setting(None, "half-open range A:B of frames", "frames")
    start: Moment | None = setting(None, "first moment rendered", "seconds, or a timecode")
    stop: Moment | None = setting(None, "moment before which it ends", "seconds, or a timecode")
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

    `keyframes`: by its full key, such as `dream.step_size` or `objective.0.weight`, the text of each animated setting;
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
    keyframes: dict[str, str] = setting({}, "what moves, by full key; written as the value of the setting itself")

    @property
    def nets(self) -> tuple[NetSettings, ...]:
        """Every net that looks at the picture, each once: the render's own, then those that objectives name."""
        named = (term.own_net for term in self.objective)
        return tuple(dict.fromkeys([self.net, *(how for how in named if how is not None)]))
