"""A case rendered by the real command line, in a process of its own, and the verdict on what came of it."""

import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from odd.case import Case, Film, Refused
from odd.measure import Measured, measure, mistakes

PLAIN = (
    *("--model", "sketchnet", "--layer", "conv3", "--set", "dream.steps=0"),
    *("--set", "coherence.mode=none", "--set", "compute.precision=fp32"),
)
SOON = 10.0  # seconds in which what cannot be read is refused
PATIENCE = 90.0

Verdict = Literal["right", "WRONG", "LATE"]


@dataclass(frozen=True)
class Outcome:
    """What a command line did: its exit code (None: it did not end), its lines, how many frames it had finished."""

    code: int | None
    lines: tuple[str, ...]
    seconds: float
    finished: int = 0


@dataclass(frozen=True)
class Row:
    """A line of the table; `why`: what is wrong."""

    case: Case
    verdict: Verdict
    outcome: Outcome
    found: Measured | None = None
    why: str = ""


def arguments_of(case: Case, source: str) -> list[str]:
    """The command line of a case, run in the folder that holds the source."""
    if case.command == "batch":
        return ["batch", source]
    return [case.command, *PLAIN, *case.options, "--", source, case.output]


def run(arguments: list[str], folder: Path) -> Outcome:
    """Run a command line in a folder, in a process forked from one that has loaded torch already."""
    context: Any = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["dreamvid.jobs.run", "dreamvid.batch.run", "dreamvid.cli.app", "tqdm.contrib.logging"]
    )
    log, began = folder / "log", time.monotonic()
    process = context.Process(target=_command, args=(arguments, str(folder), str(log)))
    process.start()
    process.join(PATIENCE)
    seconds = time.monotonic() - began
    ended = not process.is_alive()
    if not ended:
        process.kill()
        process.join()
    lines = tuple(log.read_text(errors="replace").splitlines()) if log.exists() else ()
    return Outcome(process.exitcode if ended else None, lines, seconds, finished_in(folder))


def finished_in(folder: Path) -> int:
    """How many frames are finished in the job folders of a folder: they are kept where a render fails."""
    return len(list(folder.glob("*.dreamvid/frames/*.png")))


def _command(arguments: list[str], folder: str, log: str) -> None:
    os.chdir(folder)
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.environ["DREAMVID_CONFIG"] = ""  # not the defaults of whoever runs it
    from dreamvid import cli

    sys.exit(cli.run(arguments))


def judge(case: Case, folder: Path, runner: Any = run) -> Row:
    """Make a case's file in a folder, render it, and judge the result."""
    folder.mkdir(parents=True)
    try:
        case.make(folder / case.file)
    except Exception as error:  # of ffmpeg, PyAV or Pillow: the row says so, and the table goes on
        return Row(
            case, "WRONG", Outcome(None, (), 0.0), why=f"it could not be made: {' '.join(str(error).split())[:300]}"
        )
    outcome = runner(arguments_of(case, case.file), folder)
    return verdict(case, outcome, folder / case.output)


def verdict(case: Case, outcome: Outcome, output: Path) -> Row:
    said = next((line for line in reversed(outcome.lines) if line.startswith("dreamvid: ")), "")
    clear = said and not any("Traceback" in line for line in outcome.lines)
    if outcome.code is None:
        return Row(case, "WRONG", outcome, why="it did not end")
    if not clear and outcome.code:
        return Row(case, "WRONG", outcome, why=f"exit code {outcome.code} without a clear line: {outcome.lines[-1:]}")
    wanted = case.expected
    if isinstance(wanted, Refused):
        if not outcome.code:
            return Row(case, "WRONG", outcome, _measured(output), "it was not refused")
        if outcome.finished:
            return Row(case, "LATE", outcome, why=f"after {outcome.finished} frames: {said}")
        if wanted.word not in said or outcome.code != wanted.code:
            return Row(
                case, "WRONG", outcome, why=f"it says {said!r} ({outcome.code}), not {wanted.word!r} ({wanted.code})"
            )
        if outcome.seconds > SOON:
            return Row(case, "WRONG", outcome, why=f"refused after {outcome.seconds:.1f} s only")
        return Row(case, "right", outcome, why=said)
    if outcome.code != getattr(wanted, "code", 0):
        return Row(case, "LATE" if outcome.finished else "WRONG", outcome, why=said)
    found = measure(output)
    if isinstance(wanted, Film):
        found = found.at(float(Fraction(wanted.rate)))
    wrong = mistakes(wanted, found)
    if wanted.said and not any(wanted.said in line for line in outcome.lines):
        wrong.append(f"nothing said of {wanted.said!r}: {' / '.join(outcome.lines[:-1])}")
    return Row(case, "WRONG" if wrong else "right", outcome, found, "; ".join(wrong))


def _measured(output: Path) -> Measured | None:
    return measure(output) if output.exists() else None
