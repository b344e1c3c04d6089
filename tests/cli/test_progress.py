"""The bars, drawn on what passes for a terminal, and silent where there is none."""

import io
import logging
import sys
from pathlib import Path

import pytest
from little import drifting, film, unstyled
from typer.main import get_command

from dreamvid import cli
from dreamvid.batch.whole import Whole
from dreamvid.cli.app import app
from dreamvid.cli.progress import bar, batch_bars, clock, minutes_bar, render_bar
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


def test_a_batch_has_a_bar_for_all_and_one_for_each_film(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    now = {"a{1}.mp4": Event("render", 3, 24, 5.0, seconds_left=8.8), "b.mp4": Event("encode", 2, 9)}
    with batch_bars(quiet=False) as show:
        show(Whole(now, 1, 4, 27, 96, 75.0))
        show(Whole({"b.mp4": Event("encode", 3, 9)}, 2, 4, 48, 96, None))
    text = shown.getvalue()
    for words in ("a{1}.mp4, 3 of 24, 00:09 left", "film: b.mp4, 2 of 9", "1 of 4 jobs, 27 of 96 frames, 01:15 left"):
        assert words in text
    assert text.rindex("a{1}.mp4") < text.rindex("film: b.mp4, 3 of 9")
    assert "2 of 4 jobs, 48 of 96 frames, ? left" in text


@pytest.mark.parametrize(("seconds", "text"), [(None, "?"), (0.2, "00:00"), (75, "01:15"), (3725, "1:02:05")])
def test_a_length_of_time_as_a_clock_has_it(seconds: float | None, text: str) -> None:
    assert clock(seconds) == text


def test_every_command_takes_a_log_file_and_says_more(capfd: pytest.CaptureFixture[str]) -> None:
    """Told from the command itself: what its help is made of."""

    def lacking(command: object, words: str) -> list[str]:
        inner = getattr(command, "commands", None)
        if inner is not None:
            return [name for word, each in inner.items() for name in lacking(each, f"{words} {word}")]
        given = {option for param in command.params for option in param.opts}  # type: ignore[attr-defined]
        return [] if {"--log-file", "--verbose", "-v"} <= given else [words]

    assert lacking(get_command(app), "") == []
    assert cli.run(["presets", "list", "--help"]) == 0
    assert "--log-file" in unstyled(capfd.readouterr().out)


@pytest.mark.usefixtures("small_net")
@pytest.mark.parametrize("more", [(), ("--verbose",), ("--quiet",)])
def test_a_log_file_has_all_details_whatever_is_shown(
    more: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip, log = film(tmp_path / "clip.mp4", drifting(2)), tmp_path / "log.txt"
    words = ["video", str(clip), str(tmp_path / "dream.mp4"), "--layer", "second", "--set", "dream.steps=1"]
    assert cli.run([*words, "--log-file", str(log), *more]) == 0
    shown, kept = capfd.readouterr().err, log.read_text()
    assert "2 frames to dream in 1 shot," in kept and "DEBUG" in kept and "dream.mp4: 2 frames" in kept
    assert ("frames to dream" in shown) is (more == ("--verbose",))
    assert ("2 frames at 12" in shown) is (more != ("--quiet",))
    assert cli.run([*words, "--log-file", str(log), *more]) == 2  # added to what is there; the error as well
    assert "ERROR dreamvid: " in log.read_text().removeprefix(kept)
    assert logging.getLogger("dreamvid").handlers == []


def test_a_log_file_that_cannot_be_written_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["presets", "list", "--log-file", str(tmp_path / "gone" / "log.txt")]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and "--log-file" in err and "No such file" in err
