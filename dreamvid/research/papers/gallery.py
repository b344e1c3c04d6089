"""Page of all figures: made one after another, each saved as soon as it is done and compared with its threshold."""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from dreamvid import __version__
from dreamvid.config.presets import resolve
from dreamvid.config.settings import Settings
from dreamvid.core.errors import DreamvidError, SettingsError, nearest
from dreamvid.media import images
from dreamvid.media.frame_store import write_file
from dreamvid.models import zoo
from dreamvid.models.device import set_up
from dreamvid.models.net import Net
from dreamvid.research.features import photos
from dreamvid.research.features.feature_session import FeatureSession
from dreamvid.research.papers import classes, climbing, dreams, lessons, neurons, sketches
from dreamvid.research.papers.entry import Bench, Entry

ENTRIES: tuple[Entry, ...] = tuple(
    sorted(
        (entry for room in (classes, climbing, dreams, lessons, neurons, sketches) for entry in room.ENTRIES),
        key=lambda entry: entry.id,
    )
)
TEXTS = {
    "a": "Posts of a lab on the dreams of a ResNet-18 that was trained on pictures of sorghum fields",
    "b": "Yana Hasson's course report of 2017 on dreams, sketches and neurons",
    "c": "A question: what is DeepDream's objective?",
    "d": "A question: pictures that excite single neurons, and why they are noisy",
    "e": "An article on VGG16's neurons, its classes, and dreams by depth",
}
FAVOURITES = ("squeezenet1_0", "vgg16", "resnet50")


@dataclass(frozen=True)
class Run:
    """Figure made with one net. `control`: the net has random weights; `met`: the number meets the threshold."""

    net: str
    control: bool
    number: float
    met: bool
    words: str
    file: str

    def as_wanted(self, about: str) -> bool:
        """Return whether this run supports the claim: a control must fail a claim about learning, and meet others."""
        return self.met != (self.control and about == "learned")


@dataclass(frozen=True)
class Page:
    """Inputs of a gallery: `nets` by name with their weights (None: their own), `files`: the photographs."""

    nets: Sequence[tuple[str, str | None]]
    files: Sequence[Path]
    minutes: float
    settings: dict[str, Any]  # by full key: those of the machine and the seed


def choose(wanted: Sequence[str]) -> list[Entry]:
    """Return the entries whose id starts with one of `wanted`, all where that is empty; raise SettingsError."""
    ids = [entry.id for entry in ENTRIES]
    for name in wanted:
        if not any(id_.startswith(name) for id_ in ids):
            raise SettingsError(
                f"--only {name}: there is no such figure{nearest(name, ids)}; give one of {', '.join(ids)}"
            )
    return [entry for entry in ENTRIES if not wanted or any(entry.id.startswith(name) for name in wanted)]


def at_hand() -> list[tuple[str, str | None]]:
    """Return the default nets of figures: dreamnet, and those of FAVOURITES whose weights are on this machine."""
    return [("dreamnet", None), *((name, None) for name in FAVOURITES if zoo.in_cache(name))]


def photographs(folder: Path | None) -> list[Path]:
    """Return the photographs of a folder, or the three that ship; raise SourceError where the folder has none."""
    if folder is not None:
        return photos.files_in(folder)
    installed = Path(__file__).parents[2] / "data" / "photos"
    folder = installed if installed.is_dir() else Path(__file__).parents[3] / "samples"
    return [folder / f"{name}.jpg" for name in ("chelsea", "coffee", "rocket")]


def make(page: Page, wanted: Sequence[Entry], out: Path, progress: Callable[[int, int], None]) -> dict[str, list[Run]]:
    """Make the figures that `out` does not contain yet, and `out`/index.html over all that it then contains.

    Each run is saved as soon as it is made, so the same command resumes an interrupted one. Raises JobError where the
    disk refuses.
    """
    out.mkdir(parents=True, exist_ok=True)
    sessions = {name: _session(name, weights, page) for name, weights in page.nets}
    tasks = [(entry, *task) for entry in wanted for task in _tasks(entry, sessions, page)]
    for done, (entry, session, control, classifier) in enumerate(tasks):
        progress(done, len(tasks))
        _run(entry, session, control, classifier, page, out)
    progress(len(tasks), len(tasks))
    found = kept(out)
    write_file(out / "index.html", _html(found, out).encode())
    return found


