"""Pictures beside a film: by time, held at the end, decoded forwards and, if need be, again."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from little import film, texture, write_image

from dreamvid.core.errors import SourceError
from dreamvid.core.types import Pixels
from dreamvid.media.companion import digest, open_companion


def grey(level: int) -> Pixels:
    return np.full((32, 48, 3), level, np.uint8)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five frames a second, each brighter."""
    return film(tmp_path_factory.mktemp("companion") / "steps.mkv", [grey(50 * n) for n in range(5)], rate=5)


def test_a_still_is_always_there(tmp_path: Path) -> None:
    still = open_companion(str(write_image(tmp_path / "still.png", texture())), Fraction(24))
    assert still.index(Fraction(0)) == still.index(Fraction(1000)) == 0
    assert np.array_equal(still.picture(0), texture())


def test_a_video_is_looked_up_by_time_and_its_last_frame_held(steps: Path) -> None:
    beside = open_companion(str(steps), Fraction(20))
    found = [beside.index(Fraction(number, 20)) for number in range(30)]
    assert found[:16] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    assert found[16:] == [4] * 14
    assert open_companion(str(steps), Fraction(5)).index(Fraction(2, 5) - Fraction(1, 1000)) == 2  # stamps are rounded


def test_pictures_come_in_any_order(steps: Path) -> None:
    beside = open_companion(str(steps), Fraction(5))
    for index in (1, 1, 3, 0, 2, 4):
        assert abs(float(beside.picture(index).mean()) - 50 * index) < 5
    beside.close()
    assert abs(float(beside.picture(2).mean()) - 100) < 5
    beside.close()


def test_a_folder_goes_frame_by_frame_with_the_film(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / f"{number}.png", grey(100 * number))
    beside = open_companion(str(tmp_path), Fraction(30000, 1001))
    assert [beside.index(number / Fraction(30000, 1001)) for number in range(5)] == [0, 1, 2, 2, 2]
    before = digest(str(tmp_path))
    write_image(tmp_path / "1.png", grey(7))
    assert digest(str(tmp_path)) != before


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_companion(str(tmp_path / "gone.mp4"), Fraction(24))
    with pytest.raises(SourceError, match="cannot be read"):
        digest(str(tmp_path / "gone.mp4"))
    with pytest.raises(SourceError, match="without images"):
        digest(str(tmp_path))
