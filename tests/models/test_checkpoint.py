"""Weights files: what is read, and what is refused without being executed."""

import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dreamvid.config.objective_settings import HEADER
from dreamvid.core.errors import NetError
from dreamvid.models import hub, zoo
from dreamvid.models.checkpoint import MOST, NAMES, WIDTH, fill, final_classes, load


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def small() -> nn.Module:
    """A convolution and a batch norm, seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 1000))


def refusal(path: Path) -> str:
    """The one line with which a file is refused."""
    with pytest.raises(NetError) as error:
        load(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        lambda own: {"state_dict": own},
        lambda own: {"model": own, "epoch": 3},
        lambda own: {"model_state_dict": own, "epoch": 3},
        lambda own: {"ema": {"state_dict": own}},
    ],
)
def test_a_state_dict_is_read_plain_or_wrapped(tmp_path: Path, wrap: Callable[[dict], dict]) -> None:
    module = small()
    torch.save(wrap(module.state_dict()), tmp_path / "net.pth")
    found = load(tmp_path / "net.pth").weights()
    assert found.keys() == module.state_dict().keys()
    assert all(torch.equal(found[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "state_dict.", "model_state_dict.ema."]
)
def test_names_lose_the_prefixes_that_all_of_them_have(tmp_path: Path, suffix: str, prefix: str) -> None:
    path = tmp_path / f"net{suffix}"
    weights = {f"{prefix}{name}": value for name, value in small().state_dict().items()}
    (torch.save if suffix == ".pth" else save_file)(weights | {"n_averaged": torch.tensor(3)}, path)
    assert load(path).weights().keys() == small().state_dict().keys()
    within = nn.ModuleDict({"net": small()})  # a module of the user whose own names begin so
    fill(within, load(path), "within")
    assert all(torch.equal(value, small().state_dict()[name]) for name, value in within["net"].state_dict().items())


def test_a_name_keeps_a_prefix_that_others_do_not_have(tmp_path: Path) -> None:
    save_file({"net.weight": torch.ones(2), "head.weight": torch.ones(2)}, tmp_path / "net.safetensors")
    assert load(tmp_path / "net.safetensors").weights().keys() == {"net.weight", "head.weight"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer.*git lfs pull"),
        (b"\n<!DOCTYPE html>\n<html><title>404</title></html>", "a web page.*download the file itself"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        (b"\x08\x08\x12\x07pytorch" + bytes(99), "an ONNX model"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(99), "is a picture, not the weights$"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(99), "is a picture, not the weights$"),
        (b"the weights are on the other disk\n", "is a text, not the weights$"),
        (b'{"weights": []}', "is a text, not the weights$"),
        (b"", "is empty: fetch it again$"),
        (bytes(9999), "is not weights: give a safetensors file, or a state dict of PyTorch$"),
        (b"\x1f\x8b\x08" + bytes(99), "is not weights: give a safetensors file, or a state dict of PyTorch$"),
        (b"PK\3\4" + bytes(99), "is damaged or not whole.*: fetch it again$"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".h5"])
def test_a_file_of_a_known_foreign_kind_is_named(tmp_path: Path, suffix: str, content: bytes, said: str) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    assert re.search(said, refusal(path))


def test_a_torchscript_archive_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "version"):
            archive.writestr(f"net/{name}", b"")
    assert "a TorchScript archive: save the state_dict()" in refusal(tmp_path / "net.pt")


def test_an_archive_of_other_files_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pth", "w") as archive:
        archive.writestr("notes.txt", b"hello")
    assert refusal(tmp_path / "net.pth").endswith(
        "is a ZIP archive of other files: if the weights are among them, unpack it"
    )


@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_file_of_torch_is_called_that(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "net.pth"
    torch.save({"weight": torch.ones(500)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    damaged = [whole[: len(whole) // 2]]
    if zipped:
        directory = whole.index(b"PK\1\2")  # of the archive: its mark, then the first name in it
        damaged += [whole[:at] + b"\xff" * 8 + whole[at + 8 :] for at in (directory, directory + 46)]
    for data in damaged:
        path.write_bytes(data)
        assert re.search("is damaged or not whole.*: fetch it again$", refusal(path))


def test_safetensors_bring_their_statistics_and_text(tmp_path: Path) -> None:
    tensors = {"conv.weight": torch.ones(2, 3), "steps": torch.tensor(7), "stats.conv": torch.tensor([1.0, 2.0])}
    halves = {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}
    save_file(halves, tmp_path / "net.safetensors", metadata={"classes": '["cat", "dog"]', "torn": "["})
    checkpoint = load(tmp_path / "net.safetensors")
    assert checkpoint.weights().keys() == {"conv.weight", "steps"}
    assert checkpoint.weights()["conv.weight"].dtype == torch.float32
    assert checkpoint.weights()["steps"].dtype == torch.int64
    assert checkpoint.statistics().keys() == {"conv"}
    assert checkpoint.statistics()["conv"].dtype == torch.float32
    assert checkpoint.entry("classes", NAMES) == ("cat", "dog")
    with pytest.raises(NetError, match="does not contain its width: give the architecture"):
        checkpoint.entry("width", WIDTH)
    with pytest.raises(NetError, match="its torn cannot be read"):
        checkpoint.entry("torn", NAMES)


def test_a_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        save_file({"weight": torch.full((3,), value)}, tmp_path / f"{name}.safetensors")
    first, same, other = (load(tmp_path / f"{name}.safetensors").sha256 for name in "abc")
    assert first == same != other


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_execute_something_is_refused_and_executes_nothing(tmp_path: Path, zipped: bool) -> None:
    torch.save({"w": Trap(tmp_path / "sprung")}, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    assert "nothing in it is executed" in refusal(tmp_path / "net.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert "nothing in it is executed" in refusal(tmp_path / "bare.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_whole_module_is_refused_with_what_to_save_instead(tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "net.pth")
    assert "save only the state_dict() of its net" in refusal(tmp_path / "net.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\x80\x02.", b"hello", b"}q\x00.", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + b"a" * 99]
)
def test_a_foreign_file_is_refused_in_one_line(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize(
    "held",
    [
        [1, 2],
        {},
        torch.ones(3),
        {1: torch.ones(2)},
        {"name": "text"},
        {"w": torch.ones(2).to_sparse()},
        {"w": torch.ones(2, device="meta")},
    ],
    ids=["list", "nothing", "tensor", "numbers", "text", "sparse", "meta"],
)
def test_what_holds_no_named_tensors_is_refused(tmp_path: Path, held: object) -> None:
    torch.save(held, tmp_path / "net.pth")
    assert "it contains no state dict (names and tensors)" in refusal(tmp_path / "net.pth")


def packed(path: Path) -> None:
    """Pack a file of torch, as torch itself never does."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.ones(1).expand(10**5, 10**5), "its tensors are larger than the file"),
        (torch.ones(1).expand(10**9), "its tensors are larger than the file"),
        (torch.ones(0, 10**9), "tensor w holds no numbers"),
        (torch.ones(10**9, 0), "tensor w holds no numbers"),
        (torch.ones(4, dtype=torch.complex64), "tensor w holds complex64 numbers: save the weights as float32"),
        (torch.ones(4).to(torch.float8_e4m3fn), "tensor w holds float8_e4m3fn numbers"),
    ],
    ids=["square", "line", "empty", "empty rows", "complex", "eight bits"],
)
def test_tensors_that_are_no_plain_numbers_are_refused(tmp_path: Path, tensor: torch.Tensor, said: str) -> None:
    torch.save({"w": tensor}, tmp_path / "net.pth")
    assert said in refusal(tmp_path / "net.pth")


