"""What can be set, within which bounds, and what is said of a value beyond them."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from dreamvid.config.serialize import key_paths, read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError

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
    ("key", "wrong"),
    [
        ("seed", -1),
        ("seed", 2**63),
        ("dream.octaves", 0),
        ("dream.octaves", 2.5),
        ("dream.octaves", []),
        ("dream.octaves", [0.5, 0.9]),
        ("dream.octaves", [0.5, 0.5, 1]),
        ("dream.octaves", [0.5, 64]),
        ("dream.octaves", [64, 32]),
        ("dream.octaves", [64.5, 128]),
        ("dream.octaves", [0, 1]),
        ("dream.octaves", ["t", 1]),
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
        ("dream.octaves", [1]),
        ("dream.octaves", [0.3, 0.55, 1]),
        ("dream.octaves", [128, 256, 512]),
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


def test_patches_share_at_most_half_of_themselves() -> None:
    with pytest.raises(SettingsError, match="overlap 65 is too large for tile 128"):
        read_settings({"dream": {"tile": 128, "overlap": 65}}, "mine.toml")
    assert read_settings({"dream": {"tile": 128, "overlap": 64}}, "mine.toml").dream.overlap == 64


def test_cycles_are_those_of_a_loop() -> None:
    with pytest.raises(SettingsError, match=r"laps 3 needs a loop: give --loop"):
        read_settings({"input": {"laps": 3}}, "test")
    assert read_settings({"input": {"laps": 3, "loop": True}}, "test").input.laps == 3
    assert not read_settings({"input": {"laps": 1}}, "test").input.loop


def test_a_moment_is_kept_in_seconds_however_it_is_given() -> None:
    """Two spellings of one range are one job."""
    code, seconds = (read_settings({"input": {"start": start}}, "test") for start in ("1:02.5", 62.5))
    assert code == seconds and code.model_dump(mode="json") == seconds.model_dump(mode="json")
    assert [str(each.input.start) for each in (code, seconds)] == ["1:02.5", "62.5 s"]


@pytest.mark.parametrize("start", ["1:75", "soon", -1, "-1", float("inf"), [3]])
def test_what_is_no_moment_is_told_with_its_key(start: Any) -> None:
    with pytest.raises(SettingsError, match=r"input\.start"):
        read_settings({"input": {"start": start}}, "test")
