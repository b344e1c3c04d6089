"""Nets by name: those with shipped weights, EfficientNet-Lite, and torchvision's classification nets."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from dreamvid.config.objective_settings import NetSettings
from dreamvid.core.errors import NetError, nearest
from dreamvid.models import dreamnet, efficientnet_lite, hub, imagenet, packages, sketch_a_net
from dreamvid.models.channel_names import channel_names_of
from dreamvid.models.checkpoint import MEAN, NAMES, STD, WIDTH, Checkpoint, built, load
from dreamvid.models.classes import with_classes
from dreamvid.models.dense_head import dense
from dreamvid.models.dreamnet import DreamNet
from dreamvid.models.efficientnet_lite import SCALES, EfficientNetLite
from dreamvid.models.net import IMAGENET_MEAN, IMAGENET_STD, Net
from dreamvid.models.packages import PACKAGES
from dreamvid.models.sketch_a_net import SLIM, SketchANet
from dreamvid.models.user_module import load_user_net

WEIGHTS = Path(__file__).parent / "weights"
EMBEDDED, EMBEDDED_SKETCHNET = WEIGHTS / "dreamnet.safetensors", WEIGHTS / "sketchnet.safetensors"
ROBUST = "efficientnet_lite2_robust"  # efficientnet_lite2, trained further against adversarial perturbations
SHIPPED = {ROBUST: WEIGHTS / f"{ROBUST}.safetensors", "dreamnet": EMBEDDED, "sketchnet": EMBEDDED_SKETCHNET}
SKETCHERS = ("sketchnet", "sketch_a_net")  # one architecture: slim with shipped weights, and full size without
LITES = {**{name: name for name in SCALES}, ROBUST: "efficientnet_lite2"}  # net -> its scale
OURS = (ROBUST, *PACKAGES, "dreamnet", *SKETCHERS)
DREAMNET_LAYERS = ("mixed4a", "mixed4b")
LITE_LAYERS = {"efficientnet_lite0": ("block9", "block10"), "efficientnet_lite2": ("block13", "block17")}
SKETCHER_LAYERS = ("conv3",)


def names() -> list[str]:
    """Return the names of all nets, our own first."""
    return [*OURS, *hub.names()]


def get(name: str, weights: str | None = None) -> Net:
    """Return the net called `name`, with its own weights, those of a file, or `random:SEED` (for timing only).

    `name` may also be a file written by `train`, which names its architecture. Raises NetError for an unknown name, for
    weights that are not on this machine and cannot be fetched, and for weights that do not fit.
    """
    if name.endswith(".safetensors"):
        return _trained(name)
    _check_known(name)
    if weights is not None and weights.startswith("random:"):
        return _random(name, weights)
    if weights is None and name not in OURS:
        return hub.from_hub(name)
    return _filled(name, load(_own_file(name) if weights is None else Path(weights)))


def untrained(name: str, classes: int) -> nn.Module:
    """Build a net for that many classes with new weights from torch's global generator; it takes normalised pictures.

    Raises NetError for an unknown name, and for a net of sketches.
    """
    if name in SKETCHERS:
        raise NetError(
            f"{name} has a training command of its own: see `python -m dreamvid.research.training.sketchnet --help`"
        )
    _check_known(name)
    if name == "dreamnet":
        return DreamNet(classes)
    if name in LITES:
        return EfficientNetLite(SCALES[LITES[name]], classes)
    module = hub.build(name, num_classes=classes)
    if getattr(module, "transform_input", False):
        module.transform_input = False  # type: ignore[assignment]
    return module


def from_settings(how: NetSettings, *, trust: bool = False) -> Net:
    """Return the net that the settings describe; raise NetError where it cannot be loaded.

    `trust`: whether a file of code may be executed. No setting can allow that, since settings are shared.
    """
    net = load_user_net(how.name, how.weights, trust=trust) if how.is_code else get(how.name, how.weights)
    net = net if how.classes is None else with_classes(net, Path(how.classes))
    return dense(net) if how.dense else net


def file_of(name: str) -> Path | None:
    """Return the path of a net's default weights, fetched or not; None where it has none."""
    if name in OURS:
        return SHIPPED.get(name) or (packages.cached(name) if name in PACKAGES else None)
    return hub.cached(name)


