"""What a page asks for becomes settings, a preset and a command line, which all make the same film."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from little import QUICK_PRESET
from studio_page import Page

from dreamvid.cli.options import Common
from dreamvid.config import presets
from dreamvid.models import zoo
from dreamvid.studio.controls import BY_KEY, CONTROLS
from dreamvid.studio.look import Cut, Look, Motif, command_line, preset_text
from dreamvid.studio.words import on_page

CUTS = [Cut("64x", 1.0, 2.5), Cut("64x", loop=True), Cut(frames="3:4")]
LOOKS = [
    Look(),
    Look("reef", values=(("dream.strength", 1.4), ("dream.steps", 3), ("seed", 7))),
    Look("calm", values=(("dream.keep_colours", True),), mask="luma"),
    Look("dream", values=(("mask.invert", True), ("mask.low", 0.2)), mask="mask.png"),
    Look("dream", motifs=(Motif("class", "beagle"),)),
    Look("dream", motifs=(Motif("channel", "green bamboo strips"), Motif("channel", "blue hexagon maze"))),
    Look("dream", motifs=(Motif("class", "fox squirrel"), Motif("channel", "green bamboo strips"))),
    Look("boil", keys=(("dream.strength", "0:0.4, 2b:1.5 ease"), ("coherence.step_size", "0:0, 50%:1 hold"))),
    Look("flights/plunge", values=(("camera.zoom", 0.8), ("input.loop", False), ("input.seconds", 4.0))),
]


def from_line(line: str) -> tuple[str, Any]:
    """The command and the settings of a line, as the command line reads it."""
    _, command, _, output, *words = shlex.split(line)
    given: dict[str, Any] = {"set": [], "channel": [], "loop": "--loop" in words}
    words = [word for word in words if word != "--loop"]
    names = {"--from": "from_", "--class": "class_"}
    for option, value in zip(words[::2], words[1::2], strict=True):
        name = names.get(option, option.removeprefix("--"))
        if name in ("set", "channel"):
            given[name].append(value)
        else:
            given[name] = value
    return command, Common(**given).settings(output)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.title)
def test_a_look_its_preset_and_its_line_are_one(look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cut = CUTS[LOOKS.index(look) % len(CUTS)]
    wanted = presets.resolve(look.preset, [*look.overrides(look.preset), *cut.overrides])
    command, settings = from_line(command_line("video", "clip.mp4", "film.mp4", look, cut, look.preset))
    assert command == "video" and settings == wanted
    Path("saved.toml").write_text(preset_text(look, look.preset, "mine"))
    saved = presets.resolve("saved.toml", cut.overrides)
    plain = {"description": "", "mask": saved.mask.model_copy(update={"file": wanted.mask.file})}
    assert saved.model_copy(update=plain) == wanted.model_copy(update={"description": ""})
    assert saved.description == "mine"


def test_names_are_quoted_for_a_shell() -> None:
    line = command_line("zoom", "-a b.jpg", "it's.mp4", Look("reef"), Cut(), "reef")
    assert shlex.split(line) == ["dreamvid", "zoom", "./-a b.jpg", "it's.mp4", "--preset", "reef"]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.key)
def test_every_control_moves_its_setting(control: Any, still: Page) -> None:
    if control.masks:
        still.ok(do="mask", mask="luma")
    own = still.state["look"]["values"][control.key]
    middle = (control.low + 3 * control.high) / 4 if control.key != "mask.low" else 0.1
    value = (round(middle) if control.step == 1 else middle) if control.step else not own
    still.ok(do="set", key=control.key, value=value)
    look = still.state["look"]
    assert look["values"][control.key] == value
    assert control.key in look["given"] and look["changed"]
    still.ok(do="set", key=control.key, value=None)
    assert still.state["look"]["values"][control.key] == own and control.key not in still.state["look"]["given"]


def test_what_is_no_value_is_refused_and_changes_nothing(still: Page) -> None:
    assert "less than or equal to 10" in still.refused(do="set", key="dream.strength", value=11)
    assert "give a number" in still.refused(do="set", key="dream.strength", value=True)
    assert "give true or false" in still.refused(do="set", key="dream.keep_colours", value=1)
    assert "no control 'net.name'" in still.refused(do="set", key="net.name", value=1)
    still.ok(do="mask", mask="luma")
    assert "must be below" in still.refused(do="set", key="mask.low", value=1)
    assert still.refused(do="take", name="nothing") == "there is no look 'nothing'"
    assert "no control" in still.refused(do="keys", key="output.crf", keys=[])


def test_the_controls_are_within_the_bounds_of_their_settings() -> None:
    for key, control in BY_KEY.items():
        for value in (control.low, control.high) if control.step else (True, False):
            mask = [("mask.kind", "luma"), *([("mask.low", 0)] if key == "mask.high" else [])] if control.masks else []
            value = min(value, 0.5) if key == "mask.low" else value
            presets.resolve("dream", [*mask, (key, value)])


def test_changes_are_undone_and_redone(still: Page) -> None:
    still.ok(do="set", key="dream.strength", value=0.5)
    still.ok(do="set", key="dream.strength", value=0.6)  # of the same slider: one change
    still.ok(do="take", name="reef")
    still.ok(do="undo")
    assert still.state["look"]["values"]["dream.strength"] == 0.6 and still.state["redo"] == 1
    still.ok(do="undo")
    assert still.state["look"]["preset"] == "quick.toml" and not still.state["look"]["changed"]
    still.ok(do="redo")
    still.ok(do="redo")
    still.ok(do="redo")  # there is nothing more
    assert still.state["look"]["preset"] == "reef" and still.state["redo"] == 0
    still.ok(do="set", key="dream.steps", value=2)
    still.ok(do="reset")
    assert not still.state["look"]["changed"]


def test_keyframes_are_drawn_over_the_time_of_the_film(still: Page) -> None:
    keys = [
        {"time": 0, "unit": "s", "value": 0.5, "way": "linear"},
        {"time": 0.4, "unit": "s", "value": 1.5, "way": "ease"},
    ]
    still.ok(do="keys", key="dream.strength", keys=keys)
    look = still.state["look"]
    assert look["keys"] == {"dream.strength": {"text": "0s:0.5, 0.4s:1.5 ease", "keys": keys, "every": None}}
    curve = look["axis"]["curves"]["dream.strength"]
    assert curve[0] == [0.0, 0.5] and curve[-1][1] == 1.5
    assert still.session.settings.keyframes == {"dream.strength": "0s:0.5, 0.4s:1.5 ease"}
    assert "--set 'dream.strength=0s:0.5, 0.4s:1.5 ease'" in still.state["film"]["line"]
    line = still.refused(do="keys", key="dream.steps", keys=[{"time": 0, "unit": "s", "value": -3, "way": "linear"}])
    assert line.startswith("Steps: ")  # the word of the page
    late = [{"time": 9, "unit": "s", "value": 1, "way": "linear"}]
    assert "after the end of the film" in still.refused(do="keys", key="dream.strength", keys=late)
    still.ok(do="keys", key="dream.strength", keys=[])
    assert still.state["look"]["keys"] == {}


def test_keyframes_stay_where_they_are_in_the_clip_and_those_that_a_cut_leaves_outside_go(page: Page) -> None:
    def keys() -> list[tuple[float, float]]:
        shown = page.state["look"]["keys"].get("dream.strength", {"keys": []})["keys"]
        return [(round(each["time"], 3), each["value"]) for each in shown]

    times = {0: 1.0, 0.2: 1.5, 0.3: 2.0, 0.4: 1.0}
    given = [{"time": time, "unit": "s", "value": value, "way": "ease"} for time, value in times.items()]
    page.ok(do="keys", key="dream.strength", keys=given)
    said = page.ok(do="cut", size=None, start=0.1, stop=0.35)
    assert said == "2 keyframes lie outside the film now, and are taken out: undo brings them back"
    assert keys() == [(0.1, 1.5), (0.2, 2.0)]
    assert page.state["look"]["axis"]["note"] == ""
    page.ok(do="undo")
    assert keys() == list(times.items()) and page.state["look"]["axis"]["start"] == 0
    page.ok(do="redo")
    assert page.ok(do="cut", size=None, start=None, stop=None) == ""
    assert keys() == [(0.2, 1.5), (0.3, 2.0)]


def test_a_film_that_keyframes_do_not_fit_is_told_before_it_is_made(page: Page, folder: Path) -> None:
    late = QUICK_PRESET.replace("[dream]", '[dream]\nstrength = "0:1, 9:2"')
    (folder / "late.toml").write_text(late)
    page.ok(do="take", name="late.toml")
    assert "after the end of the film" in page.state["film"]["wrong"]


def test_a_saved_look_has_its_composition(page: Page) -> None:
    page.ok(do="set", key="seed", value=43)
    page.ok(do="save", name="mine", about="")
    assert page.state["look"]["preset"] == "mine.toml"
    assert page.state["look"]["values"]["seed"] == 43


def test_the_axis_begins_where_the_film_does(still: Page) -> None:
    still.ok(do="cut", size=None, start=0.1, stop=0.3)
    axis = still.state["look"]["axis"]
    assert (axis["start"], round(axis["seconds"], 6)) == (0.1, 0.2)
    assert "--from 0.1 --to 0.3" in still.state["film"]["line"]


@pytest.mark.parametrize(
    ("size", "start", "stop", "word"),
    [
        ("0x0", None, None, "0x0"),
        ("x", None, None, "x"),
        ("99999999x", None, None, "99999999x"),
        (None, 0.3, 0.1, "0.3"),
        (None, 900.0, None, "900"),
    ],
)
def test_a_cut_that_makes_no_film_is_refused(
    size: str | None, start: float | None, stop: float | None, word: str, still: Page
) -> None:
    assert word in still.refused(do="cut", size=size, start=start, stop=stop)


def test_a_look_is_saved_and_taken(still: Page) -> None:
    folder = still.running.server.studio.folder.root
    try:
        still.ok(do="set", key="dream.strength", value=0.7)
        wanted = still.session.settings
        assert still.ok(do="save", name="mine", about="my own") == "saved as mine.toml"
        assert still.state["look"]["preset"] == "mine.toml" and not still.state["look"]["changed"]
        saved = presets.resolve(str(folder / "mine.toml"))
        assert saved.description == "my own" and saved.dream == wanted.dream and saved.objective == wanted.objective
        still.ok(do="tab", tab="looks")
        assert [look["name"] for look in still.state["wall"] if look["own"]] == ["mine.toml", "quick.toml"]
        still.ok(do="take", name="reef")
        assert "save again to replace it" in still.refused(do="save", name="mine.toml")
        assert still.ok(do="save", name="mine.toml", replace=True) == "saved as mine.toml"
        assert presets.resolve(str(folder / "mine.toml")).objective == presets.resolve("reef").objective
        still.ok(do="set", key="dream.strength", value=0.2)
        assert "the look that this one is made of" in still.refused(do="save", name="mine", replace=True)
    finally:
        (folder / "mine.toml").unlink(missing_ok=True)


def test_the_folder_shows_what_can_be_opened(page: Page) -> None:
    running = page.running
    facts = json.loads(running.ask("GET", f"{running.root}/s/{page.name}/facts")[1])
    assert facts["films"] == ["clip.mp4"] and facts["stills"] == ["still.png"] and facts["folders"] == []
    assert facts["looks"]["quick.toml"] == "quick"
    assert facts["looks"]["portrait"] == "one class, out of nothing: choose a thing under Motifs"
    assert {control["key"] for control in facts["controls"]} == set(BY_KEY)


def test_the_motifs_are_those_of_the_net_of_the_look(still: Page, small_net: None) -> None:
    running = still.running
    studio, address = running.server.studio, f"{running.root}/s/{still.name}/motifs"
    names = json.loads(running.ask("GET", address)[1])
    assert names["classes"][0] == "tabby cat" and still.state["look"]["net"] == presets.resolve().net.name
    motif = Motif("class", "volcano")
    assert studio.motif_task(still.session, motif).look == Look(motifs=(motif,))
    (studio.folder.root / "sketch.toml").write_text('[net]\nname = "sketchnet"\n')
    try:
        still.ok(do="take", name="sketch.toml")
        assert still.state["look"]["net"] == "sketchnet"
        assert json.loads(running.ask("GET", address)[1])["classes"] == list(zoo.get("sketchnet").classes)
        assert studio.motif_task(still.session, motif).look == Look("sketch.toml", motifs=(motif,))
    finally:
        (studio.folder.root / "sketch.toml").unlink()


def test_without_a_beat_nothing_comes_on_it(still: Page) -> None:
    keys = [
        {"time": 0, "unit": "b", "value": 2, "way": "linear"},
        {"time": 1, "unit": "b", "value": 0.5, "way": "ease-out"},
    ]
    assert "no tempo is found in clip.mp4" in still.refused(do="keys", key="dream.strength", keys=keys, every=1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dream.strength: '0:9': give less", "Strength: '0:9': give less"),
        ("--to must come after --from", "end must come after start"),
        (
            "dream.steps_size and x.dream.steps and coherence.step_size.",
            "dream.steps_size and x.dream.steps and Liveliness.",
        ),
        ("a\nline", "a line"),
    ],
)
def test_what_is_said_has_the_words_of_the_page(text: str, told: str) -> None:
    assert on_page(text) == told
