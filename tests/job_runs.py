"""Jobs in tests: how they are stopped, what they leave behind, and what several modules render."""

import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from little import contents, drifting, quick

from dreamvid.config.settings import Settings
from dreamvid.core.types import Pixels
from dreamvid.jobs.events import Event
from dreamvid.jobs.job import open_job
from dreamvid.jobs.parts import Part
from dreamvid.jobs.run import Options
from dreamvid.jobs.workers import Tell, render_part
from dreamvid.media.frame_store import Journal
from dreamvid.pipeline.prepare import Command, open_source, prepare
from dreamvid.pipeline.sources import Source

COUNT = 5
KEEP = Options(keep_work=True)
FLIGHT: dict[str, Any] = {"input": {"seconds": 0.25, "fps": "12"}, "camera": {"zoom": 2.0, "mode": "frames"}}
WORLD: dict[str, Any] = {"input": {"seconds": 0.5, "fps": "12", "loop": True}, "camera": {"zoom": 2.5}}
MOVING = {"dream": {"step_size": "0:0.01, 4f:0.05 ease", "smooth": "0.1 * f"}}


def source_of(command: Command, source: str, settings: Settings) -> Source:
    """The source of a render, planned and open for reading."""
    return open_source(*prepare(command, (source,), settings))


def folder_of(output: Path) -> Path:
    return output.with_name(f"{output.name}.dreamvid")


def frames_of(output: Path) -> dict[str, bytes]:
    return contents(folder_of(output) / "frames")


def journal_file(output: Path, shot: int = 0) -> Path:
    return folder_of(output) / "journal" / f"{shot:06d}.jsonl"


def journal_of(output: Path) -> list[dict[str, Any]]:
    """The lines of every shot's journal, in order."""
    files = sorted((folder_of(output) / "journal").iterdir())
    return [line for file in files for line in Journal(file).lines()]


def write_journal(output: Path, lines: list[dict[str, Any]], shot: int = 0) -> None:
    """Write a shot's journal anew, with right checksums."""
    journal_file(output, shot).unlink()
    for line in lines:
        Journal(journal_file(output, shot)).append(line)


def scores_of(output: Path) -> list[float]:
    """The scores in the journal, of the frames that have one."""
    return [line["score"] for line in journal_of(output) if line["score"] is not None]


def stop_after(count: int, kind: type[BaseException] = KeyboardInterrupt) -> Options:
    """Options under which a job breaks off once `count` frames are stored."""

    def progress(event: Event) -> None:
        if event.phase == "render" and event.done == count:
            raise kind

    return Options(progress=progress)


def decoded(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def guided(file: Path, **changes: Any) -> Settings:
    return quick(layer=None, objective=[{"kind": "guide", "layer": "second", "file": str(file)}], **changes)


def two_tinted(first: int, second: int) -> list[Pixels]:
    """So many frames of a red shot, then so many of a blue one."""
    tinted = ((first, 1, (220, 40, 30)), (second, 2, (20, 50, 200)))
    return [
        np.clip(0.4 * picture + 0.6 * np.array(tint), 0, 255).astype(np.uint8)
        for count, seed, tint in tinted
        for picture in drifting(count, seed=seed)
    ]


def clicking(path: Path, times: list[float], seconds: int = 1) -> Path:
    """Some seconds of faint hiss with clicks at these times."""
    random = np.random.default_rng(0)
    samples = 0.002 * random.standard_normal(8000 * seconds)
    for time_ in times:
        samples[round(8000 * time_) :][:80] += random.uniform(-0.8, 0.8, 80)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((32767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return path


class Here:
    """A worker of this process; `before`: done before each part; `trust`: as of `open_job`."""

    def __init__(self, before: Callable[[], object] = lambda: None, *, trust: bool = False) -> None:
        self._before, self._trust = before, trust

    def begin(self) -> None:
        pass

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        self._before()
        render_part(open_job(part.folder, trust=self._trust), part, tell, halt.is_set)

    def end(self) -> None:
        pass
