"""How a setting is declared: in a table of its kind, with its default, unit, bounds and a line of what it does."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NUMBER, LIST = "<number>", "<list>"  # what a setting that takes either was given: tags in pydantic's errors, not keys


def setting(default: Any, doc: str, unit: str = "", *, animated: bool = False, **bounds: Any) -> Any:
    """One declared setting; `unit` is told in help and schema ("" for a name or a plain number).

    `animated`: a number that may also be a text, keyframes or a formula over the time of the film
    (`dreamvid.config.keyframes`).
    """
    extra: dict[str, Any] = {"unit": unit, "animated": True} if animated else {"unit": unit}
    return Field(default, description=doc, json_schema_extra=extra, **bounds)


def number_or_list(value: Any) -> str:
    """Which of the two a setting was given: with it as its discriminator, a wrong value is told of that one alone."""
    return LIST if isinstance(value, list | tuple) else NUMBER


class Section(BaseModel):
    """A table of settings: unknown keys are errors, values do not change after they are read."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True, coerce_numbers_to_str=True
    )