def _tasks(
    entry: Entry, sessions: dict[str, FeatureSession], page: Page
) -> Iterator[tuple[FeatureSession, bool, FeatureSession | None]]:
    """Yield each run of an entry: net, whether it is the control, classifier.

    Every net is used, or only the one that the entry is about, and as control the first of them with random weights.
    """
    alone = {entry.net: _session(entry.net, entry.weights, page)} if entry.net else sessions
    runs = [(session, False) for session in alone.values()]
    if entry.controlled and entry.weights is None:
        first, _ = runs[0]
        runs.append((replace(first, net=untrained(first.net)), True))
    for session, control in runs:
        classifier = next((other for name, other in sessions.items() if name != session.net.name), None)
        if classifier is not None or not entry.needs_classifier:
            yield session, control, classifier


def untrained(net: Net) -> Net:
    """Return a copy of the net with all weights initialised anew, as its layers initialise themselves."""
    module = copy.deepcopy(net.module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for part in module.modules():
            if callable(again := getattr(part, "reset_parameters", None)):
                again()
    return replace(net, module=module, sha256="random", statistics={}, channel_names={})


def _session(name: str, weights: str | None, page: Page) -> FeatureSession:
    settings = resolve(overrides=[*page.settings.items(), ("net.name", name), ("net.weights", weights)])
    return FeatureSession(zoo.from_settings(settings.net), set_up(settings.compute), settings)


def _run(
    entry: Entry, session: FeatureSession, control: bool, classifier: FeatureSession | None, page: Page, out: Path
) -> None:
    name = f"{entry.id}-{session.net.name}{'-untrained' if control else ''}"
    made_with = {"version": __version__, "net": session.net.sha256, "minutes": page.minutes, **page.settings}
    note = out / f"{name}.json"
    if note.is_file() and json.loads(note.read_text("utf-8")).get("made_with") == made_with:
        return
    look: Settings = resolve(entry.preset)
    at = replace(session, settings=look.model_copy(update={"net": session.settings.net, "seed": session.settings.seed}))
    bench = Bench(at, classifier, page.files, page.minutes)
    try:
        result = entry.show(bench)
    except DreamvidError as error:
        raise type(error)(f"{entry.id} with {session.net.name}: {error}") from error
    write_file(out / f"{name}.png", images.encode(result.picture, ".png"))
    run = Run(session.net.name, control, result.number, entry.met(result.number), result.words, f"{name}.png")
    runs = [run]
    if result.untrained is not None:
        runs.append(replace(run, control=True, number=result.untrained, met=entry.met(result.untrained), words=""))
    told = {"entry": entry.id, "made_with": made_with, "runs": [asdict(each) for each in runs]}
    write_file(note, json.dumps(told, indent=1).encode())


def kept(out: Path) -> dict[str, list[Run]]:
    """Return the runs in a folder by entry id, trained nets first."""
    found: dict[str, list[Run]] = {entry.id: [] for entry in ENTRIES}
    for path in sorted(out.glob("*.json")):
        note = json.loads(path.read_text("utf-8"))
        if note.get("entry") in found:
            found[note["entry"]] += [Run(**run) for run in note["runs"]]
    return {id_: sorted(runs, key=lambda run: run.control) for id_, runs in found.items() if runs}


def verdict(entry: Entry, runs: Sequence[Run]) -> str:
    """Return what the runs of an entry say about its claim, in words; a control that is not as it must refutes it."""
    real = [run for run in runs if not run.control]
    against = [run.net for run in real if not run.met]
    misled = any(run.control and not run.as_wanted(entry.about) for run in runs)
    if not real:
        return "not run"
    if len(against) == len(real):
        said = "contradicted"
    elif against:
        said = f"supported, but contradicted by {', '.join(against)}"
    else:
        said = "supported"
    if not misled:
        return said
    why = (
        "a net with random weights meets it too"
        if entry.about == "learned"
        else "a net with random weights does not meet it: training has a part in it"
    )
    return f"{said}; {why}" if said == "contradicted" else f"not supported: {why}"


def _html(found: dict[str, list[Run]], out: Path) -> str:
    """Return the page as one file, which contains the pictures of `out`."""
    from jinja2 import Environment

    template = resources.files("dreamvid.research.papers").joinpath("gallery.html.j2").read_text(encoding="utf-8")
    figures = [(entry, found[entry.id], verdict(entry, found[entry.id])) for entry in ENTRIES if entry.id in found]
    chapters = [(text, [figure for figure in figures if figure[0].id[0] == key]) for key, text in TEXTS.items()]

    def picture(file: str) -> str:
        return f"data:image/png;base64,{base64.b64encode((out / file).read_bytes()).decode()}"

    page = Environment(autoescape=True).from_string(template)
    return page.render(chapters=chapters, version=__version__, picture=picture)
