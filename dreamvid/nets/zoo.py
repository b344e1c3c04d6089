"""Nets by name: those whose weights ship with the package, EfficientNet-Lite, torchvision's classification nets."""

from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from dreamvid.errors import NetError, nearest
from dreamvid.nets import imagenet, packages
from dreamvid.nets.aliases import aliases_of
from dreamvid.nets.catalogue import catalogue_of
from dreamvid.nets.checkpoint import Checkpoint, fill, final_classes, load
from dreamvid.nets.classes import with_classes
from dreamvid.nets.dense import dense
from dreamvid.nets.dreamnet import DreamNet
from dreamvid.nets.efficientnet_lite import MEAN as LITE_MEAN
from dreamvid.nets.efficientnet_lite import SCALES, EfficientNetLite, from_reference
from dreamvid.nets.efficientnet_lite import STD as LITE_STD
from dreamvid.nets.net import IMAGENET_MEAN, IMAGENET_STD, Net
from dreamvid.nets.own_code import net_of_code
from dreamvid.nets.packages import PACKAGES
from dreamvid.nets.sketch_a_net import MEAN, SLIM, STD, SketchANet
from dreamvid.nets.tokens import AnySize
from dreamvid.objective_settings import NetSettings

EMBEDDED = Path(__file__).parent / "weights" / "dreamnet.safetensors"
LITE_LAYERS = {"efficientnet_lite0": ("block9", "block10"), "efficientnet_lite2": ("block13", "block17")}
DREAMNET_LAYERS = ("mixed4a", "mixed4b")
EMBEDDED_SKETCHNET = EMBEDDED.with_name("sketchnet.safetensors")
SKETCHERS = ("sketchnet", "sketch_a_net")  # one architecture: slim, with weights of its own, and full, without
EMBEDDED_ROBUST = EMBEDDED.with_name("efficientnet_lite2_robust.safetensors")
ROBUST = "efficientnet_lite2_robust"  # a copy of efficientnet_lite2 that stands small attacks: its weights ship
LITES = {"efficientnet_lite0": "efficientnet_lite0", "efficientnet_lite2": "efficientnet_lite2", ROBUST: "efficientnet_lite2"}
OURS = (ROBUST, *PACKAGES, "dreamnet", *SKETCHERS)
SKETCHER_LAYERS = ("conv3",)  # hatching; conv2 cuts wood, from conv5 on single channels draw outlines
# Where a good first dream is found in nets that people ask for; any other net wants its layer named.
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


def names() -> list[str]:
    """Every net that can be named, dreamnet first."""
    import torchvision.models as models

    return [*OURS, *models.list_models(module=models)]


def get(name: str, weights: str | None = None) -> Net:
    """The net called `name`, with its own weights, those of a file, or `random:SEED` (for timing only).

    Raises NetError for an unknown name, weights that are not on the machine and cannot be fetched, or do not fit.
    """
    # Our own do without torchvision, which takes seconds to load.
    if name not in OURS and name not in names():
        raise NetError(_unknown(name))
    if weights is not None and weights.startswith("random:"):
        return _random(name, weights)
    if name == "dreamnet":
        return _dreamnet(load(Path(weights) if weights else EMBEDDED))
    if name in SKETCHERS:
        return _sketcher(name, weights)
    if name in LITES:
        return _lite(name, weights)
    return _from_file(name, load(Path(weights))) if weights else _from_hub(name)


def untrained(name: str, classes: int) -> nn.Module:
    """A net for so many classes with new weights, by torch's own generator; it takes what is normalised.

    Raises NetError for an unknown name, and for a net of sketches.
    """
    if name in SKETCHERS:
        raise NetError(f"{name} is trained in its own way: see `python -m dreamvid.training.sketchnet --help`")
    if name not in names():
        raise NetError(_unknown(name))
    if name == "dreamnet":
        return DreamNet(classes)
    if name in LITES:
        return EfficientNetLite(SCALES[LITES[name]], classes)
    module = _build(name, num_classes=classes)
    if getattr(module, "transform_input", False):
        module.transform_input = False  # type: ignore[assignment]
    return module


