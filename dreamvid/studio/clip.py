"""A source that is open in a studio: its facts, its frames by number, the strip to scrub over, its sound."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dreamvid.config import presets
from dreamvid.config.settings import AudioSettings, Settings
from dreamvid.config.timeline import Cues, Tempo
from dreamvid.core.errors import DreamvidError
from dreamvid.core.timing import frame_map
from dreamvid.core.types import Frame, SourceInfo
from dreamvid.media import audio_features
from dreamvid.media.audio_features import Heard
from dreamvid.media.read import read
from dreamvid.pipeline.masks import with_masks
from dreamvid.pipeline.prepare import KINDS, Command, prepare_probed
from dreamvid.pipeline.sources import framing_of, probe_source, with_input
from dreamvid.studio.pictures import Pictures

STRIP, STRIP_SIDE = 160, 400  # pictures of a strip, and pixels of their long side
BARS = 360  # values of loudness over a whole clip
HELD = 6  # frames that are kept decoded


@dataclass
class Sound:
    """The sound of a clip, as far as it is known; `heard`: None while it is not analysed, or where it cannot be."""

    heard: Heard | None = None
    note: str = ""
    ready: bool = False


@dataclass
class Clip:
    """A source of the folder that is open: `name` in the folder, facts; pictures of its strip, as they come."""

    name: str
    path: Path
    info: SourceInfo
    strip: list[str] = field(default_factory=list)
    sound: Sound = field(default_factory=Sound)
    bars: list[float] | None = None
    _frames: dict[tuple[object, int], Frame] = field(default_factory=dict)
    _heard: dict[object, Heard] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_film(self) -> bool:
        """Return whether the source has frames to dream one after the other."""
        return self.info.kind in ("video", "folder")

    @property
    def command(self) -> Command:
        """The command that makes a film of it."""
        return "video" if self.is_film else "zoom"

    @cached_property
    def playback(self) -> tuple[int, ...]:
        """The source frame that each frame of a film at the source's rate shows."""
        info = self.info
        return frame_map(info.times, info.end, info.rate) if self.is_film else (0,)

    @property
    def count(self) -> int:
        """The number of frames that can be looked at."""
        return len(self.playback)

    def time(self, frame: int) -> Fraction:
        """Return when a frame begins, in seconds of the source."""
        return frame / self.info.rate

    def frame(self, number: int, settings: Settings) -> Frame:
        """Return a frame at its size in the film, with its mask; raises as a render of it does."""
        command: Command = "video" if self.is_film else "image"
        moving = self.is_film and settings.mask.kind == "motion"
        first = max(0, min(number, self.count - 2)) if moving else number
        one = with_input(settings, start=None, stop=None, fps=None, loop=False)
        frames = f"{first}:{first + 1 + moving}" if self.is_film else None
        one = one.model_copy(update={"input": one.input.model_copy(update={"frames": frames, "laps": 1})})
        planned, schedule = prepare_probed(command, (self.info,), one)
        source = KINDS[command].open(planned.sources, schedule.settings, planned.info, planned.plan)
        size, decode = planned.plan.framing, source.frames

        def held(indices: Sequence[int]) -> Any:
            yield from self._held(size, indices, decode)

        wanted = planned.plan.playback[number - first]
        (found,) = with_masks(replace(source, frames=held), one).frames((planned.plan.frames[wanted],))
        return found

    def _held(self, size: object, indices: Sequence[int], decode: Callable[[Sequence[int]], Any]) -> list[Frame]:
        """Return frames of a size, decoded once."""
        with self._lock:
            missing = [index for index in indices if (size, index) not in self._frames]
            found = {index: self._frames[size, index] for index in indices if index not in missing}
        if missing:
            found |= dict(zip(missing, decode(missing), strict=True))
            with self._lock:
                self._frames |= {(size, index): frame for index, frame in found.items()}
                while len(self._frames) > HELD:
                    self._frames.pop(next(iter(self._frames)))
        return [found[index] for index in indices]

    def cues(self, settings: Settings, start: float | None) -> Cues:
        """Return what keyframes follow in a film that begins at `start` seconds; raises as a render does."""
        clip = (Fraction(str(start or 0)), self.info.end)
        return audio_features.of_film(settings, self.info if self.is_film else None, clip, self.hear)

    def hear(self, file: Path, how: AudioSettings, begins: Fraction) -> Heard:
        """Return what is heard in a file, from `begins` seconds on, analysed once."""
        key = (file, file.stat().st_mtime_ns, how)
        if key not in self._heard:
            self._heard = {**dict(list(self._heard.items())[-HELD:]), key: audio_features.listen(file, how)}
        heard = self._heard[key]
        return replace(heard, start=heard.start - float(begins))

    def tempo(self, start: float | None) -> Tempo | None:
        """Return the beats of a film that begins at `start` seconds of the source; None where none are found."""
        heard = self.sound.heard
        if heard is None or heard.pulse is None:
            return None
        found = Tempo(Fraction(str(heard.pulse.bpm)), Fraction(str(heard.pulse.first)))
        return found.within(self.info.delay + Fraction(str(start or 0)))

    def loudness(self) -> list[float]:
        """Return how loud the clip is over its length, in [0, 1]; empty where that is not known."""
        if self.sound.heard is None:
            return []
        times = np.linspace(0, float(self.info.end), BARS, endpoint=False)
        return [round(self.sound.heard.at("loudness", float(time)), 3) for time in times]


def open_clip(name: str, path: Path) -> Clip:
    """Return a source of the folder, its facts read; raise SourceError where that cannot be done."""
    return Clip(name, path, replace(probe_source(str(path), presets.resolve()), name=Path(name).name))


def draw_strip(clip: Clip, pictures: Pictures, told: Callable[[], None], stop: Callable[[], bool]) -> None:
    """Read pictures that lie evenly over a clip, and then its sound; `told` is called where there is something new."""
    if clip.is_film:
        every = -(-clip.info.frames // STRIP)
        framing = framing_of(clip.info, presets.resolve()).within(STRIP_SIDE)
        for number, frame in enumerate(read(clip.info, framing, range(0, clip.info.frames, every))):
            if stop():
                return
            clip.strip.append(pictures.put(frame.image, STRIP_SIDE))
            if number % 20 == 0:
                told()
        told()
        _listen(clip)
    clip.sound.ready = True
    told()


def _listen(clip: Clip) -> None:
    if not clip.info.audio:
        clip.sound.note = "it has no sound"
        return
    try:
        clip.sound.heard = clip.hear(clip.path, AudioSettings(), clip.info.delay)
    except DreamvidError as error:
        clip.sound.note = str(error)
