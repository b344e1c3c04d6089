"""The loop on a tiny net: it finishes, learns, goes on after a kill, and really attacks."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torchvision import models

from dreamvid.core.errors import NetError, SettingsError, SourceError
from dreamvid.media import images
from dreamvid.models import zoo
from dreamvid.models.device import Compute
from dreamvid.research.training import loop
from dreamvid.research.training.dataset import Corpus, read_corpus
from dreamvid.research.training.loop import begin, run_to_end
from dreamvid.research.training.recipe import Attack, Recipe


def train(recipe: Recipe, corpus: Corpus, out: Path) -> None:
    run_to_end(recipe, corpus, out, Compute(torch.device("cpu"), torch.float32, 1, "cpu"), lambda minutes: None)


def lines(out: Path) -> list[dict[str, str]]:
    with out.with_name(f"{out.name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_net_checkpoint_and_log(data_folder: Path, recipe: Recipe, clock: Callable[[], None]) -> None:
    out = data_folder / "net.safetensors"
    train(recipe, read_corpus(recipe, data_folder), out)
    log = lines(out)
    assert float(log[-1]["minutes"]) >= round(recipe.minutes, 2)
    assert [float(line["radius"]) for line in (log[0], log[1], log[-1])] == [1.0, 1.0, 0.7]
    assert {float(line["top1"]) for line in log} <= {0.0, 0.5, 1.0}
    assert {float(line["top5"]) for line in log} == {1.0}  # of two classes
    tensors = load_file(out)
    assert all(torch.isfinite(value).all() for value in tensors.values())
    assert tensors["logits.weight"].shape[0] == 2
    assert not list(data_folder.glob("*.part"))


def test_it_learns_under_a_small_attack(data_folder: Path, recipe: Recipe, clock: Callable[[], None]) -> None:
    attack = Attack(starts=0.3, full=0.3, radius=0.1, replays=2)
    recipe = recipe.model_copy(update={"minutes": 1, "interval": 0.25, "batch": 12, "rate": 0.01, "attack": attack})
    out = data_folder / "net.safetensors"
    train(recipe, read_corpus(recipe, data_folder), out)
    losses = [float(line["loss"]) for line in lines(out)]
    assert losses[-1] < 0.8 * losses[0]


def test_a_killed_run_goes_on_to_the_same_net(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = read_corpus(recipe, data_folder)
    train(recipe, corpus, data_folder / "whole.safetensors")

    class KilledError(Exception):
        pass

    sample, calls = loop.sample, []

    def failing(*arguments: object) -> object:
        calls.append(1)
        if len(calls) in (3, 6, 9):
            raise KilledError
        return sample(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "sample", failing)
    for _ in range(3):
        clock()
        with pytest.raises(KilledError):
            train(recipe, corpus, data_folder / "killed.safetensors")
    clock()
    train(recipe, corpus, data_folder / "killed.safetensors")
    killed, whole = (load_file(data_folder / f"{name}.safetensors") for name in ("killed", "whole"))
    assert all(torch.equal(killed[name], whole[name]) for name in whole)


def test_a_checkpoint_of_another_recipe_or_a_broken_one_is_refused(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None]
) -> None:
    out = data_folder / "net.safetensors"
    corpus = read_corpus(recipe, data_folder)
    train(recipe, corpus, out)
    with pytest.raises(SettingsError, match="belongs to another recipe"):
        train(recipe.model_copy(update={"seed": 1}), corpus, out)
    (data_folder / "net.safetensors.checkpoint").write_bytes(b"half")
    with pytest.raises(SourceError, match=r"net\.safetensors\.checkpoint: not a readable checkpoint"):
        train(recipe, corpus, out)


def test_replays_see_perturbations_that_grow_within_the_radius(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe.model_copy(update={"attack": Attack(starts=0, full=0, radius=0.6, replays=3, last_radius=0.6)})
    corpus = read_corpus(recipe, data_folder)
    norms: list[float] = []
    within = loop.within

    def watched(perturbation: torch.Tensor, radius: float) -> torch.Tensor:
        kept = within(perturbation, radius)
        norms.extend(kept.flatten(1).norm(dim=1).tolist())
        return kept

    monkeypatch.setattr(loop, "within", watched)
    train(recipe, corpus, data_folder / "net.safetensors")
    assert len(norms) >= 3 * recipe.batch
    assert min(norms) > 0.3 and max(norms) <= 0.6 + 1e-5


def test_the_auxiliary_heads_stay_out_of_the_net(recipe: Recipe) -> None:
    run = begin(recipe, 3)
    assert len(list(run.heads.parameters())) == 6
    assert not any("heads" in name or "linear" in name for name in run.net.state_dict())
    assert set(run.average.state_dict()) == set(run.net.state_dict())


def test_it_begins_with_the_weights_of_another_net(tmp_path: Path, recipe: Recipe) -> None:
    whole = recipe.model_copy(update={"width": 1.0, "start": "dreamnet"})
    shipped = zoo.get("dreamnet").module.state_dict()
    own = begin(whole, 3).net.state_dict()
    assert own["logits.weight"].shape[0] == 3
    assert all(torch.equal(own[name], shipped[name]) for name in own if "logits" not in name and "batches" not in name)
    with pytest.raises(SettingsError, match="width"):
        begin(recipe.model_copy(update={"start": "dreamnet"}), 3)


def test_an_interval_leaves_a_sheet_of_dreams(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe.model_copy(update={"interval": 1})
    train(recipe, read_corpus(recipe, data_folder), data_folder / "net.safetensors")
    picture = images.load(data_folder / "net.safetensors.png")
    assert picture.shape == (3 * 224, 5 * 224, 3)
    for dreamed in np.split(picture, 5, axis=1)[1:]:
        assert 2 < np.abs(dreamed.astype(int) - picture[:, :224]).mean() < 60


def test_a_file_that_was_there_is_kept(data_folder: Path, recipe: Recipe) -> None:
    out = data_folder / "net.safetensors"
    out.write_bytes(b"something else")
    with pytest.raises(SettingsError, match="exists, without a checkpoint to resume"):
        train(recipe, read_corpus(recipe, data_folder), out)
    assert out.read_bytes() == b"something else"


def resnet(recipe: Recipe, **changes: object) -> Recipe:
    """The same for a ResNet-18 of torchvision, in one interval without a sheet."""
    return recipe.model_copy(
        update={"net": "resnet18", "width": 1.0, "minutes": 5 / 60, "interval": 1.0, "sheet": False, **changes}
    )


def test_a_net_of_torchvision_is_trained_and_loads_with_its_classes_and_colours(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None]
) -> None:
    out = data_folder / "net.safetensors"
    recipe = resnet(recipe)
    train(recipe, read_corpus(recipe, data_folder), out)
    made = zoo.get("resnet18", str(out))
    assert made.classes == ("light blue thing", "red")
    assert (made.mean, made.std) == (recipe.mean, recipe.std)
    assert made.module.state_dict()["fc.weight"].shape == (2, 512)
    assert not list(begin(recipe, 2).heads.parameters())
    with pytest.raises(
        NetError, match=r"contains no weights of dreamnet: give --model resnet18 --weights .*net\.safetensors"
    ):
        zoo.get("dreamnet", str(out))


def test_a_checkpoint_with_other_classes_gives_all_but_its_last_layer(tmp_path: Path, recipe: Recipe) -> None:
    torch.manual_seed(5)
    theirs = models.resnet18(num_classes=7).state_dict()
    torch.save(theirs, tmp_path / "fields.pth")
    own = begin(resnet(recipe, start=str(tmp_path / "fields.pth")), 3).net.state_dict()
    assert own["fc.weight"].shape == (3, 512)
    assert all(torch.equal(own[name], theirs[name]) for name in own if not name.startswith("fc."))
    with pytest.raises(NetError, match=r"start: .*fields\.pth does not fit resnet34"):
        begin(resnet(recipe, net="resnet34", start=str(tmp_path / "fields.pth")), 3)


@pytest.mark.parametrize(
    ("net", "error", "said"),
    [
        ("resnet81", NetError, "there is no net 'resnet81'; nearest: resnet18"),
        ("sketchnet", NetError, "sketchnet has a training command of its own"),
        ("vit_b_16", SettingsError, "first_size: vit_b_16 cannot process pictures of 32x32"),
    ],
)
def test_a_net_that_cannot_be_trained_is_told(net: str, error: type[Exception], said: str, recipe: Recipe) -> None:
    with pytest.raises(error, match=said):
        begin(resnet(recipe, net=net), 3)


def test_no_attack_means_one_clean_pass_a_batch(
    data_folder: Path, recipe: Recipe, clock: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe.model_copy(update={"attack": Attack(radius=0, last_radius=0)})
    monkeypatch.setattr(loop, "within", None)  # nothing is perturbed
    train(recipe, read_corpus(recipe, data_folder), data_folder / "net.safetensors")
    assert {float(line["radius"]) for line in lines(data_folder / "net.safetensors")} == {0.0}
