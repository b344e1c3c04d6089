"""Weights files read into tensors and state dicts; no code in a file is ever executed."""

import hashlib
import pickle
import re
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import Field, TypeAdapter
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from dreamvid.config.objective_settings import HEADER
from dreamvid.core.errors import NetError, nearest
from dreamvid.core.paths import is_there

_TELLING = SafetensorError | ValueError | OSError  # errors whose text helps the user
STATISTICS = "stats."  # prefix of a layer's channel statistics among the tensors of a file
WRAPPERS = ("model_state_dict", "state_dict", "model", "ema")  # keys under which training scripts store a state dict
PREFIXES = tuple(f"{name}." for name in ("module", "_orig_mod", "net", *WRAPPERS))  # of all names of a wrapped net
MOST = 4_000_000_000  # bytes of a file: the largest net of torchvision has 2.6
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
DTYPES = (*FLOATS, torch.int64, torch.int32, torch.uint8, torch.bool)
DAMAGED = "damaged or not whole, as a download that has not ended: fetch it again"
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")  # how those begin that may be taken for weights
COUNTERS = ("n_averaged",)  # what torch's averaged model keeps beside its weights


NAMES = TypeAdapter(tuple[str, ...])
WIDTH = TypeAdapter(Annotated[float, Field(gt=0, le=16, allow_inf_nan=False)])
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MEAN, STD = TypeAdapter(tuple[Finite, Finite, Finite]), TypeAdapter(tuple[Positive, Positive, Positive])
Value = TypeVar("Value")


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

    def entry(self, key: str, kind: TypeAdapter[Value]) -> Value:
        """Return a metadata entry, JSON of a kind such as `NAMES`; raise NetError where it is missing or another."""
        if key not in self.metadata:
            raise NetError(f"{self.path} does not contain its {key}: give the architecture with --model")
        try:
            return kind.validate_json(self.metadata[key])
        except ValueError:
            raise NetError(f"{self.path} is damaged: its {key} cannot be read") from None


def load(path: Path) -> Checkpoint:
    """Read a safetensors file, or a state dict through `torch.load(weights_only=True)`; names lose their `PREFIXES`.

    Raises NetError for a file that is missing, unsafe, too large or of another format, for tensors that are larger than
    the file or of an odd kind, and for NaN or infinity in them.
    """
    if not is_there(path):
        near = "" if path.suffix else nearest(str(path), ["random:SEED"])
        raise NetError(f"there is no weights file {path}{near}")
    if (size := path.stat().st_size) > MOST:
        raise NetError(f"{path} has {size / 1e9:.1f} GB: at most {MOST / 1e9:.0f} are read")
    try:
        tensors, metadata = _safetensors(path) if path.suffix == ".safetensors" else (_state_dict(path), {})
    except MemoryError:
        raise
    except Exception as error:  # on a file of another format the readers raise all kinds of errors
        if (kind := _kind(path)) is not None:
            raise NetError(f"{path} is {kind}") from None
        raise NetError(_reason(path, error)) from None
    _check_sizes(path, tensors, size)
    tensors = _bare(tensors)
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise NetError(
                f"{path}: tensor {name} holds NaN or infinity: the file is damaged, or its training diverged"
            )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(path, tensors, metadata, sha256)


def _check_sizes(path: Path, tensors: dict[str, Tensor], size: int) -> None:
    """Raise NetError for tensors that say to be larger than what is stored for them, or that hold no plain numbers."""
    if sum(value.numel() * value.element_size() for value in tensors.values()) > 2 * size:
        raise NetError(f"{path} is no weights file: its tensors are larger than the file")
    for name, value in tensors.items():
        if value.dtype not in DTYPES or not value.numel():
            held = str(value.dtype).removeprefix("torch.") if value.numel() else "no"
            raise NetError(f"{path}: tensor {name} holds {held} numbers: save the weights as float32")


def _reason(path: Path, error: Exception) -> str:
    """Return the one line that says why a file of no known foreign kind could not be read."""
    if isinstance(error, pickle.UnpicklingError):
        # torch's own message recommends loading the file unsafely, so it is not repeated here.
        return (
            f"{path} is not a plain state dict: it contains more than tensors, and nothing in it is executed; "
            "save only the state_dict() of its net"
        )
    if isinstance(error, RuntimeError | EOFError):  # whose text is about torch's own code
        return f"{path} is {DAMAGED}"
    reason = (str(error).splitlines() or [""])[0][:120] if isinstance(error, _TELLING) else "another kind of file"
    return f"{path} is not a safetensors file or plain state dict: {reason}"


