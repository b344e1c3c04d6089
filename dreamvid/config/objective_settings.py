"""Settings of nets and objectives: which net a dream uses, and what it maximises."""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from dreamvid.config.fields import Section, setting
from dreamvid.core.texts import parse_json

Kind = Literal["layer", "channel", "neuron", "direction", "class", "guide", "tv", "l2", "source"]

HEADER = 10_000_000  # bytes of a safetensors file that describe its tensors: a hundred thousand of them


def _check_weights(net: str, weights: str | None) -> None:
    if net.endswith(".safetensors") and weights is not None:
        raise ValueError(f"the net {net} is a weights file itself: leave out weights {weights}, or give a net's name")


def _told(file: Path) -> str:
    """Return the architecture in a safetensors file's header, or the file's name if there is none.

    Errors are left to the loading of the file, which reports them.
    """
    try:
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            header = parse_json(opened.read(min(size, HEADER)))
        return str(header["__metadata__"]["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(file)


class NetSettings(Section):
    """Settings of one net: its name, weights and classes."""

    name: str = setting(
        "efficientnet_lite2_robust", "a net by name (`models list`), a file written by `train`, or FILE.py:FUNCTION"
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
        """The net that defines the names of the layers: `name`, or for a file written by `train` its architecture.

        A robust net has the layers of the net it was fine-tuned from, so the suffix `_robust` is left out.
        """
        name = _told(Path(self.name)) if self.name.endswith(".safetensors") else self.name
        return name.removesuffix("_robust")

    @property
    def is_code(self) -> bool:
        """True if the net is built by a Python file, which would be executed."""
        return self.name.endswith(".py") or ".py:" in self.name

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from, of those that the settings name."""
        own = self.name.rpartition(":")[0] if self.is_code else self.name
        named = (own if self.is_code or own.endswith(".safetensors") else None, self.weights, self.classes)
        return tuple(Path(name) for name in named if name is not None and not name.startswith("random:"))


# The keys that each kind of objective needs, the further keys that it may have, and its forms, the default first:
#   layer: mean square, each channel divided by its usual rms where that is known; plain mean square; sum of squares
#   channel: those given; all others; the `count` strongest or weakest on the present picture
#   direction: dot product with a weighted sum of channels; times the cosine between them
#   class: its logit; the logit minus the mean of all; its square; the logarithm of its probability
#   guide: dot product with the guide place by place; with the best matching place of the guide; minus the distance of
#     the Gram matrices; minus the distance of each channel's sorted values
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
    """Settings of an objective: one term of the weighted sum that a dream maximises."""

    kind: Kind = setting(
        "layer",
        "layer, channel, neuron, direction, class, guide; penalties: tv, l2, source (change from the source)",
    )
    layer: str | None = setting(None, "layer by its module name or an alias (`models layers NET` lists them)")
    channels: tuple[int, ...] = setting((), "channel numbers within the layer, for kind = channel, neuron, direction")
    name: str | None = setting(None, "channel by name (`models channels NET` lists them), in place of its number")
    form: str | None = setting(
        None,
        "variant of the kind, such as plain, strongest, cosine, log_probability, best; none: its default",
    )
    power: float = setting(
        2.0, "layer: exponent of its activations; above 2 favours the strongest activations", ge=1, le=8
    )
    count: int = setting(1, "number of channels, for the forms strongest and weakest", "count", ge=1)
    row: int | None = setting(None, "row of a neuron in the layer's map", "units", ge=0)
    column: int | None = setting(None, "column of a neuron in the layer's map", "units", ge=0)
    amounts: tuple[float, ...] = setting((), "weight of each channel in a direction")
    class_name: str | None = setting(
        None, "class by name or number, or a group: animal, dog, bird, building; for kind = class"
    )
    file: str | None = setting(
        None, "guide picture, or a video or folder played in step with the source, for kind = guide"
    )
    net: str | None = setting(None, "net of this term, given like net.name; none: the render's net")
    weights: str | None = setting(None, "weights of that net, given like net.weights")
    weight: float = setting(
        1.0, "weight of this term in the sum; below zero it is minimised", animated=True, ge=-1000, le=1000
    )
    step_size: float | None = setting(
        None,
        "with dream.cycle: step size of this term; none: dream.step_size",
        "share of the full range",
        animated=True,
        gt=0,
    )

    @model_validator(mode="after")
    def _complete(self) -> "ObjectiveSettings":
        needed, forms = NEEDED.get(self.kind, ()), FORMS.get(self.kind, ())
        if self.name is not None:
            if self.kind != "channel":
                raise ValueError(f"name is for kind = channel, not for an objective of kind {self.kind}")
            if self.layer is not None or self.channels:
                raise ValueError("an objective of kind channel takes either name, or layer and channels: not both")
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
                raise ValueError(f"an objective of kind {self.kind} has no key {key}: leave it out")
        if self.form is not None and self.form not in forms:
            advice = f"give {' or '.join(forms)}" if forms else "leave out form"
            raise ValueError(f"an objective of kind {self.kind} has no form {self.form!r}: {advice}")
        if self.kind == "direction" and len(self.amounts) != len(self.channels):
            raise ValueError(
                f"an objective of kind direction has {len(self.channels)} channels and {len(self.amounts)} amounts: "
                "give one amount for each channel"
            )
        if self.net is not None:
            _check_weights(self.net, self.weights)
        elif self.weights is not None:
            raise ValueError(f"an objective has weights {self.weights} but no net: give objective.net as well")
        return self

    @property
    def own_net(self) -> NetSettings | None:
        """The net that this term names, or None if it uses the render's net."""
        return None if self.net is None else NetSettings(name=self.net, weights=self.weights)


def _article(key: str) -> str:
    return {"layer": "a layer", "row": "a row", "column": "a column", "file": "a file"}.get(key, key)
