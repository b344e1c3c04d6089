"""The commands `dreamvid models ...`, which list, fetch and check nets."""

from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli.commands import command, new_app

if TYPE_CHECKING:
    from dreamvid.models.net import Net

models_app = new_app(
    "List the nets, fetch one, check one, list its layers and channels.",
    examples=["dreamvid models list", "dreamvid models layers googlenet", "dreamvid models fetch googlenet"],
)
Trust = Annotated[bool, typer.Option("--trust", help="Execute the code that FILE.py:FUNCTION names.")]


@command(models_app, "list", examples=["dreamvid models list"])
def models_list() -> None:
    """List the nets that --model takes, and those whose weights are here: shipped with dreamvid, or fetched before."""
    from dreamvid.models import zoo

    for name in zoo.names():
        where = "ships" if name in zoo.SHIPPED else "on this machine" if zoo.in_cache(name) else ""
        print(f"{name:26} {where}".rstrip())


@command(models_app, "fetch", examples=["dreamvid models fetch googlenet"])
def models_fetch(model: Annotated[str, typer.Argument(help="A net by name (`models list`).", metavar="NET")]) -> None:
    """Fetch a net's weights, so that it dreams without a network from then on."""
    from dreamvid.models import zoo

    file = zoo.fetch(model)
    print(f"{model}: its weights ship with dreamvid, {file}" if model in zoo.SHIPPED else f"{model}: {file}")


DEFAULT_NET = "efficientnet_lite2_robust"  # as in `NetSettings`, which is not imported just for a help text
Model = Annotated[str, typer.Argument(help="A net by name, a file written by `train`, or FILE.py:FUNCTION.")]
Weights = Annotated[str | None, typer.Option("--weights", help="Weights FILE, or random:SEED; default: the net's own.")]


@command(models_app, "layers", examples=["dreamvid models layers", "dreamvid models layers googlenet"])
def models_layers(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """List the layers of a net: output shape, stride and receptive field in pixels, other names, a note if known.

    Shapes are for a picture of the net's usual size.
    """
    from dreamvid.models import net

    layers = net.describe(_net(model, weights, trust))
    names = max(len(" ".join(layer.aliases)) for layer in layers)
    print(f"{'layer':40} {'shape':>16} {'stride':>7} {'field':>6}")
    for layer in layers:
        shape = "x".join(map(str, layer.shape))
        stride, field = layer.stride or "-", layer.receptive_field or "all"
        more = f"{' '.join(layer.aliases):{names}}  {layer.note}" if names else layer.note
        print(f"{layer.name:40} {shape:>16} {stride:>7} {field:>6}  {more}".rstrip())


@command(models_app, "channels", examples=["dreamvid models channels"])
def models_channels(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """List the channels of a net that have a name, from the first layer to the last."""
    from dreamvid.models import net

    channels = net.channels_by_depth(_net(model, weights, trust))
    rows = [("name", "layer", "number"), *((name, layer, str(number)) for name, layer, number in channels)]
    names, layers, numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    for name, layer, number in rows:
        print(f"{name:{names}}  {layer:{layers}}  {number:>{numbers}}")


@command(
    models_app, "check", examples=["dreamvid models check googlenet", "dreamvid models check vgg16 --weights mine.pth"]
)
def models_check(model: Model = DEFAULT_NET, weights: Weights = None, trust: Trust = False) -> None:
    """Load a net and run it once."""
    from dreamvid.models import net

    loaded = _net(model, weights, trust)
    layers = net.layer_shapes(loaded)
    print(f"{loaded.name}: ok, {len(layers)} layers, {len(loaded.classes)} classes, sha256 {loaded.sha256[:16]}")


def _net(model: str, weights: str | None, trust: bool) -> "Net":
    """Load the net that --model and --weights name, as for a render."""
    from dreamvid.config.serialize import read_settings
    from dreamvid.models import zoo

    return zoo.from_settings(read_settings({"net": {"name": model, "weights": weights}}, "settings").net, trust=trust)
