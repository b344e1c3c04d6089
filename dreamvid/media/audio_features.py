"""Curves of a sound over time, each in [0, 1], that settings may follow.

`bass` is the amplitude in 20 to 150 Hz, `mid` in 150 to 2000, `high` in 2000 to 8000 (nothing above half the sampling
rate), `loudness` in all. `onset`: spectral flux, where sounds begin (Bello et al. 2005, 2.3). `beat`: the onsets that
keep the tempo, which is estimated by their autocorrelation. Each curve is normalised by its strongest moments.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import numpy.typing as npt

from dreamvid.config import keyframes
from dreamvid.config.keyframes import Hear, silence
from dreamvid.config.settings import AudioSettings, Settings
from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.core.types import SourceInfo
from dreamvid.media.container import origin
from dreamvid.media.ffmpeg import FENCE, location

Wave = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]
BANDS = {"bass": (20.0, 150.0), "mid": (150.0, 2000.0), "high": (2000.0, 8000.0)}  # Hz
RATE = 22050  # highest sampling rate, Hz: more than twice the highest band
STEP, SHORT, LONG = 0.01, 0.023, 0.064  # seconds: hop; window for timing; window for frequency
STRONGEST, LEAST = 0.98, 0.25  # quantile of a curve that maps to 1; it is at least this share of the maximum
SILENT, FLAT = 1e-4, 0.01  # amplitude and flux that map to 1 at least, so that noise is not amplified
KNEE = 1000.0  # log(1 + KNEE * amplitude): linear below a thousandth of full scale, logarithmic above
AROUND = 0.5  # seconds: window of the moving average that is subtracted from the flux
TEMPI, USUAL = (60.0, 200.0), 120.0  # beats per minute: range searched; centre of the prior
APART = 0.7  # least distance of two beats, in beat periods
FAINT = 0.15  # least onset, in [0, 1], of a beat
CHUNK = 4096  # time steps per STFT call


@dataclass(frozen=True)
class Heard:
    """Curves of a sound by name, one value every `step` seconds, the first at `start` seconds of the film."""

    step: float
    start: float
    curves: Mapping[str, Curve]

    def at(self, name: str, time: float) -> float:
        """Return the value of a curve at a time of the film in seconds, interpolated linearly; 0 outside the sound."""
        curve, place = self.curves[name], (time - self.start) / self.step
        if not 0 <= place <= len(curve) - 1:
            return 0.0
        before = math.floor(place)
        after = min(before + 1, len(curve) - 1)
        return float(curve[before] + (place - before) * (curve[after] - curve[before]))


def of_film(settings: Settings, source: SourceInfo | None, clip: tuple[Fraction, Fraction] | None = None) -> Hear:
    """Return the curves that the film's settings follow, as a function of name and time.

    The sound is `audio.file` from its beginning, or the first sound track of the source; silence where no setting
    follows sound. `source`: None where there is none; `clip`: range of it that is rendered, in seconds. Raises
    SettingsError where there is no sound, or scipy is missing; SourceError where the sound cannot be read.
    """
    listening = {key: keyframes.parse(text).sounds for key, text in settings.keyframes.items()}
    key, sounds = next(((key, sounds) for key, sounds in listening.items() if sounds), ("", frozenset()))
    if not sounds:
        return silence
    if settings.audio.file is not None:
        return listen(Path(settings.audio.file), settings.audio).at
    if source is None or source.kind != "video" or not source.audio:
        without = "" if source is None else f", and {source.name} has no sound"
        raise SettingsError(f"{key} uses the audio feature {min(sounds)}{without}: give --audio FILE")
    return listen(source.files[0], settings.audio, source.delay + (clip[0] if clip else 0)).at


def listen(file: Path, how: AudioSettings, begins: Fraction = Fraction(0)) -> Heard:
    """Analyse the first sound track of a file; the film starts at `begins` seconds of the file's clock.

    Raises SettingsError where scipy is missing, SourceError where the sound cannot be read.
    """
    signal = _scipy()
    wave, rate, start = _decoded(file)
    hop = round(rate * STEP)
    tail = math.ceil((how.release + LONG) * rate)  # samples for the curves to decay after the end
    wave = np.concatenate([wave, np.zeros(tail, np.float32)])
    raw = _curves(signal, wave, rate, hop)
    rise, fall = (hop / rate / seconds if seconds else math.inf for seconds in (how.attack, how.release))
    held = 1 if not how.attack else math.ceil(1 / rise)
    raw["beat"] = np.convolve(raw["beat"], np.ones(held))[: len(raw["beat"])].clip(0, 1)  # as long as the attack
    return Heard(
        hop / rate, float(start - begins), {name: _followed(raw[name], rise, fall) for name in keyframes.SOUNDS}
    )


def _scipy() -> ModuleType:
    try:
        import scipy.signal
    except ImportError:
        raise SettingsError("audio features need scipy: run `pip install scipy`") from None
    module: ModuleType = scipy.signal
    return module


def _decoded(file: Path) -> tuple[Wave, int, Fraction]:
    """Return the first sound track as mono samples in [-1, 1], their rate in Hz, its start in s on the file's clock."""
    parts: list[Wave] = []
    try:
        with av.open(location(file), options=FENCE) as container:
            if not container.streams.audio:
                raise SourceError(f"{file.name} has no sound")
            stream = container.streams.audio[0]
            rate = min(stream.rate, RATE)
            start = (stream.start_time or 0) * (stream.time_base or Fraction(1)) - origin(container)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            for frame in (*container.decode(stream), None):
                parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    except (av.FFmpegError, OSError) as error:
        raise SourceError(f"the sound of {file.name} cannot be read: {error.strerror}") from None
    return np.nan_to_num(np.concatenate([np.zeros(0, np.float32), *parts])), rate, start


