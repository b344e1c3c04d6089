"""Curves of a sound over time, each in [0, 1], that settings may follow.

`bass` is the amplitude in 20 to 150 Hz, `mid` in 150 to 2000, `high` in 2000 to 8000 (nothing above half the sampling
rate), `loudness` in all. `onset`: spectral flux, where sounds begin (Bello et al. 2005, 2.3). `beat`: the onsets that
keep the tempo, which is estimated by their autocorrelation. Each curve is normalised by its strongest moments. The
`Pulse` is that tempo and the place of its beats, exactly: the frequency near it at which the onsets recur the most.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import numpy.typing as npt

from dreamvid.config import keyframes
from dreamvid.config.settings import AudioSettings, Settings
from dreamvid.config.timeline import SOUNDS, Cues, Tempo, silence
from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.core.types import SourceInfo
from dreamvid.media.audio_tracks import first_track
from dreamvid.media.container import exact, open_file, origin
from dreamvid.media.event_files import read_events

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
FEWEST = 4  # beats that make a tempo
NEAR, FINE = 0.03, 256  # of a tempo: how far from the estimate it is sought, and frequencies per width of a peak
EVEN = 0.1  # where onsets recur at a tempo by less than this share of that at twice the tempo, twice is the tempo
SPREAD = 8  # values by which onsets are widened where their period is estimated
PARTS = 32  # of a beat period, in one of which a beat is sought
EARLY = 0.03  # seconds by which a beat may be found too early
CHUNK = 4096  # time steps per STFT call


@dataclass(frozen=True)
class Pulse:
    """The tempo of a sound: `bpm` beats a minute, the first of them at `first` seconds of the film."""

    bpm: float
    first: float


@dataclass(frozen=True)
class Heard:
    """Curves of a sound by name, one value every `step` seconds, the first at `start` seconds of the film.

    `name`: of its file; `pulse`: None where it has too few beats.
    """

    name: str
    step: float
    start: float
    curves: Mapping[str, Curve]
    pulse: Pulse | None = None

    def at(self, name: str, time: float) -> float:
        """Return the value of a curve at a time of the film in seconds, interpolated linearly; 0 outside the sound."""
        curve, place = self.curves[name], (time - self.start) / self.step
        if not 0 <= place <= len(curve) - 1:
            return 0.0
        before = math.floor(place)
        after = min(before + 1, len(curve) - 1)
        return float(curve[before] + (place - before) * (curve[after] - curve[before]))


def of_film(
    settings: Settings,
    source: SourceInfo | None,
    clip: tuple[Fraction, Fraction] | None = None,
    hear: Callable[[Path, AudioSettings, Fraction], "Heard"] | None = None,
) -> Cues:
    """Return what the film's settings follow: the curves of its sound, its beats, its events.

    The sound is `audio.file` from its beginning, or the first sound track of the source; it is not read where nothing
    follows it. `source`: None where there is none; `clip`: range of it that is rendered, in seconds; `hear`: in place
    of `listen`, such as one that remembers. Raises SettingsError where what is followed is not there, or scipy or mido
    is missing; SourceError where the sound or the events cannot be read.
    """
    how, parsed = settings.audio, {key: keyframes.parse(text) for key, text in settings.keyframes.items()}
    begins = Fraction(0) if how.file is not None or source is None else source.delay + (clip[0] if clip else 0)
    events = None if how.events is None else read_events(Path(how.events))
    following = next((key for key, text in parsed.items() if text.at_events), None)
    if following is not None and events is None:
        raise SettingsError(f"{following} follows events, and there are none: give --set audio.events=FILE")
    hearing = [f"{key} uses the audio feature {min(text.sounds)}" for key, text in parsed.items() if text.sounds]
    counting = [f"{key} counts in beats" for key, text in parsed.items() if text.in_beats]
    counting += ["audio.events counts in beats"] if events is not None and events.in_beats else []
    heard = None
    if hearing or (counting and how.bpm is None):
        advice = "--audio FILE" if hearing else "--set audio.bpm=BPM, or --audio FILE"
        heard = (hear or listen)(_sound(how, source, (*hearing, *counting)[0], advice), how, begins)
    tempo = _tempo(how, heard, counting)
    return Cues(
        silence if heard is None else heard.at,
        None if tempo is None else tempo.within(begins),
        () if events is None else events.of_film(begins, tempo),
        how.release,
    )


def _sound(how: AudioSettings, source: SourceInfo | None, why: str, advice: str) -> Path:
    """Return the file that is listened to; raise SettingsError where there is none."""
    if how.file is not None:
        return Path(how.file)
    if source is None or source.kind != "video" or not source.audio:
        without = "" if source is None else f", and {source.name} has no sound"
        raise SettingsError(f"{why}{without}: give {advice}")
    return source.files[0]


def _tempo(how: AudioSettings, heard: Heard | None, counting: Sequence[str]) -> Tempo | None:
    """Return the tempo of the sound, as it is given or found, on its own clock; None where it has to be found by none.

    `counting`: what is in need of it. Raises SettingsError where none is found.
    """
    if how.bpm is not None:
        pulse = Pulse(how.bpm, 0.0)
    elif not counting or heard is None:
        return None
    elif heard.pulse is None:
        raise SettingsError(f"{counting[0]}, and no tempo is found in {heard.name}: give --set audio.bpm=BPM")
    else:
        pulse = heard.pulse
    first = pulse.first if how.first_beat is None else how.first_beat
    return Tempo(Fraction(str(pulse.bpm)), Fraction(str(first)), how.beats_per_bar)


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
    period = _period(signal, raw["onset"], hop / rate)
    raw["beat"] = _beats(signal, raw["onset"], period)
    begun = raw["loudness"] if raw["loudness"][:1] > FAINT else raw["onset"]  # no onset is found at the very beginning
    pulse = None
    if raw["beat"].sum() >= FEWEST:
        pulse = _pulse(signal, raw["onset"], hop / rate, float(np.argmax(begun >= FAINT)) * hop / rate)
    rise, fall = (hop / rate / seconds if seconds else math.inf for seconds in (how.attack, how.release))
    held = 1 if not how.attack else math.ceil(1 / rise)
    raw["beat"] = np.convolve(raw["beat"], np.ones(held))[: len(raw["beat"])].clip(0, 1)  # as long as the attack
    curves = {name: _followed(raw[name], rise, fall) for name in SOUNDS}
    if pulse is not None:
        pulse = Pulse(pulse.bpm, round(pulse.first + float(start), 3))
    return Heard(file.name, hop / rate, float(start - begins), curves, pulse)


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
    number = first_track(file).number
    try:
        with open_file(file) as container:
            stream = container.streams.audio[number]
            rate = min(stream.rate, RATE)
            start = (stream.start_time or 0) * (exact(stream.time_base) or Fraction(1)) - origin(container)
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


def _period(signal: ModuleType, onset: Curve, step: float) -> int:
    """Return the beat period of the estimated tempo, in values of `onset`; 0 where there is none."""
    lags = np.arange(math.ceil(60 / TEMPI[1] / step), math.floor(60 / TEMPI[0] / step) + 1)
    lags = lags[lags < len(onset)]
    if not len(lags) or not onset.any():
        return 0
    varied = onset - onset.mean()
    alike = signal.correlate(varied, varied, method="fft")[len(onset) - 1 :]
    likely = np.exp(-0.5 * np.log2(lags * step * USUAL / 60) ** 2)
    return int(lags[np.argmax(alike[lags] * likely)])


def _beats(signal: ModuleType, onset: Curve, period: int) -> Curve:
    """Return 1 at each beat, else 0: peaks of `onset` at least APART periods from each other."""
    beats = np.zeros_like(onset)
    if period:
        padded = np.concatenate([[0.0], onset, [0.0]])  # so that the first and last value can be peaks
        places, _ = signal.find_peaks(padded, height=FAINT, distance=max(1, round(APART * period)))
        beats[places - 1] = 1
    return beats


def _pulse(signal: ModuleType, onset: Curve, step: float, begun: float) -> Pulse:
    """Return the tempo, and the beat that is nearest to `begun`.

    Times are in seconds from the first value of `onset`, `step` from one to the next.
    """
    wide = np.convolve(onset, signal.windows.hann(2 * SPREAD + 1), "same")  # for periods between two whole numbers
    period = _period(signal, wide, step)
    varied = (onset - onset.mean()) * signal.windows.hann(len(onset))
    rate, often = _recurring(signal, varied, step, 1 / (period * step))
    twice, more_often = _recurring(signal, varied, step, 2 / (period * step))
    if often < EVEN * more_often:
        rate = twice if 60 * twice <= TEMPI[1] else twice / 2
    shares = (np.arange(len(onset)) * step * rate) % 1  # of a beat period
    folded = np.bincount((shares * PARTS).astype(int) % PARTS, onset, PARTS)
    middle = (np.argmax(folded + (np.roll(folded, 1) + np.roll(folded, -1)) / 2) + 0.5) / PARTS
    off = (shares - middle + 0.5) % 1 - 0.5
    around = np.where(abs(off) < 2 / PARTS, onset, 0)
    phase = float(middle + np.average(off, weights=around)) / rate
    first = phase + round((begun - phase) * rate) / rate
    return Pulse(round(60 * rate, 3), max(0.0, first if first >= -EARLY else first + 1 / rate))


def _recurring(signal: ModuleType, curve: Curve, step: float, near: float) -> tuple[float, float]:
    """Return the strongest frequency of a curve near a given one, in Hz, and its strength."""
    low, high = near * (1 - NEAR), near * (1 + NEAR)
    count = math.ceil((high - low) * len(curve) * step * FINE) + 1
    strengths = np.abs(signal.zoom_fft(curve, [low, high], count, fs=1 / step, endpoint=True))
    best = int(np.argmax(strengths))
    return low + best * (high - low) / (count - 1), float(strengths[best])


def _followed(curve: Curve, rise: float, fall: float) -> Curve:
    """Limit the change from value to value: by `rise` upwards and by `fall` downwards."""
    value, found = 0.0, []
    for wanted in curve.tolist():
        value = min(max(wanted, value - fall), value + rise)
        found.append(value)
    return np.array(found)
