"""Presets: TOML files that can extend one another; find them, merge them with overrides, and return Settings."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dreamvid.config.named_files import change_files
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.config.serialize import read_settings, to_table
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, nearest
from dreamvid.core.paths import is_there, read_toml
from dreamvid.core.texts import parse_toml

DEFAULT = "dream"
SERIES = FLIGHTS, PAPERS = "flights", "papers"  # presets for zooms; presets that reproduce figures of papers
MOST_EXTENDED, DEEPEST = 32, 8  # presets in a row; levels of tables within tables
Table = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Defaults:
    """A user's own defaults: the preset used if none is named, and settings that every preset is merged over.

    `preset`: None if they name none; `file`: the file they were read from, None if there is none.
    """

    preset: str | None = None
    table: Table = dataclasses.field(default_factory=dict)
    file: Path | None = None


@cache
def folder() -> Path:
    """Return the folder of the shipped presets: inside an installed package, or at the top of a checkout."""
    installed = Path(__file__).parent.parent / "data" / "presets"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "presets"


def names(series: str = "") -> list[str]:
    """Return the names of the shipped presets outside any series, sorted; or those of a series, as SERIES/NAME."""
    found = (folder() / series).glob("*.toml")
    return sorted(path.relative_to(folder()).with_suffix("").as_posix() for path in found)


def everything() -> list[str]:
    """Return the names of all shipped presets: those outside any series first, then series by series."""
    return list(_everything_in(folder()))


@cache
def _everything_in(_shipped: Path) -> tuple[str, ...]:
    """Return what `everything` does, of a folder: a batch asks for it thousands of times."""
    return (*names(), *(name for series in SERIES for name in names(series)))


def called(last: str) -> list[str]:
    """Return the names SERIES/`last` of the presets in a series whose last part is `last`."""
    return [name for name in everything() if "/" in name and name.rpartition("/")[2] == last]


def find(preset: str) -> Path:
    """Return the file of a preset given by name, by the last part of its name, or as a path to a TOML file.

    A full name takes precedence over the last part of another. Raises SettingsError for no match or several.
    """
    known = everything()
    if preset in known:
        return folder() / f"{preset}.toml"
    if len(meant := called(preset)) == 1:
        return folder() / f"{meant[0]}.toml"
    if meant:
        raise SettingsError(f"{len(meant)} presets have the name {preset!r}: give {' or '.join(meant)}")
    if preset.endswith(".toml"):
        if is_there(Path(preset)):
            return Path(preset)
        near = nearest(preset.removesuffix(".toml"), _names_like(preset, known))
        raise SettingsError(f"there is no preset file {preset}{near}; give the path of a TOML file, or a preset's name")
    if is_there(Path(preset)):
        raise SettingsError(f"{preset} is no preset: presets are TOML files, and their names end in .toml")
    near = nearest(preset, _names_like(preset, known))
    raise SettingsError(f"there is no preset {preset!r}{near}; `dreamvid presets list` lists them all")


def _names_like(preset: str, known: Iterable[str]) -> list[str]:
    """Return the names of presets in the form of one that was typed: with their series, or without."""
    return [name if "/" in preset else name.rpartition("/")[2] for name in known]


def load_table(preset: str, seen: tuple[Path, ...] = ()) -> Table:
    """Read a preset's table and merge it over those of the presets that it extends.

    `extends` names a shipped preset or a file in the same folder. Raises SettingsError with the file's name, also if
    the preset names Python code as a net.
    """
    path = find(preset)
    if len(seen) == MOST_EXTENDED:
        raise SettingsError(f"{path}: more than {MOST_EXTENDED} presets extend one another: merge some of them")
    if path.resolve() in seen:
        raise SettingsError(f"{path}: the preset extends itself, through {', '.join(p.name for p in seen)}")
    table = _read(path)
    parent = table.pop("extends", None)
    if parent is not None:
        if not isinstance(parent, str):
            raise SettingsError(f'{path}: extends must be the name of one preset, such as extends = "dream"')
        beside = path.parent / parent
        above = str(beside) if is_there(beside) else parent
        try:
            find(above)
        except SettingsError as error:
            raise SettingsError(f"{path}: extends: {error}") from None
        table = merged(load_table(above, (*seen, path.resolve())), table)
    # Checked at every level, so that an error names the file it is in.
    settings = read_settings(table, str(path), ("extends",))
    if any(net.is_code for net in settings.nets):  # presets are shared, and must not run code of other people
        where, instead = "net.name", "--model FILE.py:FUNCTION"
        if not settings.net.is_code:
            where, instead = "objective.net", """--set 'objective=[{net="FILE.py:FUNCTION", layer="..."}]'"""
        raise SettingsError(
            f"{path}: {where}: a preset must not name Python code; take it out, and give {instead} on the command line"
        )
    return table


def _read(path: Path) -> Table:
    """Read a TOML file and resolve the files it names relative to its folder.

    Raises SettingsError with the file's name if it cannot be read or is not TOML.
    """
    table = read_toml(path)
    # Of the render's own net, files are those of who renders; all others are relative to the preset that names them.
    change_files(table, lambda key, value: value if key.startswith("net.") else str(path.parent / value))
    return table


def load_defaults(file: Path) -> Defaults:
    """Read a user's defaults: settings as in a preset, and `preset`, the preset used if none is named.

    Raises SettingsError with the file's name if it cannot be read or holds a mistake.
    """
    if not is_there(file):
        raise SettingsError(f"there is no defaults file {file}: give the path of a TOML file")
    table = _read(file)
    preset = table.pop("preset", None)
    if "extends" in table or not (preset is None or isinstance(preset, str)):
        raise SettingsError(
            f'{file}: defaults extend no preset: leave out extends, and name the default preset, preset = "calm"'
            if "extends" in table
            else f'{file}: preset must be one name, such as preset = "calm"'
        )
    try:
        find(preset or DEFAULT)
    except SettingsError as error:
        raise SettingsError(f"{file}: preset: {error}") from None
    read_settings(table, str(file), ("preset",))
    return Defaults(preset, table, file)


def merged(under: Table, over: Table, deeper: int = DEEPEST) -> Table:
    """Merge `over` into `under` and return the result: tables key by key, everything else is replaced.

    A table in `over` whose keys are numbers merges into a list in `under`, item by item. Raises SettingsError for a
    number that the list does not have, and for tables more than `DEEPEST` levels deep.
    """
    if not deeper:
        raise SettingsError(f"{next(iter(over), '')}: a key has at most {DEEPEST} parts, such as objective.0.weight")
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, list):
            numbered = {str(number): part for number, part in enumerate(below)}
            for number in value.keys() - numbered.keys():
                valid = ", ".join(f"{key}.{index}" for index in range(len(below))) or f"the whole list {key}"
                raise SettingsError(f"{key}.{number} does not exist: give {valid}")
            result[key] = list(merged(numbered, value, deeper - 1).values())
        else:
            tables = isinstance(value, dict) and isinstance(below, dict)
            result[key] = merged(dict(below or {}), value, deeper - 1) if tables else value
    return result


def resolve(
    preset: str | None = None, overrides: Iterable[tuple[str, Any]] = (), under: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of a preset with overrides applied in order.

    `preset`: None for `DEFAULT` without its objectives where another net is chosen: nobody asked for them, so that net
    dreams its own default layers. The objectives of a preset that is named stay. `overrides`: pairs of a full key
    (`dream.steps`) and its value; `under`: a table that the preset is merged over, such as a user's defaults. Raises
    SettingsError, which names the preset's file or the key that is wrong.
    """
    beneath = dict(under or {})
    table = load_table(preset or DEFAULT)
    plain = read_settings(table, str(find(preset or DEFAULT)))
    changes = nested(overrides)
    if not changes and not beneath:
        return plain
    changed = read_settings(merged(merged(beneath, table), changes), "settings")
    if preset is not None or changed.net.architecture == plain.net.architecture or "objective" in changes:
        return changed
    others = {key: value for key, value in table.items() if key != "objective"}
    return read_settings(merged(merged(beneath, others), changes), "settings")


