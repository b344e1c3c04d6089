"""What the README says is true: its commands and its Python run, its tables are whole, its links lead somewhere.

The commands are run at a small size; nets that would have to be fetched are not.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from little import unstyled
from torchvision import models

from dreamvid import cli
from dreamvid.config import presets
from dreamvid.media import images
from dreamvid.models import zoo
from dreamvid.research.training.export import Facts, export

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# In place of what a command has, or beside it: nothing but --set may be given twice.
SMALLER = {
    "video": ["--size", "64x36"],
    "image": ["--size", "64x48"],
    "zoom": ["--size", "64x36", "--fps", "2", "--laps", "1"],
    "train": ["--minutes", "0.01"],
    "papers": ["--only", "b-2.1", "--minutes", "0.01"],
}
FEW_STEPS = ["--set", "dream.steps=1", "--set", "dream.octaves=1"]
BRIEFLY = ["--net", "squeezenet1_1", "--minutes", "0.001", "--per-class", "4", "--side", "32"]
SMALLER_FEATURES = {
    **{name: [*FEW_STEPS, "--side", "48"] for name in ("grid", "class", "crops", "deconv", "depth", "noise")},
    "atlas": [*FEW_STEPS, "--side", "32"],
    "infinite": ["--sides", "48,64", "--circular", "64", *FEW_STEPS],
    "steps": ["--side", "48", "--iterations", "2"],
    "embed": ["--side", "48", "--dream-side", "48", *FEW_STEPS],
    "terra": [*BRIEFLY, "--dream-side", "32", *FEW_STEPS],
    "invariance": BRIEFLY,
}


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every `dreamvid ...` in a shell block, without its comment."""
    parts = [part.strip() for block in blocks("bash") for line in block.splitlines() for part in line.split("&&")]
    return [shlex.join(shlex.split(part, comments=True)) for part in parts if part.startswith("dreamvid ")]


