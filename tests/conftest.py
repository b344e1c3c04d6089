"""How hypothesis looks for examples, nets small enough to dream in milliseconds, and what jobs dream on."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from job_runs import COUNT, KEEP, two_tinted
from little import drifting, film, quick, texture, write_image
from torch import Tensor, nn

from dreamvid.dream import session
from dreamvid.jobs import run
from dreamvid.models.net import Net, activations

# The same examples in every run, and no clock in the verdict: a busy machine finds what an idle one finds.
settings.register_profile(
    "steady", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", parent=settings.get_profile("steady"), derandomize=False, max_examples=5000)
settings.load_profile(os.environ.get("DREAMVID_EXAMPLES", "steady"))  # DREAMVID_EXAMPLES=long: others in each run

os.environ["DREAMVID_CONFIG"] = ""  # no test, nor what it starts, sees the defaults of whoever runs it

FAST = (
    "core",
    "config",
    "coherence",
    "test_imports.py",
    "test_sizes.py",
    "test_words.py",
)  # rooms and files of tests marked so


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the fast rooms."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).parts[0] in FAST:
            item.add_marker(pytest.mark.fast)


TINY_LAYERS = ("first", "second", "third")
TINY_CLASSES = ("tabby cat", "garden spider", "sea slug", "lighthouse", "volcano")


class TinyUnit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class TinyModule(nn.Module):
    """Strides 2, 4, 4 and receptive fields 5, 9, 17 after its three layers; five classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = TinyUnit(3, 8, 5, stride=2)
        self.second = TinyUnit(8, 12, 3, stride=2)
        self.third = TinyUnit(12, 16, 3, stride=1)
        self.logits = nn.Linear(16, len(TINY_CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.third(self.second(self.first(x))).mean(dim=(2, 3)))


def tiny(seed: int, name: str) -> Net:
    """A net of 3 layers (`first`, `second`, `third`) with seeded random weights, classes and channel statistics."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = TinyModule()
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight)
            if isinstance(part, nn.BatchNorm2d):  # as if it had been trained: far from zero and one
                part.running_mean.uniform_(-0.5, 0.5)
                part.running_var.uniform_(0.3, 2.0)
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.uniform_(part.bias, -0.3, 0.3)
        pictures = torch.randn(4, 3, 64, 64)
    module.eval()
    with torch.no_grad():
        seen = activations(module, pictures, frozenset(TINY_LAYERS))
    statistics = {layer: seen[layer].square().mean(dim=(0, 2, 3)) for layer in TINY_LAYERS}
    mean, std = (0.48, 0.46, 0.41), (0.23, 0.22, 0.22)
    return Net(name, module, mean, std, str(seed) * 64, TINY_CLASSES, ("second",), statistics)


@pytest.fixture(scope="session")
def tiny_net() -> Net:
    """The net that tests dream with."""
    return tiny(0, "tiny")


@pytest.fixture(scope="session")
def other_net() -> Net:
    """Another of its kind, with other weights, beside it."""
    return tiny(1, "other")


@pytest.fixture
def small_net(tiny_net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a job in this process names, it dreams with the tiny net."""
    monkeypatch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of `COUNT` frames, with sound."""
    return film(tmp_path_factory.mktemp("job") / "clip.mp4", drifting(COUNT))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The film that a job is to make."""
    return tmp_path / "dream.mp4"


@pytest.fixture(scope="session")
def reference(clip: Path, tmp_path_factory: pytest.TempPathFactory, tiny_net: Net) -> Path:
    """The film that is made without a stop."""
    output = tmp_path_factory.mktemp("reference") / "dream.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.zoo, "get", lambda name, weights=None: tiny_net)
        run.dream_video(str(clip), output, quick(), KEEP)
    return output


@pytest.fixture(scope="session")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of six frames, a cut, and five more."""
    return film(tmp_path_factory.mktemp("job") / "shots.mkv", two_tinted(6, 5), rate=12)


@pytest.fixture(scope="session")
def guides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two pictures, for films of more."""
    folder = tmp_path_factory.mktemp("guides")
    for number in range(2):
        write_image(folder / f"{number}.png", texture(seed=20 + number, grain=1 + 3 * number))
    return folder
