"""The keys that an entry of a batch file may hold, and the names of films that are made of it."""

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamvid.core.errors import SettingsError, nearest
from dreamvid.pipeline.prepare import Command


class JobTable(BaseModel):
    """One [[job]] of a batch file, or its [defaults]; `set` is a table of setting keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    command: Command = "video"
    source: str
    output: str = Field(min_length=1)
    preset: str | None = None
    size: str | None = None
    frames: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    max_tries: int = Field(default=3, ge=1, le=100)
    max_minutes: float | None = Field(default=None, gt=0)
    segment: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def look(self) -> dict[str, Any]:
        """The keys that say how its film looks, with their values; settings by their full keys."""
        keys = ("command", "preset", "size", "frames")
        said = {key: value for key in keys if (value := getattr(self, key)) is not None} | self.set
        names = [str(each.get("name") or each.get("preset") or "") for each in self.segment]
        return said | ({"segment": ", ".join(filter(None, names))} if any(names) else {})


def told(error: ValidationError, model: type[BaseModel] = JobTable) -> Iterator[tuple[str, str]]:
    """Yield key and words of each mistake in a table; where a key is unknown, a required one is not missed."""
    known = [field.alias or name for name, field in model.model_fields.items()]
    mistakes = error.errors()
    unknown = any(mistake["type"] == "extra_forbidden" for mistake in mistakes)
    for mistake in mistakes:
        key = str(mistake["loc"][0])
        if mistake["type"] == "extra_forbidden":
            yield key, f"unknown key {key}{nearest(key, (*known, 'matrix'))}"
        elif mistake["type"] != "missing" or not unknown:  # the required key may be the unknown one, spelled wrong
            literal = model is JobTable and mistake["type"] == "literal_error"
            near = nearest(str(mistake["input"]), get_args(Command)) if literal else ""
            yield key, f"{key}: {mistake['msg']}{near}"


def filled(pattern: str, values: Mapping[str, str | int | float]) -> str:
    """Return a name with its placeholders filled in; raise SettingsError for an unknown one."""
    near, name = "", ""
    try:
        for text, key, form, conversion in Formatter().parse(pattern):
            if key is not None and key not in values:
                near = near or nearest(key, values)
                raise ValueError(key)
            # A short format such as 02d is welcome; a long one could fill the memory with a name.
            if conversion or len(form or "") > 3:
                raise ValueError(form)
            name += text + ("" if key is None else format(values[key], form or ""))
        if "\0" not in name:
            return name
    except ValueError:
        pass
    valid = ", ".join(f"{{{key}}}" for key in dict.fromkeys(("stem", "preset", "index", "date", *values)))
    raise SettingsError(f"{pattern!r} may hold {valid}, nothing else in braces{near}")
