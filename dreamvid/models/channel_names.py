"""Names of single channels of the shipped nets, read from `NET.channels.toml` beside their weights."""

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent / "weights"


def channel_names_of(sha256: str, folder: Path = FOLDER) -> dict[str, tuple[str, int]]:
    """Return name -> (layer, channel index) for the weights with that sha256; empty for weights without such a file."""
    for file in sorted(folder.glob("*.channels.toml")):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        if table["weights"] == sha256:  # after another training the same number means something else
            return {channel["name"]: (channel["layer"], channel["number"]) for channel in table["channel"]}
    return {}
