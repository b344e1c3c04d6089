"""Forecast a batch, as a table: its jobs in order, with frames, seconds, disk, and when each ends."""

import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice

from dreamvid.batch.checked import Checker
from dreamvid.batch.estimate import Estimate, Estimator
from dreamvid.batch.job import Job
from dreamvid.batch.orders import Orders
from dreamvid.batch.place import opened, state_file
from dreamvid.batch.run import condition_of, read
from dreamvid.batch.schedule import Simulation, Unit, simulate
from dreamvid.batch.state import Row
from dreamvid.core.timing import duration
from dreamvid.core.words import counted
from dreamvid.dream.session import SharedNets
from dreamvid.jobs.job import NETS
from dreamvid.jobs.run import Options

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Forecast:
    """The jobs that a batch would render, in their order; `problems`: why others cannot be.

    `unchanged`: how many are done; `begin`: the seconds before the first frame of all, for the program and its net;
    `workers`: that render at once, None for this process alone; `failures`: share of the parts on which one fails.
    """

    estimates: list[Estimate]
    unchanged: int
    problems: list[str]
    began: datetime
    begin: float = 0.0
    workers: int | None = None
    failures: float = 0.0

    @cached_property
    def simulation(self) -> Simulation | None:
        """Simulate all parts, of each film the longest first; None where there is nothing to do."""
        units = [unit for units in self._units for unit in units]
        return simulate(units, self.workers or 1, self.failures, self.begin) if units else None

    @cached_property
    def _units(self) -> list[list[Unit]]:
        """Split each job into what is done in one go: a film, or with workers its shots; each worker opens the film."""
        if self.workers is None:
            return [[Unit(each.job.name, each.seconds, each.beside)] for each in self.estimates]
        return [
            [
                Unit(f"{each.job.name} {number}", seconds + start, start)
                for place, (number, seconds) in enumerate(sorted(enumerate(each.shots, 1), key=lambda shot: -shot[1]))
                for start in [each.beside if place < self.workers else 0.0]
            ]
            for each in self.estimates
        ]

    @property
    def seconds(self) -> float:
        """The seconds of all jobs, and of the begin."""
        return self.simulation.makespan if self.simulation else self.begin

    def lines(self) -> Iterator[str]:
        """Yield a table: a line per job, then the sums."""
        width = max([6, *(len(each.job.name) for each in self.estimates)])
        yield f"{'film':{width}}  frames   seconds     disk  ends"
        moments = iter(self.simulation.ends if self.simulation else ())
        for each, units in zip(self.estimates, self._units, strict=True):
            passed = max(islice(moments, len(units)), default=self.begin)
            ends = (self.began + timedelta(seconds=passed)).strftime("%a %H:%M")
            row = f"{each.job.name:{width}}  {each.job.frames:6}  {each.seconds:8.1f} {_size(each):>8}  {ends}"
            yield row if not each.problem else f"{each.job.name:{width}}  cannot be estimated: {each.problem}"
        yield from self.problems
        frames = sum(each.job.frames for each in self.estimates)
        total = "no job"
        if self.estimates:
            total = f"{counted(len(self.estimates), 'job')}, {counted(frames, 'frame')}, {duration(self.seconds)}"
        largest = max(self.estimates, key=lambda each: each.job.bytes_needed, default=None)
        disk = f"; disk: {_size(largest)} for the largest job" if largest else ""
        yield f"{total}; {self.unchanged} unchanged{disk}{'' if self.workers else _memory()}"
        if self.workers is not None and self.simulation is not None:
            yield _told(self.simulation)


def _told(found: Simulation) -> str:
    """Return a simulation in words."""
    how = f"{counted(found.nodes, 'worker')}: {duration(found.makespan)} for {duration(found.work)} of work"
    return f"{how}, {found.idle:.0%} idle, {counted(found.failures, 'failure')}; {found.bound}"


def forecast(orders: Orders, options: Options, nodes: int | None = None, failures: float = 0.0) -> Forecast:
    """Return what a batch would do now; nothing is written. Raises as the batch does before its first frame.

    `nodes`: workers that it would have, None: those of the options; `failures`: share of the parts on which one fails.
    """
    begin = time.process_time()  # of this program until here
    checker, rows = Checker(orders.file, options.trust), dict[str, Row]()
    if state_file(orders.file).exists():
        with opened(orders.file) as state:
            rows = {row.name: row for row in state.rows(all_known=True)}
    options = replace(options, nets=SharedNets(options.trust, NETS))
    estimator, estimates, problems, unchanged = Estimator(options), list[Estimate](), list[str](), 0
    jobs = sorted(
        checker.checked(read(orders, date.today(), options)),
        key=lambda job: -(rows[job.name].priority if job.name in rows else job.priority),
    )
    for number, job in enumerate(jobs, start=1):
        row = rows.get(job.name)
        how, problem = condition_of(job, row, options, anew=True)
        if how == "waiting" and not (row and row.skip):
            logger.info("measuring: job %d of %d", number, len(jobs))
            estimates.append(estimator.estimate(job, _finished(job, row)))
        elif how == "done":
            unchanged += 1
        else:
            problems.append(f"{job.name}: {problem or 'left out'}")
    begin += estimator.warm_up if estimates else 0.0
    count = nodes if nodes is not None or options.workers is None else options.workers.count
    return Forecast(estimates, unchanged, problems, datetime.now(), begin, count, failures)


def _finished(job: Job, row: Row | None) -> int:
    """Return how many frames of a job an earlier run has left; none, where its film was there and is not any more."""
    return row.done if row is not None and row.digest == job.digest and row.state != "done" else 0


def _size(estimate: Estimate) -> str:
    return f"{estimate.job.bytes_needed / 1e6:.1f} MB"


def _memory() -> str:
    """Return how much memory this process took at most, in words; empty where that is not known."""
    if sys.platform != "linux":
        return ""
    import resource

    return f"; memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB for the samples"
