"""Tables of settings: what is read of them, what of it moves, and what is said of a key that is none."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from dreamvid.config import presets
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.config.serialize import changed, curve, read_settings, rounded, settings_at, to_table
from dreamvid.config.settings import Settings
from dreamvid.config.timeline import Timeline
from dreamvid.core.errors import SettingsError


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


def choices(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the full key of every setting that takes some names only, with each that is long enough to misspell."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from choices(inner, f"{prefix}{name}.")
        for kind in (inner, *get_args(inner)):
            if get_origin(kind) is Literal:
                yield from ((prefix + name, choice) for choice in get_args(kind) if len(choice) > 3)


CHOICES = [*choices(), *choices(ObjectiveSettings, "objective.0.")]


def test_many_settings_take_some_names_only() -> None:
    keys = {key for key, _ in CHOICES}
    assert {"dream.step_rule", "mask.kind", "output.codec", "compute.precision", "objective.0.kind"} <= keys


@pytest.mark.parametrize(("key", "choice"), CHOICES)
def test_a_misspelt_name_is_met_with_the_nearest(key: str, choice: str) -> None:
    wrong = choice[:-2] + choice[-1]
    table: dict[str, Any] = {"objective": [{}]} if key.startswith("objective") else {}
    part: Any = table
    *way, last = key.split(".")
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part.setdefault(step, {})
    part[last] = wrong
    with pytest.raises(SettingsError) as error:
        read_settings(table, "mine.toml")
    said = str(error.value)
    assert said.startswith(f"mine.toml: {key}: there is no {wrong!r}; nearest: ")
    assert choice in said.partition("; nearest: ")[2].partition(";")[0].split(", ")


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
    assert settings.keyframes == {
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
    assert (settings.dream.step_size, settings.keyframes) == (0.25, {})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"seed": "0:1, 4s:2"}, "seed: give a number; this setting cannot be animated (it is '0:1, 4s:2')"),
        ({"dream": {"tile": "256 + t"}}, "dream.tile: give a number; this setting cannot be animated"),
        ({"input": {"seconds": "t"}}, "input.seconds: give a number; this setting cannot be animated"),
        ({"compute": {"threads": "0:1"}}, "compute.threads: give a number; this setting cannot be animated"),
        ({"output": {"crf": "beat"}}, "output.crf: give a number; this setting cannot be animated"),
        (
            {"objective": [{"layer": "a", "weight": "0:1 eese"}]},
            "objective.0.weight: '0:1 eese': the keyframe '0:1 eese'",
        ),
        (
            {"dream": {"octaves": ["0:0.5, 1s:0.7", 1]}},
            "dream.octaves.0: give a number; this setting cannot be animated",
        ),
        ({"dream": {"octaves": [0.5, 0.9]}}, "dream.octaves: give rising scales of the frame that end in 1, such as"),
        ({"dream": {"octaves": [0, 1]}}, "dream.octaves.0: input should be greater than 0 (it is 0)"),
        ({"dream": {"step_size": "0:-1, 4s:1"}}, "dream.step_size: input should be greater than 0 (it is -1.0)"),
        ({"dream": {"step_size": "1 / t"}}, "dream.step_size: '1 / t': it divides by zero"),
        ({"dream": {"step_size": "siin(t)"}}, "nearest: sin"),
        ({"camera": {"shift": ["0:a", 0]}}, "camera.shift.0: '0:a': the keyframe '0:a': give a number"),
        (
            {"keyframes": {"dream.step_size": "t"}},
            "keyframes: give keyframes as the value of their setting",
        ),
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
    assert then.keyframes == {}
    listed = moving({"dream": {"octaves": [0.5, 1]}})
    assert settings_at(listed, {"dream.step_size": 0.5}).dream.octaves == (0.5, 1)
    assert settings_at(listed, {"dream.octaves": 3}).dream.octaves == 3
    assert settings_at(settings, {}) == settings.model_copy(update={"keyframes": {}})
    with pytest.raises(SettingsError, match=r"^dream\.octaves: input should be less than or equal to 16 \(it is 17\)"):
        settings_at(settings, {"dream.octaves": 17})


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [
        ("dream.steps", 2.5, 3),
        ("dream.steps", 2.49, 2),
        ("dream.octaves", 2.5, 3),
        ("dream.jitter", 0.5, 1),
        ("dream.step_size", 2.5, 2.5),
    ],
)
def test_whole_numbers_are_rounded(key: str, value: float, taken: float) -> None:
    assert rounded(key, value) == taken
    assert isinstance(rounded(key, value), int) == (key != "dream.step_size")


def test_a_setting_is_a_curve_whether_it_moves_or_not() -> None:
    settings = moving({"camera": {"zoom": "1 + t", "rotate": 5, "shift": ["f", 0.25]}})
    timeline = Timeline(240, Fraction(24))
    curves = [curve(settings, f"camera.{name}", timeline) for name in ("zoom", "rotate", "shift.0", "shift.1")]
    assert [value(0.5) for value in curves] == [1.5, 5, 12, 0.25]
    drawn = [
        curve(moving({"seed": seed, "camera": {"zoom": "random(1, 2)", "rotate": "random(1, 2)"}}), key, timeline)(0.5)
        for seed, key in ((3, "camera.zoom"), (3, "camera.zoom"), (4, "camera.zoom"), (3, "camera.rotate"))
    ]
    assert drawn[0] == drawn[1] and len(set(drawn)) == 3
    with pytest.raises(SettingsError, match="after the end"):
        curve(moving({"camera": {"zoom": "0:1, 11s:2"}}), "camera.zoom", timeline)


@pytest.mark.parametrize("name", presets.everything())
def test_what_is_not_built_in_is_all_that_settings_are_made_of(name: str) -> None:
    settings = presets.resolve(name)
    table = changed(settings)
    assert read_settings(table, "test") == settings.model_copy(update={"description": ""})


def test_what_is_built_in_is_left_out_and_keyframes_are_kept() -> None:
    assert changed(Settings()) == {}
    terms = [{"layer": "conv1"}, {"kind": "tv", "weight": "0:0.5, 2s:1"}]
    table = {"dream": {"steps": 3, "smooth": "0:0, 4s:1"}, "objective": terms}
    assert changed(read_settings({**table, "dream": {**table["dream"], "octaves": 4}}, "test")) == table
