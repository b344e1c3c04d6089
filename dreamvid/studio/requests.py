"""The requests that a page may make, as checked values."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dreamvid.core.errors import SettingsError
from dreamvid.core.texts import parse_json

Name = Annotated[str, Field(min_length=1, max_length=300)]
Number = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
MOST_KEYS, MOST_MOTIFS, MOST_WISHES = 200, 4, 60


class Action(BaseModel):
    """A request of a page: nothing but the keys it declares, each of its very type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Open(Action):
    """Open a source of the folder."""

    do: Literal["open"]
    name: Name


class Seek(Action):
    """Look at a frame."""

    do: Literal["seek"]
    frame: Annotated[int, Field(ge=0, le=10**9)]


class Take(Action):
    """Take a look from the wall."""

    do: Literal["take"]
    name: Name


class Change(Action):
    """Change a control; None: as the look has it."""

    do: Literal["set"]
    key: Name
    value: bool | Number | None


class Mask(Action):
    """Choose a mask: a kind, a file of the folder; None: as the look has it."""

    do: Literal["mask"]
    mask: Name | None


class OneMotif(Action):
    """A class or a channel by name."""

    kind: Literal["class", "channel"]
    name: Name


class Dream(Action):
    """Dream these motifs in place of what the look dreams; none: what the look dreams."""

    do: Literal["dream"]
    motifs: Annotated[list[OneMotif], Field(max_length=MOST_MOTIFS)]


class Wish(Action):
    """Say which motifs are on the screen, so that pictures of them are dreamed."""

    do: Literal["wish"]
    motifs: Annotated[list[OneMotif], Field(max_length=MOST_WISHES)]


class Glance(Action):
    """Say which looks of the wall are on the screen, so that these are dreamed first."""

    do: Literal["glance"]
    names: Annotated[list[Name], Field(max_length=MOST_WISHES)]


class Key(Action):
    """A keyframe."""

    time: Seconds
    unit: Literal["s", "f", "%", "b", "bar"]
    value: Number
    way: Literal["linear", "hold", "ease", "ease-in", "ease-out", "spline"]


class Keys(Action):
    """Give a setting keyframes, anew `every` so many beats; without any it is what its control says."""

    do: Literal["keys"]
    key: Name
    keys: Annotated[list[Key], Field(max_length=MOST_KEYS)]
    every: Annotated[float, Field(gt=0, le=64)] | None = None


class CutTo(Action):
    """Choose size and range of the film, and whether it is a loop."""

    do: Literal["cut"]
    size: Annotated[str, Field(max_length=20)] | None
    start: Seconds | None
    stop: Seconds | None
    loop: bool = False


class Restore(Action):
    """Take the look of a snapshot, or drop it."""

    do: Literal["restore", "drop"]
    number: int


class Save(Action):
    """Save the look as a preset in the folder."""

    do: Literal["save"]
    name: Name
    about: Annotated[str, Field(max_length=200)] = ""
    replace: bool = False


class RenderTo(Action):
    """Put a film into the queue."""

    do: Literal["render"]
    name: Name


class Picture(Action):
    """Put the picture that is looked at into the queue, as large as it is shown, or as in the film."""

    do: Literal["picture"]
    name: Name
    full: bool


class OfRender(Action):
    """Stop, resume or forget a render."""

    do: Literal["stop", "resume", "forget"]
    number: int


class Tab(Action):
    """Show a part of the page."""

    do: Literal["tab"]
    tab: Literal["looks", "adjust", "motifs", "films"]


class Plain(Action):
    """Keep a snapshot; undo or redo a change; put the look back to its preset; ask for a quick film, or end it."""

    do: Literal["snapshot", "undo", "redo", "reset", "quick", "quiet"]


Every = Annotated[
    Open
    | Seek
    | Take
    | Change
    | Mask
    | Dream
    | Wish
    | Glance
    | Keys
    | CutTo
    | Restore
    | Save
    | RenderTo
    | Picture
    | OfRender
    | Tab
    | Plain,
    Field(discriminator="do"),
]
ADAPTER: TypeAdapter[Any] = TypeAdapter(Every)


def parse(body: bytes) -> Action:
    """Return the request that a body holds; raise SettingsError, in a line, where it is none."""
    try:
        found: Action = ADAPTER.validate_python(parse_json(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise SettingsError(f"{where[:100]}: {first['msg'][:200]}") from None
    except (ValueError, UnicodeDecodeError):
        raise SettingsError("the request is not JSON") from None
    return found
