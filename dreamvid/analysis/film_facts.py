"""Measures of a finished film, frame by frame, from itself and its source; and pictures of both."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from dreamvid.analysis import flashes, stability
from dreamvid.analysis.compare import Contract, contract
from dreamvid.analysis.flashes import Verdict
from dreamvid.analysis.pages import data_uri
from dreamvid.analysis.pairing import Opened, Pairing, as_it_is
from dreamvid.analysis.stability import Step
from dreamvid.coherence.cuts import find_cuts
from dreamvid.core.framing import Framing
from dreamvid.core.types import Frame, Pixels
from dreamvid.media import images, opencv
from dreamvid.media.read import read

MEASURED, PICTURE, SMALL = 480, 720, 200  # longest sides, in pixels: of what is measured, of pictures, of small ones
MOMENTS = 20  # pictures of a film
QUALITY = 80  # of their files
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Moment:
    """A frame of a film, and of its source where that is known, as pictures: addresses that hold them."""

    frame: int
    film: str
    small: str
    source: str | None = None
    small_source: str | None = None


@dataclass(frozen=True)
class FilmFacts:
    """Measures of a film; those by its source are empty or None where that is not known.

    `steps`: what each film frame adds, by its number; `cuts`: film frames that begin a shot; `side`: longest side at
    which both were measured.
    """

    verdicts: tuple[Verdict, ...]
    moments: tuple[Moment, ...]
    steps: dict[int, Step]
    cuts: tuple[int, ...]
    contract: Contract | None
    side: int


def measure(film: Opened, pairing: Pairing | None, progress: Progress = lambda done, total: None) -> FilmFacts:
    """Measure a film beside its source, as far as that is known; raise SourceError where one cannot be read."""
    every = list(range(film.info.frames)) if pairing is None else list(pairing.frames.values())
    chosen = sorted({round(at) for at in np.linspace(0, len(every) - 1, MOMENTS)})
    still = film.info.frames == 1
    looked_at = 0 if still else flashes.looked_at(film, pairing)
    total = len(chosen) + looked_at + (0 if pairing is None or still else 2 * len(every))
    done = count(1)

    def tell() -> None:
        progress(next(done), total)

    steps, cuts, kept = dict[int, Step](), tuple[int, ...](), None
    if pairing is not None and not still:
        cuts = _cuts(pairing, tell)
        steps = dict(_steps(film, pairing, cuts, tell))
        kept = contract(pairing, film.info)
    return FilmFacts(
        verdicts=() if still else flashes.verdicts(film, pairing, tell),
        moments=tuple(_moments(film, pairing, [every[at] for at in chosen], tell)),
        steps=steps,
        cuts=tuple(pairing.frames[cut] for cut in cuts) if pairing is not None else (),
        contract=kept,
        side=min(MEASURED, max(film.size)),
    )


def _cuts(pairing: Pairing, tell: Callable[[], None]) -> tuple[int, ...]:
    def frames() -> Iterator[Frame]:
        for frame in read(pairing.source, as_it_is(pairing.source), list(pairing.frames)):
            yield frame
            tell()

    return find_cuts(frames(), pairing.source.rate)


def _steps(film: Opened, pairing: Pairing, cuts: Sequence[int], tell: Callable[[], None]) -> Iterator[tuple[int, Step]]:
    theirs, ours = _framings(pairing, MEASURED)
    pairs = zip(
        read(pairing.source, theirs, list(pairing.frames)),
        read(film.info, ours, list(pairing.frames.values())),
        strict=True,
    )
    for step, frame in zip(stability.steps(pairs, cuts, lags=(1,)), pairing.frames.values(), strict=True):
        yield frame, step
        tell()


def _moments(
    film: Opened, pairing: Pairing | None, chosen: Sequence[int], tell: Callable[[], None]
) -> Iterator[Moment]:
    """Yield pictures of film frames, and of what their source shows there."""
    if pairing is None:
        for frame in read(film.info, as_it_is(film.info).within(PICTURE), chosen):
            yield Moment(frame.index, *_addresses(frame.image))
            tell()
        return
    sources = [index for index, frame in pairing.frames.items() if frame in chosen]
    of_source, of_film = _framings(pairing, PICTURE)
    theirs = read(pairing.source, of_source, sources)
    for ours, beside in zip(read(film.info, of_film, chosen), theirs, strict=True):
        yield Moment(ours.index, *_addresses(ours.image), *_addresses(beside.image))
        tell()


def _framings(pairing: Pairing, longest: int) -> tuple[Framing, Framing]:
    """Return framings of source and film to one size, in square pixels."""
    sar = pairing.cropped.sar
    return replace(pairing.framing, sar=sar).within(longest), pairing.cropped.within(longest)


def _addresses(picture: Pixels) -> tuple[str, str]:
    """Return a picture and a small one of it as addresses."""
    cv2 = opencv.load()
    height, width = picture.shape[:2]
    scale = min(1, SMALL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    large, little = (data_uri(images.encode(one, ".webp", quality=QUALITY), "image/webp") for one in (picture, small))
    return large, little
