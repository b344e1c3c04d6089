"""Temporal stability of a film: whether its layer, film minus source, moves with the source's picture."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dreamvid.coherence import optical_flow
from dreamvid.coherence.optical_flow import Field, Method, Motion
from dreamvid.core.types import Frame, Image, Pixels, to_float
from dreamvid.media import opencv

LAGS = 1, 8  # frames: texture that stays fixed on screen or changes slowly is hardly measurable at 1
FAINTEST = 1.5  # rms of a layer, in 8-bit levels, below which it is codec noise, not a dream
FOLLOWED = 0.05  # share of the frame that needs valid flow for two frames to be compared
STILL = 0.25  # pixels per frame: slower pixels are static
STATIC = 0.01  # share of the frame that must be static for flicker to be measured
Pair = tuple[Frame, Frame]  # of the source and of the film, at the same size
Means = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stability:
    """Result of `measure`; a value is None where there is no dream, or too few pixels to measure it on.

    `incoherence_1`, `incoherence_8`: at lags of 1 and 8 frames; 0 where the layer moves with the picture, 1 where it is
    new in every frame, whatever its strength. `warp_error`, `warp_error_source`: mean squared difference, values in [0,
    1], between a frame and the next one warped back to it, of the film and of its source. `warp_error_reduction`: 1 -
    warp error / warp error of a layer as strong but new in every frame, or of a film given in its place (`against`).
    `flicker`, `flicker_source`: mean absolute second difference in time on static pixels, in 8-bit levels. `layer_rms`:
    of the high-passed layer, in 8-bit levels.
    """

    incoherence_1: float | None
    incoherence_8: float | None
    warp_error: float | None
    warp_error_source: float | None
    warp_error_reduction: float | None
    flicker: float | None
    flicker_source: float | None
    layer_rms: float

    def against(self, alone: "Stability") -> "Stability":
        """Return a copy whose warp error reduction is relative to a film in which each frame was dreamed alone."""
        if self.warp_error_reduction is None or self.warp_error is None or not alone.warp_error:
            return self
        return replace(self, warp_error_reduction=1 - self.warp_error / alone.warp_error)


@dataclass(frozen=True)
class _Trace:
    """Layer of an earlier frame, and the flow from that frame's pixels to the latest frame."""

    layer: Image
    motion: Motion

    def further(self, step: Motion) -> "_Trace":
        """Compose the flow with that from the latest frame to the next."""
        field = self.motion.field
        valid = optical_flow.sample(step.valid.astype(np.float32), field) > 0.999
        return _Trace(self.layer, Motion(field + optical_flow.sample(step.field, field), self.motion.valid & valid))


@dataclass(frozen=True)
class Step:
    """The share of a frame in the measures of a film; a value is None where it has no frame to be compared with.

    `index`: of the source frame; `layer_rms`: of the high-passed layer, in 8-bit levels; `valid`: share of the frame
    before with valid flow to this one; `unlike`: by lag, the two sums whose quotient is the incoherence; `errors`: warp
    errors of source, film, and a film whose layer is new in every frame; `flickers`: of source and film.
    """

    index: int
    layer_rms: float
    valid: float | None
    unlike: dict[int, Means]
    errors: Means | None
    flickers: Means | None

    @property
    def incoherence(self) -> float | None:
        """The incoherence of this frame at a lag of 1; None where there is no dream, either."""
        part, whole = self.unlike.get(1, (0.0, 0.0))
        return float(part / whole) if whole > 0 and self.layer_rms >= FAINTEST else None


def measure(pairs: Iterable[Pair], cuts: Collection[int], method: Method = "dis") -> Stability:
    """Measure a film, keeping only as many frames as the largest lag needs; no two frames are compared across a cut.

    `pairs`: in order; `cuts`: indices of the source frames that begin a shot. All flow is that of the source, so that
    the dream does not influence it (as in Lai et al. 2018). With R the high-passed layer, W the warp of frame t + k
    back to t and M the mask of valid flow, incoherence is sum M (R[t] - W R[t+k])^2 / sum M (R[t]^2 + (W R[t+k])^2)
    over all t. The warp error is that of Lai et al. as their code computes it: a mean over the channels too.
    """
    unlike = {lag: np.zeros(2) for lag in LAGS}
    errors, flickers, levels = list[Means](), list[Means](), list[float]()
    for step in steps(pairs, cuts, method):
        levels.append(step.layer_rms)
        for lag, sums in step.unlike.items():
            unlike[lag] += sums
        errors += [] if step.errors is None else [step.errors]
        flickers += [] if step.flickers is None else [step.flickers]
    layer_rms = float(np.mean(levels))
    dreamt = layer_rms >= FAINTEST
    one, eight = (float(part / whole) if dreamt and whole > 0 else None for part, whole in unlike.values())
    plain, dreamed, anew = (float(mean) for mean in np.mean(errors, axis=0)) if errors else (None, None, None)
    flicker_source, flicker = (float(mean) for mean in np.mean(flickers, axis=0)) if flickers else (None, None)
    reduction = 1 - dreamed / anew if dreamt and dreamed is not None and anew else None
    return Stability(one, eight, dreamed, plain, reduction, flicker, flicker_source, layer_rms)


