"""What is dreamed for pages: sharper step by step, left for what is wanted first, the same as a render makes."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from little import QUICK_PRESET, read_image, texture, write_image
from studio_page import Page

from dreamvid.dream import deepdream
from dreamvid.jobs.run import dream_image
from dreamvid.studio import dreaming, painter
from dreamvid.studio.look import Cut
from dreamvid.studio.state import Result, Task


def test_the_picture_is_that_of_a_render(page: Page, folder: Path, tmp_path: Path) -> None:
    page.ok(do="open", name="still.png")
    view = page.dreamed()["view"]
    dream_image(str(folder / "still.png"), tmp_path / "same.png", page.session.settings)
    pictures = page.running.server.studio.pictures
    assert view["picture"] == pictures.put(read_image(tmp_path / "same.png"))  # its name is a hash of its pixels
    assert view["source"] == pictures.put(read_image(folder / "still.png"))
    assert view["picture"] != view["source"] and view["size"] == [64, 48]


def test_it_sharpens_while_it_is_looked_at(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.dreamed()
    monkeypatch.setattr(dreaming, "OFTEN", 0)
    told: list[tuple[int, int]] = []
    tell = painter.Painter._tell

    def noted(self: painter.Painter, task: Task, pixels: Any, done: int, total: int) -> None:
        told.append((done, total))
        tell(self, task, pixels, done, total)

    monkeypatch.setattr(painter.Painter, "_tell", noted)
    page.ok(do="set", key="dream.steps", value=3)
    page.dreamed()
    assert told == [(step, 6) for step in range(7)]  # two octaves of three steps; first the source


def test_what_is_known_is_there_at_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    first = page.dreamed()["view"]["picture"]
    page.ok(do="set", key="dream.strength", value=2)
    assert page.dreamed()["view"]["picture"] != first
    monkeypatch.setattr(painter, "dream_frame", lambda *_: pytest.fail("it is dreamed again"))
    page.ok(do="undo")
    assert page.state["view"]["picture"] == first


def test_another_value_ends_what_is_dreamed_between_two_steps(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page.dreamed()
    steps: list[float] = []
    step = deepdream.gradient_step

    def counted(dreamer: Any, *rest: Any) -> Any:
        steps.append(dreamer.settings.strength)
        if len(steps) == 3:
            page.ok(do="set", key="dream.strength", value=0.3)
        return step(dreamer, *rest)

    monkeypatch.setattr(deepdream, "gradient_step", counted)
    page.ok(do="set", key="dream.steps", value=20)
    page.until(lambda state: state["view"]["whole"] and state["look"]["values"]["dream.strength"] == 0.3)
    assert steps == [1.0] * 3 + [0.3] * 40  # the third is finished, and no other


def test_the_wall_waits_for_the_picture_and_begins_with_what_is_on_the_screen(still: Page) -> None:
    studio = still.running.server.studio
    still.ok(do="tab", tab="looks")
    still.ok(do="glance", names=["reef", "nothing", "tide"])
    kinds = []
    for _ in range(4):
        still.session.seen = time.monotonic()
        task = studio.next_task()
        assert task is not None
        kinds.append((task.kind, task.look.preset))
        studio.keep(task.key, Result(error="as if it were dreamed"))
    assert kinds == [("view", "quick.toml"), ("look", "reef"), ("look", "tide"), ("look", "quick.toml")]
    assert [look["error"] for look in still.state["wall"][:2]] == ["as if it were dreamed", ""]
    still.ok(do="seek", frame=0)
    again = studio.next_task()
    assert again is not None and again.kind == "view"
    still.ok(do="tab", tab="films")
    studio.keep(again.key, Result(error="as if it were dreamed"))
    assert studio.next_task() is None and still.state["wall"] == []


def test_motifs_on_the_screen_are_dreamed(page: Page) -> None:
    page.ok(do="tab", tab="motifs")
    page.ok(do="wish", motifs=[{"kind": "class", "name": "volcano"}, {"kind": "class", "name": "no such thing"}])
    state = page.until(lambda state: all(each["picture"] or each["error"] for each in state["motifs"]))
    volcano, other = state["motifs"]
    assert page.picture(volcano["picture"]).startswith(b"\xff\xd8") and "no class 'no such thing'" in other["error"]
    page.ok(do="dream", motifs=[{"kind": "class", "name": "volcano"}])
    state = page.dreamed()
    assert state["look"]["title"] == "quick: volcano" and "--class volcano" in state["film"]["line"]


def test_what_cannot_be_dreamed_is_said_and_the_next_is_dreamed(page: Page) -> None:
    page.ok(do="mask", mask="luma")
    page.ok(do="dream", motifs=[{"kind": "channel", "name": "nothing"}])
    state = page.dreamed()
    assert "nothing" in state["view"]["error"] and state["view"]["picture"] == ""
    page.ok(do="undo")
    assert page.dreamed()["view"]["error"] == ""


def test_a_bug_ends_no_thread(page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    page.dreamed()
    with monkeypatch.context() as patch:
        patch.setattr(painter, "dream_frame", lambda *_: 1 // 0)
        page.ok(do="seek", frame=0)
        assert page.dreamed()["view"]["error"] == "this could not be dreamed: the terminal tells why"
    page.ok(do="seek", frame=1)
    assert page.dreamed()["view"]["error"] == ""
    assert "ZeroDivisionError" in caplog.text


def test_snapshots_hold_look_and_picture(page: Page) -> None:
    first = page.dreamed()["view"]["picture"]
    assert page.ok(do="snapshot") == "snapshot 1"
    page.ok(do="take", name="quick.toml")
    page.ok(do="set", key="dream.strength", value=2)
    page.dreamed()
    for _ in range(9):
        page.ok(do="snapshot")
    assert "there are 10 snapshots" in page.refused(do="snapshot")
    page.ok(do="restore", number=1)
    state = page.dreamed()
    assert state["view"]["picture"] == first and len(state["snapshots"]) == 10
    page.ok(do="drop", number=2)
    assert [each["number"] for each in page.state["snapshots"]] == [1, *range(3, 11)]
    assert {each["frame"] for each in page.state["snapshots"]} == {state["frame"]}


def test_three_seconds_are_a_film(page: Page) -> None:
    page.ok(do="keys", key="dream.strength", keys=[{"time": 0.2, "unit": "s", "value": 0.5, "way": "linear"}])
    page.dreamed()
    page.ok(do="quick")
    state = page.until(lambda state: state["quick"] and (state["quick"]["film"] or state["quick"]["error"]))
    assert state["quick"]["error"] == ""
    running, film = page.running, state["quick"]["film"]
    path = next(each.film for each in running.server.studio.results.values() if each.film is not None)
    assert path.stem == film and path.read_bytes()[4:8] == b"ftyp"
    assert running.ask("GET", f"{running.root}/quick/{film}.mp4")[0] == 200
    assert running.ask("GET", f"{running.root}/quick/{film}.mp4", range="bytes=0-9")[0] == 206
    page.ok(do="seek", frame=0)
    assert page.state["quick"] is None  # it is of another frame
    folder = path.parent
    running.server.close()
    assert not folder.exists()


def test_three_seconds_of_a_still_are_a_flight(page: Page) -> None:
    page.ok(do="open", name="still.png")
    page.ok(do="set", key="dream.steps", value=1)
    page.ok(do="quick")
    state = page.until(lambda state: state["quick"] and (state["quick"]["film"] or state["quick"]["error"]))
    assert state["quick"]["film"], state["quick"]
    assert page.dreamed()["view"]["error"] == ""


def test_keyframes_hold_on_the_frame_that_is_looked_at(still: Page) -> None:
    keys = [
        {"time": 0, "unit": "s", "value": 1, "way": "linear"},
        {"time": 0.3, "unit": "s", "value": 2, "way": "linear"},
    ]
    still.ok(do="keys", key="dream.strength", keys=keys)
    clip, settings = still.session.clip, still.session.settings
    assert clip is not None
    at = [dreaming.plain_at(clip, frame, settings, Cut()).dream.strength for frame in (0, 2, 4)]
    assert np.allclose(at, [1, 1 + 5 / 9, 2])
    later = dreaming.plain_at(clip, 4, settings, Cut(start=0.0833333))
    assert later.dream.strength == pytest.approx(1 + 7.5 / 9, abs=1e-4)  # the film begins at frame 1


def test_a_view_is_smaller_where_the_film_is_large(page: Page, folder: Path) -> None:
    page.dreamed()
    write_image(folder / "large.png", texture(720, 1280, grain=9))
    (folder / "four.toml").write_text(f'description = "four"{QUICK_PRESET}'.replace("octaves = 2", "octaves = 4"))
    page.ok(do="take", name="four.toml")
    page.ok(do="open", name="large.png")
    view = page.dreamed()["view"]
    assert view["size"] == [640, 360] and not view["full"]  # a half: smaller than its coarsest octave it never is
    page.ok(do="cut", size="320x", start=None, stop=None)
    view = page.dreamed()["view"]
    assert view["size"] == [320, 180] and view["full"]


def test_what_it_held_is_given_back_when_it_rests(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(painter, "release_heap", lambda: given.append(threading.current_thread().name))
    page.dreamed()
    page.until(lambda _: given)
    page.ok(do="set", key="dream.strength", value=2)
    page.dreamed()
    page.until(lambda _: len(given) == 2)
    assert set(given) == {"painter"}
