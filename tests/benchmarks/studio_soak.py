"""Use a studio for half an hour, as a person does, and watch its memory.

    python tests/benchmarks/studio_soak.py --minutes 30

A page without a browser opens a clip of 480x320 with sound, and does without end, at random by `--seed`: takes looks,
moves controls, scrubs, keeps and drops snapshots, looks at the wall and at motifs, chooses some, asks for quick films.
It listens to the stream and loads every picture and quick film that a browser would. The memory of the studio and of
the processes under it is taken every PERIOD seconds.

Measured: the mean of the last third over that of the second (bar 0.9 to 1.1); how far a straight line through these two
thirds rises over their length, as a share of their mean (bar GROWTH). Exit code 1 where a bar is missed.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dreamvid.media.ffmpeg import executable

ROOT = Path(__file__).parents[2]
PERIOD = 10.0  # seconds between samples
DRIFT, GROWTH = 0.1, 0.05  # bars
PATIENCE = 60.0  # seconds that a picture is waited for, at most; a quick film three times that
CLIP, BEAT = "clip.mp4", "aevalsrc=sin(6283*t)*lt(mod(t\\,0.5)\\,0.02):d=12"
SLIDERS = {"dream.strength": (0.3, 2.5), "dream.coarsest": (40, 300), "dream.steps": (1, 8), "dream.spectrum": (0, 2)}


def make_folder(folder: Path) -> None:
    """Write a clip of twelve seconds with beats, and a still."""
    picture = ["-f", "lavfi", "-i", "testsrc2=s=480x320:r=24:d=12"]
    command = [executable(), "-v", "error", "-y", *picture]
    film = ["-f", "lavfi", "-i", BEAT, "-pix_fmt", "yuv420p", "-shortest", str(folder / CLIP)]
    subprocess.run([*command, *film], check=True)
    subprocess.run([*command, "-frames:v", "1", str(folder / "still.png")], check=True)


@dataclass
class Page:
    """Act as a browser does: hold the newest state, and load what a state shows."""

    port: int
    place: str
    state: dict[str, Any] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    done: int = 0

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes, http.client.HTTPMessage]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        link.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = link.getresponse()
        found = answer.status, answer.read(), answer.headers
        link.close()
        return found

    @property
    def root(self) -> str:
        return self.place.partition("/s/")[0]

    def listen(self) -> None:
        """Follow the stream until the studio ends."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        link.request("GET", f"{self.place}events")
        with suppress(OSError, http.client.HTTPException):
            for line in link.getresponse():
                if line.startswith(b"data: "):
                    self.state = json.loads(line[6:])

    def do(self, **request: Any) -> str:
        """Make a request; what a person could not do at this moment is refused in a line, which is no fault."""
        status, text, _ = self.ask("POST", f"{self.place}do", json.dumps(request))
        assert status in (200, 400), (request, status, text)
        self.done += 1
        self.load()
        return text.decode()

    def load(self) -> None:
        """Load the pictures of the state that were not loaded before."""
        state = self.state
        shown = [state.get("view") or {}, *state.get("wall", []), *state.get("motifs", []), *state.get("snapshots", [])]
        names = {each.get(key) for each in shown for key in ("picture", "source")}
        names |= set((state.get("clip") or {}).get("strip", []))
        for name in names - self.loaded - {"", None}:
            self.ask("GET", f"{self.root}/pictures/{name}.jpg")
            self.loaded.add(name)

    def wait(self, ready: Any, seconds: float = PATIENCE) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.state and ready(self.state):
                self.load()
                return True
            time.sleep(0.05)
        return False

    def seen(self) -> bool:
        """Wait until the picture is whole, as a person may."""
        return self.wait(lambda state: state["view"] and state["view"]["whole"])


