"""Jobs killed at random moments, their outputs watched meanwhile: whole or absent, and the same bytes in the end.

    python tests/benchmarks/kills.py [--kills 60] [--seed 0] [--kind NAME]

Each kind of job is begun, its process group is killed after a random time, up to three times, and the same command is
given until it is done. Every output is looked at 50 times a second. Checked: what lies there is at all times absent, or
the film that an uninterrupted `python -m dreamvid` makes, or, where one is replaced, the older one (a file is never
absent then); in the end everything has the bytes of the uninterrupted run, and nothing is left over, neither there nor
among temporary files. A line per kind, with how far its jobs were when they were killed. Exit code 1 on any failure.
"""

import argparse
import contextlib
import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from job_kinds import KINDS, Kind, begin, command_of, make_sources, tree

from dreamvid import cli

ROOT = Path(__file__).parents[2]
PERIOD = 1 / 50  # seconds between two looks at an output
MOST = 3  # kills of one job
PATIENCE = 600  # seconds that a job of a second may take on a busy machine
ABSENT = "absent"


def look(path: Path) -> str | None:
    """Return a hash of an output as it is at one moment; None where it was replaced during the look."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ABSENT
    try:
        if path.suffix:
            with os.fdopen(handle, "rb", closefd=False) as file:
                return hashlib.sha256(file.read()).hexdigest()
        whole = hashlib.sha256()
        for name in sorted(name for name in os.listdir(handle) if name.endswith(".png")):  # noqa: PTH208
            frame = os.open(name, os.O_RDONLY, dir_fd=handle)
            with os.fdopen(frame, "rb") as file:
                whole.update(name.encode() + file.read())
        same = os.fstat(handle).st_ino == path.stat().st_ino
        return whole.hexdigest() if same else None
    except FileNotFoundError:  # a frame, of a folder that has lost its name
        return None
    finally:
        os.close(handle)


class Watcher(threading.Thread):
    """Looks at outputs until it is told to stop, and counts what it sees."""

    def __init__(self, allowed: dict[Path, set[str]]) -> None:
        super().__init__(daemon=True)
        self.allowed, self.seen, self.wrong = allowed, Counter[str](), list[str]()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(PERIOD):
            for path, allowed in self.allowed.items():
                seen = look(path)
                if seen is None:
                    continue
                self.seen["absent" if seen == ABSENT else "there"] += 1
                if seen not in allowed:
                    self.wrong.append(f"{path.name} was {seen[:12]}, neither whole nor what may be there")


def run_apart(arguments: list[str], log: str, temporary: str) -> None:
    """Run a command line in this process, as the leader of a group of its own."""
    os.setsid()
    os.environ["TMPDIR"] = tempfile.tempdir = temporary
    with Path(log).open("a") as file, contextlib.redirect_stderr(file), contextlib.redirect_stdout(file):
        code = cli.run(arguments)
    sys.exit(code)


class Bench:
    """A folder to work in, and what is known of the jobs there."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.sources, self.out = folder / "sources", folder / "out"
        self.temporary, self.log = folder / "temporary", folder / "log"
        self.random = random.Random(seed)
        self.context: Any = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["dreamvid.batch.run", "dreamvid.cli.app", "tqdm.contrib.logging"])
        make_sources(self.sources)
        self.temporary.mkdir()
        self.finish(["--version"])  # the process that the others are forked from loads torch once

    def start(self, arguments: list[str]) -> BaseProcess:
        self.log.write_text("")
        process = self.context.Process(target=run_apart, args=(arguments, str(self.log), str(self.temporary)))
        process.start()
        return process

    def finish(self, arguments: list[str]) -> tuple[int | None, float]:
        """Run a command line to its end; return its exit code, None where it does not end, and the seconds it took."""
        began, process = time.monotonic(), self.start(arguments)
        process.join(PATIENCE)
        if process.exitcode is None:
            kill(process)
        return process.exitcode, time.monotonic() - began

    def reached(self, kind: Kind) -> str:
        """Return how far a killed job had come."""
        folders = [path for path in self.out.iterdir() if path.suffix == ".dreamvid"]
        if any(".part" in path.name or ".old" in path.name for path in self.out.iterdir()):
            return "writing"
        if any(list(folder.glob("journal/*")) for folder in folders):
            return "frames"
        if any((folder / "canvas.npz").exists() for folder in folders):
            return "canvas"
        if folders:
            return "opened"
        return "named" if not kind.older and (self.out / kind.makes[0]).exists() else "nothing yet"


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # not yet the leader of a group, or gone
        process.kill()
    process.join()


