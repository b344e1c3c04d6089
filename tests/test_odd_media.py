"""The table of odd media gives every case its verdict; the table itself is run by hand."""

from dataclasses import replace
from pathlib import Path

import odd_media
import pytest
from odd.case import Case, Expected, Film, Refused
from odd.making import with_sound
from odd.picture import grey_of
from odd.render import Outcome, Row, finished_in, judge, verdict

CASE = Case("good", "clip.mp4", Film(sound=1), with_sound, options=("--set", "output.codec=ffv1"))


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> tuple[Row, Path]:
    """A case that is right, and its film."""
    folder = tmp_path_factory.mktemp("odd") / "good"
    return judge(CASE, folder), folder / CASE.output


def test_a_right_case_is_right(right: tuple[Row, Path]) -> None:
    row, _ = right
    assert row.verdict == "right", row.why
    assert odd_media.line(row).split()[:6] == ["good", "24", "25", "0.960", "160x96", f"{1000 * row.found.sync():.1f}"]


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        (Film(sound=1, shows=tuple(range(23))), "frames 24 instead of 23"),
        (Film(sound=1, shows=tuple(range(1, 25))), "shows"),
        (Film(sound=1, rate="30"), "rate 25 instead of 30"),
        (Film(sound=1, size=(160, 90)), "size 160x96 instead of 160x90"),
        (Film(sound=1, sar="4/3"), "sar"),
        (Film(sound=1, colours=grey_of()), "strong colours"),
        (Film(), "sound tracks 1 instead of 0"),
        (Film(sound=1, beeps=(0.2, 0.615)), "beeps of track 1"),
        (Film(sound=1, subtitles=1), "subtitles"),
        (Film(sound=1, said="left out"), "nothing said of"),
        (Refused("damaged"), "it was not refused"),
    ],
)
def test_what_is_otherwise_is_wrong(expected: Expected, why: str, right: tuple[Row, Path]) -> None:
    row, film = right
    judged = verdict(replace(CASE, expected=expected), row.outcome, film)
    assert judged.verdict == "WRONG"
    assert why in judged.why


LINE = ("dreamvid: clip.mp4 is damaged",)


@pytest.mark.parametrize(
    ("outcome", "expected", "judged"),
    [
        (Outcome(3, LINE, 1.0), Refused("damaged"), "right"),
        (Outcome(3, LINE, 11.0), Refused("damaged"), "WRONG"),
        (Outcome(3, LINE, 1.0), Refused("empty"), "WRONG"),
        (Outcome(2, LINE, 1.0), Refused("damaged"), "WRONG"),
        (Outcome(1, ("Traceback (most recent call last):", *LINE), 1.0), Refused("damaged"), "WRONG"),
        (Outcome(None, LINE, 90.0), Refused("damaged"), "WRONG"),
        (Outcome(3, LINE, 1.0), Film(), "WRONG"),
        (Outcome(4, LINE, 1.0, finished=3), Film(), "LATE"),
        (Outcome(3, LINE, 1.0, finished=3), Refused("damaged"), "LATE"),
    ],
)
def test_a_refusal_is_judged_by_its_line_its_time_and_what_was_done(
    outcome: Outcome, expected: Expected, judged: str, tmp_path: Path
) -> None:
    assert verdict(replace(CASE, expected=expected), outcome, tmp_path / "film.mkv").verdict == judged


def test_frames_that_a_failed_render_leaves_make_it_late(tmp_path: Path) -> None:
    def breaks_off(arguments: list[str], folder: Path) -> Outcome:
        assert arguments[-2:] == ["clip.mp4", "film.mkv"]
        frames = folder / "film.mkv.dreamvid" / "frames"
        frames.mkdir(parents=True)
        (frames / "000000.png").touch()
        return Outcome(4, LINE, 1.0, finished_in(folder))

    row = judge(replace(CASE, make=Path.touch), tmp_path / "late", breaks_off)
    assert (row.verdict, row.why) == ("LATE", LINE[0])


def test_what_cannot_be_made_is_wrong_and_the_table_goes_on(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        raise ValueError("no such encoder")

    counts = odd_media.table([replace(CASE, make=fails)], tmp_path, keep=False)
    assert counts == {"WRONG": 1}
    assert not list(tmp_path.iterdir())


def test_every_case_has_its_own_name_and_says_what_is_right() -> None:
    assert len(odd_media.chosen([])) > 500
    assert all(case.file for case in odd_media.chosen(["times"]))
    assert {case.theme for case in odd_media.chosen(["times"])} >= {"times"}
