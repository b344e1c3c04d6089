"""Orders to a batch while it runs, or before: each is written into its state, which the driver looks at."""

from pathlib import Path

from dreamvid.batch.place import begun, opened
from dreamvid.batch.state import State
from dreamvid.core.errors import SettingsError, nearest


def pause(file: Path) -> None:
    """Pause a batch after the frame that is being made, until `resume`."""
    with opened(begun(file)) as state:
        state.tell("paused", "yes")


def resume(file: Path, job: str | None = None) -> None:
    """Go on with a batch that was paused; or take in a job again that was left out."""
    with opened(begun(file)) as state:
        if job is None:
            state.tell("paused", "")
        else:
            state.leave_out(_named(state, job), skip=False)


def skip(file: Path, job: str) -> None:
    """Leave a job out, also one that is being rendered: what is finished of it is kept."""
    with opened(begun(file)) as state:
        state.leave_out(_named(state, job), skip=True)


def set_priority(file: Path, job: str, priority: int) -> None:
    """Give a job another priority, until that of the file changes."""
    with opened(begun(file)) as state:
        state.set_priority(_named(state, job), priority)


def _named(state: State, job: str) -> str:
    """Return the name of a job that is given by its output, or by its number from 1; raise SettingsError."""
    rows = state.rows()
    names = [row.name for row in rows]
    if job in names:
        return job
    if job.isdecimal() and 0 < int(job) <= len(rows):
        return names[int(job) - 1]
    raise SettingsError(
        f"there is no job {job!r}{nearest(job, names)}; give the name of its output, or its number, 1 to {len(rows)}"
    )
