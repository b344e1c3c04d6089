"""A batch of ten thousand jobs: how long its check takes, its status, and what its state takes for a finished job.

    python tests/benchmarks/batch_of_many.py [--jobs 10000] [--sources 20]

Clips are made here, and nothing is rendered: a matrix of sources, presets and strengths is read and checked as before
the first frame. Bars: checked in 10 s, with 200 MB more at most; status in 1 s, with the start of Python; a finished
job noted in 10 ms (median, with begin and end); the page about all, of at most 8 MB, in 2 s. Exit code 1 where one is
missed.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from little import drifting, film

from dreamvid.batch.checked import Checker
from dreamvid.batch.jobs_file import read
from dreamvid.batch.page import BatchPage
from dreamvid.batch.place import opened
from dreamvid.batch.run import condition_of
from dreamvid.batch.state import Ended, MadeFilm
from dreamvid.jobs.run import Options

PRESETS = ("whisper", "calm", "dream", "boil", "delirium")
CHECKED, MEMORY, STATUS, NOTED, PAGE, SIZE = 10.0, 200.0, 1.0, 0.010, 2.0, 8.0


def main() -> int:
    """Measure, and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--sources", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, missed = Path(name), list[str]()

        def measured(what: str, value: float, bar: float, unit: str) -> None:
            print(f"{what:42} {value:9.3f} {unit}, bar {bar:g}", flush=True)
            if value > bar:
                missed.append(what)

        for number in range(wanted.sources):
            film(folder / f"{number:03d}.mp4", drifting(4, seed=number))
        strengths = [round(0.5 + number / 1000, 3) for number in range(wanted.jobs // wanted.sources // len(PRESETS))]
        file = folder / "jobs.toml"
        file.write_text(
            '[defaults]\nsize = "64x48"\noutput = "films/{stem} {preset} {dream.strength}.mp4"\n'
            f'[matrix]\nsource = ["*.mp4"]\npreset = {list(PRESETS)}\n"dream.strength" = {strengths}\n'
        )
        before, began = _memory(), time.perf_counter()
        jobs = read(file)
        print(f"{len(jobs)} jobs read in {time.perf_counter() - began:.2f} s")
        jobs = Checker(file).checked(jobs)
        with opened(file, drives=True) as state:
            rows = {row.name: row for row in state.rows(all_known=True)}
            found = [(job, *condition_of(job, rows.get(job.name), Options(), anew=True)) for job in jobs]
            state.take_up((job.name, 0, job.digest, job.frames, how, problem) for job, how, problem in found)
        measured("checked, and the state begun", time.perf_counter() - began, CHECKED, "s")
        measured("memory beside", _memory() - before, MEMORY, "MB")
        assert all(how == "waiting" and job.frames == 4 for job, how, _ in found)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dreamvid", "batch", "status", str(file)], check=True)
        measured("status", time.perf_counter() - began, STATUS, "s")
        took, made = [], folder / "000.mp4"
        outputs = {job.name: job.output for job in jobs}
        next(iter(outputs.values())).parent.mkdir()
        with opened(file, drives=True) as state:
            for _ in range(len(jobs) // 2):
                began = time.perf_counter()
                job = state.next()
                assert job is not None
                number = state.begin(job)
                state.end(job, number, 1.0, Ended("done", film=MadeFilm.of(made, "digest", f"hash {job}")))
                took.append(time.perf_counter() - began)
                outputs[job].hardlink_to(made)
            page = BatchPage(folder / "films.html", file, state, lambda: {job.name: job for job in jobs})
            page.html(over=True)
            began = time.perf_counter()
            html = page.html(over=False)
            seconds = time.perf_counter() - began
        measured("a finished job noted, median", statistics.median(took), NOTED, "s")
        measured("a page about all", seconds, PAGE, "s")
        measured("its size", len(html.encode()) / 1e6, SIZE, "MB")
        print(date.today(), "missed: " + ", ".join(missed) if missed else "all bars held")
    return bool(missed)


def _memory() -> float:
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
