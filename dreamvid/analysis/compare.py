"""Measures of films against the source they were dreamed from: stability, strength, and what must not change.

A weaker dream flickers less, so neither number means anything without the other: incoherence does not depend on how
strong the dreamed layer is, and contrast or noise do not raise the activation gain.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import get_args

import numpy as np

from dreamvid.analysis import flashes, stability
from dreamvid.analysis.flashes import Verdict
from dreamvid.analysis.pairing import Opened, Pairing, as_it_is, pair, rate_of
from dreamvid.analysis.stability import Pair, Stability
from dreamvid.coherence.carry import apply_mask
from dreamvid.coherence.cuts import find_cuts
from dreamvid.coherence.flat_places import kept_where_flat
from dreamvid.coherence.optical_flow import Method
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.timing import frame_map, nearest_whole
from dreamvid.core.types import Frame, Pixels, SourceInfo, to_float, to_pixels
from dreamvid.dream.deepdream import StepBudget, dream, score, to_tensor
from dreamvid.dream.session import Session, open_session
from dreamvid.media import audio_tracks
from dreamvid.media.read import read

logger = logging.getLogger(__name__)
OTHERS = "--layer, --model or --preset"  # what else a film can be scored by
SCORED_BY = ("net", "objective", "dream", "seed", "mask")
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

    `frames`: of the source, or the part of it that the film shows, as many as its constant rate shows; `fps`;
    `duration`: of the picture, in seconds; `size`: (height, width); `audio`: sha256 of each track's packets.
    """

    frames: tuple[int, int]
    fps: tuple[float, float]
    duration: tuple[float, float]
    size: tuple[tuple[int, int], tuple[int, int]]
    audio: tuple[tuple[str, ...], tuple[str, ...]]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Options of a comparison: `settings`: whose objective is the strength, `own`: that of a film's record comes first.

    `begins`: seconds of the source at which the films begin; none: as their records say, or at its start. `fresh`:
    number of single dreams of each of `SAMPLED` frames that the gain is related to, 0 for none. `alone`: a film,
    measured last, whose warp error the others' is related to; `flow`: dis or farneback; `trust`: whether a net that is
    code may be executed.
    """

    settings: Settings
    own: bool = False
    begins: float | None = None
    alone: str | None = None
    flow: str = "dis"
    fresh: int = 0
    trust: bool = False


@dataclass(frozen=True)
class Measured:
    """Measures of one film over the `frames` that it has in common with its source.

    `gain` is None where there is no ratio: the objective of the source is not above zero, or fresh dreams do not raise
    it. `flashes`: whether it meets each rule; `note`: which part of the source the film shows.
    """

    film: str
    frames: int
    stability: Stability
    gain: Gain | None
    contract: Contract
    flashes: tuple[Verdict, ...] = ()
    note: str = ""


def compare(
    source: str, films: Sequence[str], how: Comparison, progress: Progress = lambda done, total: None
) -> list[Measured]:
    """Measure films; return one result per film, in order.

    `progress` is called with (frames done, frames in all) over all measures of one film. Raises SourceError for a
    source or film that cannot be read, SettingsError or NetError for wrong settings, and where it is not known which
    frames of the source a film shows.
    """
    method: Method | None = next((known for known in get_args(Method) if known == how.flow), None)
    if method is None:
        known = get_args(Method)
        raise SettingsError(f"--flow {how.flow!r}{nearest(how.flow, known)}; give {' or '.join(known)}")
    if how.fresh < 0:
        raise SettingsError(f"--fresh {how.fresh}: give a number of single dreams per sampled frame, 0 or more")
    original = Opened.of(source)
    opened = [Opened.of(film) for film in ([*films, how.alone] if how.alone is not None else films)]
    if how.alone is not None and len({film.size for film in opened}) > 1:
        raise SettingsError(f"--alone {how.alone} has another size than the films: give one of their size")
    paired = [pair(original, film, how.begins) for film in opened]
    scorers = _scorers(opened, how)
    used = sorted(set().union(*(pairing.frames for pairing in paired)))
    cuts = find_cuts(read(original.info, as_it_is(original.info), used), original.info.rate)
    results = [
        _measured(film, pairing, cuts, scorer, method, how.fresh, progress)
        for film, pairing, scorer in zip(opened, paired, scorers, strict=True)
    ]
    if how.alone is not None:
        reference = results[-1].stability
        results = [replace(film, stability=film.stability.against(reference)) for film in results]
    return results


def _scorers(films: Sequence[Opened], how: Comparison) -> list[tuple[Settings, Session]]:
    """Return for each film the settings that tell how strong it is, and their session, the same where they are."""
    found: list[tuple[Settings, Session]] = []
    for film in films:
        settings, record = how.settings, film.record if how.own else None
        if record is not None and record.segments:
            raise SettingsError(
                f"{Path(film.path).name} has segments with objectives of their own: say by which it is scored, with "
                f"{OTHERS}"
            )
        if record is not None:
            its = record.settings_beside(Path(film.path), instead=OTHERS)
            settings = settings.model_copy(update={key: getattr(its, key) for key in SCORED_BY})
        session = next((before for known, before in found if known == settings), None)
        session = session or open_session(settings, trust=how.trust)
        if record is not None:
            record.check_nets(Path(film.path), [net.sha256 for net in session.nets.values()], OTHERS)
        found.append((settings, session))
    return found


def _measured(
    film: Opened,
    pairing: Pairing,
    cuts: Sequence[int],
    scorer: tuple[Settings, Session],
    method: Method,
    fresh: int,
    progress: Progress,
) -> Measured:
    settings, session = scorer
    every = list(pairing.frames.items())
    chosen = sorted({round(at) for at in np.linspace(0, len(every) - 1, SAMPLED)}) if fresh else range(len(every))
    scored = [every[at] for at in chosen]
    done, total = count(1), len(every) + len(scored) + flashes.looked_at(film, pairing)

    def tell() -> None:
        progress(next(done), total)

    if pairing.note:
        logger.info("%s: %s", film.path, pairing.note)
    steady = stability.measure(_pairs(film, pairing, tell, every), cuts, method)
    gained = gain(_pairs(film, pairing, tell, scored), session, settings.dream.steps, fresh, settings.mask.flat)
    verdicts = flashes.verdicts(film, pairing, tell)
    return Measured(film.path, len(every), steady, gained, contract(pairing, film.info), verdicts, pairing.note)


def to_json(source: str, films: Iterable[Measured]) -> str:
    """Return the results as JSON on one line."""
    return json.dumps({"source": source, "films": [asdict(film) for film in films]})


def gain(pairs: Iterable[Pair], session: Session, steps: int = 0, fresh: int = 0, flat: float = 1.0) -> Gain | None:
    """Return the activation gain of a film; None where it is undefined.

    `steps`: gradient steps per octave of the `fresh` dreams; `flat`: how much of them flat places keep.
    """
    gains = []
    for source, film in pairs:
        before, after = _score(session, source.image), _score(session, film.image)
        rise, whole = after, before
        if fresh:
            dreams = [_score(session, _dreamed(session, source, steps, number, flat)) for number in range(fresh)]
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


def contract(pairing: Pairing, film: SourceInfo) -> Contract:
    """Compare what a film should share with its source, or the part that it shows; raise SourceError.

    Durations may differ by one frame; of a part, the sound is told by the number of its tracks alone.
    """
    source, seconds = pairing.source, pairing.seconds if pairing.clip else pairing.source.end
    whole = len(frame_map(source.times, source.end, source.rate))
    frames = nearest_whole(seconds * source.rate) if pairing.clip else whole, film.frames
    rate = rate_of(source, film)
    fps = float(source.rate), float(rate)
    duration = float(seconds), float(film.end if rate == film.rate else film.frames / rate)
    size = (source.height, source.width), (film.height, film.width)
    audio = audio_tracks.hashes(source), audio_tracks.hashes(film)
    differences = {
        f"frames {frames[0]} -> {frames[1]}": frames[0] != frames[1],
        f"fps {fps[0]:.6g} -> {fps[1]:.6g}": abs(fps[0] - fps[1]) > 1e-3,
        f"duration {duration[0]:.2f} -> {duration[1]:.2f} s": abs(duration[0] - duration[1]) > 1.01 / fps[0],
        f"size {source.width}x{source.height} -> {film.width}x{film.height}": size[0] != size[1],
        "sound lost": len(audio[0]) > len(audio[1]),
        "sound added": len(audio[0]) < len(audio[1]),
        "sound changed": len(audio[0]) == len(audio[1]) and audio[0] != audio[1] and not pairing.clip,
    }
    return Contract(frames, fps, duration, size, audio, tuple(words for words, broken in differences.items() if broken))


def _pairs(
    film: Opened, pairing: Pairing, tell: Callable[[], None], chosen: Sequence[tuple[int, int]]
) -> Iterator[Pair]:
    theirs, ours = ([pair[side] for pair in chosen] for side in (0, 1))
    for both in zip(read(pairing.source, pairing.framing, theirs), read(film.info, pairing.cropped, ours), strict=True):
        yield both
        tell()


def _score(session: Session, pixels: Pixels) -> float:
    return score(session.scorer, to_tensor(to_float(pixels), session.scorer))


def _dreamed(session: Session, source: Frame, steps: int, number: int, flat: float = 1.0) -> Pixels:
    """Return a fresh dream of a frame: number 0 is a render's at the start of a shot, others have other seeds."""
    dreamer = replace(session.dreamer, seed=session.dreamer.seed + number)
    image = dream(dreamer, to_float(source.image), None, StepBudget(steps), (source.index,))
    if flat < 1:
        image = apply_mask(image, to_float(source.image), kept_where_flat(source.image, flat))
    return to_pixels(image)