def from_settings(how: NetSettings, *, trust: bool = False) -> Net:
    """The net that the settings describe; raises NetError where it cannot be had so.

    `trust`: whether a file of code may be executed. No setting says so, since settings are shared.
    """
    net = net_of_code(how.name, how.weights, trust=trust) if how.is_code else get(how.name, how.weights)
    net = net if how.classes is None else with_classes(net, Path(how.classes))
    return dense(net) if how.dense else net


def _unknown(name: str) -> str:
    import torchvision.models as models

    if name in models.list_models():
        return f"{name} takes no single picture: dreamvid dreams with image classification nets{nearest(name, names())}"
    return f"there is no net {name!r}{nearest(name, names())}; `dreamvid models list` shows them all"


def _dreamnet(checkpoint: Checkpoint) -> Net:
    if checkpoint.metadata.get("architecture") != "dreamnet":
        name = checkpoint.metadata.get("architecture")
        known = f"give --model {name} --weights {checkpoint.path}" if name else "name their architecture with --model"
        raise NetError(f"{checkpoint.path} holds no dreamnet: {known}")
    classes = tuple(checkpoint.entry("classes"))
    module = DreamNet(len(classes), float(checkpoint.entry("width")))
    fill(module, checkpoint, "dreamnet")
    mean, std = tuple(checkpoint.entry("mean")), tuple(checkpoint.entry("std"))
    statistics, catalogue = checkpoint.statistics(), catalogue_of(checkpoint.sha256)
    return Net("dreamnet", module.eval(), mean, std, checkpoint.sha256, classes, DREAMNET_LAYERS, statistics, catalogue)


def _sketcher(name: str, weights: str | None) -> Net:
    """Sketch-a-Net from a file: ours, which says its width and classes, or a plain state dict of the full one."""
    if weights is None and name != "sketchnet":
        raise NetError(f"{name} has no weights of its own: give --weights, or take its slim form, --model sketchnet")
    checkpoint = load(Path(weights) if weights else EMBEDDED_SKETCHNET)
    first, last = checkpoint.tensors.get("conv1.conv.weight"), checkpoint.tensors.get("conv8.weight")
    if first is None or first.ndim != 4 or last is None:
        raise NetError(f"{checkpoint.path} holds no Sketch-a-Net: name the architecture of these weights with --model")
    described = "classes" in checkpoint.metadata
    classes = tuple(checkpoint.entry("classes")) if described else tuple(map(str, range(len(last))))
    module = SketchANet(len(classes), first.shape[1], float(checkpoint.entry("width")) if described else 1.0)
    fill(module, checkpoint, name)
    statistics = checkpoint.statistics()
    return Net(name, module.eval(), MEAN, STD, checkpoint.sha256, classes, SKETCHER_LAYERS, statistics)


def _lite(name: str, weights: str | None) -> Net:
    """EfficientNet-Lite: the copy that ships, the weights of its data package, or those of a file."""
    if weights is None and name == ROBUST:
        weights = str(EMBEDDED_ROBUST)
    elif weights is None:
        file = packages.cached(name)
        if not file.is_file():
            raise NetError(f"the weights of {name} are not on this machine: `dreamvid models fetch {name}` gets them")
        weights = str(file)
    checkpoint = load(Path(weights))
    checkpoint = replace(checkpoint, tensors=from_reference(checkpoint.tensors))
    scale = SCALES[LITES[name]]
    last = checkpoint.tensors.get("logits.weight")
    classes = tuple(checkpoint.entry("classes")) if "classes" in checkpoint.metadata else imagenet.names()
    module = EfficientNetLite(scale, len(classes) if last is None else len(last))
    fill(module, checkpoint, name)
    statistics = checkpoint.statistics()
    return Net(
        name,
        module.eval(),
        LITE_MEAN,
        LITE_STD,
        checkpoint.sha256,
        classes,
        LITE_LAYERS[LITES[name]],
        statistics,
        catalogue_of(checkpoint.sha256),
        side=scale.side,
    )