def quicker(words: list[str]) -> list[str]:
    """The same command, less to do."""
    more = SMALLER_FEATURES[words[1]] if words[0] == "features" else SMALLER.get(words[0], [])
    if words[0] == "video" and "--from" not in words:
        more = [*more, "--frames", "0:8" if "--loop" in words else "0:2"]
    replaced = {word for word in more if word.startswith("--")} - {"--set"}
    kept = [word for before, word in zip(["", *words], words, strict=False) if not {before, word} & replaced]
    return [*kept, *more]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the samples, the presets, and the files that the README shows by name."""
    for name in ("samples", "presets"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for block in [*blocks("toml"), *blocks("py")]:
        if named := re.match(r"# (\S+\.(?:toml|py))\n", block):
            (tmp_path / named[1]).write_text(block, encoding="utf-8")
    photo = images.load(ROOT / "samples" / "coffee.jpg")
    for number in range(8):  # what the reader brings
        (tmp_path / "pictures" / f"kind{number % 2}").mkdir(parents=True, exist_ok=True)
        crop = np.roll(photo, 40 * number, axis=number % 2)[:150, :200]
        file = tmp_path / "pictures" / f"kind{number % 2}" / f"{number}.jpg"
        file.write_bytes(images.encode(np.ascontiguousarray(crop), ".jpg"))
        flower = tmp_path / "flowers" / ("tulip", "rose")[number % 2]  # classes of dreamnet
        flower.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, flower)
    (tmp_path / "oval.png").write_bytes(images.encode(np.ascontiguousarray(photo[::-1]), ".png"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise URLError("no network in this test")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fails)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("command", commands())
def test_the_command_does_what_is_said(command: str, checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(command)[1:]
    if "mine.safetensors" in words:  # what the command above it makes
        shutil.copy(zoo.EMBEDDED, checkout / "mine.safetensors")
    if "fields.safetensors" in words:  # likewise
        facts = Facts(width=1, classes=["kind0", "kind1", "rose"], mean=(0.5, 0.5, 0.5), std=(0.3, 0.3, 0.3))
        export(models.resnet18(num_classes=3), checkout / "fields.safetensors", facts, {}, "resnet18")
    if "fields.pth" in words:  # what the reader brings
        torch.save(models.resnet18(num_classes=3).state_dict(), "fields.pth")
        Path("fields.txt").write_text("maize\nsorghum\nwheat\n")
    if words[0] == "compare":
        clip = "samples/clip.mp4"
        for film in {word for word in words if Path(word).suffix} - {clip}:  # what the commands above it make
            assert cli.run(quicker(["video", clip, film])) == 0, capfd.readouterr().err
    before = set(checkout.iterdir())
    code = cli.run(quicker(words))
    out, err = capfd.readouterr()
    if "could not be fetched" in err:
        assert code == 5
        return
    assert code == 0, err
    if words[0] in ("video", "image", "zoom"):
        made = {path.name for path in set(checkout.iterdir()) - before}
        named = next((at for at, word in enumerate(words) if word.startswith("--")), len(words))
        assert made == {words[named - 1]}
    elif words[0] == "train":
        made = Path(words[1]).with_suffix(".safetensors").name
        assert (checkout / made).is_file() and (checkout / f"{made}.png").is_file()
    elif words[0] == "features":
        assert f"{words[1]}.png" in {path.name for path in set(checkout.iterdir()) - before}
    elif words[0] == "papers":
        (folder,) = set(checkout.iterdir()) - before
        assert (folder / "index.html").is_file()
    elif words[0] == "batch":
        assert len(set(checkout.iterdir()) - before) >= 3
    else:
        assert out


def test_there_are_commands_of_every_kind() -> None:
    kinds = {command.split()[1] for command in commands()}
    assert kinds >= {"video", "image", "zoom", "batch", "compare", "models", "train", "features", "papers"}


def test_the_first_command_installs_and_dreams_the_sample() -> None:
    assert blocks("bash")[0].strip() == "pip install . && dreamvid video samples/clip.mp4 dream.mp4"


def test_the_test_command_is_marked_for_the_checks() -> None:
    assert "<!-- test command -->\n```bash\npip install '.[test]' && pytest\n```" in README


@pytest.mark.usefixtures("checkout")
def test_the_python_example_runs(capsys: pytest.CaptureFixture[str], checkout: Path) -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        code = re.sub(r'"\d+x\d*"', '"64x36"', example)
        assert code != example
        exec(compile(code, "README.md", "exec"), {})
        for name in re.findall(r'Path\("(.+?)"\)', code):
            assert (checkout / name).is_file()
    assert capsys.readouterr().out.startswith("3 20.0 ")


def test_the_preset_example_is_one(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = [block for block in blocks("toml") if not block.startswith("# ")]
    assert plain
    for number, block in enumerate(plain):
        (checkout / f"example{number}.toml").write_text(block, encoding="utf-8")
        assert cli.run(["presets", "check", f"example{number}.toml"]) == 0, capsys.readouterr().err


def test_every_preset_is_in_the_table_with_its_description() -> None:
    for name in (*presets.names(), *presets.names(presets.FLIGHTS)):
        assert f"| `{name}` | {presets.resolve(name).description} |" in README


def test_every_exit_code_is_in_the_table() -> None:
    codes = {0, *cli.EXIT_CODES.values(), cli.BATCH_INCOMPLETE, cli.REPAIRED, cli.INTERRUPTED}
    table = README.partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_every_link_inside_the_project_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    inside = [target for target in targets if "://" not in target]
    assert inside
    assert [target for target in inside if not (ROOT / target).exists()] == []


def test_every_option_it_speaks_of_exists(capfd: pytest.CaptureFixture[str]) -> None:
    cli.run(["video", "--help"])
    cli.run(["zoom", "--help"])
    cli.run(["image", "--help"])
    cli.run(["compare", "--help"])
    cli.run(["features", "grid", "--help"])
    cli.run(["train", "--help"])
    cli.run(["papers", "--help"])
    known = unstyled(capfd.readouterr().out)
    spoken = set(re.findall(r"`(--[a-z][a-z-]+)", README))
    assert [option for option in sorted(spoken) if option not in known] == []
