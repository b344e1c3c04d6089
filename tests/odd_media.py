"""A table of odd media: each is made here, rendered by the command line with zero steps, and judged.

    python tests/odd_media.py [FOLDER] [--only WORD ...]

FOLDER: where the files are made, and kept; without one, in a temporary folder. `--only`: the cases of these themes
(modules of `tests/odd`), or whose names hold one of these words. Columns: frames, rate, length in seconds and size of
the film; the largest distance of a beep from a flash; the lowest PSNR of a class of colours; seconds until a file was
refused; the verdict: right, WRONG, or LATE for a failure after the first frame. The exit code is 1 if any is not right.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from odd import every
from odd.case import CASES, Case, Refused
from odd.render import Row, judge, run

__all__ = ["every"]


def line(row: Row) -> str:
    """A row of the table as text."""
    name = "".join(c if c.isprintable() else "?" for c in row.case.name)
    found = row.found
    if found is None:
        cells = ["", "", "", "", "", ""]
    else:
        sync, rate = found.sync(), found.rate
        cells = [
            str(len(found.frames)),
            f"{rate:.5g}" if rate else "",
            f"{len(found.frames) / rate:.3f}" if rate else "",
            "{}x{}".format(*found.size),
            "" if sync is None else f"{1000 * sync:.1f} ms",
            f"{min(found.fidelity(row.case.expected.palette).values()):.1f} dB"
            if not isinstance(row.case.expected, Refused)
            else "",
        ]
    cells.append(f"{row.outcome.seconds:.1f} s" if row.outcome.code else "")
    widths = (6, 7, 7, 10, 8, 8, 7)
    shown = " ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return f"{name:48.48} {shown}  {row.verdict:5}  {row.why}".rstrip()


def chosen(words: Iterable[str]) -> list[Case]:
    """The cases of some themes, or whose names hold one of some words; all without words."""
    wanted = list(words)
    return [case for case in CASES.values() if not wanted or any(w == case.theme or w in case.name for w in wanted)]


def table(cases: Iterable[Case], folder: Path, *, keep: bool) -> Counter[str]:
    """Print a row for each case, and count the verdicts; `keep`: the files that were made stay."""
    counts: Counter[str] = Counter()
    for number, case in enumerate(cases):
        home = folder / f"{number:03d}-{re.sub(r'[^a-z0-9]+', '-', case.name.lower())[:40]}"
        row = judge(case, home)
        counts[row.verdict] += 1
        print(line(row), flush=True)
        if not keep:
            shutil.rmtree(home)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description="A table of odd media.")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    given = parser.parse_args()
    began = time.monotonic()
    head = ("frames", "rate", "length", "size", "sync", "colours", "refused")
    print(
        f"{'name':48} " + " ".join(cell.rjust(width) for cell, width in zip(head, (6, 7, 7, 10, 8, 8, 7), strict=True))
    )
    with tempfile.TemporaryDirectory() as temporary:
        run(["--version"], Path(temporary))  # what is loaded once for all cases is no part of the first one's seconds
        counts = table(chosen(given.only), given.folder or Path(temporary), keep=given.folder is not None)
    total = sum(counts.values())
    print(
        f"{total} cases in {time.monotonic() - began:.0f} s: {counts['right']} right "
        f"({counts['right'] / max(total, 1):.1%}), {counts['WRONG']} wrong, {counts['LATE']} late"
    )
    return int(counts["right"] < total)


if __name__ == "__main__":
    sys.exit(main())
