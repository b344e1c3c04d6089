"""The one list of what the pixels of a render depend on, by which a job and a batch know whether they are unchanged."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import PIL
import torch

from dreamvid.config import keyframes
from dreamvid.config.named_files import change_files
from dreamvid.config.settings import Settings
from dreamvid.dream.build_objectives import Nets, guide_digests
from dreamvid.dream.session import Session
from dreamvid.media import opencv
from dreamvid.media.probe import identity
from dreamvid.pipeline import masks
from dreamvid.pipeline.plan import RENDER_VERSION
from dreamvid.pipeline.prepare import RenderPlan
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.stretches import Stretch

Facts = dict[str, Any]
JOB_FOLDER = 3  # version of what lies in a job folder
RANGE = ("input.frames", "input.start", "input.stop")
FRAMES, JOINS = "frames and shots", "joins to other segments"
# Facts that are hashes, and what is said where one has changed.
CHANGED = {
    "source": "the source (it is another file, or was changed)",
    "net": "the net (its weights are others)",
    "further nets": "the nets of objectives (their weights are others)",
    "guides": "the guides (their files were changed)",
    "mask": "the mask (its file was changed)",
    "animated values": "the values of animated settings (their keyframes, formulas, sound, tempo or events are others)",
    "beats and events": "the tempo or the events (audio.bpm, the sound or the file of events are others)",
    JOINS: f"{JOINS} (another look is carried on, or is joined otherwise)",
    FRAMES: f"{FRAMES} (those of the source that are shown, or its cuts, are others now)",
}


def net_facts(settings: Settings, nets: Nets) -> Facts:
    """Return what tells the nets of a render, and the channels that are named in its settings."""
    own, *further = (net.sha256 for net in nets.values())
    named = [term for term in settings.objective if term.name is not None]
    channels = [nets[term.own_net or settings.net].named_channel(str(term.name)) for term in named]
    return {"net": own, "further nets": further, "named channels": channels}


def pixel_facts(settings: Settings, net: Facts, source: str) -> Facts:
    """Return what every pixel of a render depends on, whatever renders it, and wherever the files lie that it names.

    How the film is encoded, and its sound, is not among it. `net`: as of `net_facts`; `source`: its identity. Raises
    SourceError where a guide or a mask cannot be read.
    """
    table = settings.model_dump(exclude={"output", "compute", "description", "audio"}, mode="json")
    change_files(table, lambda key, value: PurePath(value).name)  # digests tell what is in them
    flat = {
        f"{section}.{key}": value
        for section, values in table.items()
        if isinstance(values, dict)
        for key, value in values.items()
    }
    return {
        **flat,
        **net,
        "seed": settings.seed,
        "objective": table["objective"],
        "source": source,
        "guides": guide_digests(settings.objective),
        "mask": masks.digests(settings.mask),
        "render version": RENDER_VERSION,
    }


def fingerprint(planned: RenderPlan, schedule: Schedule, session: Session, before: Facts | None = None) -> Facts:
    """Return everything that a stored frame of a job depends on, as JSON has it.

    `before`: the fingerprint of the stretch before, whose dream goes on.
    """
    settings, compute = schedule.settings, session.compute
    frames = [planned.plan.frames, [(shot.start, shot.stop) for shot in planned.plan.shots]]
    facts = pixel_facts(settings, net_facts(settings, session.nets), planned.info.identity)
    values: Facts = {}
    if schedule.values:  # what a sound makes of them, too
        values["animated values"] = _hash(schedule.values)
    if any(text.in_beats or text.at_events for text in map(keyframes.parse, settings.keyframes.values())):
        cues = schedule.timeline.cues  # a camera moves by what is between frames, too
        values["beats and events"] = _hash([cues.tempo, cues.events])
    if (place := planned.plan.excerpt) is not None:
        values[JOINS] = _hash([place.carries_on, place.is_carried_on, place.grows, before])
    if schedule.values and settings.audio.max_flash:  # so does a canvas
        values["audio.max_flash"] = settings.audio.max_flash
    here = {
        "frame size": "{1}x{0}".format(*planned.plan.framing.size),
        FRAMES: _hash(frames),
        "threads": compute.threads,
        "device": compute.description,
        "precision": str(compute.dtype),
        "torch": torch.__version__,
        "opencv": opencv.load().__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
        "job folder": JOB_FOLDER,
    }
    found: Facts = json.loads(json.dumps({**facts, **values, **here}, default=str))
    return found


def batch_digest(command: str, settings: Settings, net: Facts, source: str, sound: str) -> str:
    """Return a sha256 of everything that a finished film depends on: pixels, encoding, sound.

    `source`, `sound`: their identities; `sound`: of a file of its own, or empty. Raises SourceError where a file that
    the settings name cannot be read.
    """
    how = settings.model_dump(include={"output", "compute", "audio"}, mode="json")
    events = "" if settings.audio.events is None else identity(Path(settings.audio.events))
    return _hash([command, pixel_facts(settings, net, source), how, sound, events])


def digest_of_stretches(digests: Iterable[str], stretches: Iterable[Stretch]) -> str:
    """Return a sha256 of all that a film in stretches depends on; `digests`: of each by itself, as `batch_digest`."""
    joins = [(stretch.name, float(stretch.start), stretch.join) for stretch in stretches]
    return _hash([*digests, joins])


def film_facts(facts: Sequence[Facts], settings: Settings) -> str:
    """Return a sha256 of all that a film depends on: the fingerprints of its jobs, its encoding, its sound."""
    sound = "" if settings.audio.file is None else identity(Path(settings.audio.file))
    return _hash([*facts, settings.model_dump(include={"output", "audio"}, mode="json"), sound])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()


def differences(stored: Facts, wanted: Facts) -> list[str]:
    """Say in which facts two fingerprints differ: `key (was A, now B)`, a range as it was given, no hashes."""
    keys = sorted({*stored, *wanted})
    changed = [key for key in keys if stored.get(key) != wanted.get(key)]
    said = [
        CHANGED.get(key) or f"{key} (was {stored.get(key)}, now {wanted.get(key)})"
        for key in changed
        if key not in (*RANGE, FRAMES)
    ]
    if any(key in RANGE for key in changed):  # and so the frames are others, too
        return [f"range (was {_range_in(stored)}, now {_range_in(wanted)})", *said]
    return [*said, CHANGED[FRAMES]] if FRAMES in changed else said


def _range_in(facts: Facts) -> str:
    """Return the range that a fingerprint holds, in the options that give it."""
    ends = zip(("--frames", "--from", "--to"), map(facts.get, RANGE), strict=True)
    return " ".join(f"{option} {value}" for option, value in ends if value is not None) or "all of the source"
