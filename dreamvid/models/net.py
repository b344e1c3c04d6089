"""Nets: their layers by name, the pictures they expect, the classes they know."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dreamvid.core.errors import NetError, nearest
from dreamvid.models.vit_tokens import as_map

OUTPUT = "output"  # the layer name of what a net's forward returns: its logits
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB in [0, 1]
INPUT = "input"  # the layer name of the picture itself, before mean and std


@dataclass(frozen=True)
class Net:
    """Classification net with the metadata that dreaming needs, so that no other module depends on which net it is.

    `mean`, `std`: per channel, of RGB in [0, 1]. `statistics`: layer -> (channels,) mean square of each channel over
    photographs, empty where the weights do not contain them. `default_layers`: dreamed where the user names none.
    `sha256`: of the weights. `channel_names`: name -> (layer, index) of channels that have a name. `aliases`: other
    name of a layer, such as `conv5_2` -> the layer. `side`: of a picture that the net takes, in pixels. `synonyms`:
    word -> the classes that it means. `groups`: word -> many classes, any of which it stands for. `notes`: layer ->
    what it dreams, where known. `dense`: the output is a map, (N, classes, h, w), and a picture that is too small for
    it is rejected, not padded.
    """

    name: str
    module: nn.Module
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    sha256: str
    classes: tuple[str, ...] = ()
    default_layers: tuple[str, ...] = ()
    statistics: dict[str, Tensor] = field(default_factory=dict)
    channel_names: dict[str, tuple[str, int]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    synonyms: dict[str, tuple[int, ...]] = field(default_factory=dict)
    groups: dict[str, tuple[int, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    side: int = 224
    dense: bool = False

    @property
    def argument(self) -> str:
        """The net as `dreamvid models` takes it: code is not run without --trust."""
        return f"{self.name} --trust" if ".py:" in self.name else self.name

    def layer_name(self, wanted: str) -> str:
        """Return the layer that an alias stands for; any other name unchanged."""
        return self.aliases.get(wanted, wanted)

    def class_indices(self, wanted: str) -> tuple[int, ...]:
        """Return the classes of a group given by name, or the one class that `class_index` finds; raise NetError."""
        return self._group(wanted) or (self.class_index(wanted),)

    def class_index(self, wanted: str) -> int:
        """Return the index of a class given by name or synonym (any case, `_` or `-` for space), or by number.

        The name of a class takes precedence over a synonym. Raises NetError for an unknown class, and for a word that
        means several classes.
        """
        count = len(self.classes) or outputs(self)
        if not count:
            raise NetError(f"{self.name} has no classes: give a layer or a channel of it instead")
        if wanted.isdecimal() and len(wanted) < 10 and int(wanted) < count:
            return int(wanted)
        meant = self._classes_meant(plainly(wanted))
        if len(meant) > 1:
            each = " or ".join(f"{self.class_name(index)} ({index})" for index in meant)
            raise NetError(f"{wanted!r} matches several classes of {self.name}: give {each}, by name or number")
        if not meant:
            raise NetError(self._no_class(wanted, count))
        return meant[0]

    def class_name(self, index: int) -> str:
        """Return the name of a class, or its index as text where classes have no names."""
        return self.classes[index] if self.classes else str(index)

    def _classes_meant(self, key: str) -> list[int]:
        """Return the classes of that name, or else of that synonym, in order."""
        own = [index for index, name in enumerate(self.classes) if plainly(name) == key]
        return own or sorted({at for word, meant in self.synonyms.items() if plainly(word) == key for at in meant})

    def _group(self, wanted: str) -> tuple[int, ...]:
        """Return the classes of a group given by name; empty where there is no such group."""
        return {plainly(word): indices for word, indices in self.groups.items()}.get(plainly(wanted), ())

    def _no_class(self, wanted: str, count: int) -> str:
        """Return the error message for an unknown class, with the classes that there are."""
        if wanted.removeprefix("-").isdecimal():
            return f"{self.name} has no class {wanted!r} (it has {count}): give a number from 0 to {count - 1}"
        if not self.classes:
            advice = f"give a number from 0 to {count - 1}, or net.classes"
            return f"{wanted!r}: {self.name} has no names for its classes: {advice}"
        if self._group(wanted):
            return f"{wanted!r} is a group of many classes of {self.name}: give one of them"
        known = dict.fromkeys(map(plainly, (*self.classes, *self.synonyms, *self.groups)))
        return f"{self.name} has no class {wanted!r} (it has {count}){nearest(plainly(wanted), known)}"

    def named_channel(self, wanted: str) -> tuple[str, int]:
        """Return (layer, index) of a channel given by name (any case, `_` or `-` for space); raise NetError."""
        _check_channel_names(self, wanted)
        plain = {plainly(name): channel for name, channel in self.channel_names.items()}
        key = plainly(wanted)
        if key not in plain:
            raise NetError(
                f"{self.name} has no channel named {wanted!r}{nearest(key, plain)}; "
                f"`dreamvid models channels {self.argument}` lists all names; give LAYER:N for another channel"
            )
        return plain[key]


@dataclass(frozen=True)
class Layer:
    """Facts about one layer for display: output shape at the net's `side`, stride and receptive field in pixels.

    `note`: what it dreams, where known. `stride` is None for a layer whose output is no map; `receptive_field` is None
    where the layer sees the whole picture.
    """

    name: str
    shape: tuple[int, ...]
    stride: int | None
    receptive_field: int | None
    aliases: tuple[str, ...] = ()
    note: str = ""


class _Enough(Exception):  # noqa: N818 - it is no error
    """Signal that ends a forward pass once the outputs of all wanted layers are there."""


@contextmanager
def tapped(module: nn.Module, names: list[str], keep: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `keep(name, output)` each time a named layer runs, while the context is open; ViT tokens come as a map.

    For a module that is called several times in one run (ResNet's ReLU), every function of this file uses its first
    call.
    """
    modules = dict(module.named_modules())
    patches: tuple[int, ...] | None = None

    def convolved(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal patches
        patches = tuple(output.shape)

    def hook(name: str) -> Callable[..., None]:
        def taken(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                keep(name, as_map(output, patches))

        return taken

    handles = [part.register_forward_hook(convolved) for part in modules.values() if isinstance(part, nn.Conv2d)]
    handles += [modules[name].register_forward_hook(hook(name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def activations(module: nn.Module, x: Tensor, layers: frozenset[str]) -> dict[str, Tensor]:
    """Run a net only as far as the last of `layers` and return their outputs.

    `x`: (N, 3, H, W), normalised. OUTPUT is what the net returns.
    """
    found: dict[str, Tensor] = {}
    inner = [name for name in layers if name not in (OUTPUT, INPUT)]

    def keep(name: str, output: Tensor) -> None:
        found.setdefault(name, output)
        if OUTPUT not in layers and len(found) == len(inner):
            raise _Enough

    with tapped(module, inner, keep):
        try:
            if inner or OUTPUT in layers:
                found[OUTPUT] = _logits(module(x))
        except _Enough:
            pass
    return {name: found[name] for name in layers if name != INPUT}


def _logits(result: Any) -> Any:
    """Return what a forward pass returned: the tensor `logits` or else the first of several, or the result itself."""
    if isinstance(result, Mapping):
        result = (result["logits"],) if "logits" in result else tuple(result.values())
    if isinstance(result, tuple | list):
        return next((part for part in result if isinstance(part, Tensor)), result)
    return result


def layer_shapes(net: Net, height: int | None = None, width: int | None = None) -> dict[str, tuple[int, ...]]:
    """Return the output shape (without batch) of every layer, in running order, at the net's own size by default.

    Raises NetError where the net fails on a picture of that size.
    """
    height, width = height or net.side, width or net.side
    shapes: dict[str, tuple[int, ...]] = {}

    def keep(name: str, output: Tensor) -> None:
        shapes.setdefault(name, tuple(output.shape[1:]))

    names = [name for name, _ in net.module.named_modules() if name]
    with torch.inference_mode(), tapped(net.module, names, keep):
        try:
            result = _logits(net.module(torch.zeros(1, 3, height, width)))
        except Exception as error:
            raise NetError(
                f"{net.name} cannot process an RGB picture of {width}x{height}: {first_line(error)}"
            ) from None
    if isinstance(result, Tensor):
        shapes[OUTPUT] = tuple(result.shape[1:])
    return shapes


def outputs(net: Net) -> int:
    """Return the number of classes of the net's output, 0 where it is neither a vector nor a map; raise NetError."""
    shape = layer_shapes(net).get(OUTPUT, ())
    return shape[0] if len(shape) in (1, 3) else 0


def check_layer(net: Net, layer: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of a layer, named as by `Net.layer_name`; raise NetError with similar names for an unknown one.

    `shapes`: as `layer_shapes` returns them.
    """
    if layer not in shapes:
        known = layer in dict(net.module.named_modules())
        why = "is not used when it dreams (training only)" if known else "does not exist"
        near = nearest(layer, [*shapes, *net.aliases])
        raise NetError(f"layer {layer!r} of {net.name} {why}{near}; `dreamvid models layers {net.argument}` lists all")
    return shapes[layer]


def channels_by_depth(net: Net) -> list[tuple[str, str, int]]:
    """Return the named channels as (name, layer, index), in running order, then by index; raise NetError if none."""
    _check_channel_names(net)
    depth = {layer: place for place, layer in enumerate(layer_shapes(net))}
    channels = [(name, layer, number) for name, (layer, number) in net.channel_names.items()]
    return sorted(channels, key=lambda channel: (depth[channel[1]], channel[2]))


def _check_channel_names(net: Net, wanted: str = "") -> None:
    if not net.channel_names:
        told = f"{wanted!r}: " if wanted else ""
        raise NetError(f"{told}{net.name} has no channels with names (dreamnet with its own weights has): give LAYER:N")


def describe(net: Net) -> list[Layer]:
    """Return every layer with its shape, stride and exact receptive field.

    The receptive field is measured with NaN: each probe picture has one NaN pixel, one column further right than the
    probe before, and the output columns that turn NaN are counted. Summed over the probes of one stride, the counts
    give the receptive field in pixels. Only layers that are linear in position can be measured; one that sees the whole
    picture, or is no map, gets None.
    """
    width, height, probes = 2048, _least_height(net), 32
    shapes = layer_shapes(net)
    names = [name for name in shapes if name != OUTPUT]
    reached: dict[str, list[Tensor]] = {}  # layer -> (pictures, columns) bool, one tensor per batch

    def keep(name: str, output: Tensor, run: set[str]) -> None:
        if output.ndim == 4 and name not in run:
            run.add(name)
            reached.setdefault(name, []).append(output.isnan().any(dim=1).any(dim=1))

    pictures = torch.zeros(probes, 3, height, width)
    pictures[torch.arange(probes), :, height // 2, width // 2 + torch.arange(probes)] = float("nan")
    half: dict[str, tuple[int, ...]] = {}
    try:
        half = layer_shapes(net, height, width // 2)
        for few in pictures.split(4):  # 2048 columns of a wide net take memory
            with torch.inference_mode(), tapped(net.module, names, partial(keep, run=set())):
                net.module(few)
    except Exception:
        reached.clear()  # a net of one fixed input size: only shapes are known
    layers = []
    for name in names:
        hits = torch.cat(reached[name]) if name in reached else None
        whole = hits is None or bool(hits.all())
        # Stride from the columns that doubling the width adds: without padding, width / columns would be too large.
        added = 0 if hits is None else hits.shape[1] - half[name][-1]
        stride = None if hits is None else round(width / 2 / added) if added else width
        if whole or hits is None or stride is None:
            size = None
        else:
            count = probes // stride * stride or probes  # of probes: a multiple of the stride where possible
            size = round(int(hits[:count].sum()) * stride / count)
        aliases = tuple(alias for alias, layer in net.aliases.items() if layer == name)
        layers.append(Layer(name, shapes[name], stride, size, aliases, net.notes.get(name, "")))
    return layers


def _least_height(net: Net) -> int:
    """Return a height in pixels, of a wide strip, that the net takes: 64, or else that of its own pictures."""
    if net.dense:
        return net.side
    try:
        layer_shapes(net, height=64)
    except NetError:
        return net.side
    return 64


def plainly(name: str) -> str:
    """Return a name in the form in which names are compared: lower case, with spaces for `_` and `-`."""
    return name.lower().replace("_", " ").replace("-", " ")


def first_line(error: BaseException | None) -> str:
    """Return the first line of an error's message, or the name of its class where the message is empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]
