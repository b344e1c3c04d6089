"""Class names for a net, read from a file, for weights that do not contain them."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from dreamvid.core.errors import NetError
from dreamvid.core.paths import is_there
from dreamvid.core.texts import parse_json
from dreamvid.models.net import Net, outputs

LONGEST = 10_000_000  # bytes of a file of class names


def with_classes(net: Net, file: Path) -> Net:
    """Return the net with class names from a file, in output order: one per line, or a JSON list of strings.

    Raises NetError where the file cannot be read as such, and where the number of names is not the number of outputs.
    """
    names = _names(file)
    count = outputs(net)
    if len(names) != count:
        raise NetError(
            f"{file} has {len(names)} class names and {net.name} has {count} outputs: "
            "give one name per line, in the order of the outputs"
        )
    sha256 = hashlib.sha256(json.dumps([net.sha256, names]).encode()).hexdigest()  # a name now selects another class
    return replace(net, classes=names, synonyms={}, groups={}, sha256=sha256)


def _names(file: Path) -> tuple[str, ...]:
    if not is_there(file):
        raise NetError(f"there is no file of class names {file}")
    if (size := file.stat().st_size) > LONGEST:
        raise NetError(f"{file} has {size} bytes: class names have at most {LONGEST}")
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError:
        raise NetError(f"{file} is not a text file: give class names, one per line, or a JSON list of them") from None
    except OSError as error:
        raise NetError(f"{file} cannot be read: {error.strerror}") from None
    if not text.startswith("["):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        names = parse_json(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NetError(f'{file} is not a JSON list of names, such as ["maize", "sorghum"]')
    return tuple(names)
