"""A job of a batch, and what became of it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from dreamvid.config.settings import Settings
from dreamvid.jobs.folder import bytes_needed
from dreamvid.pipeline.prepare import Command
from dreamvid.pipeline.stretches import Stretch

State = Literal["rendered", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Job:
    """One render of a batch, resolved.

    `name`: of its output, as the batch file has it; `priority`: higher ones come first; `max_tries`, `max_minutes`: in
    one run of the batch, None: any time; `said`: what the batch file says of its look, by key; `stretches`: of a film
    in segments, whose settings count then. Known once its source is: `digest`, which changes with anything that its
    pixels or its file depend on; `frames` that are dreamed, of `size` (height, width), which lie in
    the range `source_frames` of its source; `problem`: why it cannot be rendered, empty where it can.
    """

    command: Command
    source: str
    name: str
    output: Path
    settings: Settings
    priority: int = 0
    max_tries: int = 1
    max_minutes: float | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    stretches: tuple[Stretch, ...] = ()
    digest: str = ""
    frames: int = 0
    size: tuple[int, int] = (0, 0)
    source_frames: range = range(0)
    problem: str = ""

    @property
    def looks(self) -> tuple[Settings, ...]:
        """The settings that it is dreamed with: its own, or those of its stretches."""
        return tuple(stretch.settings for stretch in self.stretches) or (self.settings,)

    @property
    def pixels_each(self) -> int:
        """The pixels of a frame."""
        return self.size[0] * self.size[1]

    @property
    def paints(self) -> bool:
        """Return whether a canvas is painted first, of which its frames are views."""
        return self.command == "zoom" and self.settings.camera.mode == "world"

    @property
    def bytes_needed(self) -> int:
        """The bytes that its job folder needs on the disk, about."""
        return bytes_needed(self.frames, self.size) if self.command != "image" else 0

    def with_settings(self, change: Callable[[Settings], Settings]) -> "Job":
        """Return the job with settings changed, those of its stretches as well."""
        stretches = tuple(replace(stretch, settings=change(stretch.settings)) for stretch in self.stretches)
        return replace(self, settings=change(self.settings), stretches=stretches)

    def ended(self, state: State, message: str = "") -> "Outcome":
        """Return what became of it."""
        return Outcome(self.source, str(self.output), state, message)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; `message` says why it was skipped or failed."""

    source: str
    output: str
    state: State
    message: str = ""

    @property
    def error(self) -> bool:
        """Return whether the job made no film."""
        return self.state in ("skipped", "failed")

    @property
    def name(self) -> str:
        """The name of the output, without its folder."""
        return Path(self.output).name


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return a line per job and one for all."""
    found = list(outcomes)
    lines = [
        f"{outcome.state:10} {outcome.output}{': ' + outcome.message if outcome.message else ''}" for outcome in found
    ]
    counts = {state: sum(outcome.state == state for outcome in found) for state in get_args(State)}
    return "\n".join([*lines, ", ".join(f"{count} {state}" for state, count in counts.items())])


def to_json(outcomes: Iterable[Outcome]) -> str:
    """Return one line of JSON: the jobs with their states."""
    return json.dumps({"jobs": [vars(outcome) for outcome in outcomes]})
