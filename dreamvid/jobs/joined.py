"""A film in stretches, each with settings of its own: joined by cuts, or by a dream that grows into another look.

Each stretch is a job of its own, in a folder of its own within that of the film.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dreamvid.core.errors import SettingsError
from dreamvid.dream.session import SharedNets
from dreamvid.jobs.done import Summary
from dreamvid.jobs.film import JobOfFilm, Options, PlannedFilm, dream_film
from dreamvid.jobs.film_record import record_text, recorded_stretch
from dreamvid.jobs.fingerprint import film_facts
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.job import StretchBefore
from dreamvid.jobs.run import open_planned, tell
from dreamvid.jobs.stretch_folders import stretch
from dreamvid.jobs.workers import pinned
from dreamvid.pipeline.sources import probe_source
from dreamvid.pipeline.stretches import Stretch, plan_stretches


def dream_joined(source: str, output: Path, stretches: Sequence[Stretch], options: Options | None = None) -> Summary:
    """Dream a video, GIF or image folder into one film of stretches; raises DreamvidError, or Interrupted."""
    options = options or Options()
    if not stretches:
        raise SettingsError("a film in segments has one or more of them")
    if options.workers is not None:
        stretches = [replace(stretch, settings=pinned(stretch.settings)) for stretch in stretches]
    settings = stretches[0].settings

    def open_film(folder: JobFolder) -> PlannedFilm:
        plans = plan_stretches(probe_source(source, settings), stretches)
        shared, jobs = options.nets or SharedNets(options.trust), list[JobOfFilm]()
        for number, (planned, schedule) in enumerate(plans.stretches):
            before, facts = None, None
            if planned.plan.carries_on:
                last = jobs[-1].job
                before = StretchBefore(last.folder, last.source, last.schedule.settings.coherence.cadence)
                facts = jobs[-1].facts
            jobs.append(open_planned(planned, schedule, stretch(folder, number), shared, before, facts))
        tell(jobs[0].job.source, jobs[0].job.session)
        names = [stretch.name for stretch in stretches]
        made_from = film_facts([*(each.facts for each in jobs), {"names": names}], settings)

        def record() -> str:
            parts = [
                recorded_stretch(stretch, each.planned, each.job.session.nets.values())
                for stretch, each in zip(stretches, jobs, strict=True)
            ]
            nets = jobs[0].job.session.nets.values()
            return record_text(plans.whole, settings, nets, options.names, parts)

        return PlannedFilm(plans.whole, jobs, made_from, record)

    return dream_film((source,), output, settings, options, open_film)
