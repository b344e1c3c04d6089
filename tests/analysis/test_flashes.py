"""Flashes, just above and just below each threshold."""

import json
import weakref
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from little import film, write_image

from dreamvid import cli
from dreamvid.analysis import flashes
from dreamvid.analysis.flashes import LINEAR, Span, Verdict
from dreamvid.core.types import Frame, Pixels
from dreamvid.dream import session
from dreamvid.models.net import Net

SCREEN = 144, 192  # of the shape of the screen that the rules speak of
FIELD = 48, 64  # a field of 10 degrees on it: a quarter are 768 pixels
RATE = 24
Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)


def screen(colour: Colour, size: tuple[int, int] = SCREEN) -> Pixels:
    return np.full((*size, 3), colour, np.uint8)


def patch(height: int, width: int, colour: Colour = WHITE, ground: Colour = BLACK) -> Pixels:
    """A screen with a rectangle of another colour, away from its edges."""
    picture = screen(ground)
    picture[20 : 20 + height, 30 : 30 + width] = colour
    return picture


def blinking(states: Sequence[Pixels], every: int = 2, turns: int = 12) -> list[Pixels]:
    """The states in turn, each for some frames: by default 12 changes a second, which are 6 flashes."""
    return [states[number % len(states)] for number in range(turns + 1) for _ in range(every)]


def found(pictures: Sequence[Pixels], rate: Fraction = Fraction(RATE)) -> dict[str, tuple[Span, ...]]:
    return flashes.find(Frame(number, number / rate, picture) for number, picture in enumerate(pictures))


def grey(level: int) -> Colour:
    return level, level, level


def brighter(level: int, by: float) -> int:
    """The first grey that is brighter than one by some relative luminance."""
    return next(other for other in range(256) if LINEAR[other] - LINEAR[level] >= by)


# One threshold each, for a general flash


@pytest.mark.parametrize("level", [0, 60, 128, 200])
def test_the_step_is_a_tenth_of_the_greatest_luminance(level: int) -> None:
    above = brighter(level, 0.1)
    assert found(blinking([screen(grey(level)), screen(grey(above))]))["general"]
    assert not found(blinking([screen(grey(level)), screen(grey(above - 1))]))["general"]


def test_colours_count_by_their_luminance() -> None:
    """Full blue has .0722 of it, full red .2126."""
    assert not found(blinking([screen(BLACK), screen((0, 0, 255))]))["general"]
    assert found(blinking([screen(BLACK), screen((255, 0, 0))]))["general"]


def test_the_darker_state_is_below_eight_tenths() -> None:
    light = next(level for level in range(256) if LINEAR[level] >= 0.8)
    assert found(blinking([screen(grey(light - 1)), screen(WHITE)]))["general"]
    assert not found(blinking([screen(grey(light)), screen(WHITE)]))["general"]


@pytest.mark.parametrize(("more", "too_large"), [(0, False), (1, True)])
def test_the_area_is_more_than_a_quarter_of_a_field(more: int, *, too_large: bool) -> None:
    """24x32 pixels are a quarter of a field; one more is too much."""
    spot = patch(24, 32)
    spot[44, 30 : 30 + more] = 255
    assert bool(found(blinking([screen(BLACK), spot]))["general"]) == too_large


def test_areas_of_one_field_are_counted_together_and_those_far_apart_are_not() -> None:
    near, far = patch(20, 20), patch(20, 20)
    near[20:40, 60:80] = 255
    far[100:120, 150:170] = 255
    assert found(blinking([screen(BLACK), near]))["general"]
    assert not found(blinking([screen(BLACK), far]))["general"]


def test_a_film_larger_than_the_screen_is_seen_at_its_size() -> None:
    """Where the field has 341x256 pixels, scaled: 26 % and 24 % of it."""
    large = 1152, 1536
    for share, too_large in ((0.26, True), (0.24, False)):
        spot = screen(BLACK, large)
        spot[100 : 100 + round(384 * share), 200 : 200 + 512] = 255
        assert bool(found(blinking([screen(BLACK, large), spot], 2, 7))["general"]) == too_large


def test_what_is_finer_than_a_pixel_of_the_screen_is_mixed_as_light_is() -> None:
    fine = np.zeros((1536, 2048, 3), np.uint8)
    fine[::2, ::2] = fine[1::2, 1::2] = 255
    assert not found(blinking([fine, 255 - fine], 1, 7))["general"]
    mixed = next(level for level in range(256) if LINEAR[level] >= 0.5)  # as bright as the two, not half the number
    assert not found(blinking([fine, screen(grey(mixed), fine.shape[:2])], 1, 7))["general"]


