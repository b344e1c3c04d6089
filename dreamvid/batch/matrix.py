"""A matrix of a job file: lists of values whose product makes jobs."""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from dreamvid.core.errors import SettingsError

Table = dict[str, Any]
OUTWARD = str.maketrans("/\\:", "---")  # what would lead a file elsewhere


def combinations(matrix: Table, most: int) -> Iterator[Table]:
    """Yield every combination of the values of a matrix, as a table of its keys; raise SettingsError for too many.

    A value that is no list stands for a list of it. `most`: how many may come of it. The first key changes slowest.
    """
    lists = {key: value if isinstance(value, list) else [value] for key, _, value in flat(matrix)}
    count = math.prod(map(len, lists.values()))
    if count > most:
        raise SettingsError(f"the matrix makes {count} jobs: a batch has at most {most}")
    for values in product(*lists.values()):
        yield dict(zip(lists, values, strict=True))


def flat(matrix: Table, above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Yield each key of a matrix, the names that lead to it, and its value.

    `dream.strength = [1, 2]` without quotes is a table in the matrix; `set` is a value, though it is a table.
    """
    for name, value in matrix.items():
        path = (*above, name)
        if isinstance(value, dict) and path != ("set",):
            yield from flat(value, path)
        else:
            yield ".".join(path), path, value


def labels(matrix: Table, chosen: Table) -> dict[str, str | int | float]:
    """Return what stands in a file's name for each key: its value; of a list or table, its number in the matrix."""
    lists = {key: value for key, _, value in flat(matrix)}

    def label(key: str, value: Any) -> str | int | float:
        if isinstance(value, list | dict):
            return lists[key].index(value) if isinstance(lists[key], list) else 0
        return value.translate(OUTWARD) if isinstance(value, str) else value

    return {key: label(key, value) for key, value in chosen.items()}
