"""Nets from Python files: executed only where that was said, refused in one line."""

import os
import sys
import textwrap
from fractions import Fraction
from itertools import count
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from dreamvid.config import presets
from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.objective_settings import NetSettings, ObjectiveSettings
from dreamvid.core.errors import NetError, SettingsError
from dreamvid.dream import session
from dreamvid.dream.build_objectives import from_settings
from dreamvid.dream.deepdream import Dreamer, gradient_step
from dreamvid.models import zoo
from dreamvid.models.net import IMAGENET_MEAN, IMAGENET_STD, Net, layer_shapes
from dreamvid.models.prepare import prepare
from dreamvid.models.user_module import load_user_net

NUMBERS = count()
SMALL = """
    import torch
    from torch import nn

    def build():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def with_colours():
        return build(), torch.tensor([0.5, 0.4, 0.3]), [0.2, 0.25, 0.3]

    built = 3
"""
# As the image towers of CLIP are made: no bias at the patches, a class token, positions that are learned for one size,
# normalised before the blocks, which take (tokens, pictures, channels); only the class token comes out, projected.
TOWER = """
    import torch
    from torch import nn

    class Tower(nn.Module):
        def __init__(self, side=64, patch=16, width=24, depth=2, embedding=8):
            super().__init__()
            self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
            self.class_embedding = nn.Parameter(torch.randn(width))
            self.positional_embedding = nn.Parameter(torch.randn((side // patch) ** 2 + 1, width))
            self.ln_pre = nn.LayerNorm(width)
            block = nn.TransformerEncoderLayer(width, 2, 48, dropout=0.0, activation="gelu", norm_first=True)
            self.transformer = nn.ModuleList([block, nn.TransformerEncoderLayer(width, 2, 48, 0.0, norm_first=True)])
            self.proj = nn.Parameter(torch.randn(width, embedding))

        def forward(self, x):
            x = self.conv1(x).flatten(2).permute(0, 2, 1)
            first = self.class_embedding.expand(len(x), 1, -1)
            x = self.ln_pre(torch.cat([first, x], dim=1) + self.positional_embedding).permute(1, 0, 2)
            for block in self.transformer:
                x = block(x)
            return x[0] @ self.proj

    def build():
        torch.manual_seed(0)
        return Tower(), (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)
"""


def written(folder: Path, code: str) -> Path:
    """A Python file that no other test has imported."""
    file = folder / f"own{next(NUMBERS)}.py"
    file.write_text(textwrap.dedent(code))
    return file


def trusted(name: str, weights: str | None = None) -> Net:
    return load_user_net(name, weights, trust=True)


def refusal(name: str, weights: str | None = None) -> str:
    """The one line with which it is refused."""
    with pytest.raises(NetError) as error:
        trusted(name, weights)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_trust_nothing_is_executed(tmp_path: Path) -> None:
    file = written(tmp_path, f"open({str(tmp_path / 'sprung')!r}, 'w')\ndef build(): pass\n")
    for how in (NetSettings(name=f"{file}:build"), NetSettings(name=str(file))):
        with pytest.raises(NetError, match="--trust" if ":build" in how.name else "FUNCTION") as error:
            zoo.from_settings(how)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "sprung").exists()


def test_no_preset_can_name_code_whatever_it_extends(tmp_path: Path) -> None:
    (tmp_path / "evil.toml").write_text('[net]\nname = "evil.py:build"\n[[objective]]\nlayer = "conv1"\n')
    (tmp_path / "nice.toml").write_text('extends = "evil.toml"\n[net]\nname = "dreamnet"\n')
    (tmp_path / "sly.toml").write_text('[[objective]]\nnet = "evil.py:build"\nlayer = "conv1"\n')
    with pytest.raises(SettingsError, match=r"sly\.toml: objective\.net: a preset must not name Python code"):
        presets.resolve(str(tmp_path / "sly.toml"))
    for preset in ("evil.toml", "nice.toml"):
        with pytest.raises(SettingsError, match=r"evil\.toml.*a preset must not name Python code"):
            presets.resolve(str(tmp_path / preset))
    assert presets.resolve("dream", [("net.name", "own.py:build")]).net.is_code


