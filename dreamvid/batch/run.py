"""Many renders from one file: all checked before the first frame, none stopped by another, nothing done twice."""

import glob
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dreamvid.batch.ledger import note, read_ledger, stamp_of
from dreamvid.config import presets
from dreamvid.config.presets import Defaults
from dreamvid.config.settings import Settings
from dreamvid.core.errors import DreamvidError, SettingsError, SourceError, nearest
from dreamvid.core.framing import parse_size
from dreamvid.core.paths import is_there, matching, read_toml
from dreamvid.core.timing import parse_range, parse_rate
from dreamvid.dream import session
from dreamvid.jobs import run as job
from dreamvid.jobs.again import RENDERERS
from dreamvid.jobs.fingerprint import Facts, batch_digest, net_facts
from dreamvid.jobs.run import Options
from dreamvid.media import audio_features, formats
from dreamvid.media.audio_tracks import first_track
from dreamvid.media.probe import identity as identity_of
from dreamvid.pipeline.plan import make_plan
from dreamvid.pipeline.schedule import make_schedule
from dreamvid.pipeline.sources import NOISE, check_film, plan_still, probe_source, same_file

logger = logging.getLogger(__name__)


class JobTable(BaseModel):
    """One [[job]] of a batch file, or its [defaults]; `set` is a table of setting keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Literal["video", "image", "zoom"] = "video"
    source: str
    output: str = Field(min_length=1)
    preset: str | None = None
    size: str | None = None
    frames: str | None = None
    set: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One render of a batch, resolved: `digest` changes with anything its pixels or its file depend on.

    `name`: of its output, as the batch file has it; `problem`: why it cannot be rendered, empty where it can.
    """

    command: str
    source: str
    name: str
    output: Path
    settings: Settings
    digest: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job; `message` says why it was skipped or failed."""

    source: str
    output: str
    state: Literal["rendered", "unchanged", "skipped", "failed"]
    message: str = ""

    @property
    def error(self) -> bool:
        """Return whether the job made no film."""
        return self.state in ("skipped", "failed")


def run(file: Path, options: Options | None = None, defaults: Defaults | None = None) -> list[Outcome]:
    """Render every job of a batch file, in order.

    A job whose source is missing or broken is skipped; one that fails does not stop the others. Relative paths start
    from the batch file's folder. With `options.overwrite` outputs that this batch has not made are replaced, too;
    `options.resume` has no effect. `defaults`: the user's own, beneath every job's preset. Raises SettingsError for a
    mistake in the file itself.
    """
    options, jobs = options or Options(), read(file, defaults)
    nets = _nets(file, jobs, options.trust)
    jobs = [_with_source(planned, nets[_dreamed_by(planned)]) for planned in jobs]
    for planned in jobs:
        if planned.problem:
            logger.warning("skipping %s: %s", planned.output.name, planned.problem)
    ledger = file.with_suffix(".done.json")
    outcomes = []
    for planned in jobs:
        digest, stamp = read_ledger(ledger).get(planned.name, ("", None))
        ours = planned.output.exists() and stamp == stamp_of(planned.output)
        if ours and digest == planned.digest:
            outcome = Outcome(planned.source, str(planned.output), "unchanged")
        else:
            # What an earlier run of this batch wrote may be replaced, anything else only where that was asked for.
            may = options.overwrite or ours
            outcome = _run_one(planned, replace(options, overwrite=may, resume="renew", keep_work=True))
        if outcome.state == "rendered":
            note(ledger, planned.name, planned.digest, planned.output)
        # Only now, so that a film whose batch is killed before the ledger knows it is taken as done by the next.
        if not outcome.error and not options.keep_work:
            job.clear(planned.output, options.work_dir)
        outcomes.append(outcome)
    return outcomes


def read(file: Path, user: Defaults | None = None) -> list[Job]:
    """Read the jobs of a batch file, globs and placeholders filled in; raise SettingsError naming file, job and key."""
    if not is_there(file):
        raise SettingsError(f"there is no batch file {file}")
    table = read_toml(file)
    if unknown := sorted(set(table) - {"defaults", "job"}):
        raise SettingsError(f"{file}: unknown key {unknown[0]}{nearest(unknown[0], ['defaults', 'job'])}")
    user = user or Defaults()
    defaults, entries = table.get("defaults", {}), table.get("job", [])
    if not isinstance(defaults, dict):
        raise SettingsError(f"{file}: defaults must be a table, [defaults]")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(f"{file}: it has no [[job]]")
    jobs: list[Job] = []
    for number, entry in enumerate(entries, start=1):
        jobs += _jobs(file, number, presets.merged({"preset": user.preset, **defaults}, entry), len(jobs), user.table)
    outputs = [planned.output.resolve() for planned in jobs]
    for output in outputs:
        if outputs.count(output) > 1:
            raise SettingsError(
                f"{file}: two jobs write {output.name}: tell them apart with {{stem}}, {{preset}} or {{index}}"
            )
    return jobs


def _jobs(file: Path, number: int, table: dict[str, Any], first: int, under: dict[str, Any]) -> list[Job]:
    where = f"{file}: job {number}"
    try:
        entry = JobTable.model_validate(table)
    except ValidationError as error:
        # An unknown key first: a required one that is missing is the same, spelled wrong.
        mistake = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        key = ".".join(map(str, mistake["loc"]))
        if mistake["type"] == "extra_forbidden":
            raise SettingsError(f"{where}: unknown key {key}{nearest(key, JobTable.model_fields)}") from None
        near = nearest(str(mistake["input"]), RENDERERS) if mistake["type"] == "literal_error" else ""
        raise SettingsError(f"{where}: {key}: {mistake['msg']}{near}") from None
    overrides = [*entry.set.items(), ("input.size", entry.size), ("input.frames", entry.frames)]
    try:
        settings = presets.resolve(
            _preset(file, entry.preset), [(key, value) for key, value in overrides if value is not None], under
        )
        _check_input(settings)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
    jobs = []
    for index, source in enumerate(_sources(file.parent, entry.source), start=first):
        try:
            name = _filled(
                entry.output, stem=Path(source).stem, preset=Path(entry.preset or presets.DEFAULT).stem, index=index
            )
            output = file.parent / name
            formats.check_image(output) if entry.command == "image" else formats.check(output, settings.output)
            if same_file(source, output):
                raise SettingsError(f"{output.name} is the source itself")
        except (SettingsError, OSError) as error:  # also a name that is too long
            raise SettingsError(f"{where}: output: {error}") from None
        jobs.append(Job(entry.command, source, name, output, settings))
    return jobs


def _check_input(settings: Settings) -> None:
    """Raise SettingsError for a range, rate or size that is invalid for any source."""
    wanted = settings.input
    if wanted.frames:
        parse_range(wanted.frames)
    if wanted.fps:
        parse_rate(wanted.fps)
    if wanted.size and not wanted.size.endswith("%"):
        parse_size(wanted.size, 1080, 1920)


def _filled(pattern: str, **values: str | int) -> str:
    """Return a name with its placeholders filled in; raise SettingsError for an unknown one."""
    near = ""
    try:
        parts = [part[1:] for part in Formatter().parse(pattern) if part[1] is not None]
        near = next((nearest(field or "", values) for field, _, _ in parts if field not in values), "")
        # A short format such as 02d is welcome; a long one could fill the memory with a name.
        if "\0" not in pattern and all(field in values and len(form or "") <= 3 for field, form, _ in parts):
            return pattern.format(**values)
    except ValueError:
        pass
    raise SettingsError(f"{pattern!r} may hold {{stem}}, {{preset}} and {{index}}, nothing else in braces{near}")


def _preset(file: Path, preset: str | None) -> str | None:
    if preset is None:
        return None
    beside = file.parent / preset
    return str(beside) if preset.endswith(".toml") and is_there(beside) else preset


def _sources(folder: Path, pattern: str) -> list[str]:
    """Return the files that match a pattern, sorted; the pattern itself where none does: `_with_source` says so."""
    if pattern in NOISE or "\0" in pattern:
        return [pattern]
    path = str(folder / pattern)
    return matching(path) or [path]


def _dreamed_by(planned: Job) -> str:
    return repr((planned.settings.net, planned.settings.objective))


def _nets(file: Path, jobs: list[Job], trust: bool) -> dict[str, Facts]:
    """Return what tells the nets that each job dreams with.

    Raises the error of the first whose net, layer, channel or class cannot be had, naming the file.
    """
    found: dict[str, Facts] = {}
    for wanted in {_dreamed_by(each): each for each in jobs}.values():
        try:
            nets, _ = session.choose(wanted.settings, trust=trust)
        except DreamvidError as error:
            raise type(error)(f"{file}: {wanted.output.name}: {error}") from None
        found[_dreamed_by(wanted)] = net_facts(wanted.settings, nets)
    return found


def _with_source(planned: Job, net: Facts) -> Job:
    """Return the job with its digest, or with the reason why its source cannot be rendered."""
    sound = ""
    if glob.has_magic(planned.source) and not matching(planned.source):
        return replace(
            planned, problem=f"no file matches {planned.source}: correct the pattern, or put the files there"
        )
    try:
        if planned.settings.audio.file is not None:
            first_track(Path(planned.settings.audio.file))
            sound = identity_of(Path(planned.settings.audio.file))
        source = probe_source(planned.source, planned.settings)
        if planned.command == "video":
            check_film(source)
            plan = make_plan(planned.settings, source)
            make_schedule(planned.settings, plan, audio_features.of_film(planned.settings, source, plan.clip))
        elif planned.command == "image":
            plan_still((source,), planned.settings)
        digest = batch_digest(planned.command, planned.settings, net, source.identity, sound)
    except (SourceError, SettingsError) as error:
        return replace(planned, problem=str(error))
    return replace(planned, digest=digest)


def _run_one(planned: Job, options: Options) -> Outcome:
    source, output = planned.source, str(planned.output)
    if planned.problem:
        return Outcome(source, output, "skipped", planned.problem)
    try:
        RENDERERS[planned.command](source, planned.output, planned.settings, options)
    except DreamvidError as error:
        logger.warning("%s failed: %s", planned.output.name, error)
        return Outcome(source, output, "failed", str(error))
    return Outcome(source, output, "rendered")


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return a line per job and one for all."""
    found = list(outcomes)
    lines = [
        f"{outcome.state:10} {outcome.output}{': ' + outcome.message if outcome.message else ''}" for outcome in found
    ]
    counts = {
        state: sum(outcome.state == state for outcome in found)
        for state in ("rendered", "unchanged", "skipped", "failed")
    }
    return "\n".join([*lines, ", ".join(f"{count} {state}" for state, count in counts.items())])


def to_json(outcomes: Iterable[Outcome]) -> str:
    """Return one line of JSON: the jobs with their states."""
    return json.dumps({"jobs": [vars(outcome) for outcome in outcomes]})
