"""The state of a studio, which one object owns: its sessions, what was dreamed for them, what is being dreamed."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from dreamvid.config import presets
from dreamvid.config.objective_settings import NetSettings
from dreamvid.config.presets import Defaults
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.studio.clip import Clip
from dreamvid.studio.folder import Folder
from dreamvid.studio.look import Cut, Look, Motif, settings_of
from dreamvid.studio.pictures import Pictures

MOST_SESSIONS, MOST_STREAMS, MOST_SNAPSHOTS, MOST_UNDONE = 24, 32, 10, 100
MOST_RESULTS, MOST_FILMS = 4000, 4  # that are remembered
PRESENT = 20.0  # seconds after its last request in which a session without a stream is dreamed for
SAME_CHANGE = 1.5  # seconds within which changes of one setting are one, to undo
T = TypeVar("T")
Tab = Literal["looks", "adjust", "motifs", "films"]
Kind = Literal["view", "quick", "motif", "look"]


@dataclass(frozen=True)
class Task:
    """Something to dream: of a frame, in a look; `key`: the same whenever the same comes of it."""

    kind: Kind
    key: str
    clip: Clip = field(compare=False)
    frame: int
    look: Look
    cut: Cut


@dataclass(frozen=True)
class Result:
    """The outcome of a task: the names of a picture and its source, a film, or an error in a line.

    `size`: (width, height) at which it was dreamed; `factor`, `whole`, `pace`: as of a `Dream`.
    """

    picture: str = ""
    source: str = ""
    error: str = ""
    film: Path | None = None
    size: tuple[int, int] = (0, 0)
    factor: int = 1
    whole: tuple[int, int] = (0, 0)
    pace: float = 0.0


@dataclass(frozen=True)
class Progress:
    """The progress of a task: `done` of `total` steps or frames, and its picture so far."""

    key: str
    picture: str
    source: str
    done: int
    total: int


@dataclass(frozen=True)
class Snapshot:
    """A look that was kept, with the frame that it was seen on."""

    number: int
    title: str
    picture: str
    source: str
    frame: int
    look: Look


@dataclass
class Session:
    """The state of one page; `settings`: of its look and cut, always valid; `tab`: which part of the page is open.

    `wishes`, `glance`: motifs and looks whose pictures are on the screen; `quick`: the key of the quick film that was
    asked for; `streams`: how many pages listen.
    """

    name: str
    look: Look
    settings: Settings
    clip: Clip | None = None
    frame: int = 0
    cut: Cut = field(default_factory=Cut)
    tab: Tab = "looks"
    snapshots: tuple[Snapshot, ...] = ()
    wishes: tuple[Motif, ...] = ()
    glance: tuple[str, ...] = ()
    quick: str = ""
    version: int = 0
    streams: int = 0
    seen: float = field(default_factory=time.monotonic)
    earlier: list[tuple[Look, Cut]] = field(default_factory=list)
    later: list[tuple[Look, Cut]] = field(default_factory=list)
    changed: tuple[str, float] = ("", 0.0)
    memo: dict[str, tuple[object, Any]] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Return whether somebody looks at it."""
        return self.streams > 0 or time.monotonic() - self.seen < PRESENT

    def once(self, name: str, key: object, make: Callable[[], T]) -> T:
        """Return what `make` gives, made anew only where the key is another than last time."""
        if name not in self.memo or self.memo[name][0] != key:
            self.memo[name] = key, make()
        found: T = self.memo[name][1]
        return found


