"""Presets that build on one another, overrides on top, and settings written as TOML."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamvid.config import presets
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError

SHIPPED = presets.everything()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def written(folder: Path, name: str, text: str) -> str:
    """Writes a preset and gives its path as a user would."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def said(preset: str, overrides: tuple[tuple[str, Any], ...] = ()) -> str:
    """The one line that is said where a preset cannot be resolved."""
    with pytest.raises(SettingsError) as error:
        presets.resolve(preset, overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_default_is_among_the_shipped_ones() -> None:
    assert presets.DEFAULT in SHIPPED
    assert sorted(presets.names()) == presets.names()
    for series in presets.SERIES:
        assert presets.names(series)
        assert all(name.startswith(f"{series}/") for name in presets.names(series))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_preset_resolves_and_says_what_it_looks_like(name: str) -> None:
    settings = presets.resolve(name)
    assert settings.description and "\n" not in settings.description


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_preset_reads_the_same_after_it_was_written(name: str) -> None:
    settings = presets.resolve(name)
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings


@given(
    TEXT,
    st.integers(0, 2**63 - 1),
    st.floats(0.001, 1),
    st.lists(st.integers(0, 500), min_size=1, max_size=5),
    st.sampled_from([None, 0, 7]),
)
@example('\x7f\t\n\r\b"\\ \u2028é', 0, 1.0, [0], None)
def test_any_settings_read_the_same_after_they_were_written(text, seed, size, channels, crf) -> None:
    terms = (ObjectiveSettings(kind="channel", layer=text, channels=tuple(channels), weight=-size),)
    table = {"description": text, "seed": seed, "objective": terms, "dream": {"step_size": size}}
    settings = read_settings(table | {"output": {"crf": crf}}, "made")
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings


def test_written_settings_explain_themselves() -> None:
    lines = presets.to_toml(Settings()).splitlines()
    assert any(line.startswith("steps = ") and "# count; gradient steps" in line for line in lines)
    assert any(line.startswith("# crf =") for line in lines)


def test_a_preset_keeps_what_it_does_not_change(tmp_path: Path) -> None:
    written(tmp_path, "under.toml", 'seed = 3\n[dream]\nsteps = 5\njitter = 4\n[[objective]]\nlayer = "conv1"\n')
    over = written(tmp_path, "over.toml", 'extends = "under.toml"\n[dream]\nsteps = 9\n')
    settings = presets.resolve(over)
    assert (settings.seed, settings.dream.steps, settings.dream.jitter) == (3, 9, 4)
    assert settings.objective[0].layer == "conv1"


def test_objectives_are_replaced_and_not_added_to(tmp_path: Path) -> None:
    written(tmp_path, "under.toml", '[[objective]]\nlayer = "conv1"\n[[objective]]\nlayer = "conv2"\n')
    over = written(tmp_path, "over.toml", 'extends = "under.toml"\n[[objective]]\nlayer = "conv3"\n')
    assert [term.layer for term in presets.resolve(over).objective] == ["conv3"]


def test_a_preset_may_extend_a_shipped_one(tmp_path: Path) -> None:
    mine = written(tmp_path, "mine.toml", f'extends = "{presets.DEFAULT}"\nseed = 11\n')
    assert presets.resolve(mine) == presets.resolve(presets.DEFAULT).model_copy(update={"seed": 11})


def test_a_file_beside_goes_before_a_shipped_preset_of_its_name(tmp_path: Path) -> None:
    (tmp_path / presets.DEFAULT).write_text("seed = 5\n")
    assert "no preset" in said(written(tmp_path, "a.toml", f'extends = "./{presets.DEFAULT}"\n'))
    (tmp_path / "dream.toml").write_text("seed = 5\n")
    assert presets.resolve(written(tmp_path, "b.toml", 'extends = "dream.toml"\n')).seed == 5


def test_presets_that_extend_one_another_in_a_ring_are_refused(tmp_path: Path) -> None:
    first = written(tmp_path, "first.toml", 'extends = "second.toml"\n')
    written(tmp_path, "second.toml", 'extends = "first.toml"\n')
    assert "extends itself" in said(first) and "second.toml" in said(first)
    assert "extends itself" in said(written(tmp_path, "alone.toml", 'extends = "alone.toml"\n'))


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    assert "no preset file" in said(written(tmp_path, "a.toml", 'extends = "gone.toml"\n'))
    assert "'gone'" in said(written(tmp_path, "b.toml", 'extends = "gone"\n'))
    assert "extends must be the name of one preset" in said(written(tmp_path, "c.toml", "extends = 5\n"))


def test_an_unknown_preset_is_met_with_the_nearest() -> None:
    assert f"nearest: {presets.DEFAULT}" in said(presets.DEFAULT + "s")
    assert "no preset file clam.toml; nearest: calm" in said("clam.toml")
    assert "nearest: flights/plunge" in said("flights/plung.toml")


def test_a_key_that_only_files_have_is_offered_for_them_alone(tmp_path: Path) -> None:
    assert "unknown key extend; nearest: extends" in said(written(tmp_path, "mine.toml", 'extend = "calm"\n'))
    with pytest.raises(SettingsError, match="unknown key presett; nearest: preset"):
        presets.load_defaults(Path(written(tmp_path, "config.toml", 'presett = "calm"\n')))
    with pytest.raises(SettingsError) as raised:
        presets.resolve(overrides=[("extend", "calm")])
    assert "extends" not in str(raised.value)


@pytest.mark.parametrize("content", [b"steps = ", b"\xff\xfe", b"[dream\n"])
def test_what_is_no_toml_is_named_by_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.toml").write_bytes(content)
    assert "broken.toml: " in said(str(tmp_path / "broken.toml"))


def test_a_mistake_is_blamed_on_the_file_that_holds_it(tmp_path: Path) -> None:
    written(tmp_path, "under.toml", "[dream]\nstep = 5\n")
    over = written(tmp_path, "over.toml", 'extends = "under.toml"\nseed = 1\n')
    assert "under.toml: unknown key dream.step; nearest: dream.steps" in said(over)
    alone = written(tmp_path, "alone.toml", "[dream]\nsteps = -5\n")
    assert "alone.toml: dream.steps: " in said(alone)


def test_a_part_of_a_list_is_set_by_its_number(tmp_path: Path) -> None:
    two = written(tmp_path, "two.toml", '[[objective]]\nlayer = "conv2"\n[[objective]]\nlayer = "conv3"\n')
    settings = presets.resolve(two, [("objective.1.weight", "0:1, 2s:0"), ("objective.0.weight", 0.5)])
    assert [(term.layer, term.weight) for term in settings.objective] == [("conv2", 0.5), ("conv3", 1)]
    assert settings.keyframes == {"objective.1.weight": "0:1, 2s:0"}
    for wrong in ("objective.2.weight", "objective.x.weight"):
        with pytest.raises(SettingsError, match=r"objective\.[2x] does not exist: give objective\.0, objective\.1"):
            presets.resolve(two, [(wrong, 1)])


def test_overrides_lie_on_top_and_the_last_one_wins() -> None:
    settings = presets.resolve(overrides=[("dream.steps", 3), ("seed", 9), ("dream.steps", 4)])
    assert (settings.dream.steps, settings.seed) == (4, 9)


def test_a_number_and_a_list_take_each_others_place(tmp_path: Path) -> None:
    listed = written(tmp_path, "listed.toml", "[dream]\noctaves = [64, 128]\n")
    settings = presets.resolve(listed)
    assert settings.dream.octaves == (64, 128)
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings
    assert presets.resolve(listed, [("dream.octaves", 3)]).dream.octaves == 3
    assert presets.resolve(overrides=[("dream.octaves", [0.3, 0.55, 1])]).dream.octaves == (0.3, 0.55, 1)


def test_overrides_of_one_section_do_not_disturb_one_another() -> None:
    settings = presets.resolve(overrides=[("dream.steps", 3), ("dream.jitter", 2)])
    assert (settings.dream.steps, settings.dream.jitter) == (3, 2)


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("dream.stepz", 3, "unknown key dream.stepz; nearest: dream.steps"),
        ("dream.steps", "many", "dream.steps"),
        ("net", "googlenet", "net"),
        ("dream", 5, "dream"),
        ("seed.deep.down", 5, "seed"),
        ("objective.7.layer", "conv1", "objective.7"),
    ],
)
def test_a_wrong_override_is_named_by_its_key(key: str, value: Any, part: str) -> None:
    assert part in said(presets.DEFAULT, ((key, value),))


