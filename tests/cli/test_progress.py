"""The bars, drawn on what passes for a terminal, and silent where there is none."""

import io
import sys

import pytest

from dreamvid.cli.progress import bar, clock, minutes_bar, render_bar
from dreamvid.jobs.events import Event


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


def test_the_time_left_is_that_of_the_render_and_unknown_until_that_can_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with render_bar(quiet=False) as on_event:
        on_event(Event("render", 1, 24, 5.0))
        on_event(Event("render", 2, 24, 0.4, seconds_left=8.8))
    assert " < ?, " in shown.getvalue() and " < 00:09, " in shown.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(None, "?"), (0.2, "00:00"), (75, "01:15"), (3725, "1:02:05")])
def test_a_length_of_time_as_a_clock_has_it(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text
