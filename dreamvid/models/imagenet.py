"""Names of the 1000 classes of ImageNet from WordNet 3.0: `weights/imagenet.txt`, one class per line, in order.

A line holds the class name followed by its synonyms. Where WordNet has the same word for two classes, the line begins
with a name that distinguishes them. `weights/imagenet.groups.toml` has words that stand for many classes.
"""

import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "weights" / "imagenet.txt"
GROUPS = FILE.with_suffix(".groups.toml")


@cache
def _lines() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split(", ")) for line in FILE.read_text(encoding="utf-8").splitlines())


def names() -> tuple[str, ...]:
    """Return the name of each class, in order; names are unique."""
    return tuple(line[0] for line in _lines())


@cache
def synonyms() -> dict[str, tuple[int, ...]]:
    """Return word -> class indices that it means, usually one; the class names are among the words."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(_lines()):
        for word in line:
            found[word].append(index)
    return {word: tuple(indices) for word, indices in found.items()}


@cache
def groups() -> dict[str, tuple[int, ...]]:
    """Return word -> class indices of a group, in order; no group has the name of a class."""
    runs = tomllib.loads(GROUPS.read_text(encoding="utf-8"))
    return {word: tuple(at for first, last in of for at in range(first, last + 1)) for word, of in runs.items()}