class Studio:
    """The one owner of the state; its lock is held wherever a session is read or changed."""

    def __init__(self, folder: Folder, defaults: Defaults = Defaults()) -> None:
        self.folder, self.defaults, self.pictures = folder, defaults, Pictures()
        self.lock = threading.RLock()
        self.news = threading.Condition(self.lock)
        self.sessions: dict[str, Session] = {}
        self.results: OrderedDict[str, Result] = OrderedDict()
        self.progress: Progress | None = None
        self.clips: dict[str, tuple[int, Clip]] = {}
        self.closing = threading.Event()
        self._own: tuple[int, list[str]] = (-1, [])

    def begin(self) -> Session:
        """Return a new session; raise SettingsError where there are too many, all of them open."""
        with self.lock:
            if len(self.sessions) >= MOST_SESSIONS:
                unwatched = [each for each in self.sessions.values() if not each.present]
                if not unwatched:
                    raise SettingsError(f"{MOST_SESSIONS} sessions are open: close one of them")
                del self.sessions[min(unwatched, key=lambda each: each.seen).name]
            look = Look(self.defaults.preset or presets.DEFAULT)
            session = Session(secrets.token_urlsafe(9), look, settings_of(look, Cut(), self.folder, self.defaults))
            self.sessions[session.name] = session
            return session

    def change(
        self,
        session: Session,
        look: Look | None = None,
        cut: Cut | None = None,
        what: str = "",
        *,
        remember: bool = True,
    ) -> None:
        """Give a session another look or cut; raise SettingsError, with nothing changed, where it is not valid.

        `what`: is changed; where that is so again and again, it is undone at once; `remember`: whether it can be.
        """
        new, old = (look or session.look, cut or session.cut), (session.look, session.cut)
        settings = settings_of(*new, self.folder, self.defaults)
        if remember and new != old:
            before, at = session.changed
            if not (what and what == before and time.monotonic() - at < SAME_CHANGE):
                session.earlier = [*session.earlier, old][-MOST_UNDONE:]
            session.changed, session.later = (what, time.monotonic()), []
        (session.look, session.cut), session.settings = new, settings
        self.tell(session)

    def tell(self, session: Session | None = None) -> None:
        """Say that a session has changed, or all of them: its pages get it, and what is dreamed is chosen anew."""
        with self.news:
            for each in [session] if session else list(self.sessions.values()):
                each.version += 1
            self.news.notify_all()

    def keep(self, key: str, result: Result) -> None:
        """Remember what came of a task, and drop what is oldest."""
        with self.lock:
            self.results[key] = result
            films = [name for name, each in self.results.items() if each.film is not None]
            for name in films[:-MOST_FILMS]:
                film = self.results.pop(name).film
                if film is not None:
                    film.unlink(missing_ok=True)
            while len(self.results) > MOST_RESULTS:
                self.results.popitem(last=False)

    def result(self, key: str) -> Result | None:
        """Return what came of a task; None where that is not known, or its picture is held no more."""
        found = self.results.get(key)
        if found is not None and found.picture and self.pictures.get(found.picture) is None:
            del self.results[key]
            return None
        return found

    def next_task(self) -> Task | None:
        """Return what is to be dreamed first: what somebody looks at, and of that what is changed most recently."""
        with self.lock:
            present = sorted((each for each in self.sessions.values() if each.present), key=lambda each: -each.seen)
            for tasks in (self._views, self._quick, self._motifs, self._wall):
                for session in present:
                    for task in tasks(session):
                        if self.result(task.key) is None:
                            return task
        return None

    def view_task(self, session: Session) -> Task | None:
        """Return the task of the picture that a session looks at."""
        return next(self._views(session), None)

    def _task(self, kind: Kind, session: Session, look: Look, *, animated: bool = False, film: bool = False) -> Task:
        clip, cut = session.clip, session.cut
        assert clip is not None
        cut = replace(cut, loop=False) if animated else Cut(cut.size)
        stamp = self.folder.stamp(look.preset) if look.preset.endswith(".toml") else 0
        of = ("quick",) if film else ()
        key = repr((*of, clip.info.identity, session.frame, look, cut, stamp, kind in ("view", "quick")))
        return Task(kind, key, clip, session.frame, look, cut)

    def _views(self, session: Session) -> Iterator[Task]:
        if session.clip is not None:
            yield self._task("view", session, session.look, animated=bool(session.settings.keyframes))

    def quick_task(self, session: Session) -> Task | None:
        """Return the task of a quick film of what a session looks at."""
        if session.clip is None:
            return None
        return self._task("quick", session, session.look, animated=bool(session.settings.keyframes), film=True)

    def _quick(self, session: Session) -> Iterator[Task]:
        task = self.quick_task(session)
        if task is not None and task.key == session.quick:
            yield task

    def _motifs(self, session: Session) -> Iterator[Task]:
        if session.tab == "motifs" and session.clip is not None:
            yield from (self.motif_task(session, motif) for motif in session.wishes)

    def motif_task(self, session: Session, motif: Motif) -> Task:
        """Return the task of a small picture of a motif of the look's net, on the frame that a session looks at."""
        look = Look() if session.settings.net == self.net else Look(session.look.preset)
        return self._task("motif", session, replace(look, motifs=(motif,)))

    @cached_property
    def net(self) -> NetSettings:
        """The net of the default look."""
        return settings_of(Look(), Cut(), self.folder, self.defaults).net

    def _wall(self, session: Session) -> Iterator[Task]:
        if session.tab == "looks" and session.clip is not None:
            names = self.wall(session)
            first = [name for name in session.glance if name in names]
            yield from (self.look_task(session, name) for name in dict.fromkeys([*first, *names]))

    def look_task(self, session: Session, preset: str) -> Task:
        """Return the task of a small picture of a preset on the frame that a session looks at."""
        return self._task("look", session, Look(preset))

    def wall(self, session: Session) -> Sequence[str]:
        """Return the looks on a session's wall, in order."""
        flights = presets.names(presets.FLIGHTS) if session.clip is not None and not session.clip.is_film else []
        return list(dict.fromkeys([*self.own_presets(), presets.DEFAULT, *presets.names(), *flights]))

    def own_presets(self) -> list[str]:
        """Return the presets in the folder; it is read again where a file was put there or taken away."""
        stamp = self.folder.stamp(".")
        if self._own[0] != stamp:
            self._own = stamp, self.folder.presets()
        return self._own[1]

    def open(self, session: Session, name: str, opener: Callable[[str, Path], Clip]) -> tuple[Clip, bool]:
        """Give a session a source of the folder, and return it, and whether it was opened just now.

        Raises SettingsError for a name that is none of the folder, SourceError where it cannot be read.
        """
        path, stamp = self.folder.source(name), self.folder.stamp(name)
        held = self.clips.get(name)
        clip = held[1] if held is not None and held[0] == stamp else opener(name, path)
        with self.lock:
            new = held is None or held[1] is not clip
            in_use = {each.clip.name for each in self.sessions.values() if each.clip is not None}
            self.clips = {kept: each for kept, each in self.clips.items() if kept in in_use} | {name: (stamp, clip)}
            session.clip, session.frame, session.cut = (
                clip,
                clip.count // 3 if clip.is_film else 0,
                Cut(session.cut.size),
            )
            self.change(session, cut=session.cut)
        return clip, new
