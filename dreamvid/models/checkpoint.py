"""Weights files read into tensors and state dicts; no code in a file is ever executed."""

import hashlib
import json
import pickle
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from dreamvid.core.errors import NetError, nearest

_TELLING = SafetensorError | ValueError | OSError | RuntimeError  # errors whose text helps the user
STATISTICS = "stats."  # prefix of a layer's channel statistics among the tensors of a file


@dataclass(frozen=True)
class Checkpoint:
    """Content of a weights file: tensors by name, and metadata strings (safetensors only)."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    sha256: str

    def statistics(self) -> dict[str, Tensor]:
        """Return layer -> (channels,) mean square of each channel over photographs, float32."""
        found = {name: value for name, value in self.tensors.items() if name.startswith(STATISTICS)}
        return {name.removeprefix(STATISTICS): value.float() for name, value in found.items()}

    def weights(self) -> dict[str, Tensor]:
        """Return the tensors of the net itself, without the statistics; floating-point ones as float32."""
        own = {name: value for name, value in self.tensors.items() if not name.startswith(STATISTICS)}
        return {name: value.float() if value.is_floating_point() else value for name, value in own.items()}

    def entry(self, key: str) -> Any:
        """Return a metadata entry parsed as JSON; raise NetError where it is missing or is not JSON."""
        if key not in self.metadata:
            raise NetError(f"{self.path} does not contain its {key}: give the architecture with --model")
        try:
            return json.loads(self.metadata[key])
        except ValueError:
            raise NetError(f"{self.path} is damaged: its {key} cannot be read") from None


def is_there(path: Path) -> bool:
    """Return whether a path is an existing file; False also for a string that cannot be a file name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def load(path: Path) -> Checkpoint:
    """Read a safetensors file, or a state dict through `torch.load(weights_only=True)`.

    Raises NetError for a file that is missing, unsafe or of another format, and for tensors with NaN or infinity.
    """
    if not is_there(path):
        near = "" if path.suffix else nearest(str(path), ["random:SEED"])
        raise NetError(f"there is no weights file {path}{near}")
    try:
        tensors, metadata = _safetensors(path) if path.suffix == ".safetensors" else (_state_dict(path), {})
    except pickle.UnpicklingError:
        # torch's own message recommends loading the file unsafely, so it is not repeated here.
        raise NetError(
            f"{path} is not a plain state dict: it contains more than tensors, and nothing in it is executed; "
            "save only the state_dict() of its net"
        ) from None
    except Exception as error:  # on a file of another format the readers raise all kinds of errors
        reason = (str(error).splitlines() or [""])[0][:120] if isinstance(error, _TELLING) else "another kind of file"
        raise NetError(f"{path} is not a safetensors file or plain state dict: {reason}") from None
    for name, value in tensors.items():
        if (value.is_floating_point() or value.is_complex()) and not bool(torch.isfinite(value).all()):
            raise NetError(
                f"{path}: tensor {name} holds NaN or infinity: the file is damaged, or its training diverged"
            )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(path, tensors, metadata, sha256)


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _state_dict(path: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about files that are rejected below
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):  # keys under which training scripts store it
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(_is_named_tensor(*item) for item in loaded.items()):
        raise ValueError("it contains no state dict (names and tensors)")
    return {name.removeprefix("module."): value for name, value in loaded.items()}


def _is_named_tensor(name: object, value: object) -> bool:
    dense = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta
    return dense and isinstance(name, str)


def fill(module: nn.Module, checkpoint: Checkpoint, name: str) -> None:
    """Load the weights into a module of the same shapes; raise NetError naming the first tensor that does not fit."""
    weights, own = checkpoint.weights(), module.state_dict()
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    foreign = [key for key in weights if key not in own]
    wrong = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    if missing or foreign or wrong:
        key = (missing or wrong or foreign)[0]
        why = "is missing" if missing else "has another shape" if wrong else "is not part of it"
        raise NetError(
            f"{checkpoint.path} does not fit {name}: {key} {why}; give the architecture of the file with --model"
        )
    module.load_state_dict(weights, strict=False)


def final_classes(module: nn.Module, checkpoint: Checkpoint) -> int | None:
    """Return the number of classes of the file's last layer where it differs from the 1000 of `module`; else None."""
    weights, own = checkpoint.weights(), module.state_dict()
    wrong = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    sizes = {weights[key].shape[0] for key in wrong if own[key].shape[0] in (1000,)}
    return sizes.pop() if len(sizes) == 1 else None
