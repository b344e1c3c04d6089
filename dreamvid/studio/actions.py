"""Do to a session what its page requests."""

import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from dreamvid.config import keyframes, presets
from dreamvid.config.serialize import read_settings
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.texts import parse_toml
from dreamvid.media.formats import CONTAINERS
from dreamvid.media.frame_store import write_file
from dreamvid.media.images import WRITTEN
from dreamvid.pipeline.schedule import evaluated
from dreamvid.pipeline.sources import framing_of
from dreamvid.studio.clip import draw_strip, open_clip
from dreamvid.studio.dreaming import film_timeline
from dreamvid.studio.forecast import plan_film
from dreamvid.studio.look import Cut, Look, Motif, check_value, command_line, preset_text, settings_of
from dreamvid.studio.recut import moved, written
from dreamvid.studio.renders import Render, Renders
from dreamvid.studio.requests import (
    Action,
    Change,
    CutTo,
    Dream,
    Glance,
    Keys,
    Mask,
    OfRender,
    Open,
    Picture,
    Plain,
    RenderTo,
    Restore,
    Save,
    Seek,
    Tab,
    Take,
    Wish,
)
from dreamvid.studio.state import MOST_SNAPSHOTS, Session, Snapshot, Studio
from dreamvid.studio.still import still_of


def perform(studio: Studio, renders: Renders, session: Session, action: Action) -> str:
    """Do what a page asks for, and return a line to say about it, empty for nothing; raises DreamvidError."""
    match action:
        case Open():
            clip, new = studio.open(session, action.name, open_clip)
            if new:
                told: Callable[[], None] = studio.tell
                work = (clip, studio.pictures, told, studio.closing.is_set)
                threading.Thread(target=draw_strip, args=work, name="strip", daemon=True).start()
            return f"{action.name} is open" if clip.path.is_file() else f"the folder {action.name} is open"
        case OfRender():
            getattr(renders, action.do)(action.number)
            return ""
        case _:
            with studio.lock:
                return _changed(studio, renders, session, action)


def _changed(studio: Studio, renders: Renders, session: Session, action: Action) -> str:
    said = ""
    match action:
        case Seek():
            session.frame = min(action.frame, _clip(session).count - 1)
        case Take():
            studio.change(session, replace(Look(action.name), mask=session.look.mask))
        case Change():
            check_value(action.key, action.value)
            studio.change(session, session.look.with_value(action.key, action.value), what=action.key)
        case Mask():
            studio.change(session, session.look.with_mask(action.mask))
        case Dream():
            motifs = tuple(dict.fromkeys(Motif(each.kind, each.name) for each in action.motifs))
            studio.change(session, replace(session.look, motifs=motifs))
        case Wish():
            session.wishes = tuple(dict.fromkeys(Motif(each.kind, each.name) for each in action.motifs))
        case Glance():
            session.glance = tuple(action.names)
        case Keys():
            look = session.look.with_keys(action.key, _text(action))
            _check_keys(studio, session, look)
            studio.change(session, look, what=f"keys {action.key}")
        case CutTo():
            said = _cut(studio, session, Cut(action.size, action.start, action.stop, action.loop))
        case Restore():
            _restore(studio, session, action)
        case Save():
            said = _save(studio, session, action)
        case RenderTo():
            said = _render(studio, renders, session, action.name)
        case Picture():
            said = _picture(studio, renders, session, action)
        case Tab():
            session.tab = action.tab
        case Plain():
            said = _plain(studio, session, action.do)
    studio.tell(session)
    return said


def _clip(session: Session) -> Any:
    if session.clip is None:
        raise SettingsError("open a clip or a photograph first")
    return session.clip


def _cut(studio: Studio, session: Session, cut: Cut) -> str:
    clip, look, before = _clip(session), session.look, session.cut
    settings = settings_of(look, cut, studio.folder, studio.defaults)
    framing_of(clip.info, settings)
    gone = 0
    if look.keys and (cut.start, cut.stop) != (before.start, before.stop):
        times = film_timeline(clip, session.settings, before), film_timeline(clip, settings, cut)
        look, gone = moved(look, *times, Fraction(str(cut.start or 0)) - Fraction(str(before.start or 0)))
    studio.change(session, look, cut, what="cut")
    lie = "keyframe lies outside the film now, and is" if gone == 1 else "keyframes lie outside the film now, and are"
    return f"{gone} {lie} taken out: undo brings them back" if gone else ""


def _text(action: Keys) -> str:
    """Return keyframes as the text of their setting, in order; checked by whatever reads settings."""
    check_value(action.key, 0.0)
    if not action.keys:
        return ""
    keys = [written(key.time, key.unit, key.value, key.way) for key in action.keys]
    anew = [] if action.every is None else [f"every {action.every:.6g}b"]
    return str(keyframes.parse(", ".join([*anew, *keys])).text)


