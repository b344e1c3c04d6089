"""Vision transformers: tokens as maps, and positional embeddings for pictures of any size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_EXTRA = 8  # tokens without a patch, which come first: the class token, registers


def as_map(output: Tensor, patches: tuple[int, ...] | None) -> Tensor:
    """Return tokens as the map (N, C, h, w) of their patches, without the class token.

    `output`: (N, T, C) or (T, N, C), patches in row-major order; `patches`: output shape (N, _, h, w) of the last
    convolution, which embeds the patches. An output of any other shape is returned unchanged.
    """
    if output.dim() != 3 or patches is None or len(patches) != 4:
        return output
    count, _, height, width = patches
    for tokens in (output, output.transpose(0, 1)):
        extra = tokens.shape[1] - height * width
        if tokens.shape[0] == count and 0 <= extra <= MOST_EXTRA:
            return tokens[:, extra:].transpose(1, 2).reshape(count, -1, height, width)
    return output


class AnySize(nn.Module):
    """ViT of torchvision with the same layers and names, for pictures of any size of at least one patch.

    Positional embeddings are interpolated where the picture is not of the training size (Dosovitskiy et al. 2021, sec.
    3.2). Pixels beyond the last whole patch, at the right and at the bottom, are ignored.
    """

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.conv_proj, self.encoder, self.heads = (
            vit.get_submodule(name) for name in ("conv_proj", "encoder", "heads")
        )
        self.class_token = vit.get_parameter("class_token")

    def forward(self, x: Tensor) -> Tensor:
        """Return logits from the class token."""
        patches = self.conv_proj(x)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + _positions(self.encoder.get_parameter("pos_embedding"), *patches.shape[-2:])
        parts = [self.encoder.get_submodule(name) for name in ("dropout", "layers", "ln")]
        for part in parts:
            tokens = part(tokens)
        logits: Tensor = self.heads(tokens[:, 0])
        return logits


def _positions(learned: Tensor, height: int, width: int) -> Tensor:
    """Interpolate positional embeddings (1, 1 + side * side, C) to (1, 1 + height * width, C).

    The first is that of the class token; those of the patches follow in row-major order.
    """
    side = round((learned.shape[1] - 1) ** 0.5)
    if (height, width) == (side, side):
        return learned
    grid = learned[:, 1:].transpose(1, 2).reshape(1, -1, side, side)
    grown = F.interpolate(grid.float(), (height, width), mode="bicubic", align_corners=False).to(grid.dtype)
    return torch.cat([learned[:, :1], grown.flatten(2).transpose(1, 2)], dim=1)
