"""The queue of renders: films one after another, pictures beside them; each is stopped and resumed as any render is."""

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dreamvid.config.settings import Settings
from dreamvid.core.errors import DreamvidError, SettingsError
from dreamvid.core.paths import file_size
from dreamvid.core.timing import duration
from dreamvid.jobs.events import Event, Phase
from dreamvid.jobs.folder import JobFolder, folder_of, read_plan, read_settings
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.run import RENDERERS, Options, Summary, check_output
from dreamvid.media import encode, formats
from dreamvid.models.device import release_heap
from dreamvid.pipeline.prepare import Command
from dreamvid.studio.folder import Folder
from dreamvid.studio.state import Studio
from dreamvid.studio.words import on_page

logger = logging.getLogger(__name__)
OFTEN, SIDE = 0.4, 640  # seconds from one picture of a render to the next; pixels of its long side
MOST_WAITING = 50
WAITING, RUNNING, STOPPED, DONE, FAILED = "waiting", "running", "stopped", "done", "failed"
SAYS = {"paint": "painting the canvas", "render": "dreaming frames", "encode": "writing the film"}


@dataclass
class Render:
    """A film that is to be made.

    `line`: the command that makes it, empty where that is not known; `state`: one of WAITING to FAILED; `said`: how far
    it is, or how it ended; `phase`: that of which `done` of `total` steps are made, empty where none is begun; `told`:
    when its picture was renewed.
    """

    number: int
    output: Path
    command: Command
    sources: tuple[str, ...]
    settings: Settings
    line: str = ""
    state: str = WAITING
    said: str = ""
    phase: Phase | Literal[""] = ""
    done: int = 0
    total: int = 0
    picture: str = ""
    told: float = 0.0
    halt: threading.Event = field(default_factory=threading.Event)

    @property
    def is_film(self) -> bool:
        """Return whether it has frames after which it can be stopped."""
        return self.command != "image"


