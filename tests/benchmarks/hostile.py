"""Give the command line hundreds of hostile inputs, each in a process of its own, under a watch.

    python tests/benchmarks/hostile.py [--only KIND] [--seconds 20]

Every input of `hostile_inputs.py` must end as it is documented: done, or one line on standard error and an exit code.
None may execute what it brings, open a connection, start another program than ffmpeg, show a traceback, take more than
2 GB or 20 s of processor time, or hang. A table by kind, every offender with what it did; exit code 1 if there is any.
The processes are forked from one that has loaded everything already, which changes nothing of what they do with an
input.
"""

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process that has threads must not be forked
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from hostile_inputs import Case, cases  # noqa: E402
from little import drifting, film, texture, write_image  # noqa: E402

from dreamvid import cli  # noqa: E402
from dreamvid.batch import run as batch  # noqa: E402
from dreamvid.cli import app  # noqa: E402
from dreamvid.jobs import run  # noqa: E402
from dreamvid.media import ffmpeg, opencv  # noqa: E402

MEMORY, PATIENCE = 2 << 30, 300.0
CODES = {*cli.EXIT_CODES.values(), 0, cli.BATCH_INCOMPLETE, cli.REPAIRED}
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request", "ftplib.connect")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn")


class Server:
    """Counts the connections to a port of this machine, of which there must be none."""

    def __init__(self) -> None:
        self.heard = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            connection, _ = self.socket.accept()
            self.heard += 1
            connection.close()


def watched(case: Case, told: Path) -> None:
    """Run a case in this process, which ends; write down what it did."""
    did: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in NETWORK and not did.count(event):
            did.append(event)
        if event in STARTS:
            command = str(arguments[1] if event == "subprocess.Popen" else arguments)
            if event != "subprocess.Popen" or ffmpeg.executable() not in command:
                did.append(f"{event} {command[:80]}")

    sys.addaudithook(watch)
    try:
        code = cli.run(case.arguments)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    sys.stdout.flush()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(part.ru_utime + part.ru_stime for part in used)
    told.write_text(
        json.dumps({"code": code, "did": did, "peak": max(part.ru_maxrss for part in used) << 10, "seconds": seconds})
    )
    os._exit(0)


def run_case(case: Case, folder: Path) -> tuple[dict[str, object], str, float]:
    """Run a case in a forked process; return what it did, what it wrote on standard error, and its processor time."""
    told, errors = folder.with_suffix(".json"), folder.with_suffix(".txt")
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        with errors.open("wb") as file, Path(os.devnull).open("r+b") as nothing:
            for number, target in ((0, nothing), (1, nothing), (2, file)):
                os.dup2(target.fileno(), number)
        os.chdir(folder)
        watched(case, told)
    ended, status = 0, 0
    while not ended and time.monotonic() - began < PATIENCE:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.005)
    seconds = time.monotonic() - began
    if not ended:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return {"code": "hung", "did": [], "peak": 0}, errors.read_text("utf-8", "replace"), seconds
    if not told.exists():
        return {"code": f"ended by {status}", "did": [], "peak": 0}, errors.read_text("utf-8", "replace"), seconds
    did = json.loads(told.read_text())
    return did, errors.read_text("utf-8", "replace"), did["seconds"]


def faults(did: dict[str, object], errors: str, seconds: float, most: float) -> list[str]:
    """Return what is wrong with how a case ended; empty where nothing is."""
    found = [str(event) for event in did["did"]]  # type: ignore[attr-defined]
    if "Traceback" in errors or "Exception ignored" in errors:
        found.append(f"traceback: {errors.strip().splitlines()[-1][:150]}")
    if did["code"] not in CODES:
        found.append(f"exit code {did['code']}")
    if did["code"] not in (0, cli.BATCH_INCOMPLETE, cli.REPAIRED) and not errors.strip():
        found.append("silence")
    last = (errors.strip().splitlines() or ["dreamvid:"])[-1]
    if did["code"] in cli.EXIT_CODES.values() and not (last.startswith("dreamvid:") and len(last) < 2000):
        found.append(f"last line: {last[:100]!r}")
    if any(not character.isprintable() for character in errors.replace("\n", "")):
        found.append("unprintable characters")
    if int(str(did["peak"])) > MEMORY:
        found.append(f"{int(str(did['peak'])) / 2**30:.1f} GB")
    if seconds > most:
        found.append(f"{seconds:.0f} s")
    return found


def main() -> int:
    """Run all cases, or those of a kind; print the table and the offenders."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="run the kinds whose name holds this")
    options.add_argument("--seconds", type=float, default=20, help="the most processor time that a case may take")
    given = options.parse_args()
    opencv.load()
    assert app and batch and run
    import scenedetect  # noqa: F401 (it asks at once whether there is an ffmpeg)

    import dreamvid.camera.paint
    import dreamvid.research.training  # noqa: F401

    os.environ["DREAMVID_CONFIG"] = ""
    server, counts, bad, slowest, largest = Server(), Counter(), Counter(), Counter(), Counter()  # type: ignore[var-annotated]
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        clip = film(base / "clip.mp4", drifting(3)).read_bytes()
        write_image(base / "still.png", texture())
        canary = base / "canary"
        for number, case in enumerate(cases(server.port, canary, given.only)):
            folder = base / f"{number}"
            folder.mkdir()
            (folder / "clip.mp4").write_bytes(clip)
            (folder / "still.png").write_bytes((base / "still.png").read_bytes())
            case.make(folder)
            did, errors, seconds = run_case(case, folder)
            found = faults(did, errors, seconds, given.seconds)
            if canary.exists():
                canary.unlink()
                found.append("EXECUTED")
            if server.heard:
                server.heard = 0
                found.append("CONNECTED")
            counts[case.kind] += 1
            bad[case.kind] += bool(found)
            slowest[case.kind] = max(slowest[case.kind], seconds)  # type: ignore[call-overload]
            largest[case.kind] = max(largest[case.kind], int(str(did["peak"])))
            if found:
                print(f"{case.kind}: {case.name!r}: {'; '.join(found)}", flush=True)
            subprocess.run(["rm", "-rf", str(folder)], check=False)
    print(f"\n{'kind':28} {'inputs':>6} {'offenders':>9} {'slowest':>9} {'most memory':>12}")
    for kind, count in counts.items():
        print(f"{kind:28} {count:6} {bad[kind]:9} {slowest[kind]:7.1f} s {largest[kind] / 2**30:9.2f} GB")
    print(f"{'all':28} {counts.total():6} {bad.total():9}")
    return int(bad.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
