"""The catalogue: names of single channels of the net that ships, as `channels.toml` beside its weights has them."""

import tomllib
from pathlib import Path

SHIPPED = Path(__file__).parent / "weights" / "channels.toml"


def catalogue_of(sha256: str, file: Path = SHIPPED) -> dict[str, tuple[str, int]]:
    """Name -> (layer, number) for the weights with that sha256; empty for any but those the file was made for."""
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if table["weights"] != sha256:  # after another training the same number means something else
        return {}
    return {channel["name"]: (channel["layer"], channel["number"]) for channel in table["channel"]}
