"""The time of a film, told before it is made: roughly, and in words that promise no more."""

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import pytest
from little import texture, write_image
from studio_page import Page

from dreamvid.config import presets
from dreamvid.studio.clip import Clip, open_clip
from dreamvid.studio.forecast import in_words, plan_film, seconds_of
from dreamvid.studio.state import Result

WORDS = {
    1: "less than a minute",
    70: "about 1 minute",
    440: "about 7 minutes",
    1000: "about 15 minutes",
    5600: "about 90 minutes",
    6100: "about 2 hours",
    43_000: "about 10 hours",
    200_000: "about 2 days",
    4e7: "about 460 days",
}


@pytest.mark.parametrize("seconds", WORDS)
def test_a_length_of_time_is_said_roughly(seconds: float) -> None:
    assert in_words(seconds) == WORDS[seconds]


@pytest.fixture
def opened(clip: Path) -> Clip:
    return open_clip("clip.mp4", clip)


def took(clip: Clip, *changes: tuple[str, object], preset: str = "dream", pace: float = 1e-6) -> float:
    settings = presets.resolve(preset, changes)
    return seconds_of(settings, *plan_film(clip, settings), pace)


def test_it_grows_with_size_steps_and_length(opened: Clip) -> None:
    size = ("input.size", "640x")
    usual = took(opened, size)
    assert took(opened, ("input.size", "1280x")) == pytest.approx(4 * usual, rel=0.05)
    assert took(opened, size, pace=2e-6) < 2 * usual < 2.2 * took(opened, size, pace=2e-6)
    assert took(opened, size, ("input.stop", 0.25)) < usual < took(opened, size, ("dream.steps", 16))
    assert took(opened, size, ("coherence.mode", "none")) > 2 * usual > 2 * took(opened, size, ("coherence.steps", 0))


def test_a_flight_is_told_by_its_canvas(tmp_path: Path) -> None:
    still = open_clip("still.png", write_image(tmp_path / "still.png", texture()))
    painted, framed = took(still), took(still, ("camera.mode", "frames"))
    assert 0 < painted < took(still, ("dream.steps", 32)) and painted != framed > 0
    assert took(still, ("input.seconds", 20)) > painted


def test_a_page_says_it_before_the_film_is_made(still: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    film = still.state["film"]
    assert (film["frames"], film["size"], film["takes"], film["long"]) == (
        still.state["clip"]["frames"],
        [64, 48],
        "",
        False,
    )
    studio = still.running.server.studio
    monkeypatch.setattr(studio, "results", OrderedDict())
    task = studio.view_task(still.session)
    assert task is not None
    studio.keep(task.key, Result("a", "b", pace=1e-9))
    studio.pictures._held["a"] = b""
    assert still.state["film"]["takes"] == "less than a minute"
    studio.keep(task.key, replace(studio.results[task.key], pace=1.0))
    assert still.state["film"]["long"] and still.state["film"]["takes"].endswith(" hours")
    still.ok(do="cut", size="16384x", start=None, stop=None)
    assert still.state["film"]["size"] == [16384, 12288]
    assert "16385x" in still.refused(do="cut", size="16385x", start=None, stop=None)


def test_what_cannot_be_planned_is_said_before_it_is_asked_for(still: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dreamvid.pipeline.plan.MAX_PIXELS", 1000)
    still.session.memo.clear()
    assert "too many pixels: give a smaller size or range" in still.state["film"]["wrong"]
    assert "too many pixels" in still.refused(do="render", name="large.mp4")
