"""Which net and which objectives can be named, and what is said where one lacks something or has too much."""

from typing import Any

import pytest

from dreamvid.errors import SettingsError
from dreamvid.presets import resolve
from dreamvid.tables import read_settings


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


def test_a_trained_file_as_the_net_brings_its_own_weights() -> None:
    settings = resolve("dream", [("net.name", "mine.safetensors")])
    assert (settings.net.name, settings.net.weights) == ("mine.safetensors", None)
    assert settings.objective == resolve("dream").objective
    with pytest.raises(SettingsError, match="leave out weights"):
        resolve("dream", [("net.name", "mine.safetensors"), ("net.weights", "other.safetensors")])


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