ANIMALS = ["block13", "block17", "animal"]  # what the default preset dreams


@pytest.mark.parametrize("net", ["dreamnet", "googlenet"])
def test_the_objectives_of_a_preset_that_is_named_stay_with_any_net(tmp_path: Path, net: str) -> None:
    mine = written(tmp_path, "mine.toml", '[net]\nname = "dreamnet"\n[[objective]]\nlayer = "mixed4c"\n')
    assert [term.layer for term in presets.resolve(mine, [("net.name", net)]).objective] == ["mixed4c"]
    chosen = presets.resolve(mine, [("net.name", net), ("objective", [{"layer": "inception4c"}])])
    assert [term.layer for term in chosen.objective] == ["inception4c"]
    assert [
        term.layer or term.class_name for term in presets.resolve("dream", [("net.name", net)]).objective
    ] == ANIMALS


@pytest.mark.parametrize(("net", "left"), [("efficientnet_lite2", ANIMALS), ("googlenet", [])])
def test_the_objectives_of_a_preset_that_nobody_named_are_those_of_its_net(net: str, left: list[str]) -> None:
    settings = presets.resolve(overrides=[("net.name", net), ("dream.smooth", 2)])
    assert [term.layer or term.class_name for term in settings.objective] == left
    assert settings.dream == presets.resolve("dream").dream.model_copy(update={"smooth": 2})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dream.steps=4", ("dream.steps", 4)),
        ("dream.step_size = 0.5", ("dream.step_size", 0.5)),
        ("input.size=320x180", ("input.size", "320x180")),
        ("input.frames=0:12", ("input.frames", "0:12")),
        ("output.codec=h265", ("output.codec", "h265")),
        ('net.name="alexnet"', ("net.name", "alexnet")),
        ("camera.shift=[0.1, -0.2]", ("camera.shift", [0.1, -0.2])),
        ("dream.octaves=[0.3,0.55,1]", ("dream.octaves", [0.3, 0.55, 1])),
        ("net.weights=C:\\weights\\a=b.pth", ("net.weights", "C:\\weights\\a=b.pth")),
        ("input.tolerate_damage=true", ("input.tolerate_damage", True)),
    ],
)
def test_an_override_is_read_as_toml_or_as_the_text_it_is(text: str, wanted: tuple[str, Any]) -> None:
    assert presets.parse_override(text) == wanted


