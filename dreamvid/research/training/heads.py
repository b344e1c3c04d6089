"""Auxiliary classifiers on middle layers, which make these learn whole objects; used in training only."""

from collections.abc import Callable

from torch import Tensor, nn

from dreamvid.models.dreamnet import DreamNet

TAPS = ("mixed3b", "mixed4a", "mixed4c")


class Heads(nn.Module):
    """Global average pooling and a linear layer after each tap of `net`, applied to its latest forward pass.

    Only DreamNet has taps; any other net has no heads.
    """

    def __init__(self, net: nn.Module, classes: int) -> None:
        super().__init__()
        self._seen: dict[str, Tensor] = {}
        taps = TAPS if isinstance(net, DreamNet) else ()
        self.linear = nn.ModuleDict({tap: nn.Linear(getattr(net, tap).outputs, classes) for tap in taps})
        for tap in taps:
            getattr(net, tap).register_forward_hook(self._keep(tap))

    def _keep(self, tap: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._seen[tap] = output

        return hook

    def forward(self) -> list[Tensor]:
        """Return the logits (B, classes) of every head."""
        return [head(self._seen[tap].mean(dim=(2, 3))) for tap, head in self.linear.items()]
