"""The state of a session as its page gets it: one table, whole, whenever anything has changed."""

import math
from fractions import Fraction
from typing import Any

from dreamvid.config import presets
from dreamvid.core.errors import DreamvidError
from dreamvid.pipeline.schedule import evaluated
from dreamvid.studio import controls, forecast
from dreamvid.studio.clip import Clip
from dreamvid.studio.dreaming import film_timeline
from dreamvid.studio.look import command_line
from dreamvid.studio.renders import Render, Renders
from dreamvid.studio.state import Session, Studio
from dreamvid.studio.words import on_page

Table = dict[str, Any]
POINTS = 160  # of a curve
MOST_BEATS = 400


def state_of(studio: Studio, renders: Renders, session: Session) -> Table:
    """Return all that the page of a session shows."""
    with studio.lock:
        return {
            "version": session.version,
            "tab": session.tab,
            "clip": _clip(session.clip),
            "frame": session.frame,
            "look": _look(studio, session),
            "cut": {key: getattr(session.cut, key) for key in ("size", "start", "stop", "loop")},
            "view": _view(studio, session),
            "wall": _wall(studio, session),
            "motifs": _motifs(studio, session),
            "quick": _quick(studio, session),
            "snapshots": [
                {key: getattr(each, key) for key in ("number", "title", "picture", "source", "frame")}
                for each in session.snapshots
            ],
            "undo": len(session.earlier),
            "redo": len(session.later),
            "film": _film(studio, session),
            "renders": [_render(each) for each in reversed(renders.all)],
        }


def _clip(clip: Clip | None) -> Table | None:
    if clip is None:
        return None
    info = clip.info
    return {
        "name": clip.name,
        "film": clip.is_film,
        "frames": clip.count,
        "rate": float(info.rate),
        "seconds": float(info.end) if clip.is_film else 0.0,
        "width": round(info.width * info.sar),
        "height": info.height,
        "strip": list(clip.strip),
        "strip_whole": clip.sound.ready,
        "sound": {"loudness": _once(clip), "note": clip.sound.note, "ready": clip.sound.ready},
    }


def _once(clip: Clip) -> list[float]:
    """Return the loudness of a clip, computed once."""
    if clip.bars is None and clip.sound.ready:
        clip.bars = clip.loudness()
    return clip.bars or []


def _look(studio: Studio, session: Session) -> Table:
    look = session.look
    own = session.once("own", (look.preset, studio.folder.stamp(look.preset)), lambda: _own(studio, look.preset))
    given = dict(look.values)
    return {
        "preset": look.preset,
        "title": look.title,
        "net": session.settings.net.name,
        "about": on_page(session.settings.description),
        "changed": look.changed,
        "values": controls.values(session.settings),
        "own": own,
        "given": sorted(given),
        "drawn": [key for key, _ in look.keys],
        "motifs": [{"kind": motif.kind, "name": motif.name} for motif in look.motifs],
        "mask": look.mask,
        "has_mask": session.settings.mask.kind is not None or session.settings.mask.file is not None,
        "keys": dict(controls.animated(session.settings)),
        "axis": session.once("axis", _axis_key(session), lambda: _axis(session)),
    }


def _own(studio: Studio, preset: str) -> Table:
    """Return the values of every control in a preset that nothing was changed of."""
    return dict(controls.values(presets.resolve(studio.folder.preset(preset), [], studio.defaults.table)))


def _axis_key(session: Session) -> object:
    clip = session.clip
    return session.look, session.cut, None if clip is None else (clip.name, clip.info.identity, clip.sound.ready)


def _axis(session: Session) -> Table | None:
    """Return the time axis of the film: its length, its beats, and the curve of every animated setting."""
    clip, settings = session.clip, session.settings
    if clip is None:
        return None
    cut = session.cut
    start = cut.start or 0.0
    end = float(clip.info.end) if clip.is_film else settings.input.seconds
    seconds = (min(cut.stop or end, end) - start) if clip.is_film else end
    tempo = clip.tempo(cut.start)
    beats: list[float] = []
    if tempo is not None:
        length = float(tempo.length(Fraction(1), "b"))
        first = math.ceil(-float(tempo.first) / length)
        count = math.floor((seconds - float(tempo.first)) / length) + 1
        beats = [float(tempo.seconds(Fraction(number))) for number in range(first, count)][:MOST_BEATS]
    found: Table = {
        "start": start if clip.is_film else 0.0,
        "seconds": seconds,
        "beats": [round(beat, 4) for beat in beats],
        "first": None if tempo is None else float(tempo.first),
        "bpm": None if tempo is None else float(tempo.bpm),
        "curves": {},
        "note": "",
    }
    if settings.keyframes:
        try:
            timeline = film_timeline(clip, settings, cut)
            moments = [Fraction(number * timeline.frames, POINTS) for number in range(POINTS + 1)]
            rows = evaluated(settings, timeline, moments)
            for key in settings.keyframes:
                pairs = zip(moments, rows, strict=True)
                found["curves"][key] = [[round(float(at / timeline.rate), 4), row[key]] for at, row in pairs]
        except DreamvidError as error:
            found["note"] = on_page(error)
    return found


