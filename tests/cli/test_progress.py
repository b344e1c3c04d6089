"""The bars, drawn on what passes for a terminal, and silent where there is none."""

import io
import sys

import pytest

from dreamvid.cli.progress import bar, minutes_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_of_frames_begins_anew_with_every_film(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with bar(quiet=False) as tell:
        for done, total in ((0, 4), (4, 4), (1, 3)):
            tell(done, total)
    assert " 4/4 frames" in shown.getvalue() and " 1/3 frames" in shown.getvalue()


def test_the_bar_of_minutes_tells_what_it_waits_for_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with minutes_bar(quiet=False) as tell:
        tell(2.5, 10.0)
    assert "reading the pictures" in shown.getvalue()
    assert " 25%" in shown.getvalue() and "2.5/10.0 minutes" in shown.getvalue()


@pytest.mark.parametrize("quiet", [True, False])
def test_no_bar_where_nobody_looks(quiet: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal() if quiet else io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with bar(quiet=quiet) as frames, minutes_bar(quiet=quiet) as minutes:
        frames(1, 2)
        minutes(1.0, 2.0)
    assert shown.getvalue() == ""
