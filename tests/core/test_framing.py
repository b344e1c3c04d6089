"""Sizes as users write them, and the way from a source frame to a working frame."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.core.errors import SettingsError
from dreamvid.core.framing import MAX_SIDE, MIN_SIDE, Framing, frame_to, parse_size

SIDES = st.integers(16, 4096)
ASKED = st.integers(16, 2048)
SARS = st.sampled_from([Fraction(1), Fraction(64, 45), Fraction(8, 9), Fraction(16, 11)])


def keeps_aspect(framing: Framing, sar: Fraction) -> bool:
    """Whether what is used of the source looks in `inner` as it did before, but for the rounding of a side."""
    height, width = framing.rows[1] - framing.rows[0], framing.cols[1] - framing.cols[0]
    rows, cols = framing.inner
    shortest = min(height, width, rows, cols)
    stretch = Fraction(width * rows, height * cols) * sar
    return shortest == 1 or abs(stretch - 1) <= Fraction(1, shortest)


@given(SIDES, SIDES, SARS, ASKED, ASKED, st.sampled_from(["crop", "pad", "stretch"]))
def test_a_size_of_two_numbers_is_the_exact_size(height, width, sar, rows, cols, fit) -> None:
    assert frame_to(height, width, sar, f"{cols}x{rows}", fit).size == (rows, cols)


ANY_SIDE = st.one_of(st.integers(1, 40), st.integers(1, 40_000))
ANY_SAR = st.sampled_from([Fraction(1), Fraction(1, 10), Fraction(10), Fraction(64, 45)])


@given(ANY_SIDE, ANY_SIDE, ANY_SAR)
def test_the_size_that_is_advised_is_possible(height, width, sar) -> None:
    try:
        frame_to(height, width, sar, None, "crop")
    except SettingsError as error:
        size, fit = re.search(r"--size (\S+)(?: --fit (\w+))?$", str(error)).groups()
        framing = frame_to(height, width, sar, size, fit or "crop")
        assert (framing.rows, framing.cols) == ((0, height), (0, width))


@given(ANY_SIDE, ANY_SIDE, ANY_SAR, st.sampled_from(["640x", "x640", "16x", "50%", "20000x"]))
def test_where_one_side_makes_the_other_impossible_both_are_advised(height, width, sar, size) -> None:
    try:
        frame_to(height, width, sar, size, "crop")
    except SettingsError as error:
        assert frame_to(height, width, sar, str(error).rpartition(" ")[2], "crop")


@given(SIDES, SIDES, SARS, ASKED, ASKED)
def test_a_crop_is_centred_and_keeps_the_aspect(height, width, sar, rows, cols) -> None:
    framing = frame_to(height, width, sar, f"{cols}x{rows}", "crop")
    (top, bottom), (left, right) = framing.rows, framing.cols
    assert 0 <= top < bottom <= height and 0 <= left < right <= width
    assert abs(top - (height - bottom)) <= 1 and abs(left - (width - right)) <= 1
    assert (top, bottom) == (0, height) or (left, right) == (0, width)
    assert framing.inner == framing.size
    assert keeps_aspect(framing, sar)
    assert framing.note or (top, bottom, left, right) == (0, height, 0, width)


@given(SIDES, SIDES, SARS, ASKED, ASKED)
def test_inside_never_exceeds_what_was_asked_and_touches_one_side(height, width, sar, rows, cols) -> None:
    try:
        framing = frame_to(height, width, sar, f"{cols}x{rows}", "inside")
    except SettingsError as error:
        assert "too small" in str(error)
        return
    assert framing.size == framing.inner
    assert framing.size[0] <= rows and framing.size[1] <= cols
    assert framing.size[0] == rows or framing.size[1] == cols
    assert keeps_aspect(framing, sar)


@given(SIDES, SIDES, SARS, ASKED, ASKED)
def test_padding_shows_the_whole_source_unstretched(height, width, sar, rows, cols) -> None:
    framing = frame_to(height, width, sar, f"{cols}x{rows}", "pad")
    assert (framing.rows, framing.cols) == ((0, height), (0, width))
    assert framing.inner[0] <= rows and framing.inner[1] <= cols
    assert framing.inner[0] == rows or framing.inner[1] == cols
    assert keeps_aspect(framing, sar)
    assert bool(framing.note) == (framing.inner != framing.size)


@given(SIDES, SIDES, SARS, ASKED, ASKED)
def test_stretching_uses_everything_and_says_nothing(height, width, sar, rows, cols) -> None:
    framing = frame_to(height, width, sar, f"{cols}x{rows}", "stretch")
    assert framing == Framing((0, height), (0, width), (rows, cols), (rows, cols))


@given(SIDES, SIDES, SARS)
def test_without_a_size_every_pixel_stays(height, width, sar) -> None:
    framing = frame_to(height, width, sar, None, "crop")
    assert framing == Framing((0, height), (0, width), (height, width), (height, width), sar)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("640x360", (360, 640, True)),
        ("640X360", (360, 640, True)),
        ("640x", (360, 640, False)),
        ("x360", (360, 640, False)),
        ("50%", (540, 960, False)),
        ("12.5%", (135, 240, False)),
        (" 100% ", (1080, 1920, False)),
    ],
)
def test_sizes_of_a_full_hd_source(text: str, wanted: tuple[int, int, bool]) -> None:
    assert parse_size(text, 1080, 1920) == wanted


def test_pixels_that_are_not_square_become_square() -> None:
    assert frame_to(576, 720, Fraction(64, 45), "x288", "crop").size == (288, 512)
    assert frame_to(576, 720, Fraction(64, 45), "50%", "crop").size == (288, 512)


def test_what_is_cut_is_said_in_one_line() -> None:
    framing = frame_to(720, 1280, Fraction(1), "720x720", "crop")
    assert (framing.rows, framing.cols) == ((0, 720), (280, 1000))
    assert "cut 560 of 1280 columns" in framing.note and "\n" not in framing.note
    assert "cut 80 of 720 rows" in frame_to(720, 1280, Fraction(1), "1280x640", "crop").note


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "big",
        "640",
        "640*360",
        "-640x360",
        "0x0",
        "0%",
        "15x100",
        "100000x100",
        "100000x",
        "1e9%",
        "9" * 400 + "%",
    ],
)
def test_an_impossible_size_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^the size ") as error:
        parse_size(text, 1080, 1920)
    assert "\n" not in str(error.value) and "--" not in str(error.value)  # a preset may have said it


@pytest.mark.parametrize(("height", "width"), [(MIN_SIDE - 1, 100), (100, MAX_SIDE + 1)])
def test_a_source_that_is_too_small_or_too_large_wants_a_size(height: int, width: int) -> None:
    with pytest.raises(SettingsError, match="resize it with --size"):
        frame_to(height, width, Fraction(1), None, "crop")


def test_the_most_extreme_aspects_leave_something_of_the_source() -> None:
    framing = frame_to(16, 16384, Fraction(1), "16x16384", "crop")
    assert framing.cols[1] - framing.cols[0] == 1
    framing = frame_to(16384, 16, Fraction(1), "16384x16", "crop")
    assert framing.rows[1] - framing.rows[0] == 1


@given(SIDES, SIDES, SARS, ASKED, ASKED, st.sampled_from(["crop", "pad", "inside"]))
def test_enlarged_to_the_sources_own_size_a_frame_keeps_its_aspect(height, width, sar, rows, cols, fit) -> None:
    try:
        framing = frame_to(height, width, sar, f"{cols}x{rows}", fit)
    except SettingsError:  # too small to be kept inside
        return
    large = framing.enlarged()
    assert (large.rows, large.cols, large.note) == (framing.rows, framing.cols, framing.note)
    kept = framing.rows[1] - framing.rows[0]
    if kept <= framing.inner[0]:
        assert large == framing
        return
    assert large.inner[0] == kept
    for one, many in ((framing.inner, large.inner), (framing.size, large.size)):
        assert abs(many[1] / one[1] - many[0] / one[0]) <= 0.5 / one[0] + 0.5 / one[1]


@given(SIDES, SIDES, SARS, ASKED)
def test_within_a_length_a_frame_has_square_pixels_and_is_never_enlarged(height, width, sar, longest) -> None:
    framing = frame_to(height, width, sar, None, "crop")
    small = framing.within(longest)
    assert (small.rows, small.cols, small.sar) == (framing.rows, framing.cols, 1)
    assert max(small.size) <= max(longest, 16) and small.inner == small.size
    assert abs(small.size[0] - height * min(1, longest / max(height, width * sar))) <= 1
    assert small.size[1] <= round(width * sar) and small.size[0] <= height
    assert keeps_aspect(small, sar)


def test_within_a_length_the_padding_stays() -> None:
    padded = frame_to(480, 640, Fraction(1), "1280x720", "pad").within(640)
    assert (padded.inner, padded.size) == ((360, 480), (360, 640))
