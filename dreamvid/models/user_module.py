"""Net from a Python file of the user: the only place where a file that the user names is executed."""

import hashlib
import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from dreamvid.core.errors import NetError, nearest
from dreamvid.core.paths import is_there
from dreamvid.models.checkpoint import fill, load
from dreamvid.models.net import IMAGENET_MEAN, IMAGENET_STD, Net, first_line
from dreamvid.models.prepare import SIDES


def load_user_net(name: str, weights: str | None, *, trust: bool) -> Net:
    """Load the net that a function returns; `name` is FILE.py:FUNCTION.

    The function takes no arguments and returns a module that maps (N, 3, H, W), normalised, to anything, or a tuple of
    that module, the mean and the std of each channel of RGB in [0, 1]; without them, ImageNet's are used. `weights`: a
    file with its weights, None where the function loads them itself. Raises NetError without `trust`, and for a file or
    function that does not do this.
    """
    file, _, function = name.rpartition(":")
    if name.endswith(".py"):
        raise NetError(f"{name} is a Python file: give the function that makes the net as well, as {name}:FUNCTION")
    if not trust:
        raise NetError(
            f"{name} is Python code, which would be executed: add --trust if you trust it (a preset cannot set this)"
        )
    module, mean, std = _taken_apart(_called(_loaded(Path(file)), name, function), name)
    if weights is not None:
        if weights.startswith("random:"):
            raise NetError(f"{name} makes its weights itself: leave out --weights, or give a weights file")
        fill(module, load(Path(weights)), name)
    module = module.cpu().float().eval()
    return Net(name, module, mean, std, _sha256(module, Path(file)), side=_side(module))


class _Source(SourceFileLoader):
    """Loader that compiles the source on each load: bytecode is neither written beside the file nor read from there."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _loaded(file: Path) -> ModuleType:
    if not is_there(file):
        raise NetError(f"there is no Python file {file}")
    loader = _Source(f"dreamvid_own_{file.stem}", str(file))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise NetError(f"{file} cannot be loaded: {_told(error)}") from None
    return module


def _called(module: ModuleType, name: str, function: str) -> Any:
    build: Callable[[], Any] | None = getattr(module, function, None)
    if not callable(build):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise NetError(f"{module.__file__} has no function {function!r}{nearest(function, known)}")
    try:
        return build()
    except (Exception, SystemExit) as error:
        raise NetError(f"{name} failed: {_told(error)}") from None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


Colour = tuple[float, float, float]


def _taken_apart(made: Any, name: str) -> tuple[nn.Module, Colour, Colour]:
    if isinstance(made, nn.Module):
        return made, IMAGENET_MEAN, IMAGENET_STD
    if not isinstance(made, tuple) or len(made) != 3 or not isinstance(made[0], nn.Module):
        raise NetError(f"{name} returned {type(made).__name__}: it must return a torch module, or (module, mean, std)")
    mean, std = _colour(made[1]), _colour(made[2])
    if mean is None or std is None or min(std) <= 0:
        raise NetError(f"{name}: mean and std must be three numbers each, of RGB in [0, 1], and std above 0")
    return made[0], mean, std


def _colour(given: Sequence[float] | Tensor) -> Colour | None:
    try:
        red, green, blue = (float(value) for value in given)
    except (TypeError, ValueError):
        return None
    return (red, green, blue) if all(map(math.isfinite, (red, green, blue))) else None


def _sha256(module: nn.Module, file: Path) -> str:
    """Return the sha256 of the code and of the weights, wherever the weights came from."""
    digest = hashlib.sha256(file.read_bytes())
    for key, value in module.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _side(module: nn.Module) -> int:
    """Return an input size in pixels that the net takes: 224, or the first that works of SIDES.

    Returns 224 for a net that takes none; `prepare` raises the error.
    """
    for side in (224, *SIDES):
        try:
            with torch.inference_mode():
                module(torch.zeros(1, 3, side, side))
        except Exception:  # a net of another size may raise anything
            continue
        return side
    return 224
