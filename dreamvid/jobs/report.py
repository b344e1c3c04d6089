"""A report on a finished film: what its record, its source and its job folder say is gathered, and a page written."""

import logging
from dataclasses import dataclass
from pathlib import Path

from dreamvid.analysis.film_facts import Progress, measure
from dreamvid.analysis.film_report import Rendered, Subject, page
from dreamvid.analysis.pages import link
from dreamvid.analysis.pairing import Opened, Pairing, pair, rate_of
from dreamvid.core.errors import JobError, SettingsError
from dreamvid.jobs.done import read_done
from dreamvid.jobs.folder import JobFolder, check_ours, folder_of, read_plan
from dreamvid.jobs.records import FrameRecord, read_lines
from dreamvid.jobs.run import check_output
from dreamvid.jobs.stretch_folders import stretches
from dreamvid.media.companion import digest
from dreamvid.media.formats import check_place
from dreamvid.media.frame_store import write_file
from dreamvid.media.images import short_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beside:
    """The parts of a film's making that are there: its source, paired with it; its job folder; `missing`: why not."""

    pairing: Pairing | None
    rendered: Rendered | None
    missing: tuple[str, ...]


def report(
    film: str,
    source: str | None,
    out: Path,
    work_dir: Path | None = None,
    *,
    begins: float | None = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write a page about a finished film.

    `source`: what it was made of; None: looked for beside it, by its record; `begins`: as of `pair`. Raises
    SettingsError where the page cannot be written or source and film do not belong together, SourceError where one of
    them cannot be read.
    """
    check(film, source, out, overwrite=overwrite)
    opened = Opened.of(film)
    found = _look(opened, source, work_dir, begins)
    for line in found.missing:
        logger.info("%s", line)
    rate = opened.info.rate if found.pairing is None else rate_of(found.pairing.source, opened.info)
    subject = Subject(
        opened,
        _size(Path(film)),
        link(Path(film), out),
        rate,
        found.pairing.note if found.pairing is not None else "",
        found.missing,
    )
    facts = measure(opened, found.pairing, progress)
    write_file(out, page(subject, facts, found.rendered).encode("utf-8", "replace"))


def check(film: str, source: str | None, out: Path, *, overwrite: bool) -> None:
    """Raise SettingsError where a page cannot be written under a name."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--out {out}: a report is a page: give a name that ends in .html")
    check_place(out)
    if out.is_dir():
        raise SettingsError(f"{out} is a folder: give the page another name")
    check_output((film,) if source is None else (film, source), out, overwrite=overwrite)


def _look(film: Opened, source: str | None, work_dir: Path | None, begins: float | None) -> Beside:
    """Find what is there of a film's making; raise as `report`."""
    missing, found = [], source
    if source is None:
        found, why = _source(film)
        missing += [why] if why else []
    try:
        pairing = None if found is None else pair(Opened.of(found), film, begins)
    except SettingsError as error:
        if source is not None:
            raise
        logger.debug("%s", error)  # it names folders, which are no part of a page
        pairing = None
        missing.append(
            "Not known: strength and incoherence, since its frames and those of its source cannot be paired one by "
            "one. Give the source, and say with --from where it begins."
        )
    if film.info.frames == 1:
        return Beside(pairing, None, tuple(missing))
    rendered, why = _job(folder_of(Path(film.path), work_dir), Path(film.path))
    if rendered is None:
        missing.append(f"Not known: how long each frame took, and how much of its motion was followed, since {why}.")
    return Beside(pairing, rendered, tuple(missing))


def _source(film: Opened) -> tuple[str | None, str]:
    """Return the source of a film where it lies beside it, as it was; else why there is none."""
    lacking = "Not known: strength and incoherence" if film.info.frames > 1 else "The source is not shown"
    name, record = short_name(Path(film.path)), film.record
    if record is None:
        return None, f"{lacking}, since {name} has no record of what it was made of. Give its source."
    if record.command == "zoom":
        return None, f"{lacking}, since no frame of a flight is one of its source."
    recorded = record.sources[0]
    place = Path(film.path).parent / recorded.name
    if not place.exists():
        noise = "" if recorded.name.startswith("noise") else " Give its source."
        return None, f"{lacking}, since {short_name(place)} is not beside {name}.{noise}"
    if digest(str(place)) != recorded.sha256:
        return None, f"{lacking}, since {short_name(place)}, beside {name}, is another than it was made of."
    return str(place), ""


def _job(folder: JobFolder, film: Path) -> tuple[Rendered | None, str]:
    """Return what the job folder of a film says; else why it says nothing."""
    if not folder.path.is_dir():
        return None, "the job folder is gone (--keep-work keeps it)"
    try:
        check_ours(folder.path)
        if read_done(folder, film) is None:
            return None, "the job folder is that of another film"
        return _rendered(folder), ""
    except JobError as error:
        logger.debug("%s", error)
        return None, "the job folder is damaged"


def _rendered(folder: JobFolder) -> Rendered:
    """Return what the journals of a job say, by film frame; of a film in stretches, those of all of them."""
    lines, anew, cuts, before = dict[int, FrameRecord](), list[int](), list[int](), 0  # lines by film frame
    seconds = list[float]()  # of all frames, also those of a loop that are not shown
    for job in stretches(folder):
        plan = read_plan(job).plan
        numbers = range(len(plan.segments))
        its = {record.index: record for number in numbers for record, _ in read_lines(job.journal(number))}
        seconds += [record.seconds for record in its.values()]
        first = dict[int, int]()  # source frame -> the film frame that is the first to show it
        for position, at in enumerate(plan.playback, start=before):
            if plan.frames[at] in its:
                first.setdefault(plan.frames[at], position)
        for index, position in first.items():
            lines[position] = its[index]
            if plan.starts_shot(index):
                cuts += [position] if position else []
            elif its[index].valid is None:
                anew.append(position)
        before += len(plan.playback)
    return Rendered(
        seconds={position: record.seconds for position, record in lines.items()},
        valid={position: record.valid for position, record in lines.items()},
        anew=tuple(anew),
        cuts=tuple(cuts),
        made=len(seconds),
        took=sum(seconds),
        canvas=folder.canvas_file.exists(),
    )


def _size(film: Path) -> int:
    """Return the bytes of a film; of a folder, those of its files."""
    return sum(file.stat().st_size for file in (film.iterdir() if film.is_dir() else (film,)) if file.is_file())
