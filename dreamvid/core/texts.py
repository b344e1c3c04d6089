"""TOML and JSON from anyone, parsed within bounds that no honest text comes near."""

import json
import re
import tomllib
from typing import Any

DEEPEST = 32  # levels of tables and lists within one another
LARGEST = 2**63  # whole numbers are below it, as the TOML specification has it
# A dotted key of too many parts: the time of the parser grows with the square of their number, and more.
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{DEEPEST}}}", re.ASCII)


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; raise ValueError with one line for text that is not TOML, or is beyond the bounds."""
    if _LONG_KEY.search(text):
        raise ValueError(_too_deep())
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check(table)
    return table


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; raise ValueError for text that is not JSON, or is beyond the bounds."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check(value)
    return value


def _check(value: Any) -> None:
    """Raise ValueError where tables are nested too deep to be walked or printed, or a number is too long for that."""
    level = [value]
    for _ in range(DEEPEST + 1):
        if any(isinstance(part, int) and abs(part) >= LARGEST for part in level):
            raise ValueError("a whole number has more than 63 bits: give a smaller one")
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return
    raise ValueError(_too_deep())


def _parts(whole: Any) -> list[Any]:
    return list(whole.values()) if isinstance(whole, dict) else whole if isinstance(whole, list) else []


def _too_deep() -> str:
    return f"tables or brackets are nested too deep: give at most {DEEPEST} levels"
