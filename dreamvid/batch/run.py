"""The driver of a batch: job after job, none stopped by another, nothing done twice."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from time import sleep
from typing import Literal

from dreamvid.batch import page as pages
from dreamvid.batch.attempt import Attempt
from dreamvid.batch.checked import Checker, in_the_way
from dreamvid.batch.job import Job, Outcome
from dreamvid.batch.lanes import Lanes
from dreamvid.batch.orders import Orders, Watched
from dreamvid.batch.place import at_work, opened, state_file
from dreamvid.batch.state import Condition, Ended, MadeFilm, Row, State
from dreamvid.batch.whole import Show, Tally, Whole, show_nothing
from dreamvid.core import memory
from dreamvid.core.errors import DreamvidError, JobError
from dreamvid.dream.session import SharedNets
from dreamvid.jobs import film as job_film
from dreamvid.jobs.done import film_hash
from dreamvid.jobs.folder import folder_of
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import NETS
from dreamvid.jobs.joined import dream_joined
from dreamvid.jobs.run import RENDERERS, Options
from dreamvid.jobs.workers import pinned

logger = logging.getLogger(__name__)
Settled = Literal["waiting", "done", "skipped", "failed"]
PAUSE = 0.5  # seconds between looks at what may have changed, while there is nothing to render
LEFT_OUT = "left out by `dreamvid batch skip`; `dreamvid batch resume JOBS JOB` takes it in again"


def run(
    orders: Orders, options: Options | None = None, show: Show = show_nothing, page: Path | None = None
) -> list[Outcome]:
    """Render every job of a batch, those of higher priority first, and return what became of each, in their order.

    A job whose source is missing or broken is skipped; one that fails does not stop the others, and is tried again
    where that can help. What another process writes into the state (`control.py`) and changes of the orders take effect
    meanwhile. With `options.workers`, as many films are rendered at once, and one more is opened or written. With
    `options.overwrite` outputs that this batch has not made are replaced, too; `options.resume` has no effect. `page`:
    where a page about it is written, and kept up to date. Raises SettingsError with a line for each mistake in the
    orders, AtWorkError where another process runs this batch, Interrupted where it is stopped.
    """
    options = options or Options()
    options = replace(options, nets=SharedNets(options.trust, NETS))
    if page is not None:
        pages.check(page, orders.folder if isinstance(orders, Watched) else None)
    with at_work(orders.file):
        day, checker = _day(orders), Checker(orders.file, options.trust)
        jobs = checker.checked(read(orders, day, options))
        count = 0 if options.workers is None else options.workers.count
        with opened(orders.file, drives=True) as state:
            batch = Batch(orders, day, checker, options, state, Tally(show, max(1, count)), Lanes(count + 1))
            batch.take_up(jobs, anew=True)
            with pages.kept(page, orders.file, state, lambda: batch.jobs) as see, batch.lanes:
                batch.tally.show = _both(show, see)
                return batch.to_the_end(see)


def _both(show: Show, see: Show) -> Show:
    def tell(whole: Whole) -> None:
        show(whole)
        see(whole)

    return tell


def read(orders: Orders, day: date, options: Options) -> list[Job]:
    """Return the jobs of a batch, with settings as they are rendered with: workers have a number of threads."""
    jobs = orders.read(day)
    if options.workers is None:
        return jobs
    shared = {id(settings): pinned(settings) for job in jobs for settings in (job.settings, *job.looks)}
    return [job.with_settings(lambda settings: shared[id(settings)]) for job in jobs]


def _day(orders: Orders) -> date:
    """Return what {date} stands for: the day on which the batch was begun; today, where all of it is done."""
    if state_file(orders.file).exists():
        with opened(orders.file) as state:
            if state.told("date") and any(row.state in ("waiting", "running") for row in state.rows()):
                return date.fromisoformat(state.told("date"))
    return date.today()


def condition_of(job: Job, row: Row | None, options: Options, *, anew: bool) -> tuple[Settled, str]:
    """Return the state in which a job is taken up, and what is wrong with it; `row`: what the state has of it."""
    if job.problem:
        return "skipped", job.problem
    if row is not None and row.made == job.digest and row.owns(job.output):
        return "done", ""
    if not anew and row is not None and row.digest == job.digest and row.state == "failed":
        return "failed", row.error
    # What an earlier run of this batch wrote may be replaced, anything else only where that was asked for.
    may = options.overwrite or (row is not None and row.owns(job.output))
    problem = in_the_way(job, options.work_dir, may_replace=may)
    return ("failed", problem) if problem else ("waiting", "")


@dataclass
class Batch:
    """A batch that is being rendered: its jobs by name, and what became of them."""

    orders: Orders
    day: date
    checker: Checker
    options: Options
    state: State
    tally: Tally
    lanes: Lanes
    jobs: dict[str, Job] = field(default_factory=dict)
    found: dict[str, Outcome] = field(default_factory=dict)
    waits: bool = False

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcome of each job, in the order of the file."""
        return [self.found.get(name) or job.ended("skipped", LEFT_OUT) for name, job in self.jobs.items()]

    def take_up(self, jobs: list[Job], *, anew: bool = False) -> None:
        """Take up jobs in place of those so far; `anew`: also what an earlier run has failed to make."""
        known = {row.name: row for row in self.state.rows(all_known=True)}
        planned = [(job, *self._condition(job, known.get(job.name), anew=anew)) for job in jobs]
        self.jobs = {job.name: job for job in jobs}
        self.state.take_up((job.name, job.priority, job.digest, job.frames, how, said) for job, how, said in planned)
        self.state.tell("date", self.day.isoformat())
        for job, condition, problem in planned:
            if condition == "waiting":
                self.found.pop(job.name, None)
            elif condition == "done":
                self.found.setdefault(job.name, job.ended("unchanged"))
                self._clear(job)
            elif condition != "running":
                self._note(job.ended(condition, problem), job.name)
        left_out = {row.name for row in known.values() if row.skip}
        to_render = [job for job, condition, _ in planned if condition in ("waiting", "running")]
        self.tally.take_up(job for job in to_render if job.name not in left_out)

    def _condition(self, job: Job, row: Row | None, *, anew: bool) -> tuple[Condition, str]:
        """Return the state in which a job is taken up, and what is wrong with it; see `condition_of`."""
        if job.name in self.lanes.names:
            return "running", ""
        return condition_of(job, row, self.options, anew=anew)

    def take_up_changes(self) -> None:
        """Take up orders that were changed; where there is a mistake in them, say so and go on with those so far."""
        try:
            with self.lanes.opening():
                jobs = self.checker.checked(read(self.orders, self.day, self.options))
            self.take_up(jobs)
        except DreamvidError as error:
            logger.warning("the changed batch is not taken up: %s", "; ".join(error.lines))

    def to_the_end(self, see: Callable[[None], None]) -> list[Outcome]:
        """Render what waits until nothing does, `see` called meanwhile; return what became of each job."""
        while True:
            see(None)
            if self.orders.changed():
                self.take_up_changes()
            paused = bool(self.state.told("paused"))
            name = None if paused or self.lanes.full else self.state.next(besides=self.lanes.names)
            if name is not None:
                self.lanes.begin(name, partial(self.render, self.jobs[name]))
            elif self.lanes.names:
                self.lanes.wait(PAUSE)
                self.raise_if_stopped()
            elif paused or self.orders.endless:
                self.wait(paused=paused)
            else:
                return self.outcomes

    def render(self, job: Job) -> None:
        """Render a job, as often as that can help, and take note of what became of it."""
        for number in range(1, job.max_tries + 1):
            ended, beside = self._try(job)
            if not ended.passing or number == job.max_tries:
                break
            logger.warning("%s: %s; trying again (%d of %d)", job.output.name, ended.error, number + 1, job.max_tries)
        if ended.condition != "waiting":
            self.tally.end(job, beside)
        if ended.condition == "done":
            self.found[job.name] = job.ended("rendered")
            self._clear(job)
        elif ended.condition in ("skipped", "failed"):
            self._note(job.ended(ended.condition, ended.error), job.name)

    def _try(self, job: Job) -> tuple[Ended, float | None]:
        """Try a job once, and return how it ended; the state has it, too, however that was.

        Also returned: the seconds that a film took beside its frames, None where there is none.
        """
        row, folder = self.state.row(job.name), folder_of(job.output, self.options.work_dir)
        may = self.options.overwrite or (row is not None and row.owns(job.output))
        with self.lanes.opening() as opening:
            if self._stops():
                raise Interrupted("stopped; the same command goes on")
            in_order = self.options.workers is None
            progress = self.options.progress
            attempt = Attempt(job, folder, self.state, self.tally, progress, self._stops, opening.give_back, in_order)
            how = replace(self.options, overwrite=may, resume="renew", keep_work=True)
            how = replace(how, progress=attempt.on_event, stop=attempt.stop)
            number, ended = self.state.begin(job.name), Ended("waiting")
            try:
                _make_folder(job)
                if job.stretches:
                    dream_joined(job.source, job.output, job.stretches, how)
                else:
                    RENDERERS[job.command](job.source, job.output, job.settings, how)
                made = MadeFilm.of(job.output, job.digest, film_hash(job.output))
                ended = Ended("done" if self._is_up_to_date(job) else "waiting", film=made)
            except Interrupted:
                if attempt.reason in ("", "stopped"):
                    raise
                ended = _stopped(attempt)
            except DreamvidError as error:
                ended = Ended("failed", str(error), error.passing)
            except Exception as error:
                if not memory.ran_out(error):
                    raise
                ended = Ended("failed", memory.ADVICE)
            finally:
                attempt.keep()
                self.state.end(job.name, number, attempt.seconds, ended)
                self.tally.stop(job)
        return ended, attempt.beside if ended.film else None

    def _is_up_to_date(self, job: Job) -> bool:
        """Return whether a job is still what the orders say of its output: they may have changed meanwhile."""
        now = self.jobs.get(job.name)
        return now is None or now.digest == job.digest

    def _stops(self) -> bool:
        """Return whether all is to stop."""
        return self.lanes.halt.is_set() or self.options.stop()

    def raise_if_stopped(self) -> None:
        """Raise Interrupted where the user stops the batch."""
        if self.options.stop():
            raise Interrupted("stopped; the same command goes on")

    def wait(self, *, paused: bool) -> None:
        """Wait for a moment; raise Interrupted where the user stops the batch."""
        if paused and not self.waits:
            logger.warning("paused: `dreamvid batch resume %s` goes on", self.orders.file)
        self.waits = paused
        sleep(PAUSE)
        self.raise_if_stopped()

    def _clear(self, job: Job) -> None:
        """Remove the job folder of a film: only once the state knows the film, or a killed batch would lose it."""
        if not self.options.keep_work:
            job_film.clear(job.output, self.options.work_dir)

    def _note(self, outcome: Outcome, job: str) -> None:
        """Take note that a job has made no film, and say so, once."""
        if self.found.get(job) != outcome:
            words = "skipping %s: %s" if outcome.state == "skipped" else "%s failed: %s"
            logger.warning(words, outcome.name, outcome.message)
        self.found[job] = outcome


def _make_folder(job: Job) -> None:
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(f"the folder {job.output.parent} cannot be made: {error.strerror}") from None


def _stopped(attempt: Attempt) -> Ended:
    """Return how a try ended that was stopped, but not by Ctrl-C."""
    if attempt.reason == "paused":
        return Ended("waiting")
    if attempt.reason == "left out":
        return Ended("skipped", LEFT_OUT)
    kept = f"{attempt.done} of {attempt.job.frames} frames are kept, and run again it goes on"
    return Ended("failed", f"stopped after {attempt.job.max_minutes:g} minutes (max_minutes): {kept}")
