"""Transformers that see patches: their tokens as maps, and their positions in pictures of any size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_EXTRA = 8  # tokens that stand for no patch: the class token, registers; they come first


def as_map(output: Tensor, patches: tuple[int, ...] | None) -> Tensor:
    """Tokens as the map (N, C, h, w) of the patches that they stand for, without the class token.

    `output`: (N, T, C) or (T, N, C), tokens row by row; `patches`: shape (N, _, h, w) of the last convolution's output,
    which embeds the patches. What does not look like that is given back as it is.
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
    """A ViT of torchvision with its layers and names, for pictures of any size from one patch on.

    The embeddings of positions are interpolated where the picture is not the size they were learned at (Dosovitskiy et
    al. 2021, sec. 3.2). What is left over beside whole patches, at the right and below, is not seen.
    """

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.conv_proj, self.encoder, self.heads = (
            vit.get_submodule(name) for name in ("conv_proj", "encoder", "heads")
        )
        self.class_token = vit.get_parameter("class_token")

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_proj(x)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + _positions(self.encoder.get_parameter("pos_embedding"), *patches.shape[-2:])
        parts = [self.encoder.get_submodule(name) for name in ("dropout", "layers", "ln")]
        for part in parts:
            tokens = part(tokens)
        logits: Tensor = self.heads(tokens[:, 0])
        return logits


def _positions(learned: Tensor, height: int, width: int) -> Tensor:
    """(1, 1 + height * width, C) from (1, 1 + side * side, C): that of the class token, then of patches row by row."""
    side = round((learned.shape[1] - 1) ** 0.5)
    if (height, width) == (side, side):
        return learned
    grid = learned[:, 1:].transpose(1, 2).reshape(1, -1, side, side)
    grown = F.interpolate(grid.float(), (height, width), mode="bicubic", align_corners=False).to(grid.dtype)
    return torch.cat([learned[:, :1], grown.flatten(2).transpose(1, 2)], dim=1)