def steps(
    pairs: Iterable[Pair], cuts: Collection[int], method: Method = "dis", lags: Sequence[int] = LAGS
) -> Iterator[Step]:
    """Yield what each frame adds to the measures of a film; arguments as of `measure`, `lags` rising."""
    traces: deque[_Trace] = deque(maxlen=max(lags))
    recent: deque[Pair] = deque(maxlen=2)
    rested: npt.NDArray[np.bool_] | None = None
    for pair in pairs:
        source = pair[0]
        layer = _high_passed(_layer(pair))
        level = 255 * float(np.sqrt(np.square(layer).mean()))
        valid, unlike, errors, flickers = None, dict[int, Means](), None, None
        if source.index in cuts:
            traces.clear()
            recent.clear()
            rested = None
        if recent:
            step = follow(recent[-1][0].image, source.image, method)
            valid = float(step.valid.mean())
            traces = deque((trace.further(step) for trace in traces), traces.maxlen)
            for lag in lags:
                if lag <= len(traces) and traces[-lag].motion.valid.mean() >= FOLLOWED:
                    unlike[lag] = _unlike(traces[-lag], layer)
            if valid >= FOLLOWED:
                errors = _warp_errors(recent[-1], pair, step)
            rests = (np.square(step.field).sum(axis=2) < STILL**2) & step.valid
            if rested is not None and (rests & rested).mean() >= STATIC:
                flickers = _flickers([*recent, pair], rests & rested)
            rested = rests
        traces.append(_Trace(layer, _rest(*source.image.shape[:2])))
        recent.append(pair)
        yield Step(source.index, level, valid, unlike, errors, flickers)


def follow(now: Pixels, later: Pixels, method: Method = "dis") -> Motion:
    """Return the forward flow from frame `now` to a later one; not valid at motion edges, either.

    A motion edge is where the squared gradient of the field is above 0.01 of its squared length + 0.002 (Sundaram et
    al. 2010, eq. 6).
    """
    forth = optical_flow.estimate(later, now, method)
    field = forth.field
    slope = np.zeros(field.shape[:2], np.float32)
    slope[:-1] += np.square(np.diff(field, axis=0)).sum(axis=2)
    slope[:, :-1] += np.square(np.diff(field, axis=1)).sum(axis=2)
    return Motion(field, forth.valid & (slope <= 0.01 * np.square(field).sum(axis=2) + 0.002))


def _rest(height: int, width: int) -> Motion:
    field: Field = np.zeros((height, width, 2), np.float32)
    return Motion(field, np.ones((height, width), bool))


def _layer(pair: Pair) -> Image:
    source, film = pair
    return to_float(film.image) - to_float(source.image)


def _high_passed(layer: Image) -> Image:
    """Subtract a Gaussian blur of sigma = short side / 16: a uniform tint is stable under any motion."""
    cv2 = opencv.load()
    return layer - cv2.GaussianBlur(layer, (0, 0), max(2.0, min(layer.shape[:2]) / 16))


def _unlike(trace: _Trace, layer: Image) -> Means:
    """Return the squared difference of a layer and an earlier one, and the sum of their squares, on valid flow."""
    seen = trace.motion.valid[..., None]
    then, now = trace.layer * seen, optical_flow.warp(layer, trace.motion) * seen
    both = np.square(then).sum(dtype=float) + np.square(now).sum(dtype=float)
    return np.array([np.square(then - now).sum(dtype=float), both])


def _warp_errors(then: Pair, now: Pair, step: Motion) -> Means:
    """Return the warp error of source, film, and a film whose layer is as strong but new in every frame."""

    def error(first: Image, second: Image) -> float:
        return float(np.square(first - optical_flow.sample(second, step.field))[step.valid].mean())

    source, film = (error(to_float(a.image), to_float(b.image)) for a, b in zip(then, now, strict=True))
    nothing = np.zeros_like(_layer(then))
    anew = source + error(_layer(then), nothing) + error(nothing, _layer(now))
    return np.array([source, film, anew])


def _flickers(three: Sequence[Pair], rests: npt.NDArray[np.bool_]) -> Means:
    """Return the flicker of source and film over three frames, in 8-bit levels, on the pixels of `rests`."""

    def flicker(a: Pixels, b: Pixels, c: Pixels) -> float:
        return float(np.abs(a[rests] - 2.0 * b[rests] + c[rests]).mean())

    return np.array([flicker(*(frame.image for frame in frames)) for frames in zip(*three, strict=True)])
