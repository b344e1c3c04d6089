"""Declare settings as fields of pydantic models, each with default, unit, bounds and a line of help."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import CoreSchema, core_schema

from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import parse_moment, timecode

# Tags of a setting that takes a number or a list. They occur in the paths of pydantic's errors, but are not keys.
NUMBER, LIST = "<number>", "<list>"


def setting(default: Any, doc: str, unit: str = "", *, animated: bool = False, **bounds: Any) -> Any:
    """Declare a setting as a pydantic field.

    `unit` is shown in help and schema ("" for a name or a plain number). `animated`: the number may also be given as
    text: keyframes, or a formula over the time of the film (`dreamvid.config.keyframes`).
    """
    extra: dict[str, Any] = {"unit": unit, "animated": True} if animated else {"unit": unit}
    return Field(default, description=doc, json_schema_extra=extra, **bounds)


def number_or_list(value: Any) -> str:
    """Return LIST or NUMBER, the type of a value; as a discriminator it limits pydantic's errors to that type."""
    return LIST if isinstance(value, list | tuple) else NUMBER


class Moment(float):
    """A time in seconds, 0 or later, that is printed as a timecode if it was given as one; serialised as a number."""

    is_timecode = False

    def __str__(self) -> str:
        return timecode(self) if self.is_timecode else f"{float(self):g} s"

    def alike(self, seconds: float) -> "Moment":
        """Return another time that is printed in the same form as this one, seconds or timecode."""
        other = Moment(seconds)
        other.is_timecode = self.is_timecode
        return other

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        number = core_schema.float_schema(ge=0, allow_inf_nan=False)
        return core_schema.no_info_wrap_validator_function(cls._read, number)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}

    @classmethod
    def _read(cls, value: Any, check: Any) -> "Moment":
        """Parse seconds or text; raise ValueError for text that is not a time."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or value.strip().startswith("-"):
            return cls(check(value))
        try:
            moment = cls(check(parse_moment(value)))
        except SettingsError as error:
            raise ValueError(str(error)) from None
        moment.is_timecode = ":" in value
        return moment


class Section(BaseModel):
    """A table of settings: unknown keys are errors, instances are immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, coerce_numbers_to_str=True
    )
