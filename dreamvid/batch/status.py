"""The status of a batch, as its state has it, whether it runs or not."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamvid.batch.place import begun, is_at_work, opened
from dreamvid.batch.state import Row
from dreamvid.core.words import counted

NEXT = 5  # jobs whose turn comes, shown


@dataclass(frozen=True)
class Status:
    """The state of a batch at a moment; `driver`: who is at work, empty where nobody is."""

    file: Path
    rows: list[Row]
    driver: dict[str, Any]
    paused: bool

    @property
    def counts(self) -> dict[str, int]:
        """The number of jobs of each condition."""
        found = dict.fromkeys(("done", "running", "waiting", "skipped", "failed"), 0)
        for row in self.rows:
            found[self.condition(row)] += 1
        return found

    def condition(self, row: Row) -> str:
        """Return the condition of a job; what was running when its process was killed waits."""
        condition = "waiting" if row.state == "running" and not self.driver else row.state
        return "skipped" if row.skip and condition == "waiting" else condition

    def lines(self) -> Iterator[str]:
        """Yield the status in lines: who is at work, what runs, failed or was skipped, what comes next, the counts."""
        if self.driver:
            minutes = (time.time() - self.driver["since"]) / 60
            words = "paused" if self.paused else "at work"
            yield f"{words}: process {self.driver['process']} on {self.driver['machine']}, for {minutes:.0f} minutes"
        else:
            yield "nobody is at work" + (", and it is paused" if self.paused else "")
        for row in self.rows:
            condition = self.condition(row)
            if condition == "running":
                yield f"running    {row.name}: {row.done} of {counted(row.frames, 'frame')}"
            elif condition in ("failed", "skipped"):
                yield f"{condition:10} {row.name}: {row.error or 'left out'}"
        waiting = sorted(
            (row for row in self.rows if self.condition(row) == "waiting"),
            key=lambda row: (-row.priority, row.place or 0),
        )
        for row in waiting[:NEXT]:
            yield f"waiting    {row.name}" + (f": {row.done} of {counted(row.frames, 'frame')}" if row.done else "")
        if len(waiting) > NEXT:
            yield f"waiting    and {len(waiting) - NEXT} more"
        frames = sum(row.done for row in self.rows), sum(row.frames for row in self.rows)
        counts = ", ".join(f"{count} {condition}" for condition, count in self.counts.items())
        yield f"{counts}; {frames[0]} of {counted(frames[1], 'frame')}"

    def to_json(self) -> str:
        """Return one line of JSON: all jobs, and the counts."""
        keys = ("name", "priority", "frames", "done", "tries", "seconds", "error", "sha256")
        jobs = [{**{key: getattr(row, key) for key in keys}, "state": self.condition(row)} for row in self.rows]
        return json.dumps({"driver": self.driver or None, "paused": self.paused, **self.counts, "jobs": jobs})


def status_of(file: Path) -> Status:
    """Return the status of a batch; raise JobError where it was not begun."""
    file = begun(file)
    at_work = is_at_work(file)
    with opened(file) as state:
        driver = json.loads(state.told("driver") or "{}") if at_work else {}
        return Status(file, state.rows(), driver, bool(state.told("paused")))
