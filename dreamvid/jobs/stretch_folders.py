"""The job folders of the stretches of a film, in that of the film: each is a job by itself."""

import shutil
from collections.abc import Sequence

from dreamvid.core.errors import JobError
from dreamvid.jobs.folder import LOCK, STRETCHES, JobFolder, Resume
from dreamvid.pipeline.plan import Plan


def stretch(film: JobFolder, number: int) -> JobFolder:
    """Return the job folder of a stretch of a film, by its number from 0."""
    return JobFolder(film.path / STRETCHES / f"{number:03d}")


def stretches(film: JobFolder) -> tuple[JobFolder, ...]:
    """Return the job folders of the stretches of a film, in order; of a film without such, its own."""
    return tuple(JobFolder(path) for path in sorted(film.path.glob(f"{STRETCHES}/*"))) or (film,)


def before(folder: JobFolder, plan: Plan) -> JobFolder | None:
    """Return the job folder of the stretch whose dream the one in `folder`, of this plan, goes on with, if it does."""
    if plan.excerpt is None or not plan.carries_on:
        return None
    return JobFolder(folder.path.with_name(f"{plan.excerpt.number - 1:03d}"))


def keep_only(folder: JobFolder, kept: Sequence[JobFolder], resume: Resume) -> None:
    """Remove what a job folder holds beside those of the `kept` stretches of its film; nothing where it is `kept`.

    Raises JobError where frames of the film without stretches are there, and `resume` keeps them.
    """
    if folder in kept:
        return
    if folder.fingerprint_file.exists() and folder.begun and resume in ("same", "force"):
        raise JobError(f"{folder.path} was begun without segments: begin anew with --no-resume")
    wanted = {path for each in kept for path in (each.path, each.path.parent, folder.path / LOCK)}
    for old in (*folder.path.iterdir(), *folder.path.glob(f"{STRETCHES}/*")):
        if old not in wanted:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
