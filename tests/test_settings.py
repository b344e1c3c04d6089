"""What can be set, and what is said where it is set wrongly."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from dreamvid.errors import SettingsError
from dreamvid.presets import resolve
from dreamvid.settings import Settings, curve, key_paths, read_settings, rounded, settings_at, to_table
from dreamvid.tracks import Film

PROMISED = {
    "seed",
    "net.name",
    "net.weights",
    "objective",
    "dream.octaves",
    "dream.octave_scale",
    "dream.steps",
    "dream.step_size",
    "dream.jitter",
    "dream.tile",
    "dream.overlap",
    "dream.tiling",
    "coherence.mode",
    "coherence.steps",
    "coherence.blend",
    "camera.zoom",
    "camera.rotate",
    "camera.shift",
    "camera.mode",
    "output.codec",
    "output.crf",
    "output.pix_fmt",
}


def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and all tables within it."""
    kinds = [field.annotation for field in model.model_fields.values()]
    inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return [model, *(section for kind in inner for section in sections(kind))]


def table_of(key: str, value: Any) -> dict[str, Any]:
    """`section.key` and its value as nested tables."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def test_names_that_scripts_rely_on_are_there() -> None:
    assert set(key_paths()) >= PROMISED


def test_every_setting_says_what_it_does_in_one_short_line() -> None:
    for section in sections(Settings):
        for name, field in section.model_fields.items():
            if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
                assert field.description, f"{section.__name__}.{name}"
                assert "\n" not in field.description and len(field.description) <= 100
        assert section.__doc__


def test_an_empty_table_gives_the_defaults() -> None:
    assert read_settings({}, "here") == Settings()


def test_settings_do_not_change_after_they_are_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().dream.steps = 9  # type: ignore[misc]


@pytest.mark.parametrize(
    ("table", "key", "near"),
    [
        ({"dream": {"step": 3}}, "dream.step", "dream.steps"),
        ({"drem": {"steps": 3}}, "drem", "dream."),
        ({"coherence": {"mod": "flow"}}, "coherence.mod", "coherence.mode"),
        ({"objective": [{"layr": "conv1"}]}, "objective.0.layr", "objective.0.layer"),
        ({"sed": 1}, "sed", "seed"),
    ],
)
def test_an_unknown_key_is_named_with_its_file_its_path_and_the_nearest(table, key, near) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(table, "mine.toml")
    said = str(error.value)
    assert said.startswith(f"mine.toml: unknown key {key}; nearest: ")
    assert near in said and "\n" not in said


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("seed", -1),
        ("seed", 2**63),
        ("dream.octaves", 0),
        ("dream.octaves", 2.5),
        ("dream.octave_scale", 1.0),
        ("dream.steps", -1),
        ("dream.step_size", 0),
        ("dream.step_size", float("nan")),
        ("dream.step_size", float("inf")),
        ("dream.jitter", -1),
        ("dream.tile", 16),
        ("dream.tiling", "squares"),
        ("coherence.mode", "magic"),
        ("coherence.blend", 1.1),
        ("camera.zoom", 0),
        ("camera.shift", [1.0]),
        ("output.codec", "mpeg1"),
        ("output.crf", 64),
        ("compute.device", "gpu"),
        ("compute.threads", 0),
        ("net.name", None),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_key_in_one_line(key: str, wrong: Any) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(table_of(key, wrong), "--set")
    assert str(error.value).startswith(f"--set: {key}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dream.steps", 0),
        ("dream.jitter", 0),
        ("dream.overlap", 0),
        ("coherence.blend", 1),
        ("output.crf", 0),
        ("compute.device", "cuda:3"),
        ("camera.shift", [0.5, -0.5]),
    ],
)
def test_a_value_on_its_bound_is_taken(key: str, value: Any) -> None:
    section, name = key.split(".")
    taken = getattr(getattr(read_settings(table_of(key, value), "--set"), section), name)
    assert taken == (tuple(value) if isinstance(value, list) else value)


def test_a_number_is_good_enough_for_a_name() -> None:
    settings = read_settings({"input": {"fps": 25}, "objective": [{"kind": "class", "class_name": 281}]}, "mine.toml")
    assert settings.input.fps == "25"
    assert settings.objective[0].class_name == "281"


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"kind": "class"}, "class_name"),
        ({"kind": "layer"}, "layer"),
        ({"kind": "channel", "layer": "conv1"}, r"channels, such as \[12\]"),
        ({"kind": "channel"}, "layer, or the name of a channel"),
        ({"kind": "channel", "channels": [3]}, "layer, or the name of a channel"),
        ({"kind": "mood"}, "kind"),
    ],
)
def test_an_incomplete_objective_says_what_it_lacks(term: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read_settings({"objective": [term]}, "mine.toml")
    assert str(error.value).startswith("mine.toml: objective.0")


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"kind": "channel", "name": "eyes", "layer": "mixed4b", "channels": [1]}, "not both"),
        ({"kind": "channel", "name": "eyes", "layer": "mixed4b"}, "not both"),
        ({"kind": "channel", "name": "eyes", "channels": [1]}, "not both"),
        ({"name": "eyes"}, "name is for kind = channel, not for an objective of kind layer"),
        ({"kind": "class", "name": "eyes"}, "name is for kind = channel, not for an objective of kind class"),
    ],
)
def test_a_channel_has_a_name_or_a_layer_and_numbers(term: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read_settings({"objective": [term]}, "mine.toml")
    assert str(error.value).startswith("mine.toml: objective.0") and "\n" not in str(error.value)
    (named,) = read_settings({"objective": [{"kind": "channel", "name": "eyes"}]}, "mine.toml").objective
    assert (named.name, named.layer, named.channels) == ("eyes", None, ())


def test_patches_share_at_most_half_of_themselves() -> None:
    with pytest.raises(SettingsError, match="overlap 65 is more than half of tile 128"):
        read_settings({"dream": {"tile": 128, "overlap": 65}}, "mine.toml")
    assert read_settings({"dream": {"tile": 128, "overlap": 64}}, "mine.toml").dream.overlap == 64


def test_a_trained_file_as_the_net_means_dreamnet_with_those_weights() -> None:
    settings = resolve("dream", [("net.name", "mine.safetensors")])
    assert (settings.net.name, settings.net.weights) == ("dreamnet", "mine.safetensors")
    assert settings.objective == resolve("dream").objective
    with pytest.raises(SettingsError, match="leave out weights"):
        resolve("dream", [("net.name", "mine.safetensors"), ("net.weights", "other.safetensors")])


def moving(table: dict[str, Any]) -> Settings:
    return read_settings(table, "mine.toml")


def test_a_text_at_a_number_is_a_track_and_the_number_its_first_value() -> None:
    text = "2s:0.02, 4s:0.06 ease, 8s:0.02"
    settings = moving(
        {
            "dream": {"step_size": text, "octaves": "2.5 + t"},
            "objective": [{"layer": "a"}, {"layer": "b", "weight": "0:0, 10s:1"}],
            "camera": {"shift": ["sin(t)", 0.5]},
        }
    )
    assert settings.tracks == {
        "dream.step_size": text,
        "dream.octaves": "2.5 + t",
        "objective.1.weight": "0:0, 10s:1",
        "camera.shift.0": "sin(t)",
    }
    assert (settings.dream.step_size, settings.dream.octaves) == (0.02, 3)
    assert [term.weight for term in settings.objective] == [1, 0]
    assert settings.camera.shift == (0, 0.5)
    assert read_settings(to_table(settings), "again") == settings


@pytest.mark.parametrize("text", ["0.25", " 0.25 ", "1/4", "min(1, 0.25)"])
def test_a_number_written_as_a_text_does_not_move(text: str) -> None:
    settings = moving({"dream": {"step_size": text}})
    assert (settings.dream.step_size, settings.tracks) == (0.25, {})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"seed": "0:1, 4s:2"}, "seed: give a number; it cannot move with time (it is '0:1, 4s:2')"),
        ({"dream": {"tile": "256 + t"}}, "dream.tile: give a number; it cannot move"),
        ({"input": {"seconds": "t"}}, "input.seconds: give a number; it cannot move"),
        ({"compute": {"threads": "0:1"}}, "compute.threads: give a number; it cannot move"),
        ({"output": {"crf": "beat"}}, "output.crf: give a number; it cannot move"),
        ({"objective": [{"layer": "a", "weight": "0:1 eese"}]}, "objective.0.weight: '0:1 eese': the key '0:1 eese'"),
        ({"dream": {"step_size": "0:-1, 4s:1"}}, "dream.step_size: input should be greater than 0 (it is -1.0)"),
        ({"dream": {"step_size": "1 / t"}}, "dream.step_size: '1 / t': it divides by zero"),
        ({"dream": {"step_size": "siin(t)"}}, "nearest: sin"),
        ({"camera": {"shift": ["0:a", 0]}}, "camera.shift.0: '0:a': the key '0:a' has no number"),
        ({"tracks": {"dream.step_size": "t"}}, "tracks: what moves is written as the value of the setting itself"),
    ],
)
def test_a_track_that_is_none_or_at_the_wrong_place_is_refused_by_its_key(table: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        moving(table)
    assert str(error.value).startswith("mine.toml: ") and "\n" not in str(error.value)
    assert said in str(error.value)


def test_settings_at_a_moment_hold_its_values_and_move_no_more() -> None:
    settings = moving({"dream": {"step_size": "t + 1"}, "objective": [{"layer": "a", "weight": "t"}]})
    then = settings_at(settings, {"dream.step_size": 0.5, "objective.0.weight": -2, "camera.shift.1": 0.25})
    assert (then.dream.step_size, then.objective[0].weight, then.camera.shift) == (0.5, -2, (0, 0.25))
    assert then.tracks == {}
    assert settings_at(settings, {}) == settings.model_copy(update={"tracks": {}})
    with pytest.raises(SettingsError, match=r"^dream\.octaves: input should be less than or equal to 16 \(it is 17\)"):
        settings_at(settings, {"dream.octaves": 17})


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [("dream.steps", 2.5, 3), ("dream.steps", 2.49, 2), ("dream.jitter", 0.5, 1), ("dream.step_size", 2.5, 2.5)],
)
def test_whole_numbers_are_rounded(key: str, value: float, taken: float) -> None:
    assert rounded(key, value) == taken
    assert isinstance(rounded(key, value), int) == (key != "dream.step_size")


def test_a_setting_is_a_curve_whether_it_moves_or_not() -> None:
    settings = moving({"camera": {"zoom": "1 + t", "rotate": 5, "shift": ["f", 0.25]}})
    film = Film(240, Fraction(24))
    curves = [curve(settings, f"camera.{name}", film) for name in ("zoom", "rotate", "shift.0", "shift.1")]
    assert [value(0.5) for value in curves] == [1.5, 5, 12, 0.25]
    with pytest.raises(SettingsError, match="beyond the end"):
        curve(moving({"camera": {"zoom": "0:1, 11s:2"}}), "camera.zoom", film)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"layer": "3", "weights": "w.pth"}, "weights of an objective are for a net of its own"),
        ({"layer": "3", "net": "mine.safetensors", "weights": "w.pth"}, "leave out weights"),
        ({"kind": "tv", "net": "vgg16"}, "kind tv takes no net"),
    ],
)
def test_an_objectives_net_is_named_whole_or_not_at_all(term: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read_settings({"objective": [term]}, "mine.toml")
    assert "\n" not in str(error.value)
