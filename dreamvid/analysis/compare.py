"""Measures of films against the source they were dreamed from: stability, strength, and what must not change.

A weaker dream flickers less, so neither number means anything without the other: incoherence does not depend on how
strong the dreamed layer is, and contrast or noise do not raise the activation gain.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import get_args

import numpy as np

from dreamvid.analysis import stability
from dreamvid.analysis.stability import Pair, Stability
from dreamvid.coherence.cuts import find_cuts
from dreamvid.coherence.optical_flow import Method
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.framing import Framing, frame_to
from dreamvid.core.timing import frame_map
from dreamvid.core.types import Frame, Pixels, SourceInfo, to_float, to_pixels
from dreamvid.dream.deepdream import StepBudget, dream, score, to_tensor
from dreamvid.dream.session import Session, open_session
from dreamvid.media import audio_tracks
from dreamvid.media.probe import probe
from dreamvid.media.read import read

logger = logging.getLogger(__name__)
SAMPLED = 12  # number of frames of a film that are also dreamed afresh, for the gain
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Gain:
    """Activation gain: how much higher the objective is on a film than on its source, over `frames` of its frames.

    Per frame it is objective of the film / objective of the source; where the frame was also dreamed afresh, it is the
    film's rise of the objective / the mean rise of its `fresh` dreams. `p5`: 5th percentile; `last_to_first`: mean of
    the last quarter of the frames / mean of the first quarter.
    """

    mean: float
    p5: float
    last_to_first: float | None
    frames: int
    fresh: int


@dataclass(frozen=True)
class Contract:
    """Properties that a film should share with its source, as (source's, film's); `broken`: the differences, in words.

    `frames`: of the source, as many as its constant rate shows; `fps`; `duration`: of the picture, in seconds; `size`:
    (height, width); `audio`: sha256 of each track's packets.
    """

    frames: tuple[int, int]
    fps: tuple[float, float]
    duration: tuple[float, float]
    size: tuple[tuple[int, int], tuple[int, int]]
    audio: tuple[tuple[str, ...], tuple[str, ...]]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """Measures of one film over the `frames` that it has in common with its source.

    `gain` is None where there is no ratio: the objective of the source is not above zero, or fresh dreams do not raise
    it. `note`: what was cropped off the source to fit the film.
    """

    film: str
    frames: int
    stability: Stability
    gain: Gain | None
    contract: Contract
    note: str = ""


def compare(
    source: str,
    films: Sequence[str],
    settings: Settings,
    *,
    alone: str | None = None,
    flow: str = "dis",
    fresh: int = 0,
    trust: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[Measured]:
    """Measure films, with the objective of `settings` as their strength; return one result per film, in order.

    `fresh`: number of single dreams of each of `SAMPLED` frames that the gain is related to, 0 for none. `alone`: a
    film, measured last, whose warp error the others' is related to; `flow`: dis or farneback; `trust`: whether a net
    that is code may be executed; `progress` is called with (frames done, frames in all) over all measures of one film.

    Raises SourceError for a source or film that cannot be read, SettingsError or NetError for wrong settings.
    """
    method: Method | None = next((known for known in get_args(Method) if known == flow), None)
    if method is None:
        raise SettingsError(f"--flow {flow!r}{nearest(flow, get_args(Method))}; give {' or '.join(get_args(Method))}")
    if fresh < 0:
        raise SettingsError(f"--fresh {fresh}: give a number of single dreams per sampled frame, 0 or more")
    films = [*films, alone] if alone is not None else films
    info = probe(source)
    others = [probe(film) for film in films]
    if alone is not None and len({(film.height, film.width) for film in others}) > 1:
        raise SettingsError(f"--alone {alone} has another size than the films: give one of their size")
    session = open_session(settings, trust=trust)
    common = [matching(info, film) for film in others]
    cuts = find_cuts(read(info, _as_it_is(info), sorted(set().union(*common))), info.rate)
    results = []
    for name, film, matches in zip(films, others, common, strict=True):
        framing = _framing(info, film)
        every = list(matches.items())
        chosen = sorted({round(at) for at in np.linspace(0, len(every) - 1, SAMPLED)}) if fresh else range(len(every))
        scored = [every[at] for at in chosen]
        pairs = partial(_pairs, info, film, framing, progress, len(every) + len(scored))
        note = framing.note.partition(";")[0]  # without the advice on options, which only a render has
        if note:
            logger.info("%s: %s", name, note)
        steady = stability.measure(pairs(every, 0), cuts, method)
        gained = gain(pairs(scored, len(every)), session, settings.dream.steps, fresh)
        results.append(Measured(name, len(every), steady, gained, contract(info, film), note))
    if alone is not None:
        reference = results[-1].stability
        results = [replace(film, stability=film.stability.against(reference)) for film in results]
    return results


def to_json(source: str, films: Iterable[Measured]) -> str:
    """Return the results as JSON on one line."""
    return json.dumps({"source": source, "films": [asdict(film) for film in films]})


def matching(source: SourceInfo, film: SourceInfo) -> dict[int, int]:
    """Return the frames that both have: index in the source -> index of the first film frame showing it, both rising.

    The indices are the same where both have the same number of frames; else, as for a source of variable frame rate,
    frames are matched by time.
    """
    if film.frames == source.frames:
        return {index: index for index in range(source.frames)}
    matches: dict[int, int] = {}
    for position, index in enumerate(frame_map(source.times, source.end, film.rate)[: film.frames]):
        matches.setdefault(index, position)
    return matches


def gain(pairs: Iterable[Pair], session: Session, steps: int = 0, fresh: int = 0) -> Gain | None:
    """Return the activation gain of a film; None where it is undefined.

    `steps`: gradient steps per octave of the `fresh` dreams.
    """
    gains = []
    for source, film in pairs:
        before, after = _score(session, source.image), _score(session, film.image)
        rise, whole = after, before
        if fresh:
            dreams = [_score(session, _dreamed(session, source, steps, number)) for number in range(fresh)]
            rise, whole = after - before, float(np.mean(dreams)) - before
        if whole <= 0:
            return None
        gains.append(rise / whole)
    quarter = max(1, len(gains) // 4)
    first, last = float(np.mean(gains[:quarter])), float(np.mean(gains[-quarter:]))
    return Gain(
        mean=float(np.mean(gains)),
        p5=float(np.percentile(gains, 5)),
        last_to_first=last / first if first else None,
        frames=len(gains),
        fresh=fresh,
    )


def contract(source: SourceInfo, film: SourceInfo) -> Contract:
    """Compare what a film should share with its source; durations may differ by one frame. Raise SourceError."""
    frames = len(frame_map(source.times, source.end, source.rate)), film.frames
    fps = float(source.rate), float(film.rate)
    duration = float(source.end), float(film.end)
    size = (source.height, source.width), (film.height, film.width)
    audio = audio_tracks.hashes(source), audio_tracks.hashes(film)
    differences = {
        f"frames {frames[0]} -> {frames[1]}": frames[0] != frames[1],
        f"fps {fps[0]:.6g} -> {fps[1]:.6g}": abs(fps[0] - fps[1]) > 1e-3,
        f"duration {duration[0]:.2f} -> {duration[1]:.2f} s": abs(duration[0] - duration[1]) > 1.01 / fps[0],
        f"size {source.width}x{source.height} -> {film.width}x{film.height}": size[0] != size[1],
        "sound lost": len(audio[0]) > len(audio[1]),
        "sound added": len(audio[0]) < len(audio[1]),
        "sound changed": len(audio[0]) == len(audio[1]) and audio[0] != audio[1],
    }
    return Contract(frames, fps, duration, size, audio, tuple(words for words, broken in differences.items() if broken))


def _pairs(
    source: SourceInfo,
    film: SourceInfo,
    framing: Framing,
    progress: Progress,
    total: int,
    chosen: Sequence[tuple[int, int]],
    done: int,
) -> Iterator[Pair]:
    theirs, ours = ([pair[side] for pair in chosen] for side in (0, 1))
    frames = zip(read(source, framing, theirs), read(film, _as_it_is(film), ours), strict=True)
    for number, pair in enumerate(frames, start=done + 1):
        yield pair
        progress(number, total)


def _framing(source: SourceInfo, film: SourceInfo) -> Framing:
    """Return the framing from the source to the film's size; where aspect ratios differ it crops, as a render does."""
    if (source.height, source.width) == (film.height, film.width):
        return _as_it_is(source)
    return frame_to(source.height, source.width, source.sar / film.sar, f"{film.width}x{film.height}", "crop")


def _as_it_is(info: SourceInfo) -> Framing:
    return frame_to(info.height, info.width, info.sar, None, "crop")


def _score(session: Session, pixels: Pixels) -> float:
    return score(session.scorer, to_tensor(to_float(pixels), session.scorer))


def _dreamed(session: Session, source: Frame, steps: int, number: int) -> Pixels:
    """Return a fresh dream of a frame: number 0 is a render's at the start of a shot, others have other seeds."""
    dreamer = replace(session.dreamer, seed=session.dreamer.seed + number)
    image = dream(dreamer, to_float(source.image), None, StepBudget(steps), (source.index,))
    return to_pixels(image)