def test_many_views_of_one_storage_are_refused(tmp_path: Path) -> None:
    one = torch.ones(1000)
    torch.save({f"w{number}": one for number in range(1000)}, tmp_path / "net.pth")
    assert "its tensors are larger than the file" in refusal(tmp_path / "net.pth")


def test_what_is_packed_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(10**6)}, tmp_path / "net.pth")
    packed(tmp_path / "net.pth")
    assert (tmp_path / "net.pth").stat().st_size < 50_000
    assert "it is packed" in refusal(tmp_path / "net.pth")


def test_a_file_beyond_the_limits_is_refused_unread(tmp_path: Path) -> None:
    for name in ("net.pth", "net.safetensors"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(MOST + 1)  # of zeros that take no place on the disk
        assert "has 4.0 GB: at most 4 are read" in refusal(tmp_path / name)
    (tmp_path / "long.safetensors").write_bytes((HEADER + 1).to_bytes(8, "little") + b"{" + bytes(99))
    assert f"has more than {HEADER} bytes" in refusal(tmp_path / "long.safetensors")


@pytest.mark.parametrize(
    ("net", "entry", "lie"),
    [
        *(("dreamnet", "classes", lie) for lie in ("5", "[1]", "[" * 9999, '"abc"', "{", json.dumps(["x"] * 10**5))),
        *(("dreamnet", "width", lie) for lie in ("[1]", "1e9", "16", "-1", "NaN", "null")),
        *(("dreamnet", "mean", lie) for lie in ("5", "[1, 2]", "[NaN, 0, 0]", '["a", 0, 0]')),
        *(("dreamnet", "std", lie) for lie in ("[0, 1, 1]", "[1e999, 1, 1]")),
        *(("sketchnet", "classes", lie) for lie in ("5", json.dumps(["x"] * 10**5))),
        ("sketchnet", "width", "16"),
    ],
)
def test_a_file_that_lies_about_its_net_is_refused(tmp_path: Path, net: str, entry: str, lie: str) -> None:
    own = load(zoo.SHIPPED[net])
    save_file(own.tensors, tmp_path / "net.safetensors", own.metadata | {entry: lie})
    with pytest.raises(NetError) as caught:
        zoo.get(net, str(tmp_path / "net.safetensors"))
    assert re.search(r"is damaged: its|does not fit", str(caught.value))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("net", "tensor", "value"),
    [
        ("efficientnet_lite2_robust", "logits.weight", torch.ones(10**6, 1)),
        ("efficientnet_lite2_robust", "logits.weight", torch.tensor(1.0)),
        ("sketchnet", "conv8.weight", torch.ones(10**6, 1, 1, 1)),
        ("sketchnet", "conv8.weight", torch.tensor(1.0)),
        ("squeezenet1_1", "classifier.1.weight", torch.ones(10**6, 1)),
        ("squeezenet1_1", "classifier.1.weight", torch.tensor(1.0)),
    ],
)
def test_a_last_layer_of_any_shape_takes_no_memory(tmp_path: Path, net: str, tensor: str, value: torch.Tensor) -> None:
    own = {tensor: value}
    if net == "squeezenet1_1":
        own = {**hub.build(net).state_dict(), tensor: value}
    elif net in zoo.SHIPPED:
        own = {**load(zoo.SHIPPED[net]).tensors, tensor: value}
    torch.save(own, tmp_path / "net.pth")
    with pytest.raises(NetError, match=r"does not fit|contains no weights"):
        zoo.get(net, str(tmp_path / "net.pth"))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    torch.save(small().state_dict(), tmp_path / "net.pth")
    save_file(small().state_dict(), tmp_path / "net.safetensors")
    for path in (tmp_path / "net.pth", tmp_path / "net.safetensors"):
        content = path.read_bytes()
        path.write_bytes(content[: int(kept * len(content))])
        refusal(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "there is no weights file" in refusal(tmp_path / "none.pth")
    assert "there is no weights file" in refusal(tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_tensor_that_is_not_finite_is_named(tmp_path: Path, bad: float, suffix: str) -> None:
    weights = small().state_dict()
    weights["1.running_var"][2] = bad
    path = tmp_path / f"net{suffix}"
    (torch.save if suffix == ".pth" else save_file)(weights, path)
    assert "tensor 1.running_var holds NaN or infinity" in refusal(path)


def test_a_module_is_filled_bit_for_bit(tmp_path: Path) -> None:
    trained, fresh = small(), small()
    with torch.no_grad():
        trained[0].weight.add_(1.0)
    save_file(trained.state_dict(), tmp_path / "net.safetensors")
    fill(fresh, load(tmp_path / "net.safetensors"), "small")
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in fresh.state_dict().items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda own: own.pop("0.bias"), "0.bias is missing"),
        (lambda own: own.update({"9.weight": torch.ones(2)}), "9.weight is not part of it"),
        (lambda own: own.update({"0.weight": torch.ones(4, 3, 5, 5)}), "0.weight has another shape"),
    ],
)
def test_weights_of_another_net_do_not_fit_and_it_is_said_where(tmp_path: Path, change, said: str) -> None:
    weights = dict(small().state_dict())
    change(weights)
    save_file(weights, tmp_path / "net.safetensors")
    with pytest.raises(NetError, match=f"does not fit small: {said}; give the architecture of the file with --model"):
        fill(small(), load(tmp_path / "net.safetensors"), "small")


def test_the_number_of_classes_is_read_off_the_last_layer(tmp_path: Path) -> None:
    ten = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 10))
    for name, module in (("ten", ten), ("same", small())):
        save_file(module.state_dict(), tmp_path / f"{name}.safetensors")
    assert final_classes(small(), load(tmp_path / "ten.safetensors")) == 10
    assert final_classes(small(), load(tmp_path / "same.safetensors")) is None