def read_whole(path: Path) -> Settings:
    """Return the settings of a file that `to_toml` wrote, which may name Python code; raises SettingsError."""
    return read_settings(_read(path), str(path))


def class_objective(preset: str | None, name: str) -> Table:
    """Return a preset's first objective of kind class, or a new one, with the class `name`."""
    terms = load_table(preset or DEFAULT).get("objective", [])
    first: Table = next((term for term in terms if term.get("kind") == "class"), {})
    return {**first, "kind": "class", "class_name": name}


def nested(overrides: Iterable[tuple[str, Any]]) -> Table:
    """Return overrides, pairs of a full key and its value, as one table; raise SettingsError for a key too deep."""
    changes: Table = {}
    for key, value in overrides:
        if key.count(".") >= DEEPEST:
            raise SettingsError(f"{key[:40]}...: a key has at most {DEEPEST} parts, such as objective.0.weight")
        for part in reversed(key.split(".")):
            value = {part: value}
        changes = merged(changes, value)
    return changes


def parse_override(text: str) -> tuple[str, Any]:
    """Parse one `--set section.key=value`; the value is read as TOML, or taken as plain text if it is not TOML.

    Returns key and value. Raises SettingsError if there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SettingsError(f"--set {text!r}: give section.key=value, for example dream.steps=4")
    try:
        return key.strip(), parse_toml(f"value = {value}")["value"]
    except ValueError:
        return key.strip(), value.strip()


def to_toml(settings: Settings) -> str:
    """Format all settings as TOML, each with unit and meaning as a comment; one without a value is commented out."""
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
    text = f"# {name} =" if value is None else f"{name} = {toml_value(value)}"
    return f"{text:30} # {about}\n"


def toml_value(value: Any) -> str:
    """Return a value as TOML, a table inline."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml_value(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one character JSON leaves bare


def _let_animate(field: Table) -> None:
    """Change the JSON schema of a number, or of each number in a list, in place to allow text as well."""
    choices = field.get("anyOf", field.get("oneOf"))
    if choices is not None:
        choices.append({"type": "string"})
    for number in field.get("prefixItems", [field] if choices is None else []):
        number["type"] = [number["type"], "string"]


def schema() -> str:
    """Return the JSON schema of a preset file, as text."""
    table = Settings.model_json_schema()
    del table["properties"]["keyframes"]  # keyframes are written as the values of the settings themselves
    for section in table["$defs"].values():
        for field in section["properties"].values():
            if field.get("animated"):
                _let_animate(field)
    table["properties"]["extends"] = {"type": "string", "description": "a preset that this one builds on"}
    return json.dumps(table, indent=1)
