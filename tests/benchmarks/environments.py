"""The same film, still and zoom in whatever environment they are rendered: compared to the byte.

    python tests/benchmarks/environments.py [--python OTHER_PYTHON ...] [--only NAME ...]

One process per variant renders all three, as a batch unless the variant says otherwise; a plain environment is what
they are compared with. Locales are made with localedef where the system has their sources, and are skipped with a line
where not. `--python`: of another virtual environment with dreamvid's dependencies; compared where its torch, numpy and
OpenCV are the same, otherwise it must only render. At the end, for the README: how many frames other numbers of
threads change, and whether OMP_NUM_THREADS does. Exit code 1 where a byte differs, or a variant fails.
"""

import argparse
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from job_kinds import make_sources, tree

ROOT = Path(__file__).parents[2]
THREADS = 2
LOOK = {"net.name": "dreamnet", "dream.steps": 2, "dream.octaves": 2, "input.size": "64x48"}
ZOOM = {"input.seconds": 0.4, "input.fps": "12", "camera.mode": "frames"}
MAKES = {
    "film.mp4": ("video", "shots.mkv", {}),
    "still.png": ("image", "still.png", {}),
    "zoom.mkv": ("zoom", "still.png", ZOOM),
}
IMPORTED = """
import json, locale, sys
from pathlib import Path
import dreamvid
if "localised" in sys.argv:
    locale.setlocale(locale.LC_ALL, "")
render = {"video": dreamvid.dream_video, "image": dreamvid.dream_image, "zoom": dreamvid.dream_zoom}
for name, command, source, changes in json.loads(sys.argv[1]):
    render[command](source, Path(name), dreamvid.resolve(None, list(changes.items())))
"""
VERSIONS = "import torch, numpy, cv2; print(torch.__version__, numpy.__version__, cv2.__version__)"


@dataclass(frozen=True)
class Variant:
    """What is other than usual: environment (None: unset), flags of Python, paths of sources, folder, and how it runs.

    `sources`: "absolute", "relative" or "linked"; `how`: "batch", "commands" (one process each) or "import".
    """

    environment: dict[str, str | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    sources: str = "absolute"
    how: str = "batch"
    elsewhere: bool = False
    terminal: bool = False
    before: Callable[[], object] | None = None
    extra: tuple[str, ...] = ()
    python: str = sys.executable
    threads: int = THREADS


def locale_of(name: str, folder: Path) -> dict[str, str | None] | None:
    """Return the environment of a locale, which is made; None where the system has no source for it."""
    target = folder / f"{name}.UTF-8"
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "--no-archive", "-i", name, "-f", "UTF-8", str(target)], capture_output=True, check=False
    )
    return {"LOCPATH": str(folder), "LC_ALL": target.name, "LANG": target.name} if made and target.exists() else None


def variants(folder: Path) -> dict[str, Variant | None]:
    """Return every variant by name; None for one that this system cannot do."""
    empty = folder / "temporary files"
    empty.mkdir()
    turkish, german = (locale_of(name, folder) for name in ("tr_TR", "de_DE"))
    plain_c: dict[str, str | None] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return {
        "commands, not a batch": Variant(how="commands"),
        "imported": Variant(how="import"),
        "locale C": Variant({"LC_ALL": "C"}),
        "locale C, not UTF-8": Variant(plain_c, how="commands"),
        "locale tr_TR": Variant(turkish) if turkish else None,
        "locale de_DE": Variant(german) if german else None,
        "imported, de_DE set": Variant(german, how="import", extra=("localised",)) if german else None,
        "no LANG": Variant({"LANG": None, "LC_ALL": None, "LC_CTYPE": None}),
        "TZ": Variant({"TZ": "Asia/Kathmandu"}),
        "PYTHONHASHSEED 0": Variant({"PYTHONHASHSEED": "0"}),
        "PYTHONHASHSEED 4711": Variant({"PYTHONHASHSEED": "4711"}),
        "another folder": Variant(elsewhere=True),
        "relative sources": Variant(sources="relative", how="commands"),
        "linked sources": Variant(sources="linked"),
        "no HOME": Variant({"HOME": None, "XDG_CONFIG_HOME": None, "XDG_CACHE_HOME": None, "USER": None}),
        "HOME missing": Variant({"HOME": "/nowhere/at/all"}),
        "TMPDIR elsewhere": Variant({"TMPDIR": str(empty)}),
        "TMPDIR missing": Variant({"TMPDIR": "/nowhere/at/all"}),
        "umask 077": Variant(before=lambda: os.umask(0o077)),
        "terminal of 5 columns": Variant({"COLUMNS": "5", "LINES": "2"}, terminal=True, how="commands"),
        "terminal, NO_COLOR": Variant({"NO_COLOR": "1", "TERM": "dumb"}, terminal=True),
        "python -O": Variant(flags=("-O",)),
        "python -X dev": Variant(flags=("-X", "dev")),
        "OMP_NUM_THREADS 1": Variant({"OMP_NUM_THREADS": "1"}),
        "OMP_NUM_THREADS 7": Variant({"OMP_NUM_THREADS": "7", "MKL_NUM_THREADS": "3"}),
        "one processor": Variant(before=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})),
    }


