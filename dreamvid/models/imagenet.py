"""The 1000 classes of ImageNet by name, as WordNet 3.0 has them: `weights/imagenet.txt`, a class a line, in order.

A line holds the class's name and after it its synonyms. Where WordNet has one word for two classes, the line begins
with a name that tells them apart. `weights/imagenet.groups.toml` has words for many classes at once.
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
    """Returns the name of each class, in order; no two are alike."""
    return tuple(line[0] for line in _lines())


@cache
def synonyms() -> dict[str, tuple[int, ...]]:
    """Returns word -> the classes that it means, usually one; the names of the classes are among the words."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(_lines()):
        for word in line:
            found[word].append(index)
    return {word: tuple(indices) for word, indices in found.items()}


@cache
def groups() -> dict[str, tuple[int, ...]]:
    """Returns word -> the classes of a group, in order; no word is that of a class."""
    runs = tomllib.loads(GROUPS.read_text(encoding="utf-8"))
    return {word: tuple(at for first, last in of for at in range(first, last + 1)) for word, of in runs.items()}
