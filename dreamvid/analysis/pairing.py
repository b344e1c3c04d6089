"""Pair the frames of a film with those of its source: by the film's record, by a given time, or one by one."""

import logging
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import Framing, frame_to
from dreamvid.core.timing import frame_map, nearest_whole
from dreamvid.core.types import SourceInfo
from dreamvid.core.words import counted
from dreamvid.media import record as records
from dreamvid.media.probe import probe
from dreamvid.media.record import Record, RecordedSource

logger = logging.getLogger(__name__)
PADDED = 4  # pixels: a film is larger than its frames by less than that, where its pixel format needs even sides
STRETCH = Fraction(1, 50)  # of the duration: what containers round


@dataclass(frozen=True)
class Opened:
    """A film, or a source, that is compared: its `path` as given, its facts, and its record if it has one."""

    path: str
    info: SourceInfo
    record: Record | None

    @staticmethod
    def of(path: str) -> "Opened":
        """Probe a film and read its record; raise SourceError as `probe` and `record.of`."""
        info = probe(path)
        return Opened(path, info, records.of(Path(path)) if info.files else None)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.info.height, self.info.width


@dataclass(frozen=True)
class Pairing:
    """The frames that a film and its source have in common.

    `frames`: index in the source -> index of the first film frame that shows it, both rising; `source`: its facts, of
    a folder at the rate that it was rendered with; `framing`, `cropped`: of the source and of the film to one size;
    `clip`: the part of the source that the film shows, in seconds, None for all of it; `seconds`: how long the film is.
    """

    frames: dict[int, int]
    source: SourceInfo
    framing: Framing
    cropped: Framing
    clip: tuple[Fraction, Fraction] | None = None
    seconds: Fraction = Fraction(0)

    @property
    def note(self) -> str:
        """Say what is compared of the source, where that is not all of it."""
        playback = "" if self.clip is None else f"shows {_span(*self.clip)} of {self.source.name}"
        # Without the advice on options, which only a render has.
        return "; ".join(part for part in (playback, self.framing.note.partition(";")[0]) if part)


def pair(source: Opened, film: Opened, begins: float | None = None) -> Pairing:
    """Return which frames a film and its source have in common.

    `begins`: seconds of the source at which the film begins, where that is known. Raises SettingsError where the
    frames cannot be told one by one.
    """
    record, info = film.record, source.info
    if begins is not None:
        return _from(info, film, Fraction(begins).limit_denominator(10**6), rate_of(info, film.info))
    if record is None:
        return _one_by_one(source, film)
    if record.film.frames != film.info.frames:
        raise SettingsError(
            f"{film.path} has {counted(film.info.frames, 'frame')} and had {record.film.frames} when it was made: say "
            f"with --from at which time of {source.path} it begins"
        )
    if info.identity == record.sources[0].sha256 and record.command != "zoom":
        return _by_record(info, film, record)
    if source.record is not None and _of_one_source(source.record, record):
        return _side_by_side(source, film, source.record, record)
    if record.command == "zoom":
        raise SettingsError(
            f"{film.path} is a flight, none of whose frames is one of {source.path}: compare it with the same flight "
            "made with --set dream.steps=0"
        )
    if _is_copy(info, record.sources[0]):
        logger.info("%s is not the file that %s was made of, but as long: taken for it", source.path, film.path)
        return _by_record(info, film, record)
    return _one_by_one(source, film)


def _by_record(source: SourceInfo, film: Opened, record: Record) -> Pairing:
    """Pair a film with the frames of its source that it was made from."""
    playback, wanted = record.film, record.plain_settings().input
    if source.kind == "folder":
        source = replace(source, times=tuple(n / record.sources[0].rate for n in range(source.frames)))
        source = replace(source, rate=record.sources[0].rate, end=source.frames / record.sources[0].rate)
    framing = frame_to(source.height, source.width, source.sar, wanted.size, wanted.fit)
    if not all(0 <= have - want < PADDED for have, want in zip(film.size, framing.size, strict=True)):
        framing = _framed(source, film.info)  # scaled since
    if record.command == "image":
        return _from(source, film, source.times[min(playback.first, source.frames - 1)], source.rate, framing)
    # A loop shows each frame of the source once a cycle, and of its first ones perhaps mixtures.
    positions = range(playback.mixed, playback.cycle or playback.frames)
    return _from(source, film, playback.start, playback.rate, framing, positions)