@pytest.mark.parametrize("text", ["", "dream.steps", "=4", "  =4"])
def test_an_override_without_a_key_or_a_value_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"section\.key=value"):
        presets.parse_override(text)


@given(TEXT)
def test_any_text_can_be_the_value_of_an_override(value: str) -> None:
    key, _ = presets.parse_override(f"description={value}")
    assert key == "description"


def test_weights_of_an_objectives_net_lie_beside_the_preset_that_names_them(tmp_path: Path) -> None:
    terms = ("vgg16", "w.pth"), ("alexnet", "random:0"), ("mine.safetensors", None), ("googlenet", None)
    text = "".join(
        f'[[objective]]\nlayer = "3"\nnet = "{net}"\n' + (f'weights = "{weights}"\n' if weights else "")
        for net, weights in terms
    )
    settings = presets.resolve(written(tmp_path, "two.toml", text))
    assert [(net.name, net.weights) for net in settings.nets] == [
        (Settings().net.name, None),
        ("vgg16", str(tmp_path / "w.pth")),
        ("alexnet", "random:0"),
        (str(tmp_path / "mine.safetensors"), None),
        ("googlenet", None),
    ]


def test_a_mask_lies_beside_the_preset_that_names_it(tmp_path: Path) -> None:
    file = written(tmp_path, "masked.toml", '[mask]\nfile = "oval.png"\n')
    assert presets.resolve(file).mask.file == str(tmp_path / "oval.png")


