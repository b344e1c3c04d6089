"""The settings that name files, folders or code: found in a table of settings, and changed there."""

from collections.abc import Callable, Iterator
from typing import Any

# (full key, what it names) -> what it is to name instead
Change = Callable[[str, str], str]


def change_files(table: dict[str, Any], change: Change) -> None:
    """Replace in place every value of a table of settings that names a file by what `change` returns for it."""
    for prefix, section, names in _sections(table):
        for name in names:
            value = section.get(name)
            if isinstance(value, str) and _is_file(name, value):
                section[name] = change(f"{prefix}.{name}", value)


def _sections(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Yield the sections that may name files: full key, the section, and its keys that do."""
    terms = table.get("objective")
    numbered = enumerate(terms if isinstance(terms, list | tuple) else ())
    found: list[tuple[str, Any, tuple[str, ...]]] = [("net", table.get("net"), ("name", "weights", "classes"))]
    found += [(f"objective.{number}", term, ("file", "weights", "net")) for number, term in numbered]
    found += [("mask", table.get("mask"), ("file",)), ("audio", table.get("audio"), ("file", "events"))]
    yield from (each for each in found if isinstance(each[1], dict))


def _is_file(name: str, value: str) -> bool:
    """Return True if a value names a file or code, not a net or a seed of random weights."""
    if name in ("name", "net"):
        return value.endswith((".safetensors", ".py")) or ".py:" in value
    return not (name == "weights" and value.startswith("random:"))
