"""Several nets that see one picture: seen as one, whose layers are those of all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamvid.models.net import INPUT, Net
from dreamvid.models.prepare import PreparedNet, prepare


def prefix(place: int) -> str:
    """What the names of the layers of the net at `place` begin with; those of the first are its own."""
    return f"{place}:" if place else ""


@dataclass(frozen=True)
class PreparedNets:
    """Nets ready to dream together, the one whose layers keep their names as `first`; all else as of a `PreparedNet`.

    `further`: by what the names of their layers begin with.
    """

    first: PreparedNet
    further: Mapping[str, PreparedNet]

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Activations of `image`, (1, 3, H, W), in all nets, as each gives them; raises NetError as these do."""
        found = self.first(image)
        for start, net in self.further.items():
            found |= {start + layer: value for layer, value in net(image).items() if layer != INPUT}
        return found

    @property
    def _all(self) -> tuple[PreparedNet, ...]:
        return self.first, *self.further.values()

    @property
    def name(self) -> str:
        """The names of all."""
        return " and ".join(net.name for net in self._all)

    @property
    def mean(self) -> Tensor:
        """The grey of the first net, (1, 3, 1, 1)."""
        return self.first.mean

    @property
    def dtype(self) -> torch.dtype:
        """In which all of them compute."""
        return self.first.dtype

    @property
    def max_size(self) -> int | None:
        """The largest picture that every net takes, in pixels a side; None where there is none."""
        return min((net.max_size for net in self._all if net.max_size is not None), default=None)

    def check_size(self, height: int, width: int) -> None:
        """Raises NetError for a picture that is too small for a dense head of any."""
        for net in self._all:
            net.check_size(height, width)


def prepare_all(
    nets: Iterable[Net], layers: frozenset[str], device: torch.device, dtype: torch.dtype
) -> PreparedNet | PreparedNets:
    """Makes the nets ready for `layers`, whose names begin with the `prefix` of their net; raises NetError.

    One alone is its own `PreparedNet`.
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