def test_the_schema_is_json_and_lists_every_setting_with_its_bounds() -> None:
    schema = json.loads(presets.schema())
    assert "extends" in schema["properties"]
    dream = schema["$defs"]["DreamSettings"]
    steps = dream["properties"]["steps"]
    assert (steps["type"], steps["minimum"], steps["unit"]) == (["integer", "string"], 0, "count")
    assert set(Settings.model_fields) - {"keyframes"} <= set(schema["properties"])
    assert dream["additionalProperties"] is False
    assert schema["$defs"]["ObjectiveSettings"]["properties"]["step_size"]["anyOf"][-1] == {"type": "string"}
    shift = schema["$defs"]["CameraSettings"]["properties"]["shift"]
    assert [part["type"] for part in shift["prefixItems"]] == [["number", "string"]] * 2
    assert dream["properties"]["tile"]["type"] == "integer"
    number, sizes, text = dream["properties"]["octaves"]["oneOf"]
    assert (number["type"], number["maximum"], text) == ("integer", 16, {"type": "string"})
    assert (sizes["type"], sizes["items"]["type"]) == ("array", "number")


TRACKS = st.one_of(
    st.lists(st.floats(0.001, 4), min_size=1, max_size=4).map(
        lambda values: ", ".join(f"{second}s:{value} ease" for second, value in enumerate(values))
    ),
    st.sampled_from(["1 + 0.5 * sin(t)", "beat + 1", "f + 2"]),
)


@given(TRACKS, TRACKS, TRACKS)
def test_settings_that_move_read_the_same_after_they_were_written(size: str, weight: str, down: str) -> None:
    terms = [{"layer": "a"}, {"layer": "b", "weight": weight}]
    table = {"dream": {"step_size": size}, "objective": terms, "camera": {"shift": [down, 0]}}
    settings = read_settings(table, "made")
    assert settings.keyframes == {"dream.step_size": size, "objective.1.weight": weight, "camera.shift.0": down}
    assert read_settings(tomllib.loads(presets.to_toml(settings)), "again") == settings


def test_what_moves_below_may_stand_still_above(tmp_path: Path) -> None:
    written(tmp_path, "under.toml", '[dream]\nstep_size = "0:0.1, 4s:0.2"\nsmooth = "t"\n')
    over = written(tmp_path, "over.toml", 'extends = "under.toml"\n[dream]\nstep_size = 0.3\n')
    settings = presets.resolve(over)
    assert (settings.dream.step_size, settings.keyframes) == (0.3, {"dream.smooth": "t"})
    assert presets.resolve(over, [("dream.smooth", 2)]).keyframes == {}


def test_an_override_may_move() -> None:
    override = presets.parse_override("dream.step_size=0:0.02, 4s:0.06 ease, 8s:0.02")
    assert presets.resolve("dream", [override]).keyframes == {"dream.step_size": "0:0.02, 4s:0.06 ease, 8s:0.02"}
    formula = presets.parse_override("dream.step_size=0.02 + 0.01 * sin(2 * pi * t)")
    assert presets.resolve("dream", [formula]).dream.step_size == 0.02


