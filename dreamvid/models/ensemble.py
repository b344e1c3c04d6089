"""Ensemble of nets that read one picture: used as one net that has the layers of all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamvid.models.net import INPUT, Net
from dreamvid.models.prepare import PreparedNet, prepare


def prefix(place: int) -> str:
    """Return the prefix of the layer names of the net at index `place`, such as `1:`; empty for the first net."""
    return f"{place}:" if place else ""


@dataclass(frozen=True)
class PreparedNets:
    """Prepared nets that dream together, with the interface of a `PreparedNet`.

    `first`: the net whose layers keep their names. `further`: layer name prefix -> each other net.
    """

    first: PreparedNet
    further: Mapping[str, PreparedNet]

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Return the activations of `image`, (1, 3, H, W), in all nets; raise NetError as `PreparedNet` does."""
        found = self.first(image)
        for start, net in self.further.items():
            found |= {start + layer: value for layer, value in net(image).items() if layer != INPUT}
        return found

    @property
    def _all(self) -> tuple[PreparedNet, ...]:
        return self.first, *self.further.values()

    @property
    def name(self) -> str:
        """Return the names of all nets, joined by "and"."""
        return " and ".join(net.name for net in self._all)

    @property
    def mean(self) -> Tensor:
        """Return the mean colour of the first net, (1, 3, 1, 1), RGB in [0, 1]."""
        return self.first.mean

    @property
    def dtype(self) -> torch.dtype:
        """Return the type in which all nets compute."""
        return self.first.dtype

    @property
    def max_size(self) -> int | None:
        """Return the largest side in pixels that every net takes; None where none has a limit."""
        return min((net.max_size for net in self._all if net.max_size is not None), default=None)

    def check_size(self, height: int, width: int) -> None:
        """Raise NetError for a picture that is too small for a dense head of any of the nets."""
        for net in self._all:
            net.check_size(height, width)


def prepare_all(
    nets: Iterable[Net], layers: frozenset[str], device: torch.device, dtype: torch.dtype
) -> PreparedNet | PreparedNets:
    """Prepare the nets for `layers`, whose names begin with the `prefix` of their net; raise NetError.

    A single net is returned as a plain `PreparedNet`.
    """
    first, *others = nets
    further = {prefix(place): net for place, net in enumerate(others, start=1)}
    own = frozenset(layer for layer in layers if not layer.startswith(tuple(further)))
    prepared = prepare(first, own, device, dtype)
    if not further:
        return prepared
    theirs = {start: {name.removeprefix(start) for name in layers if name.startswith(start)} for start in further}
    parts = {start: prepare(net, frozenset(theirs[start]), device, dtype) for start, net in further.items()}
    return PreparedNets(prepared, parts)
