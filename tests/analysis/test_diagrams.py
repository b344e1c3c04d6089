"""Lines over the frames of a film."""

import pytest

from dreamvid.analysis import diagrams
from dreamvid.analysis.diagrams import draw

pytestmark = pytest.mark.fast


def points(line: str) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in line.split())
    return [(float(column), float(row)) for column, row in pairs]


def test_a_line_goes_from_left_to_right_and_up_by_its_values() -> None:
    drawn = draw("Seconds", "to make a frame", [(0, 0.0), (1, 5.0), (2, 10.0), (3, 2.5)], 4, unit=" s")
    (line,) = drawn.lines
    assert points(line) == [(125, 100), (375, 50), (625, 0), (875, 75)]
    assert drawn.top == "10 s"
    assert drawn.words == "Seconds of each frame: from 0.0 s to 10.0 s (frame 2), 4.4 s on average"


def test_it_is_broken_where_there_is_no_value_and_a_single_one_is_drawn() -> None:
    drawn = draw("Incoherence", "", [(0, None), (1, 1.0), (2, None), (3, 1.0), (4, 1.0)], 5)
    assert [len(points(line)) for line in drawn.lines] == [2, 2]
    assert len(set(points(drawn.lines[0]))) == 1


def test_without_any_value_it_says_so() -> None:
    drawn = draw("Incoherence", "", [(0, None)], 1)
    assert drawn.lines == () and drawn.words == "Incoherence: there is nothing to measure"


@pytest.mark.parametrize(("value", "top"), [(0.0, 1), (0.0163, 0.02), (24.6, 50), (10.0, 10), (50.01, 100), (1.07, 2)])
def test_a_scale_ends_with_a_round_number(value: float, top: float) -> None:
    assert diagrams._round_above(value) == pytest.approx(top)
    assert draw("", "", [(0, value)], 1).top == f"{top:g}"


def test_a_long_line_has_few_points_and_keeps_its_peaks() -> None:
    values: list[tuple[int, float | None]] = [(frame, 1.0) for frame in range(20_000)]
    values[7777] = (7777, 9.0)
    values[12_345] = (12_345, 0.0)
    drawn = draw("Strength", "", values, len(values), highest=10)
    drawn_points = points(drawn.lines[0])
    assert len(drawn_points) <= diagrams.MOST
    assert min(row for _, row in drawn_points) == 10 and max(row for _, row in drawn_points) == 100
    assert drawn_points == sorted(drawn_points)
