"""Which net and which objectives can be named, and what is said where one lacks something or has too much."""

from pathlib import Path
from typing import Any

import pytest

from dreamvid.config.presets import resolve
from dreamvid.config.serialize import read_settings
from dreamvid.core.errors import SettingsError


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


def test_a_trained_file_as_the_net_brings_its_own_weights(tmp_path: Path) -> None:
    plain = resolve("dream")
    for architecture, layers in ((plain.net.architecture, plain.objective), ("some_net", ())):
        file = tmp_path / f"{architecture}.safetensors"
        header = f'{{"__metadata__": {{"architecture": "{architecture}"}}}}'.encode()
        file.write_bytes(len(header).to_bytes(8, "little") + header)
        settings = resolve(overrides=[("net.name", str(file))])
        assert (settings.net.name, settings.net.weights) == (str(file), None)
        assert settings.objective == layers  # a preset's layers are those of its own net
    with pytest.raises(SettingsError, match="leave out weights"):
        resolve(overrides=[("net.name", "mine.safetensors"), ("net.weights", "other.safetensors")])


@pytest.mark.parametrize(
    "content", [b"", b"1234567", b"\x02" + bytes(7) + b"[]", b"\xff" * 9, b"\x01" + bytes(7) + b"\xff"]
)
def test_a_file_that_is_damaged_is_told_of_when_it_is_loaded(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "torn.safetensors"
    file.write_bytes(content)
    assert resolve(overrides=[("net.name", str(file))]).net.architecture == str(file)
    assert resolve(overrides=[("net.name", "a\0b.safetensors")]).objective == ()


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"layer": "3", "weights": "w.pth"}, "an objective has weights w.pth but no net"),
        ({"layer": "3", "net": "mine.safetensors", "weights": "w.pth"}, "leave out weights"),
        ({"kind": "tv", "net": "vgg16"}, "kind tv has no key net"),
        ({"kind": "source", "net": "vgg16"}, "kind source has no key net"),
        ({"kind": "tv", "layer": "3"}, "kind tv has no key layer"),
    ],
)
def test_an_objectives_net_is_named_whole_or_not_at_all(term: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        read_settings({"objective": [term]}, "mine.toml")
    assert "\n" not in str(error.value)
