"""Flashes of a film: general and red ones, by the rules of WCAG 2.2 (2.3.1, three flashes or below threshold).

A flash is a pair of opposing changes; it is counted pixel by pixel, as if the film filled a screen of 1024x768 pixels.
A rule is not met where pixels flash more than three times within a second, on more than a quarter of a field of 10
degrees, which is 341x256 pixels of that screen. Fine balanced patterns, which WCAG lets pass, count here, too. Flashes
that wander are counted where they are: a place that flashes three times and another beside it are no six.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dreamvid.analysis.pairing import Opened, Pairing, as_it_is, rate_of
from dreamvid.core.timing import timecode
from dreamvid.core.types import Frame, Image, Pixels
from dreamvid.media import opencv
from dreamvid.media.read import read

SCREEN, FIELD = (768, 1024), (256, 341)  # height and width
AREA = 0.25  # share of the field that may flash
MOST = 3  # flashes in any second
TICKS = 10_000  # a second
BRIGHTER = 0.1  # change of relative luminance that counts
LIGHT = 0.8  # relative luminance from which on the darker of two states is too bright to count
REDDER = np.nextafter(np.float32(20), np.float32(21))  # change of (R - G - B) * 320 that counts: more than 20
LINEAR = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.arange(256) / 255])
# Rows: relative luminance; (R - G - B) * 320; a number that is 0 or more where R / (R + G + B) is .8 or more.
MIX = np.array([[0.2126, 0.7152, 0.0722], [320, -320, -320], [0.2, -0.8, -0.8]], np.float32)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """Time in which a rule is not met, in seconds of the film: from the first change that counts to the last."""

    start: float
    stop: float

    def overlaps(self, other: "Span") -> bool:
        """Return whether the two have a moment in common."""
        return self.start <= other.stop and other.start <= self.stop


@dataclass(frozen=True)
class Verdict:
    """The verdict of a `rule`, `general` or `red`, on a film; `film`: when that does not meet it, in seconds.

    `source`: when its source does not, in the time of the film; None where that is not known.
    """

    rule: str
    met: bool
    film: tuple[Span, ...]
    source: tuple[Span, ...] | None

    def in_words(self) -> str:
        """Return the verdict in a line."""
        if self.met:
            more = f"; its source has more at {_times(self.source)}" if self.source else ""
            return f"{self.rule} flashes: never more than {MOST} in a second{more}"
        ours = [span for span in self.film if not any(map(span.overlaps, self.source or ()))]
        theirs = [span for span in self.film if span not in ours]
        parts = [f"at {_times(ours)}{', which its source has not' if self.source is not None else ''}"] if ours else []
        parts += [f"at {_times(theirs)}, as in its source"] if theirs else []
        return f"{self.rule} flashes: more than {MOST} in a second {'; '.join(parts)}"


def verdicts(film: Opened, pairing: Pairing | None, tell: Callable[[], None] = lambda: None) -> tuple[Verdict, ...]:
    """Return the verdict of each rule on a film, and on what it shows of its source; raise SourceError as `read`.

    `pairing`: with its source, None where that is not known; `tell` is called after each frame, as of `looked_at`.
    """
    info = film.info
    rate = info.rate if pairing is None else rate_of(pairing.source, info)
    times = info.times if info.kind == "video" else [index / rate for index in range(info.frames)]

    def timed(frames: Iterable[Frame], positions: Iterable[int]) -> Iterator[Frame]:
        for frame, position in zip(frames, positions, strict=True):
            yield replace(frame, time=times[position])
            tell()

    ours = find(timed(read(info, as_it_is(info), range(info.frames)), range(info.frames)), info.sar)
    theirs = None
    if pairing is not None:
        frames, framing = pairing.frames, pairing.framing
        theirs = find(timed(read(pairing.source, framing, list(frames)), frames.values()), framing.sar)
    return tuple(
        Verdict(rule, not spans, spans, None if theirs is None else theirs[rule]) for rule, spans in ours.items()
    )


def looked_at(film: Opened, pairing: Pairing | None) -> int:
    """Return the number of frames that `verdicts` looks at."""
    return film.info.frames + (0 if pairing is None else len(pairing.frames))


def find(frames: Iterable[Frame], sar: Fraction = Fraction(1)) -> dict[str, tuple[Span, ...]]:
    """Return by rule when it is not met by frames of one size, read one at a time; `sar`: width / height of a pixel."""
    rules: dict[str, _Rule] = {}
    for frame in frames:
        brightness, red, ratio = _states(frame.image, sar)
        if not rules:
            rules = {"general": _Rule(BRIGHTER, brightness.shape), "red": _Rule(REDDER, brightness.shape)}
        now = round(frame.time * TICKS)
        rules["general"].see(now, brightness, brightness < LIGHT)
        rules["red"].see(now, np.maximum(red, 0), (ratio >= 0) & (red > 0))
    return {name: tuple(rule.spans) for name, rule in rules.items()}


class _Rule:
    """Pixels whose state turns from rising to falling or back, by `change` or more, and when that is too often.

    A turn counts where one of its two states does: is dark enough, or a saturated red.
    """

    def __init__(self, change: float, shape: tuple[int, ...]) -> None:
        self.change, self.spans = change, list[Span]()
        self.low, self.high = np.full(shape, np.inf, np.float32), np.full(shape, -np.inf, np.float32)
        self.low_counts, self.high_counts = np.zeros(shape, bool), np.zeros(shape, bool)
        self.rose, self.fell = np.zeros(shape, bool), np.zeros(shape, bool)  # by the latest turn
        # Ticks of the latest turns of each pixel, the latest last: one more than make so many flashes.
        self.changes = np.full((2 * MOST + 1, self.low.size), -2 * TICKS, np.int32)
        finer = min(whole / side for whole, side in zip(SCREEN, shape, strict=True))
        self.field = tuple(max(1, round(side / finer)) for side in FIELD)

    def see(self, now: int, state: Image, counts: Mask) -> None:
        """Take the states of the next frame, at a time in ticks."""
        np.copyto(self.low_counts, counts, where=state < self.low)
        np.copyto(self.high_counts, counts, where=state > self.high)
        np.minimum(self.low, state, out=self.low)
        np.maximum(self.high, state, out=self.high)
        rise = (state - self.low >= self.change) & (self.low_counts | counts) & ~self.rose
        fall = (self.high - state >= self.change) & (self.high_counts | counts) & ~self.fell & ~rise
        turned = rise | fall
        where = np.flatnonzero(turned)
        if not where.size:
            return
        for extreme, told in ((self.low, self.low_counts), (self.high, self.high_counts)):
            np.copyto(extreme, state, where=turned)
            np.copyto(told, counts, where=turned)
        np.copyto(self.rose, rise, where=turned)
        np.copyto(self.fell, fall, where=turned)
        self.changes[:-1, where] = self.changes[1:, where]
        self.changes[-1, where] = now
        often = now - self.changes[0] < TICKS
        if self._spreads(often.reshape(state.shape)):
            self._add(Span(int(self.changes[0][often].min()) / TICKS, now / TICKS))

    def _spreads(self, often: Mask) -> bool:
        """Return whether pixels take more of some field than they may."""
        height, width = self.field
        most = AREA * height * width
        if np.count_nonzero(often) <= most:
            return False
        cv2 = opencv.load()
        counts = cv2.boxFilter(
            often.astype(np.float32), -1, (width, height), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        return float(counts.max()) > most

    def _add(self, span: Span) -> None:
        """Join a span with the latest where they overlap."""
        if self.spans and self.spans[-1].overlaps(span):
            span = Span(min(self.spans.pop().start, span.start), span.stop)
        self.spans.append(span)


def _states(pixels: Pixels, sar: Fraction) -> Sequence[Image]:
    """Return what `MIX` says of a picture, mixed as light is to at most the size of the screen."""
    cv2 = opencv.load()
    height, width = pixels.shape[0], float(pixels.shape[1] * sar)
    scale = min(1.0, SCREEN[0] / height, SCREEN[1] / width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    light = cv2.LUT(pixels, LINEAR.astype(np.float32))
    if size != pixels.shape[:2]:
        light = cv2.resize(light, size[::-1], interpolation=cv2.INTER_AREA)
    return cv2.split(cv2.transform(light, MIX))


def _times(spans: Iterable[Span]) -> str:
    return ", ".join(f"{timecode(round(span.start, 1))}-{timecode(round(span.stop, 1))}" for span in spans)
