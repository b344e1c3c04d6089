"""Presets: TOML files that extend one another, with overrides on top, resolved to Settings."""

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.config.serialize import read_settings, to_table
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, nearest

DEFAULT = "dream"
SERIES = FLIGHTS, PAPERS = "flights", "papers"  # looks that a camera flies through; those that made texts' figures
Table = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Defaults:
    """A user's own defaults: the preset where none is named, and settings that lie beneath every preset.

    `file`: where they were read, None where there are none.
    """

    preset: str = DEFAULT
    table: Table = dataclasses.field(default_factory=dict)
    file: Path | None = None


@cache
def folder() -> Path:
    """Where the presets lie: inside an installed package, or at the top of a checkout."""
    installed = Path(__file__).parent.parent / "data" / "presets"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "presets"


def names(series: str = "") -> list[str]:
    """The shipped looks by name, sorted; or those of one of the SERIES, each as SERIES/NAME."""
    found = (folder() / series).glob("*.toml")
    return sorted(path.relative_to(folder()).with_suffix("").as_posix() for path in found)


def everything() -> list[str]:
    """All shipped presets: the looks, then each series."""
    return [*names(), *(name for series in SERIES for name in names(series))]


def called(last: str) -> list[str]:
    """The presets of the series whose name without its series is `last`."""
    return [name for name in everything() if "/" in name and name.rpartition("/")[2] == last]


def find(preset: str) -> Path:
    """The file of a preset given by name, by the last part of its name, or as a path to a TOML file.

    A look goes before one of a series with that last name. Raises SettingsError where there is none, or several.
    """
    known = everything()
    if preset in known:
        return folder() / f"{preset}.toml"
    if len(meant := called(preset)) == 1:
        return folder() / f"{meant[0]}.toml"
    if meant:
        raise SettingsError(f"{len(meant)} presets are called {preset!r}: give {' or '.join(meant)}")
    if preset.endswith(".toml"):
        if Path(preset).is_file():
            return Path(preset)
        name = preset.removesuffix(".toml")
        raise SettingsError(f"there is no preset file {preset}{nearest(name, _names_like(name, known))}")
    near = nearest(preset, _names_like(preset, known))
    raise SettingsError(f"there is no preset {preset!r}{near}; `dreamvid presets list` shows them all")


def _names_like(preset: str, known: Iterable[str]) -> list[str]:
    """Return the names of presets in the form of one that was typed: with their series, or without."""
    return [name if "/" in preset else name.rpartition("/")[2] for name in known]


def load_table(preset: str, seen: tuple[Path, ...] = ()) -> Table:
    """A preset's table with those it extends merged beneath it.

    `extends` names a shipped preset or a file beside this one. Raises SettingsError with the file's name, and where it
    names code as its net.
    """
    path = find(preset)
    if path.resolve() in seen:
        raise SettingsError(f"{path}: extends itself, by way of {', '.join(p.name for p in seen)}")
    table = _read(path)
    parent = table.pop("extends", None)
    if parent is not None:
        if not isinstance(parent, str):
            raise SettingsError(f"{path}: extends must name one preset")
        beside = path.parent / parent
        above = str(beside) if beside.is_file() else parent
        try:
            find(above)
        except SettingsError as error:
            raise SettingsError(f"{path}: extends: {error}") from None
        table = merged(load_table(above, (*seen, path.resolve())), table)
    # At every level: a mistake is blamed on the file that holds it.
    settings = read_settings(table, str(path), ("extends",))
    if any(net.is_code for net in settings.nets):  # presets are passed from hand to hand
        where, instead = "net.name", "--model FILE.py:FUNCTION"
        if not settings.net.is_code:
            where, instead = "objective.net", """--set 'objective=[{net="FILE.py:FUNCTION", layer="..."}]'"""
        raise SettingsError(f"{path}: {where}: a preset names no code to execute; give {instead} yourself")
    return table