def _random(name: str, weights: str) -> Net:
    seed = weights.removeprefix("random:")
    if not seed.isdecimal() or int(seed) >= 2**63:
        raise NetError(f"--weights {weights}: give a whole number, such as random:0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        module = untrained(name, 1000) if name in ("dreamnet", *LITES) else _build(name)
    if name in SKETCHERS:
        return Net(name, module.eval(), MEAN, STD, weights, default_layers=SKETCHER_LAYERS)
    if name in LITES:
        layers = LITE_LAYERS[LITES[name]]
        return Net(name, module.eval(), LITE_MEAN, LITE_STD, weights, imagenet.names(), layers, side=SCALES[LITES[name]].side)
    if name == "dreamnet":
        return Net(name, module.eval(), IMAGENET_MEAN, IMAGENET_STD, weights, default_layers=DREAMNET_LAYERS)
    return _torchvision(name, module, weights, ())


def _from_file(name: str, checkpoint: Checkpoint) -> Net:
    options = {"aux_logits": any(key.startswith(("aux", "AuxLogits")) for key in checkpoint.tensors)}
    module = _build(name, **options)
    if (number := final_classes(module, checkpoint)) is not None:
        module = _build(name, num_classes=number, **options)
    fill(module, checkpoint, name)
    classes = None if number is None else tuple(str(index) for index in range(number))
    if "classes" in checkpoint.metadata:
        classes = tuple(checkpoint.entry("classes"))
        if len(classes) != (number or 1000):
            raise NetError(f"{checkpoint.path} is damaged: it names {len(classes)} classes and has {number or 1000}")
    net = _torchvision(name, module, checkpoint.sha256, classes)
    if "mean" not in checkpoint.metadata:
        return net
    return replace(net, mean=tuple(checkpoint.entry("mean")), std=tuple(checkpoint.entry("std")))


def _from_hub(name: str) -> Net:
    import torchvision.models as models

    default, file = models.get_model_weights(name).DEFAULT, _cached(name)
    try:
        module = models.get_model(name, weights=default)
    except (OSError, HTTPException, RuntimeError, UnpicklingError, EOFError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if file.is_file():
            raise NetError(f"{file} is damaged: delete it, and it is fetched again") from None
        raise NetError(
            f"the weights of {name} are not on this machine and could not be fetched ({reason}); "
            f"download {default.url} and put it at {file}, or name a file with --weights"
        ) from None
    return _torchvision(name, module, load(file).sha256)


def in_cache(name: str) -> bool:
    """Whether the weights of a net of torchvision are on this machine already."""
    return _cached(name).is_file()


def _cached(name: str) -> Path:
    import torchvision.models as models

    url = models.get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def _build(name: str, **options: Any) -> nn.Module:
    """An architecture of torchvision without weights; options that it does not know are left out."""
    if name in SKETCHERS:
        return SketchANet(width=SLIM if name == "sketchnet" else 1.0)
    import torchvision.models as models

    builder: Callable[..., nn.Module] = models.get_model_builder(name)
    if name in ("googlenet", "inception_v3"):
        # As torchvision builds them for its own weights: they expect the input rescaled inside.
        return builder(weights=None, transform_input=True, init_weights=True, **{"aux_logits": False, **options})
    options.pop("aux_logits", None)
    return builder(weights=None, **options)


def _torchvision(name: str, module: nn.Module, sha256: str, classes: tuple[str, ...] | None = None) -> Net:
    """A net of torchvision with the facts that belong to its name; `classes`: None: those of torchvision's weights."""
    import torchvision.models as models

    default = models.get_model_weights(name).DEFAULT
    recipe = default.transforms()
    mean, std = tuple(recipe.mean), tuple(recipe.std)
    if getattr(module, "transform_input", False):  # brings the picture to [-1, 1] inside: said here, all can see it
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
    )


def card() -> str:
    """The embedded net's model card, as text."""
    return (EMBEDDED.parent / "DREAMNET.md").read_text(encoding="utf-8")


__all__ = ["card", "from_settings", "get", "in_cache", "names"]
