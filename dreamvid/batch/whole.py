"""The progress of a batch, and the time that it still takes, told from the frames so far by their kind and pixels."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dreamvid.batch.job import Job


@dataclass(frozen=True)
class Whole:
    """The progress of a batch: jobs and frames; `seconds_left`: None where that cannot be told."""

    job: str
    jobs_done: int
    jobs: int
    frames_done: int
    frames: int
    seconds_left: float | None


Show = Callable[[Whole], None]  # called with the progress of the whole


def show_nothing(whole: Whole) -> None:
    """Do nothing with a progress."""


def kind_of(job: Job) -> str:
    """Return what tells jobs whose pixels take as long as one another's: net, objective, steps, coherence."""
    settings = job.settings
    return repr((job.command, settings.net, settings.objective, settings.dream, settings.coherence, settings.compute))


@dataclass
class Paces:
    """The seconds that pixels took, kind by kind, and what every job took beside its frames."""

    pixels: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    beside: list[float] = field(default_factory=list)

    def add(self, kind: str, pixels: float, seconds: float) -> None:
        """Take note of pixels that were dreamed."""
        self.pixels[kind] += pixels
        self.seconds[kind] += seconds

    def seconds_for(self, kind: str, pixels: float) -> float | None:
        """Return how long pixels take: as those of their kind did, else as all did; None where there were none."""
        if not pixels:
            return 0.0
        of = [kind] if self.pixels.get(kind) else list(self.pixels)
        known = sum(self.pixels[each] for each in of)
        return pixels * sum(self.seconds[each] for each in of) / known if known else None

    @property
    def beside_each(self) -> float:
        """The seconds that a job takes beside its frames, in the mean."""
        return sum(self.beside) / len(self.beside) if self.beside else 0.0


@dataclass
class Tally:
    """The jobs of a batch that are still to be rendered, and how far the one that is being rendered is."""

    show: Show
    jobs: dict[str, Job] = field(default_factory=dict)  # those that are rendered by this run, finished or not
    done: set[str] = field(default_factory=set)
    paces: Paces = field(default_factory=Paces)
    _kinds: dict[str, str] = field(default_factory=dict)
    _left: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # pixels, by kind
    _frames: int = 0
    _frames_done: int = 0

    def take_up(self, jobs: Iterable[Job]) -> None:
        """Take up the jobs that are to be rendered beside those that are done."""
        waiting = {job.name: job for job in jobs}
        self.jobs = {name: job for name, job in self.jobs.items() if name in self.done} | waiting
        self.done -= waiting.keys()
        known: dict[int, str] = {}
        self._left.clear()
        for name, job in waiting.items():
            # Settings are shared by jobs: their kind is told once.
            self._kinds[name] = known.setdefault(id(job.settings), "") or kind_of(job)
            known[id(job.settings)] = self._kinds[name]
            self._left[self._kinds[name]] += job.pixels
        self._frames = sum(job.frames for job in self.jobs.values())
        self._frames_done = sum(self.jobs[name].frames for name in self.done)

    def frame(self, job: Job, done: int, seconds: float, seconds_left: float | None) -> None:
        """Take note of how many frames of a job are done, of what the last took and what the job still takes."""
        kind, each = self._kinds[job.name], job.pixels / max(1, job.frames)
        if seconds:
            self.paces.add(kind, each, seconds)
        if seconds_left is None:
            seconds_left = self.paces.seconds_for(kind, each * (job.frames - done))
        left = {**self._left, kind: self._left[kind] - job.pixels}
        others = [self.paces.seconds_for(kind, max(0.0, pixels)) for kind, pixels in left.items()]
        total = None
        if seconds_left is not None and None not in others:
            count = len(self.jobs) - len(self.done)
            total = seconds_left + sum(filter(None, others)) + count * self.paces.beside_each
        self.show(Whole(job.name, len(self.done), len(self.jobs), self._frames_done + done, self._frames, total))

    def end(self, job: Job, beside: float | None) -> None:
        """Take note that a job is over; `beside`: the seconds that it took beside its frames, None: not measured."""
        self.done.add(job.name)
        self._left[self._kinds[job.name]] -= job.pixels
        self._frames_done += job.frames
        if beside is not None:
            self.paces.beside.append(beside)
