"""What tests of batches share: the beginning of a batch file, and how it is rendered."""

from collections.abc import Callable
from pathlib import Path

from dreamvid.batch import run as driver
from dreamvid.batch.job import Outcome
from dreamvid.batch.orders import JobsFile
from dreamvid.batch.place import opened
from dreamvid.batch.state import Row
from dreamvid.jobs.run import Options

HEAD = '[defaults]\npreset = "quick.toml"\nframes = "0:2"\noutput = "{stem}.mp4"\n'
ONE = '[[job]]\nsource = "in/one.mp4"\n'
TWO = '[[job]]\nsource = "in/*.mp4"\n'
Write = Callable[[str], Path]


def render(file: Path, options: Options | None = None) -> list[Outcome]:
    """Renders a batch file in this process."""
    return driver.run(JobsFile(file), options)


def states(outcomes: list[Outcome]) -> dict[str, str]:
    return {Path(outcome.output).name: outcome.state for outcome in outcomes}


def rows(file: Path) -> dict[str, Row]:
    """What the state of a batch has of its jobs, by name."""
    with opened(file) as state:
        return {row.name: row for row in state.rows()}