def _kind(path: Path) -> str | None:
    """Return what a file of a foreign kind is, and what to do about it; None where it is of no kind known here."""
    with path.open("rb") as file:
        head = file.read(512)
    start = head.lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the weights: fetch them with `git lfs pull`"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page, not the weights: download the file itself"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "an HDF5 file, as Keras writes it (.h5): give a state dict of PyTorch or safetensors"
    if path.suffix.lower() == ".onnx" or re.match(rb"\x08[\x01-\x20]\x12", head):  # version, then the producer's name
        return "an ONNX model: give the state dict of the net that it was exported from"
    if head.startswith(b"PK\3\4"):
        try:
            with zipfile.ZipFile(path) as archive:
                held = {name.rpartition("/")[2] for name in archive.namelist()}
        except Exception:  # of many classes, as the bytes are
            return DAMAGED
        if "constants.pkl" in held:
            return "a TorchScript archive: save the state_dict() of torch.jit.load(FILE) instead"
        return None if "data.pkl" in held else "a ZIP archive of other files: if the weights are among them, unpack it"
    if head.startswith(PICTURES):
        return "a picture, not the weights"
    if head.isascii() and b"\0" not in head:
        return "a text, not the weights" if head else "empty: fetch it again"
    begins = head[8:].startswith(b"{") if path.suffix == ".safetensors" else head.startswith(pickle.PROTO)
    return None if begins else "not weights: give a safetensors file, or a state dict of PyTorch"


def _bare(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a net without the prefixes that all their names share; counters and statistics stay out."""
    own = {name: value for name, value in tensors.items() if not name.startswith(STATISTICS) and name not in COUNTERS}
    names = dict(zip(own, _without_prefixes(own), strict=True))
    return {names.get(name, name): value for name, value in tensors.items() if name not in COUNTERS}


def _without_prefixes(names: Iterable[str]) -> list[str]:
    """Return names without those of `PREFIXES` with which all of them begin, one after the other."""
    bare = list(names)
    while prefix := next((one for one in PREFIXES if bare and all(name.startswith(one) for name in bare)), ""):
        bare = [name.removeprefix(prefix) for name in bare]
    return bare


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with path.open("rb") as opened:
        if int.from_bytes(opened.read(8), "little") > HEADER:
            raise ValueError(f"what describes its tensors has more than {HEADER} bytes")
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def _state_dict(path: Path) -> dict[str, Tensor]:
    if zipfile.is_zipfile(path):  # torch stores without packing: what is packed may unfold to any size
        with zipfile.ZipFile(path) as archive:
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise ValueError("it is packed: save it with torch.save")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about files that are rejected below
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    while isinstance(loaded, dict) and (key := next((key for key in WRAPPERS if _is_dict(loaded, key)), None)):
        loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(_is_named_tensor(*item) for item in loaded.items()):
        raise ValueError("it contains no state dict (names and tensors)")
    return dict(loaded)


def _is_dict(table: dict[Any, Any], key: str) -> bool:
    return isinstance(table.get(key), dict)


def _is_named_tensor(name: object, value: object) -> bool:
    dense = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta
    return dense and isinstance(name, str)


def built(build: Callable[[], nn.Module], checkpoint: Checkpoint, name: str) -> nn.Module:
    """Build a net with the weights of a file; raise NetError where they do not fit, before it takes any memory."""
    with torch.device("meta"):
        _fitting(build(), checkpoint, name)
    module = build()
    fill(module, checkpoint, name)
    return module


def fill(module: nn.Module, checkpoint: Checkpoint, name: str) -> None:
    """Load the weights into a module of the same shapes; raise NetError naming the first tensor that does not fit."""
    module.load_state_dict(_fitting(module, checkpoint, name), strict=False)


def _fitting(module: nn.Module, checkpoint: Checkpoint, name: str) -> dict[str, Tensor]:
    """Return the weights under the names of a module of the same shapes; raises as `fill`.

    Where all names of the module begin with a prefix of `PREFIXES`, which names of a file lose, it is added again.
    """
    own = module.state_dict()
    full = dict(zip(_without_prefixes(own), own, strict=True))
    weights = OrderedDict((full.get(key, key), value) for key, value in checkpoint.weights().items())
    weights._metadata = own._metadata  # type: ignore[attr-defined]  # the version of its layers, which MNASNet asks for
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    foreign = [key for key in weights if key not in own]
    wrong = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    if missing or foreign or wrong:
        key = (missing or wrong or foreign)[0]
        why = "is missing" if missing else "has another shape" if wrong else "is not part of it"
        raise NetError(
            f"{checkpoint.path} does not fit {name}: {key} {why}; give the architecture of the file with --model"
        )
    return weights


def final_classes(module: nn.Module, checkpoint: Checkpoint) -> int | None:
    """Return the number of classes of the file's last layer where it differs from the 1000 of `module`; else None."""
    weights, own = checkpoint.weights(), module.state_dict()
    wrong = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    sizes = {weights[key].shape[0] for key in wrong if own[key].shape[:1] == (1000,) and weights[key].ndim}
    return sizes.pop() if len(sizes) == 1 else None
