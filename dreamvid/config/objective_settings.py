"""The settings of nets and objectives: who dreams, and what excites it."""

import json
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from dreamvid.config.fields import Section, setting

Kind = Literal["layer", "channel", "neuron", "direction", "class", "guide", "tv", "l2", "source"]

HEADER = 100_000_000  # bytes that a safetensors file's header has at most


def _check_weights(net: str, weights: str | None) -> None:
    if net.endswith(".safetensors") and weights is not None:
        raise ValueError(f"{net} is a file of weights itself: leave out weights, or name the net")


def _told(file: Path) -> str:
    """The architecture in a safetensors file's header, or the file's name: loading tells what is wrong."""
    try:
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(min(size, HEADER)))
        return str(header["__metadata__"]["architecture"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return str(file)


class NetSettings(Section):
    """Which net dreams."""

    name: str = setting(
        "efficientnet_lite2_robust", "a net by name (`models list`), a file that `train` made, or FILE.py:FUNCTION"
    )
    weights: str | None = setting(None, "weights file (safetensors or a state dict), or random:SEED for timing only")
    classes: str | None = setting(None, "file of the class names, one a line or a JSON list; none: the weights' own")
    dense: bool = setting(False, "fully connected layers as convolutions: a map of classes; VGG wants 224 pixels")

    @model_validator(mode="after")
    def _one_file(self) -> "NetSettings":
        _check_weights(self.name, self.weights)
        return self

    @property
    def architecture(self) -> str:
        """The net whose layers this one has: its name, or what a file that `train` made says of itself.

        A robust copy has those of the net that it was begun from.
        """
        name = _told(Path(self.name)) if self.name.endswith(".safetensors") else self.name
        return name.removesuffix("_robust")

    @property
    def is_code(self) -> bool:
        """Whether the net is made by a Python file, which would be executed."""
        return self.name.endswith(".py") or ".py:" in self.name


# What each kind of objective has to be told, what else it may be told, and its forms, the usual one first:
#   layer: each channel as a share of its usual strength, where that is known; plain mean square; sum of squares
#   channel: those chosen; all others; the `count` strongest, or weakest, on this very picture
#   direction: dot product with a mixture of channels; times the cosine between them
#   class: its logit; that less the mean of all; its square; the logarithm of its probability
#   guide: dot product place by place; with what suits each place best; nearness in what excites together, or
#     in each channel's values in order of size
NEEDED: dict[str, tuple[str, ...]] = {
    "layer": ("layer",),
    "channel": ("layer",),
    "neuron": ("layer", "channels", "row", "column"),
    "direction": ("layer", "channels", "amounts"),
    "class": ("class_name",),
    "guide": ("file",),
}
ALLOWED: dict[str, tuple[str, ...]] = {
    "layer": ("power",),
    "channel": ("channels", "name", "count"),
    "guide": ("layer",),
    "source": ("layer",),
}
FORMS: dict[str, tuple[str, ...]] = {
    "layer": ("usual", "plain", "sum"),
    "channel": ("chosen", "others", "strongest", "weakest"),
    "direction": ("dot", "cosine"),
    "class": ("logit", "above_mean", "square", "log_probability"),
    "guide": ("dot", "best", "statistics", "sorted"),
}


class ObjectiveSettings(Section):
    """What excites: one term of the sum that a dream climbs."""

    kind: Kind = setting(
        "layer",
        "layer, channel, neuron, direction, class, guide; less tv, l2, change from the source (in a layer)",
    )
    layer: str | None = setting(None, "layer by its module name or an alias (`models layers NET` lists them)")
    channels: tuple[int, ...] = setting((), "channel numbers within the layer, for kind = channel, neuron, direction")
    name: str | None = setting(None, "channel by name (`models channels NET` lists them), in place of its number")
    form: str | None = setting(
        None,
        "of the kind: what of it is climbed, such as plain, strongest, cosine, log_probability, best; none: usual",
    )
    power: float = setting(2.0, "layer: exponent of its activations; above 2 what is strong gets stronger", ge=1, le=8)
    count: int = setting(1, "how many channels are the strongest or weakest", "count", ge=1)
    row: int | None = setting(None, "row of a neuron in the layer's map", "units", ge=0)
    column: int | None = setting(None, "column of a neuron in the layer's map", "units", ge=0)
    amounts: tuple[float, ...] = setting((), "share of each channel in a direction")
    class_name: str | None = setting(
        None, "class by name or number, or a group: animal, dog, bird, building; for kind = class"
    )
    file: str | None = setting(None, "picture that guides, or video or folder that runs along, for kind = guide")
    net: str | None = setting(None, "net that this term looks at, as net.name has it; none: the render's own")
    weights: str | None = setting(None, "weights of that net, as net.weights has them")
    weight: float = setting(
        1.0, "share of this term in the sum; below zero it is avoided", animated=True, ge=-1000, le=1000
    )
    step_size: float | None = setting(
        None, "with dream.cycle: its own, in place of dream.step_size", "share of the full range", animated=True, gt=0
    )

    @model_validator(mode="after")
    def _complete(self) -> "ObjectiveSettings":
        needed, forms = NEEDED.get(self.kind, ()), FORMS.get(self.kind, ())
        if self.name is not None:
            if self.kind != "channel":
                raise ValueError(f"name is for kind = channel, not for an objective of kind {self.kind}")
            if self.layer is not None or self.channels:
                raise ValueError("an objective of kind channel takes a name, or layer and channels, not both")
            needed = ()
        elif self.kind == "channel" and self.form not in ("strongest", "weakest"):
            needed = ("layer", "channels")
        for key in needed:
            if getattr(self, key) in (None, ()):
                example = {"channels": ", such as [12]", "layer": ", or the name of a channel"}
                more = example.get(key, "") if self.kind == "channel" else ""
                raise ValueError(f"an objective of kind {self.kind} needs {_article(key)}{more}")
        sees_layer = self.kind in NEEDED or self.layer is not None
        always = {"kind", "form", "weight", "step_size", *(("net", "weights") if sees_layer else ())}
        foreign = self.model_fields_set - always - set(NEEDED.get(self.kind, ())) - set(ALLOWED.get(self.kind, ()))
        for key in sorted(foreign):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"an objective of kind {self.kind} takes no {key}")
        if self.form is not None and self.form not in forms:
            raise ValueError(f"form of an objective of kind {self.kind} is {' or '.join(forms) or 'not given'}")
        if self.kind == "direction" and len(self.amounts) != len(self.channels):
            raise ValueError(f"a direction needs an amount for each of its {len(self.channels)} channels")
        if self.net is not None:
            _check_weights(self.net, self.weights)
        elif self.weights is not None:
            raise ValueError("weights of an objective are for a net of its own: name it, too, as net")
        return self

    @property
    def own_net(self) -> NetSettings | None:
        """The net that this term names for itself, None where it looks at the render's."""
        return None if self.net is None else NetSettings(name=self.net, weights=self.weights)


def _article(key: str) -> str:
    return {"layer": "a layer", "row": "a row", "column": "a column", "file": "a file"}.get(key, key)
