"""Conversion between Settings and plain tables, as in TOML and `--set`: checks, animated numbers, error texts."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NewType, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from dreamvid.config import keyframes
from dreamvid.config.fields import LIST, NUMBER
from dreamvid.config.interpolation import Curve
from dreamvid.config.named_files import Change, change_files
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.config.settings import OTHER_CODEC_NAMES, ComputeSettings, Settings
from dreamvid.config.timeline import Timeline
from dreamvid.core.errors import SettingsError, nearest

MOST_OBJECTIVES = 100
OBJECTIVE = """such as {layer = "block9"}"""
PlainSettings = NewType("PlainSettings", Settings)  # none of them animated: with such a frame is dreamed


def key_paths(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the full key of every setting, such as `dream.step_size`."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from key_paths(kind, f"{prefix}{name}.")
        elif name != "keyframes":
            yield prefix + name


def read_settings(table: dict[str, Any], where: str, also: Sequence[str] = ()) -> Settings:
    """Validate a table of settings and add defaults; text in place of a number is parsed as keyframes or a formula.

    `where` starts each error message: a file's name or an option; `also`: keys beside the settings that the file may
    have. Raises SettingsError with the key's path, and the most similar valid keys if the key is unknown.
    """
    texts: dict[str, str] = {}
    try:
        plain = _without_keyframes(table, Settings, "", texts)
        return Settings.model_validate(plain | {"keyframes": texts})
    except ValidationError as error:
        raise SettingsError(f"{where}: {_explain(error, also)}") from None
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None


def _without_keyframes(table: Any, model: type[BaseModel], prefix: str, texts: dict[str, str]) -> Any:
    """Return a table with each animated value replaced by its first, and put the texts into `texts`, by full key.

    Raises SettingsError for text that is neither keyframes nor a formula.
    """
    if not isinstance(table, dict):
        return table
    result = dict(table)
    for name, value in table.items():
        key, field = f"{prefix}{name}", model.model_fields.get(name)
        if key == "keyframes":
            raise SettingsError('keyframes: give keyframes as the value of their setting, dream.smooth = "0:0, 4s:1"')
        if field is None:
            continue
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            result[name] = _without_keyframes(value, inner, f"{key}.", texts)
        elif key == "objective" and isinstance(value, list | tuple):
            if len(value) > MOST_OBJECTIVES:  # told before each is checked, which would take long
                raise SettingsError(f"objective: there are {len(value)} objectives: give at most {MOST_OBJECTIVES}")
            numbered = enumerate(value)
            result[name] = [_without_keyframes(term, ObjectiveSettings, f"{key}.{at}.", texts) for at, term in numbered]
        elif isinstance(value, list | tuple):
            animated = _is_animated(field) and get_origin(field.annotation) is tuple
            parts = enumerate(value)
            result[name] = [_first(f"{key}.{at}", part, field, texts, animated=animated) for at, part in parts]
        else:
            result[name] = _first(key, value, field, texts, animated=_is_animated(field))
    return result


def _is_animated(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("animated"))


def _numbers(field: FieldInfo) -> set[type]:
    """Return the number types, of int and float, that a setting takes, or that each item of its list takes."""
    kinds = (field.annotation, *get_args(field.annotation))
    return {int, float} & {get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds}


def _first(key: str, value: Any, field: FieldInfo, texts: dict[str, str], *, animated: bool) -> Any:
    """Return the first value of an animated setting and put its text into `texts`; return other values unchanged."""
    if not _numbers(field) or not isinstance(value, str) or _is_number(value):
        return value
    if not animated:
        raise SettingsError(f"{key}: give a number; this setting cannot be animated (it is {_printed(value)})")
    try:
        parsed = keyframes.parse(value)
        if not parsed.constant:
            texts[key] = value
        return _whole(parsed.first, field)
    except SettingsError as error:
        raise SettingsError(f"{key}: {value[:80]!r}: {error}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _whole(value: float, field: FieldInfo) -> float:
    """Return a value, rounded to the nearest integer if the setting takes integers."""
    return math.floor(value + 0.5) if int in _numbers(field) else value


def rounded(key: str, value: float) -> float:
    """Return a value, rounded to the nearest integer if the setting of this full key takes integers."""
    section, name, *_ = (part for part in key.split(".") if not part.isdecimal())
    model: Any = ObjectiveSettings if section == "objective" else Settings.model_fields[section].annotation
    return _whole(value, model.model_fields[name])


def settings_at(settings: Settings, values: Mapping[str, float]) -> PlainSettings:
    """Return settings without animation: `values`, by full key, replace the keyframes.

    Raises SettingsError with the key's path for a value out of bounds.
    """
    table = settings.model_dump(exclude={"keyframes"})
    for key, value in values.items():
        _place(table, key, value)
    try:
        return PlainSettings(Settings.model_validate(table))
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def curve(settings: Settings, key: str, timeline: Timeline) -> Curve:
    """Return a number setting, by its full key, as a function of the time in seconds, whether it is animated or not.

    Values are neither rounded nor checked against bounds. Raises SettingsError like `Keyframes.on`.
    """
    if key in settings.keyframes:
        return keyframes.parse(settings.keyframes[key]).on(timeline, keyframes.chance(settings.seed, key))
    value: Any = settings
    for step in key.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    return lambda time: float(value)


def to_table(settings: Settings) -> dict[str, Any]:
    """Return settings as a table that `read_settings` accepts: keyframes as text in place of their first value."""
    table = settings.model_dump(mode="json", exclude={"keyframes"})
    for key, text in settings.keyframes.items():
        _place(table, key, text)
    return table


def changed(settings: Settings) -> dict[str, Any]:
    """Return what of settings is not built in, as `to_table` does; the description is left out."""
    table = _differing(to_table(settings), to_table(Settings()))
    table.pop("description", None)
    if terms := table.get("objective"):
        usual = ObjectiveSettings.model_construct().model_dump(mode="json")
        table["objective"] = [_differing(term, usual) for term in terms]
    return table


def _differing(table: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """Return the entries of a table that differ from the usual ones, key by key."""
    found = {}
    for key, value in table.items():
        inner = _differing(value, usual[key]) if isinstance(value, dict) else value
        if value != usual[key]:
            found[key] = inner
    return found


def _place(table: dict[str, Any], key: str, value: Any) -> None:
    """Set the value of a full key in nested tables and lists, in place."""
    *way, last = key.split(".")
    part: Any = table
    for step in way:
        inner = part[step if isinstance(part, dict) else int(step)]
        if isinstance(inner, tuple):
            inner = part[step] = list(inner)
        part = inner
    part[last if isinstance(part, dict) else int(last)] = value


def _listed(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)


def _printed(value: Any) -> str:
    """Return a value for a message, cut to 80 characters; of one that cannot be printed, its type."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; tables nested as deep
        return f"of type {type(value).__name__}, too large to show"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _key_below(section: str) -> str:
    return next((key for key in key_paths() if key.startswith(f"{section}.")), section)