def in_cache(name: str) -> bool:
    """Return whether the default weights of a net are on this machine already."""
    file = file_of(name)
    return file is not None and file.is_file()


def fetch(name: str) -> Path:
    """Fetch the default weights of a net unless they are on this machine, and return their path.

    Raises NetError for an unknown name, a net without weights, and weights that cannot be fetched.
    """
    _check_known(name)
    if name in PACKAGES:
        return packages.fetch(name)
    return _own_file(name) if name in OURS else hub.fetch(name)


def card(name: str = "dreamnet") -> str:
    """Return the model card, Markdown, of a net whose weights ship; raise NetError for any other."""
    if name not in SHIPPED:
        raise NetError(f"{name} has no model card: give one of {', '.join(SHIPPED)}")
    return (WEIGHTS / f"{name.upper()}.md").read_text(encoding="utf-8")


def _check_known(name: str) -> None:
    if name in OURS or name in names():  # for our own, torchvision is not imported, which takes seconds
        return
    import torchvision.models as models

    if name in models.list_models():
        raise NetError(
            f"{name} is not an image classification net, and dreamvid uses only those{nearest(name, names())}"
        )
    raise NetError(f"there is no net {name!r}{nearest(name, names())}; `dreamvid models list` shows them all")


def _own_file(name: str) -> Path:
    """Return the path of the weights of one of OURS; raise NetError where they are not on this machine."""
    file = file_of(name)
    if file is None:
        raise NetError(f"{name} comes without weights: give --weights, or its small version, --model sketchnet")
    if name in PACKAGES and not file.is_file():
        raise NetError(f"the weights of {name} are not on this machine: `dreamvid models fetch {name}` downloads them")
    return file


def _trained(file: str) -> Net:
    """Return the net of a file whose metadata names its architecture, as `train` writes it."""
    checkpoint = load(Path(file))
    name = checkpoint.metadata.get("architecture")
    if name is None or (name not in OURS and name not in names()):
        raise NetError(f"{file} does not name the net that its weights belong to: give --model NET --weights {file}")
    return _filled(name, checkpoint)


def _filled(name: str, checkpoint: Checkpoint) -> Net:
    if name in SKETCHERS:
        return _sketcher(name, checkpoint)
    _check_architecture(name, checkpoint)
    if name == "dreamnet":
        return _dreamnet(checkpoint)
    return _lite(name, checkpoint) if name in LITES else hub.from_file(name, checkpoint)


def _check_architecture(name: str, checkpoint: Checkpoint) -> None:
    """Raise NetError for a file that names another architecture; a file of dreamnet has to name it."""
    said = checkpoint.metadata.get("architecture")
    if said is None and name != "dreamnet":
        return
    if said is None or LITES.get(said, said) != LITES.get(name, name):
        known = f"give --model {said} --weights {checkpoint.path}" if said else "give their architecture with --model"
        raise NetError(f"{checkpoint.path} contains no weights of {name}: {known}")


def _dreamnet(checkpoint: Checkpoint) -> Net:
    classes, width = checkpoint.entry("classes", NAMES), checkpoint.entry("width", WIDTH)
    module = built(lambda: DreamNet(len(classes), width), checkpoint, "dreamnet")
    return Net(
        "dreamnet",
        module.eval(),
        checkpoint.entry("mean", MEAN),
        checkpoint.entry("std", STD),
        checkpoint.sha256,
        classes,
        DREAMNET_LAYERS,
        checkpoint.statistics(),
        channel_names_of(checkpoint.sha256),
        notes=dreamnet.NOTES if checkpoint.path == EMBEDDED else {},
    )