def _read(path: Path) -> Table:
    """Read a TOML file; the files it names lie beside it. Raise SettingsError with its name where it is not TOML."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad begins a file with a mark
    except (ValueError, OSError, RecursionError) as error:  # also numbers too long, brackets too deep
        raise SettingsError(f"{path}: {error}") from None
    for term in table.get("objective", []):
        for key in ("file", "weights", "net"):  # guides and weights lie beside the preset that names them
            if isinstance(term, dict) and isinstance(term.get(key), str) and _is_file(key, term[key]):
                term[key] = str(path.parent / term[key])
    for section in (table.get("mask"), table.get("audio")):
        if isinstance(section, dict) and isinstance(section.get("file"), str):
            section["file"] = str(path.parent / section["file"])
    return table


def load_defaults(file: Path) -> Defaults:
    """Read a user's own defaults: settings as a preset has them, and `preset`, the look where none is named.

    Raises SettingsError, which names the file, where it cannot be read or holds a mistake.
    """
    if not file.is_file():
        raise SettingsError(f"there is no file of defaults {file}")
    table = _read(file)
    preset = table.pop("preset", DEFAULT)
    if "extends" in table or not isinstance(preset, str):
        raise SettingsError(f'{file}: name one look that is taken where none is named, such as preset = "calm"')
    try:
        find(preset)
    except SettingsError as error:
        raise SettingsError(f"{file}: preset: {error}") from None
    read_settings(table, str(file), ("preset",))
    return Defaults(preset, table, file)


def _is_file(key: str, value: str) -> bool:
    """Whether the value of a key of an objective is a file's name, not that of a net or a seed of random weights."""
    return value.endswith(".safetensors") if key == "net" else not (key == "weights" and value.startswith("random:"))


def merged(under: Table, over: Table) -> Table:
    """`over` laid on `under`: tables merge key by key, a list part by part where `over` has a table of its numbers.

    Everything else is replaced. Raises SettingsError for a part that a list has not.
    """
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, list):
            numbered = {str(number): part for number, part in enumerate(below)}
            for number in value.keys() - numbered.keys():
                raise SettingsError(f"{key}.{number}: there are {len(below)}, counted from 0, to lay it on")
            result[key] = list(merged(numbered, value).values())
        else:
            result[key] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def resolve(
    preset: str = DEFAULT, overrides: Iterable[tuple[str, Any]] = (), under: Mapping[str, Any] | None = None
) -> Settings:
    """Settings of a preset with overrides laid on top, in order.

    `overrides`: pairs of a full key (`dream.steps`) and its value; `under`: a table beneath the preset, such as a
    user's own defaults. Raises SettingsError; the error names the preset's file, or the key, whichever is at fault.
    """
    beneath = dict(under or {})
    table = load_table(preset)
    plain = read_settings(table, str(find(preset)))
    changes: Table = {}
    for key, value in overrides:
        for part in reversed(key.split(".")):
            value = {part: value}
        changes = merged(changes, value)
    if not changes and not beneath:
        return plain
    changed = read_settings(merged(merged(beneath, table), changes), "settings")
    if changed.net.architecture == plain.net.architecture or "objective" in changes:
        return changed
    others = {key: value for key, value in table.items() if key != "objective"}  # its layers are another net's
    return read_settings(merged(merged(beneath, others), changes), "settings")


def parse_override(text: str) -> tuple[str, Any]:
    """Reads one `--set section.key=value`; the value as TOML, or as plain text where it is not.

    Raises SettingsError where there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"--set {text!r}: give section.key=value, for example dream.steps=4")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def to_toml(settings: Settings) -> str:
    """Every setting as TOML, with unit and meaning as a comment; a setting without a value is commented out."""
    terms, top, tables = [], [], []
    for name, value in to_table(settings).items():
        if name == "objective":
            terms += ["\n[[objective]]\n" + _lines(term, ObjectiveSettings) for term in value]
        elif isinstance(value, dict):
            tables.append(f"\n[{name}]\n" + _lines(value, type(getattr(settings, name))))
        else:
            top.append(_line(name, value, Settings.model_fields[name]))
    return "".join(top + terms + tables)


def _lines(table: Table, model: type[BaseModel]) -> str:
    return "".join(_line(name, value, model.model_fields[name]) for name, value in table.items())


def _line(name: str, value: Any, field: Any) -> str:
    unit = (field.json_schema_extra or {}).get("unit")
    about = f"{unit}; {field.description}" if unit else field.description
    text = f"# {name} =" if value is None else f"{name} = {_toml(value)}"
    return f"{text:30} # {about}\n"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one character JSON leaves bare


def _let_animate(field: Table) -> None:
    """Lets a number in a JSON schema, or each of a list of them, be a text as well."""
    choices = field.get("anyOf", field.get("oneOf"))
    if choices is not None:
        choices.append({"type": "string"})
    for number in field.get("prefixItems", [field] if choices is None else []):
        number["type"] = [number["type"], "string"]


def schema() -> str:
    """The JSON schema of a preset file, as text."""
    table = Settings.model_json_schema()
    del table["properties"]["keyframes"]  # written as the values of the settings themselves
    for section in table["$defs"].values():
        for field in section["properties"].values():
            if field.get("animated"):
                _let_animate(field)
    table["properties"]["extends"] = {"type": "string", "description": "a preset that this one builds on"}
    return json.dumps(table, indent=1)