@pytest.mark.parametrize(("turns", "too_many"), [(7, True), (6, False)])
def test_three_flashes_are_not_too_many(turns: int, *, too_many: bool) -> None:
    assert bool(found(blinking([screen(BLACK), screen(WHITE)], 1, turns))["general"]) == too_many


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(240)])
def test_three_flashes_a_second_may_go_on_but_no_more(rate: Fraction) -> None:
    every = int(rate / 6)  # frames between two changes: exactly 3 flashes in a second, or a little more
    three = blinking([screen(BLACK), screen(WHITE)], every, 24)
    spaced = [number * Fraction(1, 6 * every) for number in range(len(three))]
    rounded = [Fraction(round(time * 1000), 1000) for time in spaced]  # as Matroska does
    for times in (spaced, rounded):
        assert not flashes.find(map(Frame, range(len(three)), times, three))["general"]
    assert found(blinking([screen(BLACK), screen(WHITE)], every - 1, 24), rate)["general"]


def test_slow_changes_are_flashes_where_their_sum_is_large() -> None:
    """Each up and down in steps of six hundredths; and a slow rise and fall, which is one."""
    steps = [0, brighter(0, 0.06), brighter(0, 0.12), brighter(0, 0.06)]
    wave = [screen(grey(level)) for level in steps]
    assert found(blinking(wave, 1, 48))["general"]
    for step in (4, 16):
        fade = [screen(grey(level)) for level in (*range(0, 256, step), *range(255, -1, -step))]
        assert not found(fade)["general"]


def test_ripples_on_a_slow_rise_are_none() -> None:
    rising = [screen(grey(level + 3 * (level % 2))) for level in range(60, 200)]
    assert not found(rising)["general"]


def test_the_time_is_from_the_first_change_to_the_last() -> None:
    dark, light = screen(BLACK), screen(WHITE)
    blink = [dark, light] * 6
    spans = found([dark] * 24 + blink + [light] * 48 + blink)["general"]
    assert [(span.start, span.stop) for span in spans] == [
        (pytest.approx(25 / 24, abs=1e-3), pytest.approx(35 / 24, abs=1e-3)),
        (pytest.approx(84 / 24, abs=1e-3), pytest.approx(95 / 24, abs=1e-3)),
    ]


def test_the_time_is_that_of_all_places_that_flash() -> None:
    """The left half flashes from frame 1 on, slower than the right one, which begins later and is found first."""
    pictures = []
    for number in range(22):
        picture = screen(BLACK)
        picture[:, :96] = 255 * (number % 6 >= 1 and number % 6 <= 3)
        picture[:, 96:] = 255 * (number % 2 and number > 10)
        pictures.append(picture)
    (span,) = found(pictures)["general"]
    assert (span.start, span.stop) == (pytest.approx(1 / 24, abs=1e-3), pytest.approx(21 / 24, abs=1e-3))


def test_parts_in_opposition_are_flashes_though_the_whole_is_as_bright() -> None:
    left = screen(BLACK)
    left[:, :96] = 255
    assert found(blinking([left, left[:, ::-1]]))["general"]


def test_a_film_in_motion_without_flashes_has_none() -> None:
    """Large shapes that pass by change each pixel seldom."""
    shape = patch(100, 60)
    assert not found([np.roll(shape, 3 * number, axis=1) for number in range(48)])["general"]


# A red flash


def red_of(pictures: Sequence[Colour]) -> tuple[Span, ...]:
    return found(blinking([screen(colour) for colour in pictures]))["red"]


def test_the_step_of_a_red_flash_is_more_than_twenty() -> None:
    above = next(level for level in range(256) if LINEAR[level] * 320 > 20)
    assert red_of([BLACK, (above, 0, 0)])
    assert not red_of([BLACK, (above - 1, 0, 0)])


def test_a_saturated_red_is_four_fifths_of_the_sum() -> None:
    most = max(level for level in range(256) if 1 / (1 + LINEAR[level]) >= 0.8)
    assert red_of([BLACK, (255, most, 0)])
    assert not red_of([BLACK, (255, most + 1, 0)])


def test_one_of_the_two_states_is_saturated() -> None:
    """From a saturated red to an orange, but not where they hardly differ by what is counted."""
    assert red_of([(255, 0, 0), (255, 160, 0)])
    assert not red_of([(255, 60, 0), (255, 64, 60)])
    assert not red_of([BLACK, grey(255)])


def test_a_red_flash_is_counted_and_spreads_as_a_general_one() -> None:
    red: Colour = (150, 0, 0)
    assert found(blinking([screen(BLACK), screen(red)], 1, 7)) == {"general": (), "red": (Span(0.0417, 0.2917),)}
    assert not found(blinking([screen(BLACK), screen(red)], 1, 6))["red"]
    assert found(blinking([screen(BLACK), patch(25, 31, red)]))["red"]
    assert not found(blinking([screen(BLACK), patch(24, 32, red)]))["red"]