def _check_keys(studio: Studio, session: Session, look: Look) -> None:
    """Raise SettingsError where keyframes do not fit the film, unless those before do not either, as after a cut."""
    settings = settings_of(look, session.cut, studio.folder, studio.defaults)
    try:
        _check_fit(session, settings)
    except SettingsError:
        try:
            _check_fit(session, session.settings)
        except SettingsError:
            return  # they are mended one by one
        raise


def _check_fit(session: Session, settings: Settings) -> None:
    """Raise SettingsError where keyframes of settings lie outside of the film."""
    if session.clip is not None and settings.keyframes:
        evaluated(settings, film_timeline(session.clip, settings, session.cut), [0])


def _restore(studio: Studio, session: Session, action: Restore) -> None:
    found = next((each for each in session.snapshots if each.number == action.number), None)
    if found is None:
        raise SettingsError(f"there is no snapshot {action.number}")
    if action.do == "drop":
        session.snapshots = tuple(each for each in session.snapshots if each is not found)
    else:
        studio.change(session, found.look)


def _plain(studio: Studio, session: Session, what: str) -> str:
    match what:
        case "snapshot":
            return _snapshot(studio, session)
        case "undo" | "redo":
            _go_back(studio, session, redo=what == "redo")
        case "reset":
            studio.change(session, Look(session.look.preset))
        case "quick":
            task = studio.quick_task(session)
            session.quick = "" if task is None else task.key
            failed = studio.results.get(session.quick)
            if failed is not None and failed.error:
                del studio.results[session.quick]
        case "quiet":
            session.quick = ""
    return ""


def _go_back(studio: Studio, session: Session, *, redo: bool) -> None:
    """Undo the last change of look or cut, or redo one that was undone; nothing where there is none."""
    behind, ahead = (session.later, session.earlier) if redo else (session.earlier, session.later)
    if behind:
        before = session.look, session.cut
        studio.change(session, *behind[-1], remember=False)
        behind.pop()
        ahead.append(before)


def _snapshot(studio: Studio, session: Session) -> str:
    task = studio.view_task(session)
    result = None if task is None else studio.result(task.key)
    if result is None or not result.picture:
        return "the picture is not finished yet: take the snapshot in a moment"
    if len(session.snapshots) >= MOST_SNAPSHOTS:
        raise SettingsError(f"there are {MOST_SNAPSHOTS} snapshots: remove one first")
    number = max((each.number for each in session.snapshots), default=0) + 1
    look = session.look
    kept = Snapshot(number, look.title, result.picture, result.source, session.frame, look)
    session.snapshots = (*session.snapshots, kept)
    return f"snapshot {number}"


def _save(studio: Studio, session: Session, action: Save) -> str:
    name = action.name if action.name.endswith(".toml") else f"{action.name}.toml"
    path = studio.folder.new(name, (".toml",))
    if name.removesuffix(".toml") in presets.everything():
        raise SettingsError(f"{name}: a look that comes with dreamvid has this name: give another")
    if path.exists() and not action.replace:
        raise SettingsError(f"{name} is there already: save again to replace it")
    if name == session.look.preset:
        raise SettingsError(f"{name} is the look that this one is made of: give another name")
    beneath = studio.folder.preset(session.look.preset)
    text = preset_text(session.look, beneath, action.about)
    table = {key: value for key, value in parse_toml(text).items() if key != "extends"}
    read_settings(presets.merged(presets.load_table(beneath), table), name)
    write_file(path, text.encode())
    studio.change(session, Look(name))
    return f"saved as {name}"


def _render(studio: Studio, renders: Renders, session: Session, name: str) -> str:
    clip = _clip(session)
    if "." not in name:
        name = f"{name}.mp4"
    output = studio.folder.new(name, tuple(CONTAINERS))
    settings = settings_of(session.look, session.cut, studio.folder, studio.defaults)
    _check_fit(session, settings)
    plan_film(clip, settings)
    beneath = studio.folder.preset(session.look.preset)
    line = command_line(clip.command, clip.name, name, session.look, session.cut, beneath)
    renders.add(Render(0, output, clip.command, (str(clip.path),), settings, line))
    return f"{name} is in the queue"


def _picture(studio: Studio, renders: Renders, session: Session, action: Picture) -> str:
    clip, task = _clip(session), studio.view_task(session)
    seen = None if task is None else studio.result(task.key)
    if seen is None or not seen.picture:
        raise SettingsError("the picture is not finished yet: save it in a moment")
    name = action.name if "." in action.name else f"{action.name}.png"
    output, factor = studio.folder.new(name, tuple(WRITTEN)), 1 if action.full else seen.factor
    look, cut = still_of(clip, session.frame, session.look, session.cut, studio.folder, studio.defaults, factor)
    settings = settings_of(look, cut, studio.folder, studio.defaults)
    line = command_line("image", clip.name, name, look, cut, studio.folder.preset(look.preset))
    renders.add(Render(0, output, "image", (str(clip.path),), settings, line))
    return f"{name} is being dreamed"
