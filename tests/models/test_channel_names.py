"""Channel names: what has a name is there, once, in the net that ships, and nowhere else."""

import hashlib
import tomllib
from pathlib import Path

import pytest

from dreamvid.models import zoo
from dreamvid.models.channel_names import FOLDER, channel_names_of
from dreamvid.models.net import Net, channels_by_depth, layer_shapes, plainly

MADE = """
weights = "abc"
[[channel]]
name = "eyes"
layer = "mixed4b"
number = 12
[[channel]]
name = "sea foam"
layer = "conv1"
number = 0
"""


FILES = sorted(FOLDER.glob("*.channels.toml"))


def of(file: Path) -> str:
    """The net that a file names channels of."""
    return file.name.removesuffix(".channels.toml")


@pytest.fixture(scope="module", params=FILES, ids=of)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def shipped(file: Path) -> Net:
    return zoo.get(of(file))


@pytest.fixture(scope="module")
def entries(file: Path) -> list[dict]:
    return tomllib.loads(file.read_text(encoding="utf-8"))["channel"]


def test_every_file_is_of_a_net_that_ships_and_dreamnet_has_one() -> None:
    assert "dreamnet" in {of(file) for file in FILES} <= set(zoo.SHIPPED)


def test_names_are_those_of_the_weights_the_file_was_made_for_and_of_no_others(tmp_path: Path) -> None:
    (tmp_path / "one.channels.toml").write_text(MADE)
    (tmp_path / "two.channels.toml").write_text(MADE.replace("abc", "abe").replace("eyes", "ears"))
    assert channel_names_of("abc", tmp_path) == {"eyes": ("mixed4b", 12), "sea foam": ("conv1", 0)}
    assert channel_names_of("abe", tmp_path) == {"ears": ("mixed4b", 12), "sea foam": ("conv1", 0)}
    assert channel_names_of("abd", tmp_path) == {}


def test_the_shipped_names_are_those_of_the_shipped_weights(file: Path, shipped: Net, entries: list[dict]) -> None:
    made_for = tomllib.loads(file.read_text(encoding="utf-8"))["weights"]
    assert made_for == hashlib.sha256(zoo.SHIPPED[of(file)].read_bytes()).hexdigest()
    assert shipped.channel_names == {entry["name"]: (entry["layer"], entry["number"]) for entry in entries}
    assert shipped.channel_names


def test_every_channel_with_a_name_is_in_the_net(shipped: Net, entries: list[dict]) -> None:
    shapes = layer_shapes(shipped)
    for entry in entries:
        assert entry.keys() == {"name", "layer", "number"}
        shape = shapes[entry["layer"]]
        assert len(shape) == 3 and 0 <= entry["number"] < shape[0], entry


def test_a_name_means_one_channel_and_a_channel_has_one_name(entries: list[dict]) -> None:
    names = [plainly(entry["name"]) for entry in entries]
    assert len(set(names)) == len(names)
    assert len({(entry["layer"], entry["number"]) for entry in entries}) == len(entries)


def test_every_name_can_be_typed(entries: list[dict]) -> None:
    """A colon would make it LAYER:N."""
    for entry in entries:
        assert ":" not in entry["name"] and entry["name"] and entry["name"] == " ".join(entry["name"].split()), entry


def test_every_shipped_name_is_found_and_listed(shipped: Net, entries: list[dict]) -> None:
    for entry in entries:
        assert shipped.named_channel(entry["name"].upper().replace(" ", "_")) == (entry["layer"], entry["number"])
    assert {name for name, _, _ in channels_by_depth(shipped)} == {entry["name"] for entry in entries}


def test_weights_of_ones_own_have_no_names(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(zoo.EMBEDDED, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors["logits.bias"] = tensors["logits.bias"] + 1
    own = tmp_path / "own.safetensors"
    save_file(tensors, own, metadata)
    assert zoo.get("dreamnet", str(own)).channel_names == {}
    assert zoo.get("dreamnet", "random:0").channel_names == {}
