"""The jobs of a batch, checked before the first frame: every net is opened once, every source probed once."""

import glob
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dreamvid.batch.job import Job
from dreamvid.batch.positions import TOLD
from dreamvid.config.settings import NetSettings, Settings
from dreamvid.core.errors import DreamvidError, SettingsError, SourceError
from dreamvid.core.paths import matching
from dreamvid.core.types import SourceInfo
from dreamvid.dream.build_objectives import over_time
from dreamvid.jobs.done import read_done
from dreamvid.jobs.film import is_taken
from dreamvid.jobs.fingerprint import Facts, batch_digest, digest_of_stretches, net_facts
from dreamvid.jobs.folder import folder_of, lacks_space
from dreamvid.media.audio_tracks import first_track
from dreamvid.media.probe import identity as identity_of
from dreamvid.models import zoo
from dreamvid.models.net import Net
from dreamvid.pipeline.prepare import RenderPlan, schedule_of
from dreamvid.pipeline.sources import NOISE, plan_frames, plan_still, probe_source
from dreamvid.pipeline.stretches import divided
from dreamvid.pipeline.zoom_source import plan_zoom

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SourceFacts:
    """The facts of its source that a job needs, or what is wrong with it.

    Beside its identity these are as of `Job`.
    """

    identity: str = ""
    frames: int = 0
    size: tuple[int, int] = (0, 0)
    source_frames: range = range(0)
    problem: str = ""


@dataclass
class Checker:
    """Checks the jobs of a batch; what it has seen of nets and sources it need not look at again.

    `file`: named in errors; `trust`: whether a net that is code may be executed.
    """

    file: Path
    trust: bool = False
    nets: dict[str, Facts] = field(default_factory=dict)
    sources: dict[tuple[object, ...], SourceFacts] = field(default_factory=dict)

    def checked(self, jobs: Sequence[Job]) -> list[Job]:
        """Return the jobs with digest, frames and size, or with the problem of those that cannot be rendered.

        Raises an error with a line for each net, layer, channel or class that cannot be had.
        """
        texts = _Texts()
        self._open_nets(jobs, texts)
        by_source = sorted(range(len(jobs)), key=lambda number: jobs[number].source)
        found, sounds, read = list(jobs), dict[str, str | SourceError](), _Read()
        for number in by_source:
            job = jobs[number]
            try:
                facts = self._facts(job, read, texts)
                if facts.problem:
                    raise SourceError(facts.problem)
                sound = _identity_of_sound(job.settings, sounds)
                digest, *others = (
                    batch_digest(job.command, look, self.nets[texts.dreamed_by(look)], facts.identity, sound)
                    for look in job.looks
                )
                if job.stretches:
                    digest = digest_of_stretches((digest, *others), job.stretches)
                found[number] = replace(
                    job, digest=digest, frames=facts.frames, size=facts.size, source_frames=facts.source_frames
                )
            except (SourceError, SettingsError) as error:
                found[number] = replace(job, problem=str(error))
        return found

    def _open_nets(self, jobs: Sequence[Job], texts: "_Texts") -> None:
        opened: dict[NetSettings, Net] = {}
        errors: dict[str, DreamvidError] = {}
        looks = [(job, look) for job in reversed(jobs) for look in reversed(job.looks)]
        for key, (job, settings) in {texts.dreamed_by(look): (job, look) for job, look in looks}.items():
            if key in self.nets:
                continue
            try:
                for how in settings.nets:
                    if how not in opened:
                        opened[how] = zoo.from_settings(how, trust=self.trust)
                nets = {how: opened[how] for how in settings.nets}
                over_time(settings.objective, nets[settings.net], nets)
            except DreamvidError as error:
                errors[f"{self.file}: {job.output.name}: {error}"] = error
            else:
                self.nets[key] = net_facts(settings, nets)
        if errors:
            lines = list(errors)[::-1]
            raise type(errors[lines[0]])(*lines[:TOLD])

    def _facts(self, job: Job, read: "_Read", texts: "_Texts") -> SourceFacts:
        settings = job.settings
        animated = texts.of(settings) if settings.keyframes else ""
        camera = texts.of(settings.camera) if job.command == "zoom" else ""
        seed = settings.seed if job.source in NOISE else 0
        stretches = texts.of(job.stretches) if job.stretches else ""
        key = (job.command, job.source, _stamp(job.source), texts.of(settings.input), camera, seed, animated, stretches)
        if key not in self.sources:
            try:
                self.sources[key] = _looked_at(job, read)
            except (SourceError, SettingsError) as error:
                self.sources[key] = SourceFacts(problem=str(error))
        return self.sources[key]


