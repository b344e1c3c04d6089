"""Listening: clicks where they are, silence silent, and nothing heard that is not there."""

import sys
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from little import drifting, film, quick

from dreamvid.config.settings import AudioSettings
from dreamvid.config.timeline import SOUNDS, Cues, Tempo
from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.media.audio_features import Heard, listen, of_film
from dreamvid.media.probe import probe

Samples = np.ndarray[Any, np.dtype[np.float64]]
SECONDS = 4
CLICKS = [0.25 + 0.5 * number for number in range(2 * SECONDS)]  # 120 a minute


def written(path: Path, samples: Samples, rate: int = 22050, channels: int = 1) -> Path:
    """A WAV file of samples in [-1, 1], the same in each channel."""
    data = np.repeat((np.clip(samples, -1, 1) * 32767).astype("<i2"), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return path


def clicks(rate: int = 22050, seconds: float = SECONDS, noise: float = 0.002) -> Samples:
    """Short bursts over a faint hiss, 120 a minute."""
    random = np.random.default_rng(0)
    samples = noise * random.standard_normal(int(rate * seconds))
    for time in CLICKS:
        start, length = round(rate * time), rate // 100
        if start + length <= len(samples):
            decay = np.exp(-np.arange(length) / (length / 4))
            samples[start : start + length] += 0.8 * random.uniform(-1, 1, length) * decay
    return samples


def tone(frequency: float, rate: int = 22050, seconds: float = 2) -> Samples:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


def at_frames(heard: Heard, name: str, fps: float, seconds: float = SECONDS) -> Samples:
    return np.array([heard.at(name, frame / fps) for frame in range(int(seconds * fps))])


@pytest.mark.parametrize("rate", [44100, 8000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", ["onset", "beat", "loudness", "mid"])
def test_peaks_fall_on_the_clicks_within_a_frame(tmp_path: Path, rate: int, channels: int, name: str) -> None:
    heard = listen(written(tmp_path / "clicks.wav", clicks(rate), rate, channels), AudioSettings())
    for fps in (24, 30, 60):
        values = at_frames(heard, name, fps)
        for time in CLICKS:
            first = max(0, int((time - 0.2) * fps))
            peak = first + int(np.argmax(values[first : int((time + 0.2) * fps) + 1]))
            assert abs(peak - time * fps) <= 1
            assert values[peak] > 0.6


def test_there_are_no_more_beats_than_clicks(tmp_path: Path) -> None:
    heard = listen(written(tmp_path / "clicks.wav", clicks()), AudioSettings(release=0.1))
    beats = heard.curves["beat"]
    assert int(((beats[1:] == 1) & (beats[:-1] < 1)).sum()) == len(CLICKS)


@pytest.mark.parametrize(("frequency", "name"), [(80, "bass"), (500, "mid"), (4000, "high")])
def test_a_tone_is_heard_in_its_band(tmp_path: Path, frequency: float, name: str) -> None:
    heard = listen(written(tmp_path / "tone.wav", tone(frequency)), AudioSettings())
    found = {band: heard.at(band, 1.0) for band in ("bass", "mid", "high")}
    assert found.pop(name) > 0.9
    # Each band is a share of its own strongest moments, but of what is next to nothing there is none.
    faint = listen(written(tmp_path / "tone.wav", 1e-5 * tone(frequency)), AudioSettings())
    assert max(faint.at(band, 1.0) for band in found) < 0.1


def test_what_is_above_half_the_sampling_rate_is_not_heard(tmp_path: Path) -> None:
    heard = listen(written(tmp_path / "low.wav", tone(500, rate=3000), rate=3000), AudioSettings())
    assert not heard.curves["high"].any()
    assert heard.at("mid", 1.0) > 0.9


@pytest.mark.parametrize("count", [0, 10, 8000])
def test_silence_is_silent(tmp_path: Path, count: int) -> None:
    heard = listen(written(tmp_path / "silence.wav", np.zeros(count), 8000), AudioSettings())
    assert set(heard.curves) == set(SOUNDS)
    assert all(not curve.any() for curve in heard.curves.values())
    assert [heard.at(name, time) for name in SOUNDS for time in (-1, 0, 0.5, 99)] == [0] * 4 * len(SOUNDS)


def test_every_curve_lies_between_0_and_1_and_is_the_same_again(tmp_path: Path) -> None:
    file = written(tmp_path / "clicks.wav", clicks() + 0.1 * tone(80, seconds=SECONDS))
    one, other = (listen(file, AudioSettings()) for _ in range(2))
    for name in SOUNDS:
        assert one.curves[name].min() >= 0 and 0.5 < one.curves[name].max() <= 1
        assert np.array_equal(one.curves[name], other.curves[name])


def test_what_is_heard_rises_and_falls_in_the_time_that_is_set(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros(22050), tone(500, seconds=1), np.zeros(22050)])
    heard = listen(written(tmp_path / "tone.wav", samples), AudioSettings(attack=0.4, release=0.8))
    assert heard.at("loudness", 1.2) == pytest.approx(0.5, abs=0.1)
    assert heard.at("loudness", 1.5) > 0.9
    assert heard.at("loudness", 2.4) == pytest.approx(0.5, abs=0.1)
    assert heard.at("loudness", 2.9) < 0.05


def test_a_beat_lasts_until_it_has_risen(tmp_path: Path) -> None:
    heard = listen(written(tmp_path / "clicks.wav", clicks()), AudioSettings(attack=0.1))
    assert heard.curves["beat"].max() == 1


def test_where_the_sound_ends_the_film_goes_on_in_silence(tmp_path: Path) -> None:
    heard = listen(written(tmp_path / "short.wav", tone(500, seconds=1)), AudioSettings(release=0.2))
    assert heard.at("mid", 0.5) > 0.9
    assert heard.at("mid", 1.1) == pytest.approx(0.5, abs=0.3)
    assert [heard.at(name, 1.5) for name in SOUNDS] == [0] * len(SOUNDS)


def test_a_film_hears_its_own_sound_from_where_it_is_shown(tmp_path: Path) -> None:
    track = written(tmp_path / "clicks.wav", clicks())
    settings = quick(dream={"smooth": "beat"})
    source = replace(probe(str(film(tmp_path / "clip.mkv", drifting(3)))), files=(track,))
    whole, late = (of_film(settings, source, clip).hear for clip in (None, (Fraction(1, 4), Fraction(1))))
    assert late("beat", 0.0) == whole("beat", 0.25) > 0.5
    delayed = of_film(settings, replace(source, delay=Fraction(1, 2)), None)
    assert delayed.hear("beat", 0.25) == whole("beat", 0.75)


def test_a_film_hears_another_sound_from_its_beginning(tmp_path: Path) -> None:
    track = written(tmp_path / "clicks.wav", clicks())
    settings = quick(dream={"smooth": "beat"}, audio={"file": str(track), "release": 0.1})
    hear = of_film(settings, None, (Fraction(3), Fraction(4))).hear
    assert hear("beat", 0.26) > 0.5


def test_where_nothing_listens_nothing_is_read() -> None:
    settings = quick(dream={"smooth": "t"}, audio={"file": "nowhere.wav"})
    assert of_film(settings, None) == Cues()


def test_what_cannot_be_heard_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = quick(dream={"smooth": "beat"})
    mute = probe(str(film(tmp_path / "mute.mkv", drifting(3), sound=False)))
    with pytest.raises(
        SettingsError, match=r"dream\.smooth uses the audio feature beat, and mute\.mkv has no sound: give --audio"
    ):
        of_film(settings, mute)
    with pytest.raises(SettingsError, match=r"dream\.smooth uses the audio feature beat: give --audio"):
        of_film(settings, None)
    with pytest.raises(SourceError, match=r"mute\.mkv has no sound"):
        listen(tmp_path / "mute.mkv", AudioSettings())
    with pytest.raises(SourceError, match=r"the sound of gone\.wav cannot be read: No such file"):
        listen(tmp_path / "gone.wav", AudioSettings())
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(SourceError, match=r"the sound of text\.wav cannot be read"):
        listen(tmp_path / "text.wav", AudioSettings())
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(SettingsError, match="need scipy: run `pip install scipy`"):
        listen(written(tmp_path / "clicks.wav", clicks()), AudioSettings())


def song(bpm: float, first: float, seconds: float, between: float) -> Samples:
    """A kick on every beat, and a hat between two, `between` of a beat after the kick."""
    random, rate = np.random.default_rng(0), 22050
    samples = 0.001 * random.standard_normal(int(rate * seconds))
    for number in range(int((seconds - first) * bpm / 60)):
        for after, loud, length in ((0.0, 0.8, 0.05), (between, 0.3, 0.02)):
            start, count = round(rate * (first + (number + after) * 60 / bpm)), round(rate * length)
            burst = loud * random.uniform(-1, 1, count) * np.exp(-4 * np.arange(count) / count)
            samples[start : start + count] += burst[: len(samples) - start]
    return samples


@pytest.mark.parametrize(
    ("bpm", "first", "between"), [(124, 0.35, 0.5), (93.7, 1.2, 0.62), (120, 0.0, 0.5), (174, 0.0, 0.0)]
)
def test_the_tempo_is_found_to_the_thousandth_and_the_beat_to_the_hundredth_of_a_second(
    tmp_path: Path, bpm: float, first: float, between: float
) -> None:
    track = written(tmp_path / "song.wav", song(bpm, first, 20, between))
    tempo = of_film(quick(dream={"smooth": "1 + b % 1"}, audio={"file": str(track)}), None).tempo
    assert tempo is not None and tempo.per_bar == 4
    assert float(tempo.bpm) == pytest.approx(bpm, rel=1e-3)
    assert float(tempo.first) == pytest.approx(first, abs=0.01)
    last = Fraction(int(19 * bpm / 60))
    assert float(tempo.seconds(last)) == pytest.approx(first + float(last) * 60 / bpm, abs=0.02)


def test_a_tempo_that_is_given_needs_no_sound_and_stays_with_the_source(tmp_path: Path) -> None:
    source = probe(str(film(tmp_path / "mute.mkv", drifting(3), sound=False)))
    settings = quick(dream={"smooth": "0b:0, 4b:1"}, audio={"bpm": 124, "first_beat": 0.35, "beats_per_bar": 3})
    assert of_film(settings, source).tempo == Tempo(Fraction(124), Fraction(35, 100), 3)
    assert of_film(settings, None).tempo == Tempo(Fraction(124), Fraction(35, 100), 3)
    part = of_film(settings, source, (Fraction(2), Fraction(3))).tempo
    bar = Fraction(3 * 60, 124)
    assert part == Tempo(Fraction(124), Fraction(35, 100) + 2 * bar - 2, 3)  # the first bar within the part
    later = quick(dream={"smooth": "b"}, audio={"bpm": 93.7})
    assert of_film(later, replace(source, delay=Fraction(0))).tempo == Tempo(Fraction(937, 10))
    assert of_film(quick(audio={"bpm": 124}), None).tempo == Tempo(Fraction(124))  # to be drawn


def test_a_first_beat_that_is_given_goes_with_a_tempo_that_is_found(tmp_path: Path) -> None:
    track = str(written(tmp_path / "clicks.wav", clicks()))
    settings = quick(dream={"smooth": "every 4b, 0b:1, 1b:0"}, audio={"file": track, "first_beat": 1.5})
    tempo = of_film(settings, None).tempo
    assert tempo is not None and tempo.first == Fraction(3, 2) and float(tempo.bpm) == pytest.approx(120, abs=0.2)
    assert of_film(quick(dream={"smooth": "beat"}, audio={"file": track}), None).tempo is None  # nothing counts


def test_events_are_on_the_clock_of_the_film(tmp_path: Path) -> None:
    hits, beats = tmp_path / "hits.csv", tmp_path / "beats.csv"
    hits.write_text("seconds,value\n2.5,0.5\n")
    beats.write_text("beat\n4\n")
    source = probe(str(film(tmp_path / "mute.mkv", drifting(3), sound=False)))
    part = (Fraction(1), Fraction(3))
    for file, bpm in ((hits, None), (beats, 120)):
        settings = quick(dream={"smooth": "event"}, audio={"events": str(file), "bpm": bpm, "first_beat": 0.5})
        (event,) = of_film(settings, source, part).events
        assert event.time == 1.5
    assert of_film(settings, source, part).release == 0.25


def test_what_cannot_be_followed_is_said(tmp_path: Path) -> None:
    def said(settings: Any, source: Any = None) -> str:
        with pytest.raises((SettingsError, SourceError)) as error:
            of_film(settings, source)
        return str(error.value)

    mute = probe(str(film(tmp_path / "mute.mkv", drifting(3), sound=False)))
    counting = quick(dream={"smooth": "0b:0, 4b:1"})
    assert said(counting, mute) == (
        "dream.smooth counts in beats, and mute.mkv has no sound: give --set audio.bpm=BPM, or --audio FILE"
    )
    assert said(counting) == "dream.smooth counts in beats: give --set audio.bpm=BPM, or --audio FILE"
    silent = written(tmp_path / "silent.wav", np.zeros(22050))
    assert said(quick(dream={"smooth": "b"}, audio={"file": str(silent)})) == (
        "dream.smooth counts in beats, and no tempo is found in silent.wav: give --set audio.bpm=BPM"
    )
    assert said(quick(dream={"smooth": "event"})) == (
        "dream.smooth follows events, and there are none: give --set audio.events=FILE"
    )
    assert "the events of gone.csv cannot be read: No such file" in said(quick(audio={"events": "gone.csv"}))
    (tmp_path / "beats.csv").write_text("beat\n4\n")
    assert said(quick(audio={"events": str(tmp_path / "beats.csv")})).startswith("audio.events counts in beats: give")
