"""Nets that see one picture together."""

from dataclasses import replace

import pytest
import torch

from dreamvid.core.errors import NetError
from dreamvid.models.ensemble import PreparedNets, prepare_all
from dreamvid.models.net import INPUT, Net
from dreamvid.models.prepare import PreparedNet, prepare

CPU = torch.device("cpu")


def ready(*nets: Net, layers: set[str]) -> PreparedNet | PreparedNets:
    """The nets made ready for these layers."""
    return prepare_all(nets, frozenset(layers), CPU, torch.float32)


def test_the_activations_of_all_are_given_under_the_names_of_their_nets(tiny_net: Net, other_net: Net) -> None:
    both = ready(tiny_net, other_net, layers={"first", "1:first", "1:third", INPUT})
    image = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    found = both(image)
    assert set(found) == {"first", "1:first", "1:third", INPUT}
    assert torch.equal(found[INPUT], image)
    alone = prepare(other_net, frozenset({"first", "third"}), CPU, torch.float32)(image)
    assert torch.equal(found["1:first"], alone["first"]) and torch.equal(found["1:third"], alone["third"])
    assert not torch.equal(found["first"], found["1:first"])


def test_one_net_alone_is_prepared_as_ever(tiny_net: Net) -> None:
    alone = ready(tiny_net, layers={"second"})
    assert isinstance(alone, PreparedNet) and alone.layers == {"second"}


def test_of_sizes_that_nets_take_the_smallest_counts(tiny_net: Net, other_net: Net) -> None:
    both = ready(tiny_net, other_net, layers={"first", "1:first"})
    assert isinstance(both, PreparedNets) and both.max_size is None
    both.check_size(1, 1)
    strict = replace(both.further["1:"], dense=True, min_size=224, max_size=256)
    bound = replace(both, first=replace(both.first, max_size=448), further={"1:": strict})
    assert bound.max_size == 256
    with pytest.raises(NetError, match=r"dense head of other takes .* at least 224x224"):
        bound.check_size(223, 448)