def _explain(error: ValidationError, also: Sequence[str] = ()) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"] if part not in (NUMBER, LIST))
    if first["type"] == "extra_forbidden":
        if path.startswith("objective."):
            valid = [f"{path.rsplit('.', 1)[0]}.{name}" for name in ObjectiveSettings.model_fields]
        else:
            valid = [*key_paths(), *((*Settings.model_fields, *also) if "." not in path else ())]
        return f"unknown key {path}{nearest(path, valid)}"
    if first["type"] == "tuple_type" and path == "objective":
        return f"objective: give a list of tables, {OBJECTIVE}, not {_printed(first['input'])}"
    if first["type"] == "model_type":
        example = OBJECTIVE if path.startswith("objective.") else f"by its keys, such as {_key_below(path)}"
        return f"{path}: give a table, {example}, not {_printed(first['input'])}"
    if first["type"] == "tuple_type":
        return f"{path}: give a list of all its values, such as [0, 0.5]"
    message, value = first["msg"].removeprefix("Value error, "), first["input"]
    if first["type"] == "literal_error" and isinstance(value, str):
        choices = re.findall(r"'([^']*)'", first["ctx"]["expected"])
        other = OTHER_CODEC_NAMES.get(value.lower()) if path == "output.codec" else None
        near = f"; nearest: {other}" if other else nearest(value, choices)
        return f"{path}: there is no {_printed(value)}{near}; give {_listed(choices)}"
    if first["type"] == "string_pattern_mismatch":
        about = str(ComputeSettings.model_fields["device"].description)  # the one setting that has a pattern
        return f"{path}: there is no {_printed(value)}{nearest(str(value), re.findall('[a-z]+', about))}; give {about}"
    told = isinstance(value, str) and repr(value) in message
    given = f" (it is {_printed(value)})" if isinstance(value, str | int | float | bool) and not told else ""
    return f"{path or 'settings'}: {message[0].lower()}{message[1:]}{given}"


def with_files(settings: Settings, change: Change) -> Settings:
    """Return settings in which every value that names a file is what `change` returns for it."""
    table = settings.model_dump()
    change_files(table, change)
    return Settings.model_validate(table)