def round_of(bench: Bench, kind: Kind, wanted: dict[str, str], length: float, most: int) -> tuple[Counter[str], str]:
    """Kill one job up to `most` times and run it to its end; return how far it was each time, and what is wrong."""
    reached: Counter[str] = Counter()
    command = command_of(kind, bench.sources, bench.out)
    for _ in range(most):
        process = bench.start(command)
        process.join(bench.random.uniform(0, length))
        if process.exitcode is not None:
            break
        kill(process)
        if process.exitcode != -signal.SIGKILL:  # it ended just before
            break
        reached[bench.reached(kind)] += 1
    complete = tree(bench.out) == wanted
    code, _ = bench.finish(command)
    if code != 0 and not (code == 2 and complete and "there already" in bench.log.read_text()):
        return reached, f"exit code {code}: {bench.log.read_text()[-400:]}"
    found = tree(bench.out)
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            return reached, f"{name} is {'left over' if name not in wanted else 'another' if name in found else 'gone'}"
    strange = [path.name for path in bench.temporary.iterdir() if not path.match("dreamvid-*.lock")]
    return reached, f"temporary files are left: {strange}" if strange else ""


def try_kind(bench: Bench, name: str, kills: int) -> int:
    """Kill jobs of one kind so many times, print what was found, and return the number of failures."""
    kind = KINDS[name]
    command = command_of(kind, bench.sources, bench.out)
    begin(kind, bench.sources, bench.out)
    outputs = [bench.out / output for output in kind.makes]
    allowed = {path: {look(path) or ""} for path in outputs}
    usual = [sys.executable, "-m", "dreamvid", *command]
    made = subprocess.run(usual, cwd=ROOT, check=False, capture_output=True, text=True)
    if made.returncode:
        print(f"{name:20} cannot be rendered: {made.stderr[-400:]}")
        return 1
    wanted = tree(bench.out)
    for path in outputs:
        allowed[path].add(look(path) or "")
        if not path.suffix:
            allowed[path].add(ABSENT)  # a folder cannot be replaced at once
    begin(kind, bench.sources, bench.out)
    code, length = bench.finish(command)
    wrong = [] if code == 0 and tree(bench.out) == wanted else [f"not the same without a kill: {bench.log.read_text()}"]
    reached, seen, rounds = Counter[str](), Counter[str](), 0
    while reached.total() < kills and rounds < 5 * kills and not wrong:
        begin(kind, bench.sources, bench.out)
        watcher = Watcher(allowed)
        watcher.start()
        at_once, problem = round_of(bench, kind, wanted, length, min(MOST, kills - reached.total()))
        watcher.over.set()
        watcher.join()
        reached, seen, rounds = reached + at_once, seen + watcher.seen, rounds + 1
        wrong += [*([problem] if problem else []), *watcher.wrong[:1]]
    far = ", ".join(f"{count} {state}" for state, count in sorted(reached.items()))
    print(
        f"{name:20} {length:5.1f} s, {reached.total():3} kills of {rounds:3} jobs ({far}); {seen.total()} looks, "
        f"{seen['there']} at something; {len(wrong)} failures",
        flush=True,
    )
    for problem in wrong:
        print(f"    {problem}", flush=True)
    return len(wrong)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    given = parser.parse_args()
    os.environ["DREAMVID_CONFIG"] = ""
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker"  # which counts the locks of processes that were killed
    names = [given.kind] if given.kind else list(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), given.seed)
        failures = sum(try_kind(bench, name, -(-given.kills // len(names))) for name in names)
    print(f"{failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