def use(page: Page, chance: random.Random, motifs: dict[str, list[str]]) -> None:
    """Do one thing after another on a page, once round."""
    state = page.state
    page.do(do="tab", tab="looks")
    names = [look["name"] for look in state["wall"]] or ["dream"]
    page.do(do="glance", names=chance.sample(names, min(4, len(names))))
    page.do(do="take", name=chance.choice(names))
    page.seen()
    time.sleep(chance.uniform(0, 6))  # some of the wall is dreamed
    page.do(do="tab", tab="adjust")
    for key, (low, high) in chance.sample(sorted(SLIDERS.items()), 2):
        for _ in range(chance.randrange(2, 8)):
            value = chance.uniform(low, high)
            page.do(do="set", key=key, value=round(value) if key in ("dream.steps", "dream.coarsest") else value)
            time.sleep(0.1)
    page.seen()
    page.do(do="snapshot")
    if len(page.state["snapshots"]) > 5:
        page.do(do="drop", number=page.state["snapshots"][0]["number"])
    for _ in range(4):
        page.do(do="seek", frame=chance.randrange(280))
        time.sleep(0.4)
    page.seen()
    page.do(do="tab", tab="motifs")
    some = [{"kind": "class", "name": name} for name in chance.sample(motifs["classes"], 3)]
    some += [{"kind": "channel", "name": name} for name in chance.sample(motifs["channels"], 3)]
    page.do(do="wish", motifs=some)
    time.sleep(chance.uniform(1, 6))
    page.do(do="dream", motifs=some[:1] if chance.random() < 0.7 else [])
    page.seen()
    for what in ("undo", "undo", "redo"):
        page.do(do=what)
    page.do(do="mask", mask=chance.choice([None, None, "luma", "motion"]))
    page.do(do="tab", tab="adjust")
    if chance.random() < 0.5:
        page.do(do="set", key="dream.steps", value=2)
        page.do(do="quick")
        page.wait(lambda state: state["quick"] and (state["quick"]["film"] or state["quick"]["error"]), 3 * PATIENCE)
        film = (page.state["quick"] or {}).get("film")
        if film:
            page.ask("GET", f"{page.root}/quick/{film}.mp4")
        page.do(do="quiet")
    if chance.random() < 0.2:
        page.do(do="open", name=chance.choice([CLIP, CLIP, "still.png"]))


def memory(process: int) -> int:
    """Return the resident kB of a process and of those under it."""
    found, left = 0, [process]
    while left:
        proc = Path("/proc") / str(left.pop())
        with suppress(OSError, KeyError):
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            found += int(status["VmRSS"].split()[0])
            for task in (proc / "task").iterdir():
                left += map(int, (task / "children").read_text().split())
    return found


def report(samples: list[tuple[float, int]]) -> int:
    """Print the memory by the minute and the figures; return how many bars are missed."""
    times, sizes = np.array([at for at, _ in samples]), np.array([size / 1000 for _, size in samples])
    for minute in range(int(times[-1] // 60) + 1):
        held = sizes[(times // 60) == minute]
        print(f"minute {minute:3}: {held.mean():7.1f} MB, {held.min():.1f} to {held.max():.1f}")
    first, second, last = (part.mean() for part in np.array_split(sizes, 3))
    late = times >= times[-1] / 3
    slope = float(np.polyfit(times[late], sizes[late], 1)[0]) * float(times[-1] - times[late][0])
    growth = slope / sizes[late].mean()
    print(f"means of the thirds: {first:.1f}, {second:.1f}, {last:.1f} MB")
    ratio = last / second
    bars = {
        f"last third x {ratio:.3f} of the second (bar {1 - DRIFT:g} to {1 + DRIFT:g})": abs(ratio - 1) <= DRIFT,
        f"after the first third it rises by {growth:+.1%} of its mean (bar {GROWTH:.0%})": growth <= GROWTH,
    }
    for text, good in bars.items():
        print(f"{'ok  ' if good else 'MISS'} {text}")
    return sum(not good for good in bars.values())


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, samples, stopped = random.Random(given.seed), [], threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder))
        environment = {**os.environ, "DREAMVID_CONFIG": "", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "dreamvid", "studio", folder, "--no-open"]
        studio = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        assert studio.stdout is not None
        address = studio.stdout.readline().strip()
        port, path = int(address.split(":")[2].partition("/")[0]), "/" + address.split("/", 3)[3]
        page = Page(port, path)
        page.place = page.ask("GET", path)[2]["location"]
        threading.Thread(target=page.listen, daemon=True).start()
        began = time.monotonic()

        def watch() -> None:
            while not stopped.wait(PERIOD):
                at, held = time.monotonic() - began, memory(studio.pid)
                samples.append((at, held))
                print(f"{at:7.0f} s  {held} kB  {page.done} requests", file=sys.stderr, flush=True)

        threading.Thread(target=watch, daemon=True).start()
        motifs = json.loads(page.ask("GET", f"{page.place}motifs")[1])
        page.do(do="open", name=CLIP)
        page.seen()
        rounds = 0
        try:
            while time.monotonic() - began < 60 * given.minutes and studio.poll() is None:
                use(page, chance, motifs)
                rounds += 1
        finally:
            stopped.set()
            alive = studio.poll() is None
            studio.terminate()
            studio.wait(timeout=60)
        print(f"{rounds} rounds, {page.done} requests, {len(page.loaded)} pictures, {len(samples)} samples")
        return int(report(samples) > 0 or not alive)


if __name__ == "__main__":
    sys.exit(main())
