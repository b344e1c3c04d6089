"""Numbers in words."""

from dreamvid.core.words import counted


def test_one_is_no_plural() -> None:
    assert [counted(number, "frame") for number in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
