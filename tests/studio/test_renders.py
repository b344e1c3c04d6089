"""The queue: films are made one after another, stopped, resumed, and known again by the next studio."""

import re
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from studio_page import Page, running

from dreamvid import cli
from dreamvid.studio import renders as queue
from dreamvid.studio.renders import Renders


def ended(state: dict[str, Any]) -> bool:
    return all(render["state"] in ("done", "failed", "stopped") for render in state["renders"])


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames take a while, so that there is time to stop."""
    progress = Renders._progress

    def slow(self: Renders, render: Any, event: Any) -> None:
        progress(self, render, event)
        if event.phase == "render" and event.done:
            time.sleep(0.15)

    monkeypatch.setattr(Renders, "_progress", slow)
    monkeypatch.setattr(queue, "OFTEN", 0)


def test_the_line_of_a_film_makes_the_same_film(page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page.ok(do="mask", mask="luma")
    page.ok(do="set", key="dream.strength", value=1.5)
    page.ok(do="cut", size="48x", start=None, stop=0.25)
    page.ok(do="render", name="film.mp4")
    (render,) = page.until(ended)["renders"]
    assert render["state"] == "done", render
    monkeypatch.chdir(folder)
    words = [word.replace("film.mp4", "twin.mp4") for word in shlex.split(render["line"])[1:]]
    assert cli.run([*words, "--quiet"]) == 0
    assert (folder / "twin.mp4").read_bytes() == (folder / "film.mp4").read_bytes()


def test_a_film_is_made_and_played(page: Page, folder: Path) -> None:
    assert page.ok(do="render", name="film") == "film.mp4 is in the queue"
    assert "already" in page.refused_while_it_runs(do="render", name="film.mp4")
    (render,) = page.until(ended)["renders"]
    assert render["state"] == "done", render
    assert (folder / "film.mp4").is_file() and not (folder / "film.mp4.dreamvid").exists()
    assert re.fullmatch(r"done: \d+\.\d\d s, \d+\.\d kB", render["said"])
    assert render["line"].startswith("dreamvid video clip.mp4 film.mp4 --preset quick.toml")
    found = page.running
    assert found.ask("GET", f"{found.root}/films/{render['number']}", range="bytes=4-7") == (206, "ftyp")
    assert "there already" in page.refused(do="render", name="film.mp4")
    page.ok(do="forget", number=render["number"])
    assert page.state["renders"] == [] and (folder / "film.mp4").is_file()
    assert found.ask("GET", f"{found.root}/films/{render['number']}")[0] == 400


def test_a_render_is_stopped_and_goes_on(
    page: Page, folder: Path, slowly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, frames = Renders._progress, list[int]()

    def noted(self: Renders, render: Any, event: Any) -> None:
        progress(self, render, event)
        if event.phase == "render":
            frames.append(event.done)

    monkeypatch.setattr(Renders, "_progress", noted)
    page.ok(do="render", name="film.mp4")
    page.ok(do="render", name="other.mp4")
    state = page.until(lambda state: state["renders"][-1]["done"] >= 2)
    assert state["renders"][0]["state"] == "waiting" and state["renders"][-1]["picture"]
    number = state["renders"][-1]["number"]
    assert "stop it first" in page.refused_while_it_runs(do="forget", number=number)
    page.ok(do="stop", number=state["renders"][0]["number"])
    page.ok(do="stop", number=number)
    state = page.until(ended)
    assert [render["state"] for render in state["renders"]] == ["stopped", "stopped"]
    assert (folder / "film.mp4.dreamvid").is_dir() and not (folder / "film.mp4").exists()
    kept, total = state["renders"][-1]["done"], state["renders"][-1]["total"]
    assert state["renders"][-1]["said"] == f"stopped at {kept} of {total} frames; every finished frame is kept"
    frames.clear()
    page.ok(do="resume", number=number)
    state = page.until(ended)
    assert state["renders"][-1]["state"] == "done", state["renders"]
    assert frames[0] == kept and frames[-1] == total  # what was made before is not made again


def test_another_studio_goes_on_with_what_one_left(folder: Path, small_net: None, slowly: None) -> None:
    with running(folder) as first:
        page = first.page()
        page.ok(do="tab", tab="films")
        page.ok(do="take", name="quick.toml")
        page.ok(do="open", name="clip.mp4")
        page.ok(do="render", name="film.mp4")
        page.until(lambda state: state["renders"][0]["done"] >= 2)
    assert first.server.renders.unfinished == ["film.mp4"]
    with running(folder) as second:
        page = second.page()
        (render,) = page.state["renders"]
        assert (render["name"], render["state"]) == ("film.mp4", "stopped")
        page.ok(do="resume", number=render["number"])
        (render,) = page.until(ended)["renders"]
        assert render["state"] == "done", render
    assert (folder / "film.mp4").is_file()


def test_what_was_begun_elsewhere_or_is_damaged_is_not_listed(folder: Path, small_net: None, slowly: None) -> None:
    (folder / "empty.mp4.dreamvid").mkdir()
    (folder / "away.mp4.dreamvid").symlink_to(folder.parent)
    with running(folder, dreams=False) as found:
        assert found.page().state["renders"] == []


def test_a_film_that_fails_says_why_and_the_next_is_made(
    page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.ok(do="dream", motifs=[{"kind": "channel", "name": "nothing"}])
    page.ok(do="render", name="bad.mp4")
    page.ok(do="undo")
    page.ok(do="render", name="good.mp4")
    good, bad = page.until(ended)["renders"]
    assert bad["state"] == "failed" and "nothing" in bad["said"] and good["state"] == "done"


def test_frames_of_a_film_are_not_thrown_away_for_another_of_its_name(page: Page, folder: Path, slowly: None) -> None:
    page.ok(do="render", name="film.mp4")
    page.until(lambda state: state["renders"][0]["done"] >= 1)
    page.ok(do="stop", number=page.state["renders"][0]["number"])
    (render,) = page.until(ended)["renders"]
    page.ok(do="set", key="dream.strength", value=2)
    page.dreamed()
    assert "go on with it under Films" in page.refused(do="render", name="film.mp4")
    page.ok(do="forget", number=render["number"])
    assert "go on with it under Films" in page.refused(do="render", name="film.mp4")
    assert (folder / "film.mp4.dreamvid").is_dir()
