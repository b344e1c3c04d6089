"""Class names from a file."""

import json
import os
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet18

from dreamvid.config.objective_settings import NetSettings
from dreamvid.core.errors import NetError
from dreamvid.models import zoo
from dreamvid.models.classes import with_classes
from dreamvid.models.net import Net

NAMES = ("maize", "pearl millet", "sorghum", "teff", "wheat")


def refusal(net: Net, file: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(NetError) as error:
        with_classes(net, file)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(NAMES),
        "\ufeff" + "\r\n".join(NAMES) + "\r\n\r\n",
        json.dumps(NAMES),
        "  " + json.dumps(NAMES, indent=1),
    ],
    ids=["lines", "Windows", "JSON", "JSON in lines"],
)
def test_names_come_one_a_line_or_as_a_list(tiny_net: Net, tmp_path: Path, text: str) -> None:
    file = tmp_path / "names.txt"
    file.write_text(text, encoding="utf-8")
    net = with_classes(tiny_net, file)
    assert net.classes == NAMES and net.class_index("Pearl_Millet") == 1
    assert tiny_net.classes[0] == "tabby cat"


def test_with_other_names_it_is_another_net(tiny_net: Net, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(NAMES))
    (tmp_path / "b.txt").write_text("\n".join(reversed(NAMES)))
    first, same, other = (with_classes(tiny_net, tmp_path / name).sha256 for name in ("a.txt", "a.txt", "b.txt"))
    assert first == same != other and first != tiny_net.sha256


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"one\ntwo\n",
            "has 2 class names and tiny has 5 outputs: give one name per line, in the order of the outputs",
        ),
        (b"", "has 0 class names"),
        (b"[1, 2, 3, 4, 5]", "is not a JSON list of names"),
        (b'["a", "b"', "is not a JSON list of names"),
        (b"\xff\xfe\x00", "is not a text file"),
    ],
)
def test_another_number_of_names_or_no_names_are_refused_in_one_line(
    tiny_net: Net, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "names.txt").write_bytes(content)
    assert said in refusal(tiny_net, tmp_path / "names.txt")


def test_a_missing_file_is_named(tiny_net: Net, tmp_path: Path) -> None:
    assert "there is no file of class names" in refusal(tiny_net, tmp_path / "none.txt")
    assert "there is no file of class names" in refusal(tiny_net, tmp_path)
    assert "there is no file of class names" in refusal(tiny_net, Path("a\0b"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_does_not_end_is_no_file_of_names(tiny_net: Net, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero")):
        assert "there is no file of class names" in refusal(tiny_net, file)
    with (tmp_path / "long").open("wb") as zeros:
        zeros.truncate(10**10)  # of zeros that take no place on the disk
    assert "class names have at most" in refusal(tiny_net, tmp_path / "long")


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of a ResNet-18 with five classes, as a training script leaves it, and the names beside it."""
    folder = tmp_path_factory.mktemp("fields")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save({"epoch": 3, "state_dict": resnet18(num_classes=len(NAMES)).state_dict()}, folder / "fields.pth")
    (folder / "names.txt").write_text("\n".join(NAMES))
    return folder


def test_a_resnet_of_ones_own_has_its_classes_by_number_or_by_the_names_of_a_file(fields: Path) -> None:
    own = NetSettings(name="resnet18", weights=str(fields / "fields.pth"))
    assert zoo.from_settings(own).classes == tuple("01234")
    named = zoo.from_settings(own.model_copy(update={"classes": str(fields / "names.txt")}))
    assert named.class_index("sorghum") == 2
    with pytest.raises(NetError, match=r"no class 'sorgum'.*nearest: sorghum"):
        named.class_index("sorgum")


def test_names_that_travel_with_weights_are_taken(fields: Path, tmp_path: Path) -> None:
    weights = torch.load(fields / "fields.pth", weights_only=True)["state_dict"]
    for name, names in (("right", NAMES), ("wrong", NAMES[1:])):
        save_file(weights, tmp_path / f"{name}.safetensors", {"classes": json.dumps(names)})
    assert zoo.get("resnet18", str(tmp_path / "right.safetensors")).classes == NAMES
    with pytest.raises(NetError, match="is damaged: it names 4 classes but has 5"):
        zoo.get("resnet18", str(tmp_path / "wrong.safetensors"))