def jobs_of(variant: Variant, sources: Path, out: Path) -> list[tuple[str, str, str, dict[str, object]]]:
    """Return (output, command, source, settings) of each render; outputs are names in `out`."""
    if variant.sources == "linked":
        link = out.parent / f"{out.name} link"
        link.mkdir()
        for path in sources.iterdir():
            (link / f"to {path.name}").symlink_to(path)
        paths = {path.name: str(link / f"to {path.name}") for path in sources.iterdir()}
    else:
        where = os.path.relpath(sources, out) if variant.sources == "relative" else str(sources)
        paths = {path.name: f"{where}/{path.name}" for path in sources.iterdir()}
    return [
        (name, command, paths[source], {**LOOK, "compute.threads": variant.threads, **changes})
        for name, (command, source, changes) in MAKES.items()
    ]


def lines_of(variant: Variant, sources: Path, out: Path) -> list[list[str]]:
    """Return the command lines of a variant, and write its batch."""
    jobs = jobs_of(variant, sources, out)
    start = [variant.python, *variant.flags]
    if variant.how == "import":
        return [[*start, "-c", IMPORTED, json.dumps(jobs), *variant.extra]]
    if variant.how == "commands":
        return [
            [*start, "-m", "dreamvid", command, source, str(out / name)]
            + [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
            for name, command, source, changes in jobs
        ]
    text = ""
    for name, command, source, changes in jobs:
        settings = ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in changes.items())
        text += f'[[job]]\ncommand = "{command}"\nsource = "{source}"\noutput = "{name}"\nset = {{{settings}}}\n'
    batch = out.parent / f"{out.name}.toml"
    batch.write_text(text.replace('output = "', f'output = "{out.name}/'), encoding="utf-8")
    return [[*start, "-m", "dreamvid", "batch", str(batch)]]


def run(command: list[str], variant: Variant, folder: Path) -> tuple[int, str]:
    """Run one command line in a variant's environment; return its exit code and what it said."""
    changed = {**os.environ, "DREAMVID_CONFIG": "", "PYTHONPATH": str(ROOT), **variant.environment}
    environment = {key: value for key, value in changed.items() if value is not None}
    common = {"env": environment, "cwd": folder, "preexec_fn": variant.before, "stdin": subprocess.DEVNULL}
    if not variant.terminal:
        done = subprocess.run(command, capture_output=True, check=False, **common)
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")
    ours, theirs = pty.openpty()
    said: list[bytes] = []

    def listen() -> None:
        while True:
            try:
                said.append(os.read(ours, 4096))
            except OSError:  # the last that wrote to the terminal has ended
                return

    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, **common)
    os.close(theirs)
    listener = threading.Thread(target=listen)
    listener.start()
    code = process.wait()
    listener.join()
    os.close(ours)
    return code, b"".join(said).decode("utf-8", "replace")


def render(variant: Variant, folder: Path, number: int) -> tuple[dict[str, str], str]:
    """Render all three in a variant; return the hash of each, and what was wrong or warned of."""
    out = folder / f"out {number}"
    out.mkdir()
    cwd = folder / "elsewhere" if variant.elsewhere else out
    said = ""
    for command in lines_of(variant, folder / "Zoë's source", out):
        code, words = run(command, variant, cwd)
        if code or "Traceback" in words or "Warning" in words:
            said += f"exit code {code}: {words[-600:]}"
    return tree(out), said


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    versions = {
        python: subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True).stdout.strip()
        for python in (sys.executable, *options.python)
    }
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_sources(folder / "Zoë's source")
        (folder / "elsewhere").mkdir()
        usual, said = render(Variant(), folder, 0)
        print(f"usual: {len(usual)} outputs {said}", flush=True)
        failures += set(usual) != set(MAKES) or bool(said)
        every = variants(folder) | {python: Variant(python=python) for python in options.python}
        chosen = {name: one for name, one in every.items() if name in options.only or not options.only}
        for number, (label, variant) in enumerate(chosen.items(), 1):
            if variant is None:
                print(f"{label:24} skipped: this system does not have it", flush=True)
                continue
            made, said = render(variant, folder, number)
            differ = [output for output in MAKES if made.get(output) != usual.get(output)]
            comparable = versions[variant.python] == versions[sys.executable]
            wrong = bool(said) or (bool(differ) if comparable else set(made) != set(MAKES))
            failures += wrong
            told = f"differ: {', '.join(differ)}" if differ else "the same"
            print(f"{label:24} {told}{'' if comparable else ' (' + versions[variant.python] + ')'} {said}", flush=True)
        for threads in (1, 3) if not options.only else ():
            made, said = render(Variant(threads=threads), folder, 100 + threads)
            differ = [output for output in MAKES if made.get(output) != usual.get(output)]
            print(f"for the README: {threads} instead of {THREADS} threads: {', '.join(differ) or 'nothing'} differs")
    print(f"{failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