def _side_by_side(source: Opened, film: Opened, before: Record, after: Record) -> Pairing:
    """Pair two films that were made of one source."""
    ours, theirs = after.film, before.film
    if theirs.frames != source.info.frames:
        raise SettingsError(
            f"{source.path} has {counted(source.info.frames, 'frame')} and had {theirs.frames} when it was made"
        )
    if ours == theirs:
        return _all(source.info, film)
    if ours.rate != theirs.rate or ours.cycle is not None or theirs.cycle is not None:
        raise SettingsError(
            f"{film.path} and {source.path} show frames of {after.sources[0].name} at other rates or in other loops: "
            f"compare {film.path} with {after.sources[0].name} itself"
        )
    if ours.start < theirs.start or ours.stop > theirs.stop:
        raise SettingsError(
            f"{film.path} shows {_span(ours.start, ours.stop)} of {after.sources[0].name}, {source.path} only "
            f"{_span(theirs.start, theirs.stop)}: compare it with {after.sources[0].name} itself"
        )
    return _from(source.info, film, ours.start - theirs.start, ours.rate)


def _one_by_one(source: Opened, film: Opened) -> Pairing:
    """Pair a film of unknown making with a source of as many frames, or of as many at its rate."""
    info, other = source.info, film.info
    long = "folder" in (info.kind, other.kind) or abs(info.end - other.end) <= 1 / other.rate + STRETCH * info.end
    if info.frames == other.frames and long:
        return _all(info, film)
    if other.kind != "folder" and other.frames == len(frame_map(info.times, info.end, other.rate)):
        return _from(info, film, Fraction(0), other.rate)
    made = f"; it was made of {film.record.sources[0].name}" if film.record is not None else ""
    raise SettingsError(
        f"{film.path} has {_counted(other)} and {source.path} {_counted(info)}, which cannot be paired one to one: "
        f"say with --from at which time of {source.path} it begins{made}"
    )


def _from(
    source: SourceInfo,
    film: Opened,
    start: Fraction,
    rate: Fraction,
    framing: Framing | None = None,
    positions: range | None = None,
) -> Pairing:
    """Pair the frames of a film at some positions, that has `rate` and begins at `start`, in seconds of the source."""
    timeline, first = frame_map(source.times, source.end, rate), nearest_whole(start * rate)
    positions = range(film.info.frames) if positions is None else positions
    if first + positions.stop > len(timeline) or not positions:
        raise SettingsError(
            f"{film.path} would show {_span(start, start + positions.stop / rate)} of {source.name}, which lasts "
            f"{float(source.end):.2f} s: say with --from at which time of it the film begins"
        )
    frames: dict[int, int] = {}
    for position in positions:
        frames.setdefault(timeline[first + position], position)
    whole = first == 0 and positions.stop == len(timeline)
    clip = None if whole else (first / rate, (first + positions.stop) / rate)
    framing = framing or _framed(source, film.info)
    return Pairing(frames, source, framing, _cropped(film, framing), clip, film.info.frames / rate)


def _all(source: SourceInfo, film: Opened) -> Pairing:
    """Pair a film with a source of as many frames."""
    framing = _framed(source, film.info)
    frames = {index: index for index in range(source.frames)}
    return Pairing(frames, source, framing, _cropped(film, framing), seconds=film.info.end)


def _of_one_source(first: Record, second: Record) -> bool:
    return first.command == second.command and (
        [source.sha256 for source in first.sources] == [source.sha256 for source in second.sources]
    )


def _is_copy(info: SourceInfo, recorded: RecordedSource) -> bool:
    """Return whether a source has as many frames as the recorded one, at its rate, and so may be a copy of it."""
    return info.frames == recorded.frames and (info.kind == "folder" or info.rate == recorded.rate)


def rate_of(source: SourceInfo, film: SourceInfo) -> Fraction:
    """Return the frame rate of a film; what has none of its own, a still or a folder, has that of the source."""
    return film.rate if film.kind == "video" else source.rate


def _framed(source: SourceInfo, film: SourceInfo) -> Framing:
    """Return the framing from the source to the film's size; where aspect ratios differ it crops, as a render does."""
    if (source.height, source.width) == (film.height, film.width):
        return as_it_is(source)
    return frame_to(source.height, source.width, source.sar / film.sar, f"{film.width}x{film.height}", "crop")


def _cropped(film: Opened, framing: Framing) -> Framing:
    """Return the framing of a film that takes off what it was padded by."""
    height, width = framing.size
    return Framing((0, height), (0, width), framing.size, framing.size, film.info.sar)


def as_it_is(info: SourceInfo) -> Framing:
    """Return the framing that changes nothing."""
    return frame_to(info.height, info.width, info.sar, None, "crop")


def _span(start: Fraction, stop: Fraction) -> str:
    return f"{float(start):.2f} to {float(stop):.2f} s"


def _counted(info: SourceInfo) -> str:
    return counted(info.frames, "frame") + ("" if info.kind == "folder" else f" at {float(info.rate):.6g} a second")
