"""Classification nets of torchvision, with the weights of its hub or those of a file."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from dreamvid.core.errors import NetError
from dreamvid.models import imagenet
from dreamvid.models.checkpoint import MEAN, NAMES, STD, Checkpoint, built, final_classes, load
from dreamvid.models.layer_aliases import aliases_of
from dreamvid.models.net import Net
from dreamvid.models.vit_tokens import AnySize

# Default layers of popular nets, which dream well; for any other net the user has to name a layer.
FAVOURITE_LAYERS = {
    "googlenet": ("inception4c",),
    "inception_v3": ("Mixed_6b",),
    "vgg16": ("features.22",),
    "vgg19": ("features.25",),
    "resnet18": ("layer3",),
    "resnet50": ("layer3",),
    "squeezenet1_0": ("features.9",),
    "squeezenet1_1": ("features.9",),
    "alexnet": ("features.9",),
}
# Pattern of an old name, and the present name: of layers in DenseNet, and of the two in a block of a ViT.
OLD_NAMES = (
    (r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)", r"\1\2"),
    (r"\.mlp\.linear_1\.", ".mlp.0."),
    (r"\.mlp\.linear_2\.", ".mlp.3."),
)


def names() -> list[str]:
    """Return the names of all classification nets of torchvision; importing it takes seconds."""
    import torchvision.models as models

    names: list[str] = models.list_models(module=models)
    return names


def from_file(name: str, checkpoint: Checkpoint) -> Net:
    """Return the net with the weights of a file, which may have other classes; raise NetError where they do not fit."""
    checkpoint = replace(checkpoint, tensors={present_name(key): value for key, value in checkpoint.tensors.items()})
    options = {"aux_logits": any(key.startswith(("aux", "AuxLogits")) for key in checkpoint.tensors)}
    with torch.device("meta"):
        number = final_classes(build(name, **options), checkpoint)
    sized = options if number is None else {**options, "num_classes": number}
    module = built(lambda: build(name, **sized), checkpoint, name)
    classes = None if number is None else tuple(str(index) for index in range(number))
    if "classes" in checkpoint.metadata:
        classes = checkpoint.entry("classes", NAMES)
        if len(classes) != (number or 1000):
            raise NetError(f"{checkpoint.path} is damaged: it names {len(classes)} classes but has {number or 1000}")
    net = net_of(name, module, checkpoint.sha256, classes)
    if "mean" not in checkpoint.metadata:
        return net
    return replace(net, mean=checkpoint.entry("mean", MEAN), std=checkpoint.entry("std", STD))


def from_hub(name: str) -> Net:
    """Return the net with torchvision's weights, downloaded unless they are cached; raise NetError if that fails."""
    import torchvision.models as models

    with _told(name):
        module = models.get_model(name, weights=models.get_model_weights(name).DEFAULT)
    return net_of(name, module, load(cached(name)).sha256)


def fetch(name: str) -> Path:
    """Download torchvision's weights of a net unless they are cached, and return their path.

    Raises NetError where the download fails.
    """
    import torchvision.models as models

    file = cached(name)
    if not file.is_file():
        with _told(name):
            models.get_model_weights(name).DEFAULT.get_state_dict(progress=True, check_hash=True)
    return file


def present_name(key: str) -> str:
    """Return the present name of a tensor in torchvision's own files, of which some are older than its names."""
    for old, new in OLD_NAMES:
        key = re.sub(old, new, key)
    return key


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn errors of loading or downloading the weights of `name` into a NetError of one line."""
    import torchvision.models as models

    url, file = models.get_model_weights(name).DEFAULT.url, cached(name)
    try:
        yield
    except (OSError, HTTPException, RuntimeError, UnpicklingError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if file.is_file():
            raise NetError(f"{file} is damaged: delete it, and run again to download it") from None
        raise NetError(
            f"the weights of {name} are not on this machine and could not be fetched ({reason}); "
            f"download {url} and put it at {file}, or give another file with --weights"
        ) from None


def cached(name: str) -> Path:
    """Return the path of torchvision's weights of a net in the cache of torch.hub, downloaded or not."""
    import torchvision.models as models

    url = models.get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def build(name: str, **options: Any) -> nn.Module:
    """Build an architecture of torchvision without weights, leaving out options that the architecture does not have."""
    import torchvision.models as models

    builder: Callable[..., nn.Module] = models.get_model_builder(name)
    if name in ("googlenet", "inception_v3"):
        # As torchvision builds them for its own weights, which expect the net to rescale its input.
        return builder(weights=None, transform_input=True, init_weights=True, **{"aux_logits": False, **options})
    options.pop("aux_logits", None)
    return builder(weights=None, **options)


def net_of(name: str, module: nn.Module, sha256: str, classes: tuple[str, ...] | None = None) -> Net:
    """Return a net of torchvision with its metadata: mean, std, default layers, aliases, class names.

    `classes`: None stands for the classes of torchvision's weights, which are ImageNet's.
    """
    import torchvision.models as models

    default = models.get_model_weights(name).DEFAULT
    recipe = default.transforms()
    mean, std = tuple(recipe.mean), tuple(recipe.std)
    if getattr(module, "transform_input", False):  # it rescales to [-1, 1] inside: stated as mean and std instead
        module.transform_input = False  # type: ignore[assignment]
        mean = std = (0.5, 0.5, 0.5)
    if isinstance(module, models.VisionTransformer):
        module = AnySize(module)
    return Net(
        name,
        module.eval(),
        mean,
        std,
        sha256,
        tuple(default.meta["categories"]) if classes is None else classes,
        FAVOURITE_LAYERS.get(name, ()),
        aliases=aliases_of(name, module),
        synonyms=imagenet.synonyms() if classes is None else {},
        groups=imagenet.groups() if classes is None else {},
    )
