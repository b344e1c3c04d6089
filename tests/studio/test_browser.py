"""The page in a browser, from a clip to a saved look to a finished film, by what a person sees on it."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio_page import running

from dreamvid.studio.renders import Renders

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def test_from_a_clip_to_a_film(browser: Any, folder: Path, small_net: None, monkeypatch: pytest.MonkeyPatch) -> None:
    progress, begun = Renders._progress, list[int]()

    def waits(self: Renders, render: Any, event: Any) -> None:
        """After two frames, until it is stopped."""
        progress(self, render, event)
        if event.phase == "render" and event.done == 2 and not begun:
            begun.append(render.number)
            render.halt.wait(timeout=60)

    monkeypatch.setattr(Renders, "_progress", waits)
    with running(folder) as studio:
        tab, wrong = browser.new_page(), list[str]()
        home = f"http://127.0.0.1:{studio.port}{studio.root}/"
        tab.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda asked: None if asked.url.startswith(home) else wrong.append(asked.url))
        tab.goto(home)
        tab.get_by_role("button", name="clip.mp4").click()
        tab.get_by_role("status").filter(
            has_text=re.compile(r"^clip\.mp4 is open\.$")
        ).wait_for()  # a name is said as it is
        tab.get_by_role("button", name="quick (yours)").click()
        tab.locator("#snapshot:enabled").wait_for()
        address = tab.url

        held = list[Any]()  # the studio is slow to learn of the tab

        def hold(asked: Any) -> None:
            if "tab" in asked.request.post_data_json:
                held.append(asked)
            else:
                asked.continue_()

        tab.route("**/do", hold)
        tab.get_by_role("tab", name="Adjust").click()
        strength = tab.get_by_role("slider", name="Strength")
        strength.focus()
        for _ in range(4):
            tab.keyboard.press("ArrowRight")
        tab.locator(".says", has_text="quick, changed").wait_for()
        assert strength.get_attribute("aria-valuetext") == "1.20"
        for asked in held:
            asked.continue_()
        tab.unroute("**/do")
        first = tab.get_by_role("button", name="Go back to snapshot 1")
        for _ in range(60):  # it is refused while the picture of the new strength is still being dreamed
            tab.locator("#snapshot:enabled").click()
            tab.wait_for_timeout(500)
            if first.is_visible():
                break

        tab.reload()  # nothing is lost
        assert tab.url == address
        first.wait_for()
        assert tab.get_by_role("tab", name="Adjust").get_attribute("aria-selected") == "true"
        assert tab.get_by_role("slider", name="Strength").get_attribute("aria-valuetext") == "1.20"

        tab.get_by_role("combobox", name="Keyframes of").select_option("Strength")
        tab.get_by_role("button", name="Add a keyframe here").click()
        tab.keyboard.press("ArrowUp")
        tab.get_by_role("button", name="Strength 1.25 at").wait_for()
        tab.get_by_role("button", name="Save look").click()
        tab.get_by_label("Name").fill("mine")
        tab.get_by_role("button", name="Save", exact=True).click()
        tab.locator(".says strong", has_text="mine").wait_for()
        assert "strength = " in (folder / "mine.toml").read_text()

        tab.locator("#picture:enabled").click()
        tab.keyboard.press("Enter")  # the name is there already
        tab.get_by_role("button", name=re.compile(r"^Show clip-mine-\d+\.png$")).wait_for()
        tab.get_by_role("button", name="Make the film", exact=True).click()
        tab.locator("dialog").get_by_text(re.compile(r"^\d+ frames of 64×48: less than a minute")).wait_for()
        tab.keyboard.press("Enter")
        tab.get_by_text("dreaming frames: 2 of").wait_for()
        tab.reload()
        tab.get_by_role("button", name="Stop clip-mine.mp4").click()
        tab.get_by_text("every finished frame is kept").wait_for()
        tab.get_by_role("button", name="Go on with clip-mine.mp4").click()
        tab.get_by_role("button", name="Play clip-mine.mp4").click()
        tab.wait_for_selector("dialog video")
        assert (folder / "clip-mine.mp4").is_file()

        other = browser.new_page()  # another person begins anew, and sees the films of the folder
        other.goto(home)
        other.get_by_role("button", name="clip.mp4").wait_for()
        assert other.url != address
        assert not wrong


def test_what_is_done_is_seen(browser: Any, folder: Path, small_net: None) -> None:
    with running(folder) as studio:
        tab = browser.new_page()
        tab.goto(f"http://127.0.0.1:{studio.port}{studio.root}/")
        tab.get_by_role("button", name="clip.mp4").click()
        tab.get_by_role("button", name="quick (yours)").click()
        tab.locator(".says", has_text="quick").wait_for()
        left, right, line = tab.locator("#left"), tab.locator("#right"), tab.locator("#wipe")
        snapshots = tab.get_by_role("button", name=re.compile("Go back to snapshot"))
        for _ in range(60):
            tab.locator("#snapshot:enabled").click()
            tab.wait_for_timeout(200)
            if snapshots.count():
                break

        assert line.input_value() == "0"
        left.select_option("Snapshot 1")
        assert line.input_value() == "50"
        right.select_option("Snapshot 1")
        tab.get_by_role("tab", name="Adjust").click()
        before = tab.get_by_role("slider", name="Composition").get_attribute("aria-valuetext")
        tab.get_by_role("button", name="Try another").click()
        tab.locator(".says", has_text="quick, changed").wait_for()
        assert tab.get_by_role("slider", name="Composition").get_attribute("aria-valuetext") != before
        assert (left.input_value(), right.input_value()) == ("snapshot 1", "dream")

        tab.get_by_text("Double-click the time line to set a keyframe of Strength.").wait_for()
        tab.locator("#scrub").dblclick(position={"x": 60, "y": 20})
        tab.get_by_role("button", name=re.compile(r"^Strength 1 at .*, keyframe 1 of 1$")).wait_for()

        tab.get_by_role("button", name="Dream three seconds to play").click()
        tab.get_by_role("button", name="Back to the frame").wait_for()
        assert tab.locator("#picture").is_disabled() and "film is shown" in tab.locator("#picture").get_attribute(
            "title"
        )
        assert not tab.locator("#film").evaluate("film => film.muted")
        tab.get_by_role("button", name="Back to the frame").click()
        tab.locator("#picture:enabled").click()
        tab.get_by_role("heading", name=re.compile(r"^Save the frame at \d\.\d\d s$")).wait_for()
        tab.keyboard.press("Escape")

        names = {"groups": ["bear", "dog"], "classes": ["beagle", "brown bear"], "channels": ["fur of a bear"]}
        tab.route("**/motifs", lambda asked: asked.fulfill(json=names))
        tab.get_by_role("tab", name="Motifs").click()
        tab.get_by_text(re.compile(r"^2 families on this frame")).wait_for()
        tab.get_by_label("Search").fill("Beagle")
        tab.get_by_text("None under Families, but 1 under Things.").wait_for()
        tab.get_by_role("button", name="Things (1)").click()
        tab.get_by_role("button", name="beagle", exact=True).wait_for()
