"""Forecast a batch, as a table: its jobs in order, with frames, seconds, disk, and when each ends."""

import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dreamvid.batch.checked import Checker
from dreamvid.batch.estimate import Estimate, Estimator
from dreamvid.batch.job import Job
from dreamvid.batch.orders import Orders
from dreamvid.batch.place import opened, state_file
from dreamvid.batch.run import condition_of, read
from dreamvid.batch.schedule import Simulation, Unit, simulate
from dreamvid.batch.state import Row
from dreamvid.core.timing import duration
from dreamvid.jobs.run import Options

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Forecast:
    """The jobs that a batch would render, in their order; `problems`: why others cannot be.

    `unchanged`: how many are done; `begin`: the seconds before the first frame of all, for the program and its net.
    """

    estimates: list[Estimate]
    unchanged: int
    problems: list[str]
    began: datetime
    begin: float = 0.0

    @property
    def seconds(self) -> float:
        """The seconds of all jobs, one after the other, and of the begin."""
        return self.begin + sum(estimate.seconds for estimate in self.estimates)

    def lines(self) -> Iterator[str]:
        """Yield a table: a line per job, then the sums."""
        width = max([6, *(len(each.job.name) for each in self.estimates)])
        yield f"{'film':{width}}  frames   seconds     disk  ends"
        passed = self.begin
        for each in self.estimates:
            passed += each.seconds
            ends = (self.began + timedelta(seconds=passed)).strftime("%a %H:%M")
            row = f"{each.job.name:{width}}  {each.job.frames:6}  {each.seconds:8.1f} {_size(each):>8}  {ends}"
            yield row if not each.problem else f"{each.job.name:{width}}  cannot be estimated: {each.problem}"
        yield from self.problems
        frames = sum(each.job.frames for each in self.estimates)
        total = f"{len(self.estimates)} jobs, {frames} frames, {duration(self.seconds)}" if self.estimates else "no job"
        largest = max(self.estimates, key=lambda each: each.job.bytes_needed, default=None)
        disk = f"; disk: {_size(largest)} for the largest job" if largest else ""
        yield f"{total}; {self.unchanged} unchanged{disk}{_memory()}"

    def simulated(self, nodes: int, failures: float) -> Simulation | None:
        """Return how several nodes would do it, shot by shot; None where there is nothing to do."""
        units = [
            Unit(f"{each.job.name} {number}", seconds + each.beside, each.beside)
            for each in self.estimates
            for number, seconds in enumerate(each.shots, start=1)
        ]
        return simulate(units, nodes, failures, self.begin) if units else None


def told(found: Simulation) -> str:
    """Return a simulation in words."""
    nodes = f"{found.nodes} nodes: {duration(found.makespan)} for {duration(found.work)} of work, {found.idle:.0%} idle"
    return f"{nodes}, {found.failures} failures; {found.bound}"


def forecast(orders: Orders, options: Options) -> Forecast:
    """Return what a batch would do now; nothing is written. Raises as the batch does before its first frame."""
    begin = time.process_time()  # of this program until here
    checker, rows = Checker(orders.file, options.trust), dict[str, Row]()
    if state_file(orders.file).exists():
        with opened(orders.file) as state:
            rows = {row.name: row for row in state.rows(all_known=True)}
    estimator, estimates, problems, unchanged = Estimator(options.trust), list[Estimate](), list[str](), 0
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
    return Forecast(estimates, unchanged, problems, datetime.now(), begin)


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
