"""Parse the values of options (channels, neurons, masks); name the option in error messages."""

import os
from pathlib import Path
from typing import Any

MASK_KINDS = ("luma", "motion")


def by_option(message: str, given: set[str]) -> str:
    """Return an error message with the option in place of the word `settings`, if its key was given by an option.

    `given`: the full keys that were given by options.
    """
    _, _, rest = message.partition("settings: ")
    key = rest.partition(":")[0]
    if key not in given or not message.startswith("settings: "):
        return message
    name = {"input.start": "from", "input.stop": "to", "net.name": "model"}.get(key, key.rpartition(".")[2])
    return f"--{name.replace('_', '-')} ({key}){rest.removeprefix(key)}"


def check_mask(mask: str) -> None:
    """Raise SettingsError for a misspelt kind of mask: no file, but similar to one of `MASK_KINDS`."""
    from dreamvid.core.errors import SettingsError, nearest

    near = "" if Path(mask).suffix or os.sep in mask else nearest(mask, MASK_KINDS)
    if near and mask not in MASK_KINDS and not Path(mask).exists():
        raise SettingsError(f"--mask {mask!r} is neither a file nor a kind of mask{near}")


def channels_of(text: str) -> dict[str, Any]:
    """Parse --channel: a name, LAYER:N or LAYER:N,M; return keys of an objective. Raises SettingsError."""
    from dreamvid.core.errors import SettingsError

    if text.strip() and ":" not in text:
        return {"name": text}
    layer, _, numbers = text.rpartition(":")
    if not layer or not all(number.strip().isdecimal() and len(number) < 10 for number in numbers.split(",")):
        raise SettingsError(f"--channel {text!r}: give a name, LAYER:N or LAYER:N,M, for example mixed4a:12")
    return {"layer": layer, "channels": [int(number) for number in numbers.split(",")]}


def neuron_of(text: str) -> dict[str, Any]:
    """Parse --neuron, LAYER:CHANNEL:ROW:COLUMN; return keys of an objective. Raises SettingsError."""
    from dreamvid.core.errors import SettingsError

    layer, *numbers = text.rsplit(":", 3)
    if not layer or len(numbers) != 3 or not all(number.isdecimal() and len(number) < 10 for number in numbers):
        raise SettingsError(f"--neuron {text!r}: give LAYER:CHANNEL:ROW:COL, for example mixed4a:12:6:6")
    number, row, column = map(int, numbers)
    return {"layer": layer, "channels": [number], "row": row, "column": column}