def _view(studio: Studio, session: Session) -> Table | None:
    task = studio.view_task(session)
    if task is None:
        return None
    result, progress = studio.result(task.key), studio.progress
    found: Table = {"picture": "", "source": "", "size": [0, 0], "full": False, "done": 0, "total": 1, "error": ""}
    if result is not None:
        now = {"picture": result.picture, "source": result.source, "size": list(result.size)}
        found |= now | {"full": result.factor == 1, "in_film": list(result.whole), "done": 1, "error": result.error}
    elif progress is not None and progress.key == task.key:
        now = {"picture": progress.picture, "source": progress.source}
        found |= now | {"done": progress.done, "total": progress.total}
    return found | {"whole": result is not None}


def _wall(studio: Studio, session: Session) -> list[Table]:
    if session.tab != "looks":
        return []
    own, found = set(studio.own_presets()), []
    for name in studio.wall(session):
        result = None if session.clip is None else studio.result(studio.look_task(session, name).key)
        picture, error = (result.picture, result.error) if result else ("", "")
        found.append({"name": name, "own": name in own, "picture": picture, "error": error})
    return found


def _motifs(studio: Studio, session: Session) -> list[Table]:
    """Return the pictures of the motifs that are looked at."""
    if session.tab != "motifs" or session.clip is None:
        return []
    found = []
    for motif in session.wishes:
        result = studio.result(studio.motif_task(session, motif).key)
        picture, error = (result.picture, result.error) if result else ("", "")
        found.append({"kind": motif.kind, "name": motif.name, "picture": picture, "error": error})
    return found


def _quick(studio: Studio, session: Session) -> Table | None:
    task = studio.quick_task(session)
    if task is None or task.key != session.quick:
        return None
    result, progress = studio.results.get(task.key), studio.progress
    running = progress if progress is not None and progress.key == task.key else None
    return {
        "film": None if result is None or result.film is None else result.film.stem,
        "error": "" if result is None else result.error,
        "done": running.done if running else 0,
        "total": running.total if running else 0,
        "picture": running.picture if running else "",
    }


def _film(studio: Studio, session: Session) -> Table:
    """Return what is known of the film before it is made: name, command line, frames and size, about how long it takes.

    `wrong`: why there is no such film, empty where there is.
    """
    told: Table = {"frames": 0, "size": [0, 0], "takes": "", "long": False, "wrong": ""}
    clip, settings = session.clip, session.settings
    if clip is None:
        return {"name": "", "line": "", **told}
    moving = {key: text for key, text in settings.keyframes.items() if key.startswith("camera.")}
    shape = (clip.info.identity, settings.input, settings.camera, moving)
    try:
        info, plan = session.once("plan", shape, lambda: forecast.plan_film(clip, settings))
        height, width = plan.framing.size
        told |= {"frames": len(plan.playback), "size": [round(width * plan.framing.sar), height]}
        task = studio.view_task(session)
        view = None if task is None else studio.result(task.key)
        if view is not None and view.picture:
            seconds = forecast.seconds_of(settings, info, plan, view.pace)
            told |= {"takes": forecast.in_words(seconds), "long": seconds >= forecast.LONG}
    except DreamvidError as error:
        told["wrong"] = on_page(error)
    axis = session.once("axis", _axis_key(session), lambda: _axis(session))
    told["wrong"] = told["wrong"] or (axis or {}).get("note", "")
    return session.once("name", _axis_key(session), lambda: _named(studio, session)) | told


def _named(studio: Studio, session: Session) -> Table:
    """Return what a render of the session would be called, and the line that makes it."""
    assert session.clip is not None
    stem = session.clip.path.stem
    name = f"{stem}-{session.look.title.split(':')[0].split(',')[0]}.mp4".replace("/", "-")
    beneath = studio.folder.preset(session.look.preset)
    line = command_line(session.clip.command, session.clip.name, name, session.look, session.cut, beneath)
    return {"name": name, "line": line}


def _render(render: Render) -> Table:
    return {
        "number": render.number,
        "film": render.is_film,
        "name": render.output.name,
        "state": render.state,
        "said": render.said,
        "done": render.done,
        "total": render.total,
        "picture": render.picture,
        "line": render.line,
    }
