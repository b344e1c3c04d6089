"""Tokens as maps, positions at any size."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from dreamvid.models.layer_aliases import aliases_of
from dreamvid.models.net import Net, activations, describe, layer_shapes
from dreamvid.models.prepare import prepare
from dreamvid.models.vit_tokens import AnySize, as_map

PATCH, DEPTH, WIDTH, SIDE = 16, 2, 16, 64


@pytest.fixture(scope="module")
def vit() -> VisionTransformer:
    """A little ViT for pictures of 64 x 64, with positions that differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = VisionTransformer(SIDE, PATCH, DEPTH, 2, WIDTH, 32, num_classes=5)
        nn.init.normal_(module.encoder.pos_embedding)
        nn.init.normal_(module.heads.head.weight)
    return module.eval()


@pytest.fixture(scope="module")
def net(vit: VisionTransformer) -> Net:
    module = AnySize(vit).eval()
    return Net("vit", module, (0.5,) * 3, (0.25,) * 3, "sha", aliases=aliases_of("vit", module))


def noise(height: int, width: int, count: int = 1) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(0))


@given(
    count=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=st.integers(9, 12),
    extra=st.integers(0, 8),
    batch_first=st.booleans(),
)
def test_each_token_comes_to_the_place_of_its_patch(
    count: int, height: int, width: int, channels: int, extra: int, batch_first: bool
) -> None:
    wanted = torch.rand(count, channels, height, width)
    tokens = torch.cat([torch.zeros(count, extra, channels), wanted.flatten(2).transpose(1, 2)], dim=1)
    if not batch_first and tokens.shape[1] == count:
        return  # both ways round alike: the usual one is meant
    found = as_map(tokens if batch_first else tokens.transpose(0, 1), (count, 7, height, width))
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("patches", [None, (1, 7, 5, 5), (2, 7, 2, 2), (7, 5, 5)])
def test_what_is_no_row_of_tokens_stays_as_it_is(patches: tuple[int, ...] | None) -> None:
    output = torch.rand(1, 5, 12)
    assert as_map(output, patches) is output
    assert as_map(output[0], (1, 7, 2, 2)).dim() == 2


def test_at_its_own_size_it_is_the_net_that_it_was(vit: VisionTransformer, net: Net) -> None:
    with torch.no_grad():
        assert torch.equal(net.module(noise(SIDE, SIDE, 2)), vit(noise(SIDE, SIDE, 2)))
    assert net.module.state_dict().keys() == vit.state_dict().keys()


def test_other_sizes_give_maps_of_as_many_patches(net: Net) -> None:
    assert layer_shapes(net, 80, 122)["encoder.layers.encoder_layer_1"] == (WIDTH, 5, 7)
    assert layer_shapes(net, 16, 16)["encoder.layers.encoder_layer_0"] == (WIDTH, 1, 1)


def test_positions_keep_their_order_at_another_size(net: Net) -> None:
    """A picture of one colour shows nothing but the positions: twice the size, twice the map."""
    layer = "encoder.dropout"
    small, large = (
        activations(net.module, torch.zeros(1, 3, side, side), frozenset({layer}))[layer] for side in (SIDE, 2 * SIDE)
    )
    assert small.shape == (1, WIDTH, 4, 4) and large.shape == (1, WIDTH, 8, 8)
    shrunk = nn.functional.interpolate(large, (4, 4), mode="area")
    both = torch.stack([shrunk.flatten(), small.flatten()]).detach()
    assert float(torch.corrcoef(both)[0, 1]) > 0.95


def test_a_block_is_a_layer_with_an_alias_that_sees_everything(net: Net) -> None:
    layers = {layer.name: layer for layer in describe(net)}
    block = layers[net.layer_name("block2")]
    assert block.aliases == ("block2",) and block.shape == (WIDTH, 14, 14)
    assert (block.stride, block.receptive_field) == (PATCH, None)
    assert layers["conv_proj"].receptive_field == PATCH


def test_it_dreams_at_any_size_from_one_patch_on(net: Net) -> None:
    prepared = prepare(net, frozenset({net.layer_name("block1")}), torch.device("cpu"), torch.float32)
    assert prepared.min_size == 16 and prepared.max_size is None
    picture = torch.rand(1, 3, 48, 80).requires_grad_(True)
    prepared(picture)[net.layer_name("block1")].square().mean().backward()
    assert picture.grad is not None and bool((picture.grad.abs().sum(dim=1) > 0).all())


def test_a_transformer_of_one_size_gives_maps_as_well(vit: VisionTransformer) -> None:
    fixed = Net("fixed", vit, (0.5,) * 3, (0.25,) * 3, "sha", side=SIDE)
    layer = "encoder.layers.encoder_layer_1"
    assert layer_shapes(fixed)[layer] == (WIDTH, 4, 4)
    prepared = prepare(fixed, frozenset({layer}), torch.device("cpu"), torch.float32)
    assert (prepared.min_size, prepared.max_size) == (SIDE, SIDE)
    assert prepared(torch.rand(1, 3, 50, 64))[layer].shape == (1, WIDTH, 4, 4)