def test_code_that_an_objective_names_wants_trust_as_well(tmp_path: Path) -> None:
    term = {"layer": "0", "net": f"{written(tmp_path, SMALL)}:build"}
    settings = presets.resolve("dream", [("net.name", "dreamnet"), ("objective", [term])])
    with pytest.raises(NetError, match="--trust"):
        session.choose(settings)
    nets, terms = session.choose(settings, trust=True)
    (objective,) = terms.at(Fraction(0))
    assert [net.name for net in nets.values()] == ["dreamnet", term["net"]] and objective.layers == {"1:0"}


def test_a_module_is_taken_with_the_colours_of_imagenet(tmp_path: Path) -> None:
    net = trusted(f"{written(tmp_path, SMALL)}:build")
    assert (net.mean, net.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert net.classes == () and net.side == 224 and not net.module.training
    assert layer_shapes(net)["0"] == (4, 111, 111)


def test_a_module_with_colours_is_taken_with_them(tmp_path: Path) -> None:
    net = trusted(f"{written(tmp_path, SMALL)}:with_colours")
    assert net.mean == pytest.approx((0.5, 0.4, 0.3)) and net.std == (0.2, 0.25, 0.3)


def test_a_net_is_known_by_its_code_and_its_weights(tmp_path: Path) -> None:
    first, same, other = (
        trusted(f"{written(tmp_path, code)}:build").sha256
        for code in (SMALL, SMALL, SMALL.replace("manual_seed(0)", "manual_seed(1)"))
    )
    file = written(tmp_path, "import torch\ndef build(): return torch.nn.Conv2d(3, 4, 3)\n")
    fresh = {trusted(f"{file}:build").sha256 for _ in range(2)}
    assert first == same != other and len(fresh) == 2


def test_a_file_is_read_anew_and_nothing_is_left_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = written(tmp_path, SMALL)
    before = file.stat().st_mtime_ns
    trusted(f"{file}:build")
    assert list(tmp_path.iterdir()) == [file]
    file.write_text(file.read_text().replace("nn.Conv2d(3, 4", "nn.Conv2d(3, 5"))
    os.utime(file, ns=(before, before))  # as long as it was, and as old: bytecode would pass for it
    assert layer_shapes(trusted(f"{file}:build"))["0"] == (5, 111, 111)


def test_weights_of_a_file_fill_it(tmp_path: Path) -> None:
    file = written(tmp_path, SMALL)
    weights = {name: value + 1 for name, value in trusted(f"{file}:build").module.state_dict().items()}
    save_file(weights, tmp_path / "own.safetensors")
    net = trusted(f"{file}:build", str(tmp_path / "own.safetensors"))
    assert torch.equal(net.module.state_dict()["0.weight"], weights["0.weight"])
    assert "makes its weights itself" in refusal(f"{file}:build", "random:0")
    assert "there is no weights file" in refusal(f"{file}:build", str(tmp_path / "none.pth"))


@pytest.mark.parametrize(
    ("code", "function", "said"),
    [
        (SMALL, "biuld", "has no function 'biuld'; nearest: build"),
        (SMALL, "", "has no function ''"),
        (SMALL, "built", "has no function 'built'; nearest: build"),
        ("def build(", "build", "cannot be loaded: SyntaxError: "),
        ("import no_such_module_at_all", "build", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("raise SystemExit(0)", "build", "cannot be loaded: SystemExit"),
        ("def build(): raise ValueError('first\\nsecond')", "build", "failed: ValueError: first"),
        ("def build(size): pass", "build", "failed: TypeError: "),
        ("def build(): return 3", "build", "returned int: it must return a torch module, or (module, mean, std)"),
        ("def build(): return None", "build", "returned NoneType"),
        ("import torch\ndef build(): return torch.nn.ReLU(), 0.5", "build", "returned tuple"),
        ("import torch\ndef build(): return torch.nn.ReLU(), 0.5, 0.5", "build", "three numbers each"),
        ("import torch\ndef build(): return torch.nn.ReLU(), (1, 2), (1, 2, 3)", "build", "three numbers each"),
        ("import torch\ndef build(): return torch.nn.ReLU(), (0, 0, 0), (1, 0, 1)", "build", "std above 0"),
        (
            "import torch\ndef build(): return torch.nn.ReLU(), (0, 0, float('nan')), (1, 1, 1)",
            "build",
            "three numbers",
        ),
    ],
)
def test_what_is_no_net_is_refused_in_one_line(tmp_path: Path, code: str, function: str, said: str) -> None:
    assert said in refusal(f"{written(tmp_path, code)}:{function}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"there is no Python file {tmp_path / 'none.py'}" in refusal(f"{tmp_path / 'none.py'}:build")
    assert "there is no Python file" in refusal("a\0b.py:build")


def test_an_image_tower_like_clips_dreams_block_by_block_in_patches_of_its_size(tmp_path: Path) -> None:
    net = zoo.from_settings(NetSettings(name=f"{written(tmp_path, TOWER)}:build"), trust=True)
    assert net.side == 64
    assert layer_shapes(net)["transformer.1"] == (24, 4, 4)
    term = ObjectiveSettings(kind="channel", layer="transformer.1", channels=(5,))
    objective = from_settings([term], net)
    prepared = prepare(net, objective.layers, torch.device("cpu"), torch.float32)
    assert prepared.max_size == 64
    dreamer = Dreamer(prepared, objective, DreamSettings(jitter=0, step_size=0.01, tile=64, overlap=16), 0)
    picture = torch.rand(1, 3, 64, 112, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.1
    stepped = gradient_step(dreamer, picture, (0, 0))
    left = [float(objective(prepared(image[..., :64]))) for image in (picture, stepped)]
    assert left[1] > left[0]
    assert from_settings([ObjectiveSettings(kind="class", class_name="7")], net).layers == {"output"}
    with pytest.raises(NetError, match="give a number from 0 to 7"):
        from_settings([ObjectiveSettings(kind="class", class_name="8")], net)


def test_its_outputs_can_be_given_names(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join("abcdefgh"))
    how = NetSettings(name=f"{written(tmp_path, TOWER)}:build", classes=str(tmp_path / "names.txt"))
    assert zoo.from_settings(how, trust=True).class_index("h") == 7


ANSWERS = """
    from torch import nn

    class Answering(nn.Module):
        def __init__(self, shape):
            super().__init__()
            self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 7))
            self.shape = shape

        def forward(self, x):
            logits = self.net(x)
            return {"plain": logits, "pair": (logits, x), "named": {"loss": None, "logits": logits}}[self.shape]

    def plain():
        return Answering("plain")

    def pair():
        return Answering("pair")

    def named():
        return Answering("named")
"""


@pytest.mark.parametrize("function", ["plain", "pair", "named"])
def test_a_class_by_number_is_dreamed_however_the_net_returns_its_logits(tmp_path: Path, function: str) -> None:
    net = trusted(f"{written(tmp_path, ANSWERS)}:{function}")
    objective = from_settings([ObjectiveSettings(kind="class", class_name="3")], net)
    ready = prepare(net, objective.of_picture, torch.device("cpu"), torch.float32)
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    (slope,) = torch.autograd.grad(objective(ready(picture)), picture)
    assert bool(slope.any())
    with pytest.raises(NetError, match=r"no class '7'.*from 0 to 6"):
        net.class_index("7")


def test_a_hint_to_a_command_that_would_run_the_code_says_so(tmp_path: Path) -> None:
    name = f"{written(tmp_path, SMALL)}:build"
    for terms in ([], [ObjectiveSettings(layer="nine")]):
        with pytest.raises((NetError, SettingsError), match=f"`dreamvid models layers {name} --trust`"):
            from_settings(terms, trusted(name))