def _curves(signal: ModuleType, wave: Wave, rate: int, hop: int) -> dict[str, Curve]:
    bands: dict[str, list[Curve]] = {name: [] for name in BANDS}
    for frequencies, power in _spectra(signal, wave, rate, hop, LONG):
        for name, (low, high) in BANDS.items():
            inside = (frequencies >= low) & (frequencies < high)
            bands[name].append(np.sqrt(power[inside].sum(axis=0)))
    heard = {name: _share(np.concatenate(parts), SILENT) for name, parts in bands.items()}
    loud, flux, last = [], [], None
    for _, power in _spectra(signal, wave, rate, hop, SHORT):
        loud.append(np.sqrt(power.sum(axis=0)))
        levels = np.log1p(KNEE * np.sqrt(power))
        before = np.column_stack([levels[:, 0] if last is None else last, levels[:, :-1]])
        flux.append(np.maximum(levels - before, 0).mean(axis=0))
        last = levels[:, -1]
    heard["loudness"] = _share(np.concatenate(loud), SILENT)
    rising = np.concatenate(flux)
    around = round(AROUND / hop * rate)
    usual = np.convolve(rising, np.ones(around) / around, "same")[: len(rising)]
    heard["onset"] = _share(np.maximum(rising - usual, 0), FLAT)
    heard["beat"] = _beats(signal, heard["onset"], hop / rate)
    return heard


def _spectra(
    signal: ModuleType, wave: Wave, rate: int, hop: int, window: float
) -> Iterator[tuple[Curve, npt.NDArray[np.float64]]]:
    """Yield STFT frequencies in Hz and power, (frequencies, times), in chunks; a sine of amplitude 1 sums to 1/4."""
    shape = signal.windows.hann(round(window * rate), sym=False)
    transform = signal.ShortTimeFFT(shape, hop, rate, scale_to="magnitude")
    count = len(wave) // hop
    for first in range(0, count, CHUNK):
        yield transform.f, transform.spectrogram(wave, p0=first, p1=min(first + CHUNK, count))


def _share(curve: Curve, least: float) -> Curve:
    """Normalise a curve to [0, 1] by its quantile STRONGEST, or by `least` where that is larger."""
    strongest = max(float(np.quantile(curve, STRONGEST)), LEAST * float(curve.max()), least)
    share: Curve = np.clip(curve / strongest, 0, 1)
    return share


def _beats(signal: ModuleType, onset: Curve, step: float) -> Curve:
    """Return 1 at each beat, else 0: peaks of `onset` at least APART periods of the estimated tempo from each other."""
    beats = np.zeros_like(onset)
    lags = np.arange(math.ceil(60 / TEMPI[1] / step), math.floor(60 / TEMPI[0] / step) + 1)
    lags = lags[lags < len(onset)]
    if not len(lags) or not onset.any():
        return beats
    varied = onset - onset.mean()
    alike = signal.correlate(varied, varied, method="fft")[len(onset) - 1 :]
    likely = np.exp(-0.5 * np.log2(lags * step * USUAL / 60) ** 2)
    period = lags[np.argmax(alike[lags] * likely)]
    padded = np.concatenate([[0.0], onset, [0.0]])  # so that the first and last value can be peaks
    places, _ = signal.find_peaks(padded, height=FAINT, distance=max(1, round(APART * period)))
    beats[places - 1] = 1
    return beats


def _followed(curve: Curve, rise: float, fall: float) -> Curve:
    """Limit the change from value to value: by `rise` upwards and by `fall` downwards."""
    value, found = 0.0, []
    for wanted in curve.tolist():
        value = min(max(wanted, value - fall), value + rise)
        found.append(value)
    return np.array(found)
