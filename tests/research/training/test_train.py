"""The command: from a recipe's file and a folder to a net that dreams, and clear lines on the way."""

from pathlib import Path

import pytest

from dreamvid import cli
from dreamvid.models import zoo

from .conftest import jpeg

RECIPE = """
minutes = 0.02
interval = 0.02
size = 35
first_size = 32
width = 0.125
batch = 4
held_out = 0.25
[[sources]]
path = "things.npz"
"""


def train(folder: Path, *more: str) -> int:
    return cli.run(["train", str(folder / "mine.toml"), "--threads", "1", *more])


def test_a_folder_becomes_a_net(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(data_folder)
    (data_folder / "mine.toml").write_text(RECIPE)
    assert train(data_folder) == 0
    said = capsys.readouterr().err
    assert "mine.safetensors: dream with it: dreamvid image PHOTO dream.png --model mine.safetensors" in said
    assert "pictures_per_second=" in said
    again = (data_folder / "mine.safetensors").read_bytes()
    assert train(data_folder) == 0  # it is finished, and stays
    assert (data_folder / "mine.safetensors").read_bytes() == again


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--data", "nowhere"], 3, "nowhere.things.npz: no such file"),
        (["--out", "net.pt"], 2, "--out net.pt: give a name that ends in .safetensors"),
        (["--out", "nowhere/net.safetensors"], 2, "in a folder that exists"),
        (["--minutes", "0"], 2, "minutes: Input should be greater than 0"),
        (["--device", "cuda:99"], 2, "CUDA devices"),
        (["--device", "toaster"], 2, "compute.device"),
    ],
)
def test_what_will_not_do_is_told_in_one_line(
    data_folder: Path,
    more: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(data_folder)
    (data_folder / "mine.toml").write_text(RECIPE)
    before = sorted(data_folder.iterdir())
    assert train(data_folder, *more) == code
    shown = capsys.readouterr().err
    assert said.replace("/", ".") in shown.replace("/", ".") and shown.count("\n") == 1, shown
    assert sorted(data_folder.iterdir()) == before


def test_two_folders_are_mixed_and_classes_chosen(
    data_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data_folder)
    for number in range(8):
        folder = data_folder / f"set{number % 2}" / f"kind{number // 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(jpeg(30 * number, number))
    plain = RECIPE.partition("[[sources]]")[0]
    (data_folder / "mine.toml").write_text(plain)
    both = ["--data", "set0", "--data", "set1"]
    assert train(data_folder, *both) == 0, capsys.readouterr().err
    made = zoo.get("dreamnet", "mine.safetensors").classes
    assert made == ("set0 kind0", "set0 kind1", "set1 kind0", "set1 kind1")
    assert train(data_folder, *both, "--only", "kind1", "--out", "one.safetensors") == 0, capsys.readouterr().err
    assert zoo.get("dreamnet", "one.safetensors").classes == ("set0 kind1", "set1 kind1")
    assert train(data_folder, *both, "--only", "kind", "--out", "two.safetensors") == 2
    assert "only: there is no class 'kind'; nearest: kind" in capsys.readouterr().err
    (data_folder / "mine.toml").write_text(RECIPE)
    assert train(data_folder, *both, "--out", "three.safetensors") == 2
    assert "--data is given more than once" in capsys.readouterr().err


def test_a_place_that_takes_no_file_is_told_before_training(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_folder / "mine.toml").write_text(RECIPE)
    (data_folder / "net.safetensors.part").mkdir()
    assert train(data_folder, "--out", str(data_folder / "net.safetensors")) == 2
    shown = capsys.readouterr().err
    assert "net.safetensors cannot be written: " in shown and shown.count("\n") == 1
