"""The dream that is shown, kept as a picture, as it is shown or as large as in the film; and made again."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from little import QUICK_PRESET, read_image, texture, write_image
from studio_page import Page

from dreamvid import cli
from dreamvid.jobs.events import Event
from dreamvid.studio.renders import Render, Renders


def kept(page: Page, name: str, *, full: bool) -> dict[str, Any]:
    """Return what the queue says of a saved picture, once it is done."""
    page.ok(do="picture", name=name, full=full)
    (render, *_) = page.until(lambda state: state["renders"][0]["state"] in ("done", "failed"))["renders"]
    assert render["state"] == "done", render
    return dict(render)


def test_a_frame_is_kept_as_it_is_and_made_again(page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [{"time": time, "unit": "s", "value": value, "way": "linear"} for time, value in ((0, 0.5), (0.3, 2))]
    page.ok(do="keys", key="dream.strength", keys=keys)
    page.ok(do="seek", frame=2)
    view = page.dreamed()["view"]
    render = kept(page, "kept", full=True)
    pixels = read_image(folder / "kept.png")
    assert (render["name"], render["film"], render["said"]) == (
        "kept.png",
        False,
        f"done: {(folder / 'kept.png').stat().st_size / 1e3:.1f} kB",
    )
    assert page.running.server.studio.pictures.put(pixels) == view["picture"]
    monkeypatch.chdir(folder)
    words = [word.replace("kept.png", "twin.png") for word in shlex.split(render["line"])[1:]]
    assert words[:5] == ["image", "clip.mp4", "twin.png", "--preset", "quick.toml"]
    assert cli.run([*words, "--quiet"]) == 0 and cli.run(["again", "kept.png", "again.png", "--quiet"]) == 0
    for name in ("twin.png", "again.png"):
        assert (folder / name).read_bytes() == (folder / "kept.png").read_bytes()
    found = page.running
    assert found.ask("GET", f"{found.root}/films/{render['number']}")[0] == 200
    assert "there already" in page.refused(do="picture", name="kept", full=True)
    assert "must end in" in page.refused(do="picture", name="kept.mp4", full=True)
    page.ok(do="mask", mask="motion")
    page.dreamed()
    assert "in one picture nothing moves" in page.refused(do="picture", name="moves", full=True)


def test_it_is_kept_as_small_as_it_is_shown(page: Page, folder: Path) -> None:
    write_image(folder / "large.png", texture(720, 1280, grain=9))
    (folder / "four.toml").write_text(f'description = "four"{QUICK_PRESET}'.replace("octaves = 2", "octaves = 4"))
    page.ok(do="take", name="four.toml")
    page.ok(do="open", name="large.png")
    view = page.dreamed()["view"]
    kept(page, "small.png", full=False)
    found = read_image(folder / "small.png")
    assert [found.shape[1], found.shape[0]] == view["size"] == [640, 360] and view["in_film"] == [1280, 720]
    assert page.running.server.studio.pictures.put(found) == view["picture"]  # its name is a hash of its pixels


def test_a_picture_does_not_wait_for_films(page: Page, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Renders._progress

    def waits(self: Renders, render: Render, event: Event) -> None:
        """Wait, where it is a film, until it is stopped."""
        progress(self, render, event)
        if render.is_film:
            assert render.halt.wait(timeout=60)

    monkeypatch.setattr(Renders, "_progress", waits)
    page.dreamed()
    page.ok(do="render", name="film.mp4")
    page.until(lambda state: state["renders"][0]["state"] == "running")
    kept(page, "kept.png", full=True)
    page.ok(do="stop", number=page.state["renders"][1]["number"])
    page.until(lambda state: state["renders"][1]["state"] == "stopped")


def test_a_picture_is_not_kept_before_it_is_seen(still: Page) -> None:
    assert "not finished yet" in still.refused(do="picture", name="early", full=True)
