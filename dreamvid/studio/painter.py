"""The one thread that dreams for the pages: always what is wanted first, which it asks for again at every step."""

import logging
import tempfile
import threading
import time
from pathlib import Path

from dreamvid.core.errors import DreamvidError
from dreamvid.core.types import Pixels
from dreamvid.dream.session import SharedNets
from dreamvid.models.device import release_heap
from dreamvid.studio.dreaming import Superseded, dream_frame, quick_film
from dreamvid.studio.state import Progress, Result, Studio, Task
from dreamvid.studio.words import on_page

logger = logging.getLogger(__name__)
SIDES = {"view": 960, "quick": 480, "motif": 240, "look": 320}  # pixels of the long side of pictures, at most
OFTEN = 5.0  # seconds from one time that unused memory is given back to the next, while there is work
NETS = 4  # that are held, and as they are prepared for a look, two of each: some 50 MB, and soon made anew


class Painter:
    """The thread that dreams; torch is used for the pages by no other."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._shared = SharedNets(most=NETS)
        self._folder = tempfile.TemporaryDirectory(prefix="dreamvid-studio-")
        self._thread = threading.Thread(target=self._run, name="painter", daemon=True)
        self._films = 0

    def start(self) -> None:
        """Begin to dream."""
        self._thread.start()

    def close(self) -> None:
        """Stop between two steps, and remove the quick films."""
        with self._studio.news:
            self._studio.news.notify_all()
        if self._thread.ident is not None:  # it was started
            self._thread.join(timeout=20)
        self._folder.cleanup()

    def _run(self) -> None:
        studio, worked, released = self._studio, False, time.monotonic()
        while not studio.closing.is_set():
            task = studio.next_task()
            if task is not None:
                self._do(task)
                worked = True
            # After dreams of many sizes, much of the heap is held for nothing.
            if worked and (task is None or time.monotonic() - released > OFTEN):
                release_heap()
                worked, released = False, time.monotonic()
            if task is None:
                with studio.news:
                    if studio.next_task() is None:
                        studio.news.wait(timeout=1)

    def _do(self, task: Task) -> None:
        """Dream a task, and keep what comes of it, be it an error; unless something else is wanted first."""
        studio = self._studio
        try:
            result = self._film(task) if task.kind == "quick" else self._picture(task)
        except Superseded:
            return
        except DreamvidError as error:
            result = Result(error=on_page(error))
        except Exception:
            logger.exception("a picture could not be dreamed")
            result = Result(error="this could not be dreamed: the terminal tells why")
        finally:
            studio.progress = None
        studio.keep(task.key, result)
        studio.tell()

    def _picture(self, task: Task) -> Result:
        studio, side = self._studio, SIDES[task.kind]

        def tell(pixels: Pixels, done: int, total: int) -> None:
            self._tell(task, pixels, done, total)

        made = dream_frame(task, studio.folder, studio.defaults, self._shared, tell, self._stop(task))
        name = studio.pictures.put(made.source, side) if task.kind == "view" else ""
        size = (made.dream.shape[1], made.dream.shape[0])
        picture = studio.pictures.put(made.dream, side)
        return Result(picture, name, size=size, factor=made.factor, whole=made.whole, pace=made.pace)

    def _film(self, task: Task) -> Result:
        studio = self._studio
        self._films += 1
        output = Path(self._folder.name) / f"{self._films}.mp4"

        def tell(pixels: Pixels, done: int, total: int) -> None:
            self._tell(task, pixels, done, total)

        quick_film(task, studio.folder, studio.defaults, output, tell, self._stop(task))
        release_heap()
        return Result(film=output)

    def _tell(self, task: Task, pixels: Pixels, done: int, total: int) -> None:
        """Show a picture in the making, where it is looked at; the first is the source."""
        if task.kind in ("view", "quick"):
            before, name = self._studio.progress, self._studio.pictures.put(pixels, SIDES[task.kind], passing=done > 0)
            self._studio.progress = Progress(task.key, name, before.source if before else name, done, total)
            self._studio.tell()

    def _stop(self, task: Task) -> "Stop":
        return Stop(self._studio, task)


class Stop:
    """Asks whether something else is wanted before a task; only where anything has changed since it asked last."""

    def __init__(self, studio: Studio, task: Task) -> None:
        self._studio, self._task, self._version = studio, task, -1

    def __call__(self) -> bool:
        """Return whether the task is to stop."""
        studio = self._studio
        if studio.closing.is_set():
            return True
        version = sum(session.version for session in list(studio.sessions.values()))
        if version == self._version:
            return False
        self._version = version
        return studio.next_task() != self._task