# Films


def test_a_film_is_not_held_in_memory() -> None:
    given: list[weakref.ref[Frame]] = []
    most = 0

    def pictures() -> Iterator[Frame]:
        nonlocal most
        for number in range(60):
            frame = Frame(number, Fraction(number, 24), screen(grey(255 * (number % 2))))
            given.append(weakref.ref(frame))
            yield frame
            most = max(most, sum(reference() is not None for reference in given))

    assert flashes.find(pictures())["general"]
    assert len(given) == 60 and most <= 2


def test_pixels_that_are_not_square_are_seen_as_wide_as_they_are_shown() -> None:
    """25x16 pixels of a screen stored at half its width are more than a quarter of a field, else an eighth."""
    narrow, full = (screen(BLACK, (144, width)) for width in (96, 192))
    spots = narrow.copy(), full.copy()
    for spot in spots:
        spot[20:45, 30:46] = 255
    pictures = [blinking([ground, spot]) for ground, spot in zip((narrow, full), spots, strict=True)]
    shown = [
        flashes.find((Frame(n, Fraction(n, 24), picture) for n, picture in enumerate(film)), sar)["general"]
        for film, sar in zip(pictures, (Fraction(2), Fraction(1)), strict=True)
    ]
    assert shown[0] and not shown[1]


WORDS = [
    ((), None, "general flashes: never more than 3 in a second"),
    ((), (Span(1, 2),), "general flashes: never more than 3 in a second; its source has more at 0:01-0:02"),
    ((Span(4.21, 5.07),), None, "general flashes: more than 3 in a second at 0:04.2-0:05.1"),
    (
        (Span(4.2, 5.1),),
        (),
        "general flashes: more than 3 in a second at 0:04.2-0:05.1, which its source has not",
    ),
    (
        (Span(4.2, 5.1), Span(63, 64)),
        (Span(62, 63.5),),
        "general flashes: more than 3 in a second at 0:04.2-0:05.1, which its source has not; "
        "at 1:03-1:04, as in its source",
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "said"), WORDS)
def test_a_verdict_says_when_and_whether_the_source_does_so_too(
    ours: tuple[Span, ...], theirs: tuple[Span, ...] | None, said: str
) -> None:
    assert Verdict("general", not ours, ours, theirs).in_words() == said


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_net: Net) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
    (tmp_path / "quick.toml").write_text('[[objective]]\nlayer = "second"\n[compute]\nthreads = 1\n')
    return tmp_path


def compared(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.run(["compare", *words, "--preset", "quick.toml", "--quiet"]) == 0, capfd.readouterr().err
    return capfd.readouterr().out


def test_compare_tells_the_films_flashes_from_those_of_its_source(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The source flashes in its second second, the film in its first, too."""
    size = 48, 64
    dark, light = screen(grey(40), size), screen(grey(220), size)
    calm, blink = [dark] * 12, [dark, light] * 6
    film(here / "source.mp4", [*calm, *calm, *blink])
    film(here / "film.mp4", [*blink, *calm, *blink])
    out = compared(capfd, "source.mp4", "film.mp4")
    assert out.splitlines()[2:] == [
        "",
        "film.mp4: general flashes: more than 3 in a second at 0:00.1-0:01, which its source has not; "
        "at 0:02.1-0:02.9, as in its source",
        "film.mp4: red flashes: never more than 3 in a second",
    ]
    (result,) = json.loads(compared(capfd, "source.mp4", "film.mp4", "--json"))["films"]
    general, red = result["flashes"]
    assert (general["rule"], general["met"], len(general["film"]), len(general["source"])) == ("general", False, 2, 1)
    assert general["film"][0]["start"] == pytest.approx(1 / 12, abs=1e-3)
    assert red == {"rule": "red", "met": True, "film": [], "source": []}


def test_a_folder_has_the_rate_of_the_film_that_it_was_made_from(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Ten changes in ten frames are too many at 12 frames a second, and not at 4."""
    (here / "folder").mkdir()
    pictures = [screen(grey(255 * (number % 2)), (48, 64)) for number in range(10)]
    for number, picture in enumerate(pictures):
        write_image(here / "folder" / f"{number}.png", picture)
    for rate, said in ((12, "more than 3 in a second at 0:00.1-0:00.8, as in its source"), (4, "never more")):
        film(here / "clip.mp4", pictures, rate=rate)
        assert said in compared(capfd, "clip.mp4", "folder")
