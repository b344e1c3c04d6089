"""Schedules: every value of every frame, known and in bounds before anything is dreamed."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from little import HEIGHT, WIDTH, quick

from dreamvid.config.timeline import Cues
from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import Framing
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.schedule import CATCHING_UP, Schedule, make_schedule

WHOLE = Framing((0, HEIGHT), (0, WIDTH), (HEIGHT, WIDTH), (HEIGHT, WIDTH))


def plan(count: int = 240, rate: Fraction = Fraction(24), playback: tuple[int, ...] | None = None) -> Plan:
    return Plan(WHOLE, rate, tuple(range(count)), playback or tuple(range(count)))


def fading(*weights: str | float, **more: Any) -> Any:
    return quick(objective=[{"layer": "second", "weight": weight} for weight in weights], **more)


def test_where_nothing_moves_every_frame_has_the_settings() -> None:
    made = make_schedule(quick(), plan())
    assert made.values == () and made.values_at(7) == {}
    assert made.at(7) == quick()
    assert (made.moved(7), made.refresh_share(7), made.restless(7), made.jumps) == (0, 0, False, ())


@given(st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60)]), st.integers(0, 239))
def test_each_frame_has_the_value_of_its_time(rate: Fraction, frame: int) -> None:
    made = make_schedule(quick(dream={"step_size": "0.1 + t", "octaves": "0:2, 100%:6"}), plan(rate=rate))
    assert made.values_at(frame) == {
        "dream.step_size": 0.1 + float(frame / rate),
        "dream.octaves": math.floor(2 + 4 * frame / 240 + 0.5),
    }
    assert made.at(frame).dream.step_size == 0.1 + float(frame / rate)
    assert made.at(frame).keyframes == {}


def test_a_frame_that_is_shown_twice_has_the_value_of_the_first_time() -> None:
    made = make_schedule(quick(dream={"step_size": "1 + f"}), plan(3, playback=(0, 0, 1, 1, 1, 2)))
    assert [made.at(frame).dream.step_size for frame in range(3)] == [1, 3, 6]


def test_time_counts_from_the_first_frame_of_the_film() -> None:
    late = Plan(WHOLE, Fraction(24), (100, 101, 102), (0, 1, 2))
    made = make_schedule(quick(dream={"step_size": "1 + f"}), late)
    assert [made.at(frame).dream.step_size for frame in late.frames] == [1, 2, 3]


def test_what_is_heard_moves_a_setting() -> None:
    made = make_schedule(quick(dream={"smooth": "bass"}), plan(), Cues(lambda name, time: time / 10))
    assert made.at(120).dream.smooth == 0.5


def test_what_is_random_is_within_bounds_everywhere_or_said_before_anything_is_dreamed() -> None:
    blend = "random(.3, .7)"
    made = make_schedule(quick(seed=5, coherence={"blend": blend}), plan())
    drawn = [made.at(frame).coherence.blend for frame in made.frames]
    assert min(drawn) >= 0.3 and max(drawn) <= 0.7 and len(set(drawn)) == 240
    part = make_schedule(quick(seed=5, coherence={"blend": blend}), plan(48))
    assert [part.at(frame).coherence.blend for frame in part.frames] == drawn[:48]
    with pytest.raises(SettingsError, match=r"coherence\.blend: 'random\(\.3, 1\.7\)': at frame "):
        make_schedule(quick(coherence={"blend": "random(.3, 1.7)"}), plan())


def test_in_a_loop_the_last_key_leads_on_into_the_first() -> None:
    made = make_schedule(quick(dream={"step_size": "2s:1, 6s:3"}), replace(plan(), cycle_length=240))
    assert made.at(0).dream.step_size == pytest.approx(3 - 2 * 4 / 6)


def test_a_loop_begins_anew_with_every_lap_wherever_its_film_begins() -> None:
    """Eight frames of a lap that the film enters at the third, after two that are dreamed and shown at its end."""
    around = replace(plan(10, playback=(8, 9, *range(2, 8)) * 3), cycle_length=8)
    made = make_schedule(quick(dream={"step_size": "1 + f"}), around)
    assert [made.at(frame).dream.step_size for frame in range(10)] == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    intro = replace(plan(12, playback=(*range(4), *range(4, 12), *range(4, 12))), cycle_length=8)
    made = make_schedule(quick(dream={"step_size": "1 + f"}), intro)
    assert [made.at(frame).dream.step_size for frame in range(12)] == [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]


def test_at_any_time_settings_have_the_value_of_that_time() -> None:
    made = make_schedule(quick(dream={"step_size": "0.1 + t"}), plan())
    seen = made.during([-1, 0, 1 / 3, 10, 11])
    assert [at.dream.step_size for at in seen] == pytest.approx([0.1, 0.1, 0.1 + 1 / 3, 10.1, 10.1])
    between = make_schedule(
        quick(dream={"step_size": "max(abs(t - 1.5 - 1/48) - 0.001, 0)"}), plan()
    )  # nothing, but at no frame
    with pytest.raises(SettingsError, match=r"dream\.step_size: .max.*at frame 36\.5 \(1\.521 s\)"):
        between.during([1.5 + 1 / 48])


@pytest.mark.parametrize(
    ("dream", "said"),
    [
        (
            {"step_size": "1 / abs(f - 57)"},
            "dream.step_size: '1 / abs(f - 57)': at frame 57 (2.375 s): it divides by zero",
        ),
        ({"step_size": "12 - f"}, "dream.step_size: '12 - f': at frame 12 (0.500 s): "),
        ({"steps": 2, "octaves": "2 + f"}, "dream.octaves: '2 + f': at frame 15 (0.625 s): "),
        ({"step_size": "0:1, 11s:2"}, "dream.step_size: '0:1, 11s:2': the keyframe 11s:2 is after the end of the film"),
        ({"step_size": "0:1, 2s:2, 48f:3"}, "the keyframes 2s:2 and 48f:3 are at the same time"),
        ({"smooth": "sqrt(5 - t)"}, "dream.smooth: 'sqrt(5 - t)': at frame 121 (5.042 s): "),
    ],
)
def test_what_goes_wrong_anywhere_is_said_with_setting_text_and_frame(dream: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        make_schedule(quick(dream=dream), plan())
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_value_out_of_bounds_is_told_as_it_is() -> None:
    with pytest.raises(SettingsError, match=r"frame 12 .*: dream\.step_size: .* greater than 0 \(it is 0\.0\)"):
        make_schedule(quick(dream={"step_size": "12 - f"}), plan())


def test_how_far_settings_have_moved_is_a_share_of_their_size() -> None:
    made = make_schedule(quick(dream={"step_size": "0:1, 5s:4"}, camera={"rotate": "t * 100"}), plan())
    assert made.moved(1) == pytest.approx(3 / 120 / 4)
    assert (made.moved(0), made.moved(200)) == (0, 0)
    assert made.moved(121) == 0 and made.moved(121, 1) > 0
    assert made.restless(120 + CATCHING_UP - 1) and not made.restless(120 + CATCHING_UP)


def test_a_fade_renews_as_much_as_has_gone_elsewhere() -> None:
    made = make_schedule(fading("0:1, 5s:0", "0:0, 5s:1"), plan())
    left = math.prod(1 - made.refresh_share(frame) for frame in made.frames)
    assert left == pytest.approx(math.exp(-8), rel=1e-6)
    assert max(made.refresh_share(frame) for frame in made.frames) < 0.3
    assert not any(made.refresh_share(frame) for frame in range(123, 240))
    assert made.jumps == ()


def test_weights_that_grow_together_leave_the_objective_as_it_is() -> None:
    made = make_schedule(fading("1 + t", "2 + 2 * t"), plan())
    assert not any(made.refresh_share(frame) for frame in made.frames)


def test_an_objective_that_becomes_another_at_once_begins_a_dream() -> None:
    made = make_schedule(fading("0:1, 5s:0 hold", "0:0, 5s:1 hold"), plan())
    assert made.jumps == (120,)
    assert not any(made.refresh_share(frame) for frame in made.frames)
    beaten = make_schedule(fading("beat", "1 - beat"), plan(), Cues(lambda name, time: float(time >= 5)))
    assert beaten.jumps == (120,)


def test_a_schedule_is_a_value() -> None:
    assert make_schedule(fading("t"), plan()) == make_schedule(fading("t"), plan())
    assert isinstance(make_schedule(fading("t"), plan()), Schedule)


def test_of_some_frames_alone_each_comes_after_the_one_before_of_these() -> None:
    made = make_schedule(quick(dream={"step_size": "0:1, 5s:4"}), plan())
    some = made.of(range(0, 240, 4))
    assert some.at(120) == made.at(120)
    assert some.moved(120) == pytest.approx(4 * made.moved(120))
    assert some.moved(124) == 0 and some.moved(124, 1) > 0


def test_of_some_frames_alone_a_fade_between_two_is_no_jump() -> None:
    fade = make_schedule(fading("0:1, 6f:0", "0:0, 6f:1"), plan()).of(range(0, 240, 8))
    assert fade.jumps == () and fade.refresh_share(8) > 0.99
    cut = make_schedule(fading("0:1, 5s:0 hold", "0:0, 5s:1 hold"), plan()).of(range(0, 240, 8))
    assert cut.jumps == (120,) and not any(cut.refresh_share(frame) for frame in cut.frames)