def test_a_sound_lies_beside_the_preset_that_names_it(tmp_path: Path) -> None:
    preset = written(tmp_path, "heard.toml", '[audio]\nfile = "song.wav"\n[dream]\nstep_size = "0.01 + 0.01 * beat"\n')
    assert presets.resolve(preset).audio.file == str(tmp_path / "song.wav")


def test_a_last_name_of_two_presets_is_refused_and_a_look_goes_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("calm", "flights/calm", "flights/fall", "papers/fall", "papers/bare"):
        (tmp_path / f"{name}.toml").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.toml").touch()
    monkeypatch.setattr(presets, "folder", lambda: tmp_path)
    assert presets.find("calm") == tmp_path / "calm.toml"
    assert presets.find("bare") == tmp_path / "papers" / "bare.toml"
    with pytest.raises(SettingsError, match="2 presets have the name 'fall': give flights/fall or papers/fall"):
        presets.find("fall")


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".toml", "a\0b.toml"])
def test_a_name_that_cannot_be_a_file_is_no_preset(name: str) -> None:
    assert "there is no preset" in said(name)


def test_a_long_chain_of_presets_is_refused(tmp_path: Path) -> None:
    for number in range(1500):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    (tmp_path / "1500.toml").write_text("seed = 3\n")
    assert presets.resolve(str(tmp_path / "1480.toml")).seed == 3
    assert "more than 32 presets extend one another" in said(str(tmp_path / "0.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[objective]]\nlayer = "block9"\n' * 300_000, "bytes is too long: give at most 1000000"),
        ('[[objective]]\nlayer = "block9"\n' * 101, "objective: there are 101 objectives: give at most 100"),
        ("seed = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("seed = " + "{a=" * 5000 + "1" + "}" * 5000, "nested too deep"),
        (".".join(["a"] * 5000) + " = 1", "nested too deep"),
        ("[camera]\nshift = [0x" + "f" * 5000 + ", 1]", "more than 63 bits"),
        ("objective = 5", "objective: give a list of tables"),
        ("objective = true", "objective: give a list of tables"),
    ],
)
def test_a_preset_beyond_the_limits_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in said(written(tmp_path, "mine.toml", text))


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("objective", 5, 'objective: give a list of tables, such as {layer = "block9"}, not 5'),
        ("objective", [5], 'objective.0: give a table, such as {layer = "block9"}, not 5'),
        ("dream", 5, "dream: give a table, by its keys, such as dream.octaves, not 5"),
        ("camera.shift", [1e308, 1e308], "camera.shift.0: input should be less than or equal to 1000"),
        ("camera.centre", [0, -1e308], "camera.centre.1: input should be greater than or equal to -1000"),
        ("output.codec", "h" * 500, "output.codec: there is no 'hhhhhh"),
        ("dream.cutoff", 1e308, "dream.cutoff: input should be less than or equal to 16384"),
        (".".join(["dream"] * 5000), 1, "a key has at most 8 parts"),
    ],
)
def test_a_value_beyond_the_limits_is_refused_in_one_line(key: str, value: Any, told: str) -> None:
    assert told in said(presets.DEFAULT, ((key, value), (key, value)))


def deep() -> dict[str, Any]:
    """A table of 5000 levels."""
    table: dict[str, Any] = {}
    for _ in range(5000):
        table = {"a": table}
    return table


def test_a_value_that_cannot_be_printed_is_refused_by_its_type() -> None:
    assert "(it is of type int, too large to show)" in said(presets.DEFAULT, (("dream.steps", 16**5000),))


def test_a_value_too_deep_to_be_printed_is_refused_in_few_words() -> None:
    """Python 3.13 prints it, earlier ones do not."""
    message = said(presets.DEFAULT, (("dream", [deep()]),))
    assert "dream: give a table" in message
    assert len(message) < 500


def test_tables_too_deep_to_be_merged_are_refused() -> None:
    with pytest.raises(SettingsError, match="at most 8 parts"):
        presets.merged(deep(), deep())
