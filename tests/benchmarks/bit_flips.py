"""One bit of a half-done job flipped on disk, and the same command given again: the same film, or a clear refusal.

    python tests/benchmarks/bit_flips.py [--bits 500] [--seed 0] [--kind NAME]

Jobs are broken off while a canvas is painted, while frames are stored, and just after the film has its name. Then one
bit after another of what they keep on disk (journals, plan, settings, fingerprint, canvas, record, ledger, trial film;
a byte is added to an empty lock) is flipped. The command must end with the bytes of the uninterrupted run and nothing
left over (a job folder may be, of which the command says that it stays); or refuse in one line, with a documented exit
code, and what that line tells to do must then lead to these bytes. In this process, with the tiny net of the tests. A
line per job. Exit code 1 where a film is silently another, or an exception comes through.
"""

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from job_kinds import KINDS, LEDGER, Kind, begin, command_of, make_sources, tiny_net, tree

from dreamvid import cli
from dreamvid.dream import session
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs import worker
from dreamvid.media.frame_store import Journal

REFUSALS = {*cli.EXIT_CODES.values(), cli.BATCH_INCOMPLETE}
FINE = {"same", "refused", "left over, said"}
ADVICE = ("--no-resume", "--overwrite")  # that a refusal may give, and that is then tried
# Where a job is broken off: a function, and after how many calls; before the call where that is 0.
STATES: dict[str, tuple[Any, str, int]] = {
    "painting": (worker, "save_canvas", 1),
    "frames": (Journal, "append", 4),
    "named": (job_folder, "clear", 0),
}
WITHOUT = {("painting", name) for name in KINDS if name != "zoom on a canvas"}  # no canvas is painted there
FRAMES_BEFORE = {"batch of two films": 9}  # further calls: so that it is the second film that is half done
# A still has no job folder.
WITHOUT |= {(state, "image") for state in STATES}


@contextlib.contextmanager
def broken_off(name: str, state: str) -> Iterator[None]:
    """Interrupt a job of that kind, which runs meanwhile, at the call that the state names."""
    owner, function, most = STATES[state]
    most += FRAMES_BEFORE.get(name, 0) if state == "frames" else 0
    plain, calls = getattr(owner, function), 0

    def called(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        result = plain(*given, **named) if most else None
        if calls >= most:
            raise KeyboardInterrupt
        return result

    with mock.patch.object(owner, function, called):
        yield


def given(command: list[str]) -> tuple[int, str]:
    """Run a command line; return its exit code, -1 for an exception that came through, and all that was said."""
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(said):
        try:
            code = cli.run(command)
        except Exception:
            traceback.print_exc(file=said)
            code = -1
    return code, said.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    """Return data with one bit of it another; of none, one byte."""
    if not data:
        return b"\x01"
    changed = bytearray(data)
    changed[place // 8] ^= 1 << (place % 8)
    return bytes(changed)


def judge(command: list[str], out: Path, wanted: dict[str, str]) -> tuple[str, str]:
    """Give the command again and return what came of it, and what is to be said of that."""
    code, said = given(command)
    found = tree(out)
    if code == 0:
        differ = [path for path, _ in {*found.items()} ^ {*wanted.items()}]
        said_so = "stays: " in said and all(".dreamvid" in path for path in differ)
        return ("left over, said" if said_so else "silent change" if differ else "same"), f"{sorted({*differ})}: {said}"
    lines = [line for line in said.splitlines() if line.strip()]
    if code not in REFUSALS or "Traceback" in said:
        return "traceback", said[-600:]
    if len(lines) != 1:
        return "unclear", said[-600:]
    words = said
    for _ in range(3):
        command = heed(words, command, out)
        code, words = given(command)
        if code == 0:
            break
    return ("refused", lines[0]) if code == 0 and tree(out) == wanted else ("unclear", f"{said} -> {words}")


def heed(said: str, command: list[str], out: Path) -> list[str]:
    """Do what a refusal tells to do and return the command to give then."""
    if "remove it" in said:
        (out / LEDGER).unlink(missing_ok=True)
    return [*command, *(option for option in ADVICE if option in said and option not in command)]


def try_state(name: str, state: str, bits: int, bench: Path, random_: random.Random) -> Counter[str]:
    """Flip so many bits of a job that was broken off there; print what came of it and return that."""
    kind: Kind = KINDS[name]
    sources, out, spare = bench / "sources", bench / "out", bench / "spare"
    command = command_of(kind, sources, out)
    begin(kind, sources, out)
    code, said = given(command)
    assert code == 0, said
    wanted = tree(out)
    begin(kind, sources, out)
    with broken_off(name, state):
        assert given(command)[0] == cli.INTERRUPTED
    shutil.rmtree(spare, ignore_errors=True)
    shutil.copytree(out, spare)
    small = [
        path.relative_to(spare)
        for path in sorted(spare.rglob("*"))
        if path.is_file() and (path.name == LEDGER or ".dreamvid" in str(path.relative_to(spare)))
        if path.suffix != ".png"
    ]
    outcomes: Counter[str] = Counter()
    for number in range(bits):
        file = small[number % len(small)]
        shutil.rmtree(out)
        shutil.copytree(spare, out)
        data = (spare / file).read_bytes()
        place = random_.randrange(8 * len(data)) if data else 0
        (out / file).write_bytes(flipped(data, place))
        outcome, said = judge(command, out, wanted)
        outcomes[outcome] += 1
        if outcome not in FINE:
            print(f"    {outcome}: bit {place} of {file}: {said}", flush=True)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{name:20} {state:8} {bits:3} bits of {len(small):2} files: {told}", flush=True)
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    options = parser.parse_args()
    os.environ["DREAMVID_CONFIG"] = ""
    random_, net = random.Random(options.seed), tiny_net()
    names = [options.kind] if options.kind else list(KINDS)
    jobs = [(name, state) for name in names for state in STATES if (state, name) not in WITHOUT]
    total: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(session.zoo, "get", lambda name, weights=None: net),
        mock.patch.object(worker, "SAVE_EVERY", 0.0),
    ):
        make_sources(Path(folder) / "sources")
        for name, state in jobs:
            total += try_state(name, state, -(-options.bits // len(jobs)), Path(folder), random_)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items())))
    return int(bool(total.keys() - FINE))


if __name__ == "__main__":
    sys.exit(main())