class Renders:
    """The queue, which a thread works through for films and one for pictures; any may add to it, or stop what runs."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._threads = [threading.Thread(target=self._run, args=(films,), daemon=True) for films in (True, False)]
        self.all: list[Render] = []
        self._count = 0
        for each in unfinished(studio.folder):
            self._count += 1
            each.number = self._count
            self.all.append(each)

    def start(self) -> None:
        """Begin to work through the queue."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the frame in the making; what is unfinished can be resumed."""
        for each in self.all:
            each.halt.set()
        with self._studio.news:
            self._studio.news.notify_all()
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(timeout=60)

    @property
    def unfinished(self) -> list[str]:
        """The names of the films that were begun, or wait, and are not done."""
        return [each.output.name for each in self.all if each.state in (WAITING, RUNNING, STOPPED)]

    def add(self, render: Render) -> Render:
        """Append a render; raise SettingsError where its output is there already, or being made."""
        with self._studio.lock:
            name, held = render.output.name, [each for each in self.all if each.output == render.output]
            if any(each.state in (WAITING, RUNNING) for each in held):
                raise SettingsError(f"{name} is being made already: give another name")
            if folder_of(render.output, None).begun:
                raise SettingsError(f"{name} was begun before: go on with it under Films, or give another name")
            if sum(each.state == WAITING for each in self.all) >= MOST_WAITING:
                raise SettingsError(f"{MOST_WAITING} films are waiting: let some of them finish first")
            check_output(render.sources, render.output, overwrite=False)
            if render.is_film:
                encode.check(render.output, render.settings.output)
            else:
                formats.check_image(render.output)
            self.all = [each for each in self.all if each not in held]
            self._count += 1
            render.number = self._count
            self.all.append(render)
        self._studio.tell()
        return render

    def find(self, number: int) -> Render:
        """Return a render by its number; raise SettingsError where there is none."""
        found = next((each for each in self.all if each.number == number), None)
        if found is None:
            raise SettingsError(f"there is no film {number} in the queue")
        return found

    def stop(self, number: int) -> None:
        """Stop a render after the frame in the making, or take one that waits out of the queue."""
        with self._studio.lock:
            render = self.find(number)
            if render.state == WAITING:
                render.state, render.said = STOPPED, "not begun"
            elif render.state == RUNNING and render.is_film:
                render.said = "stopping after this frame"
                render.halt.set()
        self._studio.tell()

    def resume(self, number: int) -> None:
        """Put a render that was stopped, or failed, into the queue again."""
        with self._studio.lock:
            render = self.find(number)
            if render.state in (STOPPED, FAILED):
                render.halt = threading.Event()
                render.state, render.said = WAITING, ""
        self._studio.tell()

    def forget(self, number: int) -> None:
        """Take a render off the list, unless it runs; its files stay, and the next studio lists what is unfinished."""
        with self._studio.lock:
            render = self.find(number)
            if render.state == RUNNING:
                raise SettingsError(f"{render.output.name} is being made: stop it first")
            self.all = [each for each in self.all if each is not render]
        self._studio.tell()

    def _run(self, films: bool) -> None:
        studio = self._studio
        while not studio.closing.is_set():
            with studio.news:
                render = next((each for each in self.all if each.state == WAITING and each.is_film == films), None)
                if render is None:
                    studio.news.wait(timeout=1)
                    continue
                render.state, render.said = RUNNING, "getting ready" if films else "dreaming the picture"
            studio.tell()
            self._make(render)
            studio.pictures.keep(render.picture)
            release_heap()
            studio.tell()

    def _make(self, render: Render) -> None:
        """Render a film until it is done, fails or is stopped."""
        options = Options(progress=lambda event: self._progress(render, event), stop=render.halt.is_set)
        # A name for a folder of one source is a text, for those of a zoom a list.
        source = list(render.sources) if render.command == "zoom" else render.sources[0]
        try:
            made: Summary = RENDERERS[render.command](source, render.output, render.settings, options)  # type: ignore[arg-type]
            length = f"{made.seconds:.2f} s, " if render.is_film else ""
            render.state, render.said = DONE, f"done: {length}{file_size(render.output.stat().st_size)}"
        except Interrupted:
            where = f" at {render.done} of {render.total} frames" if render.phase == "render" else ""
            render.state, render.said = STOPPED, f"stopped{where}; every finished frame is kept"
        except DreamvidError as error:
            render.state, render.said = FAILED, on_page(error)
        except Exception:
            logger.exception("%s could not be made", render.output.name)
            render.state, render.said = FAILED, "this went wrong: the terminal tells why"

    def _progress(self, render: Render, event: Event) -> None:
        render.phase, render.done, render.total = event.phase, event.done, event.total
        if event.picture is not None and time.monotonic() - render.told >= OFTEN:
            render.told = time.monotonic()
            render.picture = self._studio.pictures.put(event.picture, SIDE, passing=True)
        if not render.halt.is_set():
            left = "" if event.seconds_left is None else f", {duration(event.seconds_left)} left"
            render.said = f"{SAYS[event.phase]}: {event.done} of {event.total}{left}"
        self._studio.tell()


def unfinished(folder: Folder) -> list[Render]:
    """Return the renders that were begun in a folder and are not finished, of sources in it, ready to be resumed."""
    found = []
    for path in sorted(folder.root.glob("*.dreamvid")):
        if path.is_symlink() or not path.is_dir():
            continue
        job = JobFolder(path)
        output = folder.root / path.name.removesuffix(".dreamvid")
        try:
            plan = read_plan(job)
            settings = read_settings(job)
            folder.check_files(settings)
            files = [file for info in plan.sources for file in info.files]
            within = all(file.resolve().is_relative_to(folder.root) for file in files)
            code = any(net.is_code for net in settings.nets)  # nothing of it is executed here
            if code or not within or not all(info.files for info in plan.sources):
                continue
        except DreamvidError:
            continue
        said = "begun earlier; every finished frame is kept"
        sources = tuple(str(info.files[0] if len(info.files) == 1 else info.files[0].parent) for info in plan.sources)
        found.append(Render(0, output, plan.command, sources, settings, state=STOPPED, said=said))
    return found
