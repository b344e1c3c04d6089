"""Declarations of all settings: type, default, unit, bounds and a line of help for each.

Help texts, the JSON schema, preset checking and the job folder's `job.toml` are all generated from them.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.fields import Moment, Section, setting
from dreamvid.config.objective_settings import NetSettings, ObjectiveSettings

Codec = Literal["h264", "h265", "av1", "vp9", "prores", "ffv1", "gif", "webp", "png"]
# Codec by another name -> ours.
OTHER_CODEC_NAMES = {"avc": "h264", "hevc": "h265"}


class CoherenceSettings(Section):
    """Settings of coherence: how the dream of one frame is carried into the next."""

    mode: Literal["flow", "blend", "none"] = setting(
        "flow", "flow: the dream is warped by optical flow; blend: the last dream is mixed in unwarped; none"
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
        "flow: step size on carried frames; low values are calm, high ones lively",
        "share of dream.step_size",
        animated=True,
        ge=0,
        le=4,
    )
    references: tuple[Annotated[int, Field(ge=1, le=64)], ...] = setting(
        (1, 2, 4), "flow: earlier frames whose dream is carried, by distance, the nearest first", "frames", min_length=1
    )
    blend: float = setting(
        0.5,
        "blend: share of the last dream in the start of the next frame; unused by flow",
        "share",
        animated=True,
        ge=0,
        le=1,
    )
    cadence: int = setting(
        1, "flow: every n-th frame is dreamed, those between are carried from both sides", "frames", ge=1, le=64
    )

    @model_validator(mode="after")
    def _between_by_flow(self) -> "CoherenceSettings":
        if self.cadence > 1 and self.mode != "flow":
            raise ValueError(
                f"cadence {self.cadence} needs optical flow: give coherence.mode=flow, or coherence.cadence=1"
            )
        return self


class MaskSettings(Section):
    """Settings of the mask of dreamed pixels; pixels outside it keep the source's exact values."""

    file: str | None = setting(None, "picture, video or folder, laid over the source: white is dreamed, black is not")
    kind: Literal["luma", "motion"] | None = setting(
        None, "in place of a file: luma, bright pixels; motion, moving pixels"
    )
    low: float | None = setting(
        None,
        "mask level up to which nothing is dreamed; none: 0, luma .4, motion .05",
        "level in 0..1; heights per second",
        animated=True,
        ge=0,
    )
    high: float | None = setting(
        None,
        "mask level from which on all is dreamed; none: 1, luma .6, motion .2",
        "level in 0..1; heights per second",
        animated=True,
        gt=0,
    )
    feather: float = setting(
        0.02, "softening of the edge to either side", "share of the short side", animated=True, ge=0, le=1
    )
    invert: bool = setting(False, "swap dreamed and undreamed")
    flat: float = setting(
        1.0,
        "how much of the dream flat places of a film or still keep, such as skies; a flight's keep all",
        "share",
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _one_mask(self) -> "MaskSettings":
        if self.file is not None and self.kind is not None:
            raise ValueError(f"give mask.file {self.file} or mask.kind {self.kind}, not both")
        if self.invert and self.file is None and self.kind is None:
            raise ValueError("mask.invert needs a mask: give mask.file or mask.kind")
        low, high = self.levels
        if low >= high:
            raise ValueError(f"mask.low {low:g} must be below mask.high {high:g}")
        return self

    @property
    def shapes(self) -> bool:
        """Return whether there is a mask from a file or of a kind, beside what flat places keep."""
        return self.file is not None or self.kind is not None

    @property
    def levels(self) -> tuple[float, float]:
        """The levels `low` and `high` between which the mask rises from 0 to 1, defaults of its kind filled in."""
        low, high = {"luma": (0.4, 0.6), "motion": (0.05, 0.2)}.get(self.kind or "", (0.0, 1.0))
        return low if self.low is None else self.low, high if self.high is None else self.high


Heights = Annotated[float, Field(ge=-1000, le=1000)]


class CameraSettings(Section):
    """Settings of the camera of a zoom and its motion."""

    mode: Literal["world", "frames"] = setting(
        "world",
        "world: one canvas is dreamed, frames are views of it; frames: each is dreamed on from the last",
    )
    zoom: float = setting(1.5, "enlargement; below 1 zooms out", "factor per second", animated=True, gt=0.05, le=20)
    rotate: float = setting(0.0, "turn, counter-clockwise", "degrees per second", animated=True, ge=-3600, le=3600)
    shift: tuple[Heights, Heights] = setting(
        (0.0, 0.0), "movement of the camera down and right", "heights per second", animated=True
    )
    centre: tuple[Heights, Heights] = setting(
        (0.0, 0.0), "centre of zoom and rotation, down and right of the middle", "heights", animated=True
    )
    ease: Literal["none", "in", "out", "in-out"] = setting(
        "none", "in: slow at the start; out: slow at the end; in-out: both; none: constant speed"
    )
    intro: float = setting(0.0, "fade from the untouched picture to the dream, at the start", "seconds", ge=0, le=3600)


class AudioSettings(Section):
    """Settings of the film's sound, and of what settings follow: audio features, beats, events."""

    file: str | None = setting(None, "soundtrack and source of the audio features; none: the source's own")
    attack: float = setting(0.0, "shortest time for an audio feature to rise from 0 to 1", "seconds", ge=0, le=60)
    release: float = setting(0.25, "shortest time for feature or event to fall from 1 to 0", "seconds", ge=0, le=60)
    bpm: float | None = setting(None, "tempo; none: where beats are counted, found", "beats per minute", ge=1, le=1000)
    first_beat: float | None = setting(None, "beat 0 in the sound; none: 0, or found too", "seconds", ge=0, le=1e5)
    beats_per_bar: int = setting(4, "beats of a bar", "count", ge=1, le=64)
    max_flash: float | None = setting(
        None,
        "how often settings, but for the camera, may rise and fall; none, 0: as often as they do",
        "times a second",
        ge=0,
        le=1000,
    )
    events: str | None = setting(None, "CSV (seconds or beat, value) or MIDI file of events that settings follow")


class InputSettings(Section):
    """Settings of the frames that are rendered: range, size, rate, loop."""

    size: str | None = setting(None, "WxH, Wx, xH or N%; none keeps the source's", "pixels")
    fit: Literal["crop", "pad", "inside", "stretch"] = setting("crop", "how a source of another aspect is fit to WxH")
    frames: str | None = setting(None, "half-open range A:B of frames", "frames")
    start: Moment | None = setting(None, "start of the rendered part", "seconds, or a timecode")
    stop: Moment | None = setting(None, "end of the rendered part, not included", "seconds, or a timecode")
    fps: str | None = setting(None, "frame rate of the film; none keeps the source's", "frames per second")
    seconds: float = setting(10.0, "length of a zoom; with loop, of one cycle", "seconds", gt=0, le=36_000)
    loop: bool = setting(False, "the end leads into the beginning")
    laps: int = setting(1, "number of cycles of a loop in the film", "count", ge=1, le=10_000)
    tolerate_damage: bool = setting(False, "repeat the last good frame where the source is damaged")

    @model_validator(mode="after")
    def _cycles_of_a_loop(self) -> "InputSettings":
        if self.laps > 1 and not self.loop:
            raise ValueError(f"laps {self.laps} needs a loop: give --loop (input.loop=true), or leave out the laps")
        return self


class OutputSettings(Section):
    """Settings of the encoded film; none of them changes the dream."""

    codec: Codec | None = setting(None, "none: by the file's suffix: mp4, mov, mkv h264; webm vp9; gif; webp")
    crf: int | None = setting(
        None, "constant rate factor, lower is better; none: 16, or the codec's equivalent", ge=0, le=63
    )
    pix_fmt: str | None = setting(None, "pixel format as ffmpeg names it; none: yuv420p, or the codec's default")


class ComputeSettings(Section):
    """Settings of device, precision and threads."""

    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps", pattern=r"^(auto|cpu|cuda(:\d{1,3})?|mps)$")
    precision: Literal["auto", "fp32", "bf16"] = setting("auto", "auto: bf16 if the processor supports it")
    threads: int | None = setting(None, "CPU threads; none: one per physical core", "count", ge=1, le=1024)


class ParallelSettings(Section):
    """Settings of what several workers may render at once."""

    segment: float | None = setting(
        None,
        "length into which a video's long shots are cut, each rendered by itself; none: shots stay whole",
        "seconds",
        ge=0.5,
        le=3600,
    )


class Settings(Section):
    """All settings of a render, except its source.

    `keyframes`: the text of each animated setting by its full key, such as `dream.step_size` or `objective.0.weight`;
    the setting itself holds the first value. In files and options the text is given as the setting's value, never as
    `keyframes`.
    """

    description: str = setting("", "one line on the look")
    seed: int = setting(0, "seed of every random number", ge=0, lt=2**63)
    net: NetSettings = NetSettings()
    objective: tuple[ObjectiveSettings, ...] = setting((), "terms of the sum; none: the net's default layers")
    dream: DreamSettings = DreamSettings()
    coherence: CoherenceSettings = CoherenceSettings()
    mask: MaskSettings = MaskSettings()
    camera: CameraSettings = CameraSettings()
    audio: AudioSettings = AudioSettings()
    input: InputSettings = InputSettings()
    parallel: ParallelSettings = ParallelSettings()
    output: OutputSettings = OutputSettings()
    compute: ComputeSettings = ComputeSettings()
    keyframes: dict[str, str] = setting({}, "animated settings, by full key; given as the value of the setting itself")

    @property
    def nets(self) -> tuple[NetSettings, ...]:
        """All nets of the render, each once: its own first, then those that objectives name."""
        named = (term.own_net for term in self.objective)
        return tuple(dict.fromkeys([self.net, *(how for how in named if how is not None)]))
