"""State of a training run between intervals, saved so that another process can resume it."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.research.training.export import write_whole
from dreamvid.research.training.heads import Heads
from dreamvid.research.training.recipe import Recipe


@dataclass
class Run:
    """State of a training run; `minutes`: wall clock spent, over all its processes."""

    net: nn.Module
    heads: Heads
    average: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    steps: int = 0
    minutes: float = 0.0

    def to(self, device: torch.device) -> None:
        """Move nets and optimizer to a device."""
        for net in (self.net, self.heads, self.average):
            net.to(device)
        self.optimizer.load_state_dict(self.optimizer.state_dict())  # moves its moments to the device of the parameters

    def share(self, recipe: Recipe) -> float:
        """Return the share of the recipe's minutes that is spent."""
        return self.minutes / recipe.minutes


def checkpoint_path(out: Path) -> Path:
    """Return the path of the checkpoint of `out`: beside it, with `.checkpoint` appended to the name."""
    return out.with_name(f"{out.name}.checkpoint")


def save(run: Run, out: Path, recipe: Recipe) -> None:
    """Write the checkpoint beside `out`, atomically."""
    buffer = io.BytesIO()
    state = {name: getattr(run, name).state_dict() for name in ("net", "heads", "average", "optimizer")}
    state |= {"generator": run.generator.get_state(), "steps": run.steps, "minutes": run.minutes}
    torch.save(state | {"recipe": recipe.model_dump_json()}, buffer)
    write_whole(checkpoint_path(out), buffer.getvalue())


def load(run: Run, out: Path, recipe: Recipe) -> None:
    """Restore `run` from the checkpoint beside `out`, if there is one.

    Raises SettingsError where it belongs to another recipe, SourceError where it cannot be read.
    """
    path = checkpoint_path(out)
    if not path.exists():
        return
    try:
        state = torch.load(path, weights_only=True)
        belongs = state["recipe"] == recipe.model_dump_json()
    except Exception as error:  # torch raises many kinds for a broken file
        raise SourceError(f"{path}: not a readable checkpoint ({error}); delete it to start again") from None
    if not belongs:
        raise SettingsError(f"{path}: belongs to another recipe; delete it to start again, or choose another --out")
    for name in ("net", "heads", "average", "optimizer"):
        getattr(run, name).load_state_dict(state[name])
    run.generator.set_state(state["generator"])
    run.steps, run.minutes = state["steps"], state["minutes"]
