"""Tracks: a key's value at its time, what lies between, loops, and formulas."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.config.interpolation import SPLINE, WAYS
from dreamvid.config.keyframes import chance, parse
from dreamvid.config.timeline import Cues, Event, Tempo, Timeline
from dreamvid.core.errors import SettingsError

TIMELINE = Timeline(240, Fraction(24))
LOOP = Timeline(240, Fraction(24), periodic=True)
RATES = [Fraction(24), Fraction(30000, 1001), Fraction(60)]


def at(text: str, time: float, timeline: Timeline = TIMELINE) -> float:
    return parse(text).on(timeline)(time)


def refused(text: str, timeline: Timeline = TIMELINE) -> str:
    """The one line that is said of a track."""
    with pytest.raises(SettingsError) as error:
        parse(text).on(timeline)(0.0)
    assert "\n" not in str(error.value)
    return str(error.value)


numbers = st.floats(-1000, 1000).map(lambda value: round(value, 3))


@st.composite
def keys(draw: Any, ways: tuple[str, ...], most: int = 239) -> list[tuple[int, float, str]]:
    """Some keys in order: frame, value, way."""
    frames = sorted(draw(st.sets(st.integers(0, most), min_size=1, max_size=6)))
    return [(frame, draw(numbers), draw(st.sampled_from(ways))) for frame in frames]


def text_of(given_keys: list[tuple[int, float, str]]) -> str:
    return ", ".join(f"{frame}f:{value} {way}" for frame, value, way in given_keys)


@given(keys((*WAYS, SPLINE)), st.sampled_from(RATES), st.booleans())
def test_at_a_key_the_value_is_the_keys(made: list[tuple[int, float, str]], rate: Fraction, periodic: bool) -> None:
    value = parse(text_of(made)).on(Timeline(240, rate, periodic=periodic))
    for frame, wanted, _ in made:
        assert value(float(frame / rate)) == pytest.approx(wanted, rel=1e-12, abs=1e-9)


@given(keys((*WAYS, SPLINE)), st.floats(0, 1))
def test_between_two_keys_the_value_lies_between_theirs(made: list[tuple[int, float, str]], share: float) -> None:
    value = parse(text_of(made)).on(TIMELINE)
    for (frame, one, _), (later, other, _) in pairwise(made):
        low, high = sorted((one, other))
        assert low - 1e-9 <= value((frame + share * (later - frame)) / 24) <= high + 1e-9


@given(keys((*WAYS, SPLINE)), st.floats(0, 100))
def test_before_the_first_key_and_behind_the_last_nothing_moves(
    made: list[tuple[int, float, str]], away: float
) -> None:
    value = parse(text_of(made)).on(TIMELINE)
    assert value(made[0][0] / 24 - away) == made[0][1]
    assert value(made[-1][0] / 24 + away) == made[-1][1]


@given(keys(("linear", "ease", "ease-in", "ease-out", SPLINE)), st.floats(0, 10))
def test_a_loop_has_no_seam(made: list[tuple[int, float, str]], time: float) -> None:
    value = parse(text_of(made)).on(LOOP)
    assert value(time + 10) == pytest.approx(value(time), abs=1e-4)
    values = [number for _, number, _ in made]
    # The steepest there is: all of the range within a frame, at the end of an ease-out or in a spline.
    steepest = 3 * (max(values) - min(values)) * 24
    assert abs(value(10 + 1e-6) - value(10 - 1e-6)) <= 2e-6 * steepest + 1e-9


@pytest.mark.parametrize("way", sorted(WAYS))
def test_halfway_each_way_is_where_its_name_says(way: str) -> None:
    halves = {"linear": 0.5, "hold": 0.0, "ease": 0.5, "ease-in": 0.25, "ease-out": 0.75}
    assert at(f"0:0, 4s:1 {way}", 2) == halves[way]


def test_a_jump_is_made_at_its_key() -> None:
    value = parse("0:1, 48f:3 hold").on(TIMELINE)
    assert [value(frame / 24) for frame in (0, 47, 48, 49)] == [1, 1, 3, 3]


def test_a_spline_is_smooth_and_level_at_both_ends() -> None:
    value = parse("0:0, 2s:1 spline, 5s:5 spline, 8s:0 spline").on(TIMELINE)
    slopes = np.diff([value(time) for time in np.linspace(0, 8, 8001)]) * 1000
    assert abs(slopes[0]) < 0.01 and abs(slopes[-1]) < 0.01
    assert np.abs(np.diff(slopes)).max() < 0.02
    assert at("0:0, 2s:1 spline, 5s:5 spline", 2.0001) > 1 > at("0:0, 2s:1 spline, 5s:5 spline", 1.9999)


@pytest.mark.parametrize("text", ["0:0, 120f:6", "0s:0, 5.0s:6", "0%:0, 50 %:6", "0 : 0 , 5 s : 6  linear", "0:0,5:6"])
def test_times_are_seconds_frames_or_shares(text: str) -> None:
    assert at(text.replace(" : ", ":"), 2.5) == 3


def test_numbers_may_be_written_as_numbers_are() -> None:
    assert at("0:-1e-2, .5s:+2.5E1", 0.5) == 25
    assert at("0:-1e-2, .5s:+2.5E1", 0) == -0.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0:1, 11s:2", "the keyframe 11s:2 is after the end of the film, at 10 s or 240 frames"),
        ("0:1, 241f:2", "the keyframe 241f:2 is after the end"),
        ("0:1, 101%:2", "the keyframe 101%:2 is after the end"),
        ("0:1, 48f:2, 2s:3", "the keyframes 48f:2 and 2s:3 are at the same time"),
        ("0:1, 4s:2, 2s:3", "the keyframe 2s:3 is earlier than 4s:2"),
        ("0:1, 4s", "'4s' is not a keyframe"),
        ("0:1,", "'' is not a keyframe"),
        ("0:1, 4m:2", "'4m:2' is not a keyframe"),
        ("-1s:1", "'-1s:1' is not a keyframe"),
        ("0:1, 4s:two", "give a number after the colon"),
        ("0:1, 4s:nan", "give a number after the colon"),
        ("0:1, 4s:inf", "give a number after the colon"),
        ("0:1, 4s:2 eas", "nearest: ease"),
        ("0:1, 4s:2 splin", "nearest: spline"),
        ("0:1, 4s:2 ease in", "is not a keyframe"),
        ("0:" + "1" * 200, "is not a keyframe"),
        ("0:1, " * 20_000, "give at most 50000"),
        ("t:1", "is not a keyframe"),
        ("melody * 2", "unknown name melody"),
    ],
)
def test_a_wrong_track_says_what_is_wrong_with_which_key(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_key_may_lie_at_the_very_end() -> None:
    assert at("0:1, 10s:2", 10) == at("0:1, 240f:2", 10) == at("0:1, 100%:2", 10) == 2


def test_in_a_loop_the_last_key_leads_on_into_the_first() -> None:
    value = parse("2s:1 ease-in, 6s:3").on(LOOP)
    assert value(4) == 2
    assert value(9) == value(-1) == 3 - 2 * 0.25
    assert value(0) == 3 - 2 * (4 / 6) ** 2


def test_in_a_loop_a_key_at_the_end_is_the_one_at_the_beginning() -> None:
    assert [at("0:1, 5s:3, 10s:1", time, LOOP) for time in (0, 5, 7.5, 10, 12.5)] == [1, 3, 2, 1, 2]
    assert "the end of a loop is its beginning" in refused("0:1, 10s:3", LOOP)
    assert at("4s:1, 10s:3", 0, LOOP) == 3


def test_one_key_alone_is_a_constant() -> None:
    assert at("5s:3", 0) == at("5s:3", 9) == at("5s:3", 9, LOOP) == 3


@pytest.mark.parametrize("rate", RATES)
def test_a_formula_counts_whole_frames(rate: Fraction) -> None:
    timeline = Timeline(240, rate)
    found = [at("f", float(frame / rate), timeline) for frame in range(240)]
    assert found == list(range(240))
    assert at("f", 0.51 / float(rate), timeline) == pytest.approx(0.51)
    assert at("n", 0, timeline) == 240 and at("fps", 0, timeline) == float(rate) and at("t", 1.5, timeline) == 1.5


def test_a_formula_hears() -> None:
    timeline = Timeline(240, Fraction(24), Cues(lambda name, time: {"beat": time, "bass": 1.0}[name]))
    assert at("beat + bass", 0.25, timeline) == 1.25
    assert parse("beat + bass").sounds == {"beat", "bass"}
    assert parse("t").sounds == parse("0:1, 2:3").sounds == frozenset()
    assert at("loudness", 3) == 0


def test_a_formula_goes_round_with_the_loop() -> None:
    assert at("t", 12.5, LOOP) == at("t", 2.5, LOOP) == 2.5


@given(st.integers(0, 2**63 - 1), st.integers(0, 239), st.floats(-5, 5), st.floats(-5, 5))
def test_what_is_random_lies_between_and_depends_on_seed_key_and_frame_alone(
    seed: int, frame: int, low: float, high: float
) -> None:
    track = parse(f"random({low:.6f}, {high:.6f})")
    one, other = (track.on(TIMELINE, chance(seed, "coherence.blend")) for _ in range(2))
    other(0.0)
    assert one(frame / 24) == other(frame / 24) == one((frame + 0.5) / 24)
    assert min(low, high) - 1e-6 <= one(frame / 24) <= max(low, high) + 1e-6


def test_what_is_random_is_evenly_spread_and_another_for_each_seed_key_frame_and_place() -> None:
    def drawn(seed: int, key: str, text: str = "random(.3, .7)", timeline: Timeline = TIMELINE) -> list[float]:
        value = parse(text).on(timeline, chance(seed, key))
        return [value(frame / 24) for frame in range(240)]

    values = drawn(0, "coherence.blend")
    assert len(set(values)) == 240
    counts, _ = np.histogram(values, bins=8, range=(0.3, 0.7))
    assert counts.sum() == 240 and counts.min() >= 15
    steps = np.corrcoef(values[1:], values[:-1])[0, 1]
    assert abs(steps) < 0.2
    assert not set(values) & set(drawn(1, "coherence.blend"))
    assert not set(values) & set(drawn(0, "dream.strength"))
    assert min(abs(value) for value in drawn(0, "a", "random(0, 1) - random(0, 1)")) > 0
    assert drawn(0, "coherence.blend", timeline=Timeline(24, Fraction(24), periodic=True)) == values[:24] * 10


def test_without_a_seed_what_is_random_is_in_the_middle() -> None:
    track = parse("random(.3, .7)")
    assert track.first == pytest.approx(0.5) and not track.constant and track.sounds == frozenset()


def test_a_number_is_known_from_what_moves() -> None:
    assert parse("1/3").constant and parse("1/3").first == pytest.approx(1 / 3)
    assert not parse("0:1").constant and not parse("pi").constant
    assert parse("20s:4, 30s:5").first == 4
    assert math.isclose(parse("cos(t) + beat").first, 1)


MUSIC = Timeline(240, Fraction(24), Cues(tempo=Tempo(Fraction(120), Fraction(1, 4), 3)))
HITS = Timeline(240, Fraction(24), Cues(events=(Event(1.0), Event(2.5, 0.5), Event(2.75))))
bpms = st.decimals(30, 300, places=3).map(Fraction)
firsts = st.decimals(0, 5, places=3).map(Fraction)


@pytest.mark.parametrize(
    ("text", "time", "value"),
    [
        ("0b:1, 4b:5", 0, 1),  # beat 0 is at 0.25 s, a beat takes 0.5 s
        ("0b:1, 4b:5", 0.25, 1),
        ("0b:1, 4b:5", 1.25, 3),
        ("0b:1, 2bar:7", 1.75, 4),
        ("0s:0, .5b:1, 100%:1", 0.25, 0.5),
        ("b", 1.0, 1.5),
        ("b", 0.0, -0.5),
        ("bar", 1.75, 1),
        ("b % 4 < 1", 2.25, 1),
        ("every 2b, 0b:1, 1b:0", 0.25, 1),
        ("every 2b, 0b:1, 1b:0", 1.5, 0.5),
        ("every 2b, 0b:1, 1b:0", 2.0, 0),
        ("every 2b, 0b:1, 1b:0", 0.0, 0),  # before beat 0 as after it
        ("every bar, 0%:0, 100%:3", 2.25, 1),
        ("every 2, 0:0, 1:1", 4.5, 0.5),
        ("every 48f, 12f:0, 24f:1", 4.75, 0.5),
        ("every 25%, 0:0, 1b:1", 2.75, 0.5),
    ],
)
def test_keyframes_and_formulas_count_beats_and_bars(text: str, time: float, value: float) -> None:
    assert at(text, time, MUSIC) == pytest.approx(value, abs=1e-9)


@given(bpms, firsts, st.integers(0, 4000), st.sampled_from([1, 2, 3, 4, 8, 16]), st.integers(1, 16))
def test_beats_are_seconds_and_seconds_are_beats(bpm: Fraction, first: Fraction, part: int, of: int, bar: int) -> None:
    tempo = Tempo(bpm, first, bar)
    beat = Fraction(part, of)
    seconds = tempo.seconds(beat)
    assert tempo.beats(float(seconds)) == float(beat)  # exactly, whatever the tempo
    assert (seconds - first) * bpm / 60 == beat
    assert tempo.seconds(Fraction(part), "bar") == tempo.seconds(Fraction(part * bar))


@given(bpms, firsts, st.floats(0, 600), st.floats(0, 600))
def test_later_is_a_later_beat(bpm: Fraction, first: Fraction, one: float, other: float) -> None:
    tempo = Tempo(bpm, first)
    earlier, later = sorted([one, other])
    assert tempo.beats(earlier) <= tempo.beats(later)
    assert tempo.beats(earlier) == pytest.approx((earlier - float(first)) * float(bpm) / 60, abs=2e-6)


@given(bpms, firsts, st.fractions(0, 100, max_denominator=1000), st.integers(1, 7))
def test_in_a_part_of_a_film_bars_stay_where_they_are_and_count_from_0(
    bpm: Fraction, first: Fraction, part: Fraction, bar: int
) -> None:
    tempo = Tempo(bpm, first, bar)
    within, length = tempo.within(part), tempo.length(Fraction(1), "bar")
    assert within.first >= 0 and (within.first + part - first) % length == 0
    assert within.first < length or within.first == first - part


@given(bpms, firsts, st.sampled_from(RATES), st.integers(1, 8), st.integers(0, 30))
def test_what_begins_anew_does_so_on_the_first_frame_that_is_not_before_the_beat(
    bpm: Fraction, first: Fraction, rate: Fraction, every: int, turn: int
) -> None:
    tempo = Tempo(bpm, first)
    value = parse(f"every {every}b, 0b:1, {every}b:0 hold").on(Timeline(10**6, rate, Cues(tempo=tempo)))
    since = parse(f"every {every}b, 0b:0, 100%:{every}").on(Timeline(10**6, rate, Cues(tempo=tempo)))
    frame = math.ceil(tempo.seconds(Fraction(turn * every)) * rate)
    assert value(float(frame / rate)) == 1
    gone = (frame / rate - tempo.seconds(Fraction(turn * every))) * bpm / 60
    assert since(float(frame / rate)) == pytest.approx(float(gone) % every, abs=1e-4)
    assert since(float((frame - 1) / rate)) == pytest.approx(float(gone - bpm / 60 / rate) % every, abs=1e-4)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 1)), min_size=1, max_size=8), st.floats(0, 2))
def test_an_event_is_seen_in_the_first_frame_after_it_and_falls(
    made: list[tuple[float, float]], release: float
) -> None:
    events = tuple(sorted(Event(time, value) for time, value in made))
    value = parse("event").on(Timeline(240, Fraction(24), Cues(events=events, release=release)))
    found = [value(frame / 24) for frame in range(240)]
    for event in events:
        assert found[math.ceil(event.time * 24 - 1e-6)] >= event.value
    begun = {math.ceil(event.time * 24 - 1e-6) for event in events}
    fall = 1 / 24 / release if release > 1e-3 else 1
    for frame, (before, after) in enumerate(pairwise(found), 1):
        assert 0 <= after <= 1
        assert frame in begun or after == pytest.approx(max(0.0, before - fall), abs=1e-6)


def test_keyframes_begin_anew_at_every_event() -> None:
    value = parse("every event, 0:2, .5s:1").on(HITS)
    found = [value(time) for time in (0.9, 1.0, 1.25, 1.5, 2.4, 2.5, 2.7, 2.75, 9.0)]
    assert found == pytest.approx([1, 2, 1.5, 1, 1, 2, 1.6, 2, 1])
    assert parse("every event, 0:2, .5s:1").first == 2


def test_in_a_loop_events_of_the_end_are_felt_at_the_beginning() -> None:
    loop = Timeline(240, Fraction(24), Cues(events=(Event(9.75), Event(12.0)), release=1.0), periodic=True)
    assert [at("event", time, loop) for time in (0.25, 2.0, 9.5, 9.75, 10.25)] == pytest.approx([0.5, 0, 0, 1, 0.5])
    assert at("every event, 0:0, 1s:1", 0.25, loop) == at("every event, 0:0, 1s:1", 10.25, loop) == pytest.approx(0.5)


def test_when_keyframes_are() -> None:
    assert parse("0:1, 2b:2, 50%:3").times(MUSIC) == (0, 1.25, 5)
    assert parse("every 6b, 0b:1, 1b:2").times(MUSIC) == (0.25, 0.75, 3.25, 3.75, 6.25, 6.75, 9.25, 9.75)
    assert parse("every 4s, 3s:1, 3.5s:0").times(MUSIC) == (3, 3.5, 7, 7.5)
    assert parse("every event, 0:1, .5s:2").times(HITS) == (1, 1.5, 2.5, 2.75, 3.25)
    assert parse("t").times(MUSIC) == ()
    assert len(parse("every .001s, 0:1").times(MUSIC)) == 1000


def test_what_is_followed_is_known() -> None:
    assert [parse(text).in_beats for text in ("0:1, 4b:2", "2bar:1", "bar", "every 2b, 0:1", "b")] == [True] * 5
    assert [parse(text).in_beats for text in ("0:1", "beat", "every event, 0:1", "t")] == [False] * 4
    assert [parse(text).at_events for text in ("event", "every event, 0:1", "beat", "0b:1")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "timeline", "said"),
    [
        ("0b:1, 20b:2", MUSIC, "the keyframe 20b:2 is after the end of the film, at 10 s"),
        ("0s:1, 0b:2, 0.2s:3", MUSIC, "the keyframe 0.2s:3 is earlier than 0b:2"),
        ("1bar:1, 3b:2", MUSIC, "the keyframes 1bar:1 and 3b:2 are at the same time"),
        ("every 2b, 0b:1, 3b:2", MUSIC, "the keyframe 3b:2 is never reached, as keyframes begin anew every 2b"),
        ("every 2b, 1b:1, .5b:2", MUSIC, "the keyframe 0.5b:2 is earlier than 1b:1"),
        ("every 2b", MUSIC, "'' is not a keyframe"),
        ("every 2b 0b:1", MUSIC, "'every 2b 0b:1' is not how often keyframes begin anew"),
        ("every 0b, 0b:1", MUSIC, "'every 0b' is not how often keyframes begin anew: give every 4b"),
        ("every beat, 0b:1", MUSIC, "'every beat' is not how often"),
        ("every 2event, 0b:1", MUSIC, "'every 2event' is not how often"),
        ("every 0b:1, 1b:2", MUSIC, "'every 0b:1' is not how often"),
        ("every event, 0%:1", HITS, "from one event to the next there are no per cent"),
        ("0b:1, 4b:2", TIMELINE, "it counts in beats, and there is no tempo: give audio.bpm"),
        ("every 2bar, 0s:1", TIMELINE, "there is no tempo"),
        ("sin(b)", TIMELINE, "there is no tempo"),
        ("4bars:1", MUSIC, "'4bars:1' is not a keyframe: give TIME:VALUE"),
    ],
)
def test_what_is_wrong_with_beats_is_said(text: str, timeline: Timeline, said: str) -> None:
    assert said in refused(text, timeline)


def test_without_a_film_beats_are_those_of_any() -> None:
    assert parse("b + bar + event").first == 0 and parse("4b:3, 8b:4").first == parse("every bar, 0b:3").first == 3