def _sketcher(name: str, checkpoint: Checkpoint) -> Net:
    """Return Sketch-a-Net from a file: ours, which contains its width and classes, or a state dict of the full net."""
    first, last = checkpoint.tensors.get("conv1.conv.weight"), checkpoint.tensors.get("conv8.weight")
    if first is None or first.ndim != 4 or last is None or last.ndim != 4:
        raise NetError(f"{checkpoint.path} contains no weights of Sketch-a-Net: give their architecture with --model")
    described = "classes" in checkpoint.metadata
    classes = checkpoint.entry("classes", NAMES) if described else tuple(map(str, range(len(last))))
    width = checkpoint.entry("width", WIDTH) if described else 1.0
    module = built(lambda: SketchANet(len(classes), first.shape[1], width), checkpoint, name)
    return Net(
        name,
        module.eval(),
        sketch_a_net.MEAN,
        sketch_a_net.STD,
        checkpoint.sha256,
        classes,
        SKETCHER_LAYERS,
        checkpoint.statistics(),
        notes=sketch_a_net.NOTES if checkpoint.path == EMBEDDED_SKETCHNET else {},
    )


def _lite(name: str, checkpoint: Checkpoint) -> Net:
    """Return EfficientNet-Lite from a file; without class names in it, those of ImageNet, or numbers."""
    checkpoint = replace(checkpoint, tensors=efficientnet_lite.from_reference(checkpoint.tensors))
    last = checkpoint.tensors.get("logits.weight")
    count = efficientnet_lite.CLASSES if last is None or not last.ndim else len(last)
    module = built(lambda: EfficientNetLite(SCALES[LITES[name]], count), checkpoint, name)
    classes = imagenet.names() if count == efficientnet_lite.CLASSES else tuple(map(str, range(count)))
    if "classes" in checkpoint.metadata:
        classes = checkpoint.entry("classes", NAMES)
        if len(classes) != count:
            raise NetError(f"{checkpoint.path} is damaged: it names {len(classes)} classes but has {count}")
    net = _lite_net(name, module, checkpoint.sha256, classes)
    net = replace(net, statistics=checkpoint.statistics(), channel_names=channel_names_of(checkpoint.sha256))
    if "mean" not in checkpoint.metadata:
        return net
    return replace(net, mean=checkpoint.entry("mean", MEAN), std=checkpoint.entry("std", STD))


def _lite_net(name: str, module: nn.Module, sha256: str, classes: tuple[str, ...]) -> Net:
    """Return EfficientNet-Lite with its metadata, and that of ImageNet where it has ImageNet's classes."""
    scale, of_imagenet = LITES[name], classes == imagenet.names()
    return Net(
        name,
        module.eval(),
        efficientnet_lite.MEAN,
        efficientnet_lite.STD,
        sha256,
        classes,
        LITE_LAYERS[scale],
        synonyms=imagenet.synonyms() if of_imagenet else {},
        groups=imagenet.groups() if of_imagenet else {},
        notes=efficientnet_lite.NOTES[scale] if of_imagenet else {},
        side=SCALES[scale].side,
    )


def _random(name: str, weights: str) -> Net:
    seed = weights.removeprefix("random:")
    if not seed.isdecimal() or len(seed) > 19 or int(seed) >= 2**63:
        raise NetError(f"--weights {weights}: give a whole number, such as random:0")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        module = _unfilled(name)
    if name in SKETCHERS:
        mean, std = sketch_a_net.MEAN, sketch_a_net.STD
        return Net(name, module.eval(), mean, std, weights, default_layers=SKETCHER_LAYERS)
    if name == "dreamnet":
        return Net(name, module.eval(), IMAGENET_MEAN, IMAGENET_STD, weights, default_layers=DREAMNET_LAYERS)
    if name in LITES:
        return replace(_lite_net(name, module, weights, imagenet.names()), notes={})
    return hub.net_of(name, module, weights, ())


def _unfilled(name: str) -> nn.Module:
    """Return a net of random weights for its default number of classes."""
    if name in SKETCHERS:
        return SketchANet(width=SLIM if name == "sketchnet" else 1.0)
    return untrained(name, 1000) if name in OURS else hub.build(name)


__all__ = ["card", "fetch", "file_of", "from_settings", "get", "in_cache", "names", "untrained"]