@dataclass
class _Texts:
    """Parts of settings as text, by which they are compared; jobs share settings, and each is written out once."""

    known: dict[int, str] = field(default_factory=dict)

    def of(self, part: object) -> str:
        """Return a part of the settings of a job as text."""
        if id(part) not in self.known:
            self.known[id(part)] = repr(part)
        return self.known[id(part)]

    def dreamed_by(self, settings: Settings) -> str:
        """Return what tells the nets and objective of a job, or of a stretch of its film."""
        return f"{self.of(settings.net)} {self.of(settings.objective)}"


@dataclass
class _Read:
    """The source that was probed last: `key` says which, and how; `found`: its facts, or what is wrong with it."""

    key: tuple[object, ...] = ()
    found: SourceInfo | SourceError | SettingsError | None = None

    def probe(self, job: Job) -> SourceInfo:
        """Return the facts of the source of a job; raises as `probe_source`."""
        settings = job.settings
        noise = (settings.input.size, settings.seed) if job.source in NOISE else ()
        key = (job.source, settings.input.tolerate_damage, noise)
        if key != self.key:
            self.key = key
            try:
                self.found = probe_source(job.source, settings)
            except (SourceError, SettingsError) as error:
                self.found = error
        if not isinstance(self.found, SourceInfo):
            assert self.found is not None
            raise self.found
        return self.found


def _looked_at(job: Job, read: _Read) -> SourceFacts:
    """Return what a job needs of its source; raises SourceError or SettingsError where that cannot be had."""
    if glob.has_magic(job.source) and not matching(job.source):
        raise SourceError(f"no file matches {job.source}: correct the pattern, or put the files there")
    source, settings = read.probe(job), job.settings
    if job.command == "image":
        _, plan = plan_still((source,), settings)
    elif job.command == "zoom":
        _, plan = plan_zoom((source,), settings)
    else:
        info, plan = plan_frames(source, settings)
        parts = list(divided(plan, job.stretches)) if job.stretches else [plan]
        for part, look in zip(parts, job.looks, strict=True):
            if look.keyframes:
                schedule_of(RenderPlan("video", (source,), info, part), look)
        frames = sum(len(part.frames) for part in parts)
        return SourceFacts(source.identity, frames, plan.framing.size, range(plan.frames[0], plan.frames[-1] + 1))
    return SourceFacts(source.identity, len(plan.frames), plan.framing.size)


def _stamp(source: str) -> tuple[int, ...]:
    """Return what changes when a file does; of a folder, that is not known for sure."""
    try:
        found = os.stat(source)  # noqa: PTH116 (a name that is none raises ValueError)
    except (OSError, ValueError):
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _identity_of_sound(settings: Settings, known: dict[str, str | SourceError]) -> str:
    """Return the identity of a sound file of its own, empty without; raise SourceError where it cannot be read."""
    file = settings.audio.file
    if file is None:
        return ""
    if file not in known:
        try:
            first_track(Path(file))
            known[file] = identity_of(Path(file))
        except SourceError as error:
            known[file] = error
    found = known[file]
    if isinstance(found, SourceError):
        raise found
    return found


def in_the_way(job: Job, work_dir: Path | None, *, may_replace: bool) -> str:
    """Say why a job may not begin: something else has the name of its output, or the disk is too small; or nothing.

    `may_replace`: whether it may replace what has that name.
    """
    folder = folder_of(job.output, work_dir)
    if is_taken(job.output) and not may_replace and read_done(folder, job.output) is None:
        return f"{job.output} is there already: --overwrite replaces it"
    if job.command == "image" or folder.begun:
        return ""
    return lacks_space(folder.path, job.frames, job.size)
