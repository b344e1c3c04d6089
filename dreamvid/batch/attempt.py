"""One try of a job, as its render sees it: what it reports goes to the state, and it stops where it is told to."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dreamvid.batch.job import Job
from dreamvid.batch.state import State
from dreamvid.batch.whole import Tally
from dreamvid.core.errors import JobError
from dreamvid.jobs.events import Event, Progress, Stop
from dreamvid.jobs.folder import JobFolder, read_plan
from dreamvid.jobs.stretch_folders import stretches

Reason = Literal["", "stopped", "paused", "left out", "out of time"]
KEPT_EVERY = 1.0  # seconds from one time to the next that the progress is kept


@dataclass
class Attempt:
    """A try of a job; `reason`: why it stopped, empty while nothing has asked it to.

    `progress`: of the batch's own options; `stopped`: returns whether the whole batch is to stop; `opened`: called once
    the film is open, before its frames; `in_order`: whether frames are finished in the order of the film, as they are
    without workers; `done`: frames so far.
    """

    job: Job
    folder: JobFolder
    state: State
    tally: Tally
    progress: Progress
    stopped: Stop
    opened: Callable[[], None]
    in_order: bool = True
    now: Callable[[], float] = time.monotonic
    reason: Reason = ""
    done: int = 0
    _began: float = field(init=False)
    _before: float = 0.0
    _last: float = 0.0
    _kept: float = -KEPT_EVERY
    _version: int = -1
    _planned: bool = False

    def __post_init__(self) -> None:
        self._began = self.now()

    @property
    def seconds(self) -> float:
        """The seconds since it began."""
        return self.now() - self._began

    @property
    def beside(self) -> float:
        """The seconds before the first frame, and since the last one."""
        return self._before + self.seconds - self._last

    def on_event(self, event: Event) -> None:
        """Pass on what the render reports, and keep how far it is."""
        self.progress(event)
        if event.phase == "render":
            self.done, self._last = event.done, self.seconds
            if not self._planned:
                self._planned = True
                self._before = self.seconds - event.seconds
                self.opened()
                self._plan_shots()
            if self.seconds - self._kept >= KEPT_EVERY:
                self.keep()
        self.tally.tell(self.job, event)

    def keep(self) -> None:
        """Write into the state how far it is."""
        if self._planned:
            self._kept = self.seconds
            self.state.progress(self.job.name, self.done, in_order=self.in_order)

    def _plan_shots(self) -> None:
        if self.job.command == "image":
            return
        try:
            plans = [read_plan(folder).plan for folder in stretches(self.folder)]
        except JobError:  # it is only for those who ask how far it is
            return
        self.tally.learn(self.job.source, plans)
        shots, before = list[range](), 0
        for plan in plans:
            parts = map(plan.positions, plan.segments)
            shots += [range(before + part.start, before + part.stop) for part in parts]
            before += len(plan.frames)
        self.state.plan_shots(self.job.name, shots)

    def stop(self) -> bool:
        """Return whether the render is to stop after what is being done."""
        self.reason = self.reason or self._asked()
        return bool(self.reason)

    def _asked(self) -> Reason:
        if self.stopped():
            return "stopped"
        if self.job.max_minutes is not None and self.seconds > 60 * self.job.max_minutes:
            return "out of time"
        version = self.state.version
        if version != self._version:  # another process has written something
            self._version = version
            if self.state.told("paused"):
                return "paused"
            if self.state.is_left_out(self.job.name):
                return "left out"
        return ""
