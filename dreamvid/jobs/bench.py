"""Benchmark this machine for `dreamvid bench`: convolutions alone, gradient steps, plain autograd, frames."""

import json
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from dreamvid import __version__
from dreamvid.config.settings import ComputeSettings
from dreamvid.core.errors import SettingsError
from dreamvid.core.texts import parse_json
from dreamvid.jobs.bench_frames import FrameSpeed, frame_speed
from dreamvid.jobs.bench_nets import Extent, NetSpeed, net_speed
from dreamvid.models.device import Compute, set_up

# Nets that are measured, each at a layer; None: at those of the default preset.
NETS = {
    "vgg16": "features.22",
    "googlenet": "inception4c",
    "squeezenet1_0": "features.10",
    "efficientnet_lite2_robust": None,
}


@dataclass(frozen=True)
class Scope:
    """Extent of a benchmark: that of each net, and `frames` carried ones at each of `sizes`, (height, width)."""

    nets: Extent
    frames: int
    sizes: tuple[tuple[int, int], ...]


FULL = Scope(Extent(rounds=15, seconds=60), frames=6, sizes=((360, 640), (720, 1280)))
QUICK = Scope(Extent(rounds=3, seconds=5), frames=2, sizes=((360, 640),))


@dataclass(frozen=True)
class Machine:
    """The machine of a benchmark; `load`: processes that wanted a core just before, None where nothing says so."""

    device: str
    processor: str
    precision: str
    threads: int
    torch: str
    dreamvid: str
    load: float | None


@dataclass(frozen=True)
class Report:
    """All that was measured."""

    machine: Machine
    nets: tuple[NetSpeed, ...]
    frames: tuple[FrameSpeed, ...]

    def to_json(self, **more: Any) -> str:
        """Return the report in one line, with `more` beside it."""
        return json.dumps(asdict(self) | more)

    @property
    def times(self) -> dict[str, float]:
        """Every time by the name of what took it; milliseconds of nets, seconds of frames."""
        nets = {
            f"{speed.net} {speed.side} {what}": getattr(speed, key)
            for speed in self.nets
            for what, key in (("step", "step"), ("convolutions", "convolutions"), ("plain step", "plain"))
        }
        frames = {
            f"{speed.size} {what} frame": getattr(speed, key)
            for speed in self.frames
            for what, key in (("first", "first"), ("fresh", "fresh"), ("carried", "carried"))
        }
        return nets | frames


REPORT = TypeAdapter(Report)


def read(file: Path) -> Report:
    """Read the report of an earlier run; raise SettingsError where the file holds none."""
    try:
        found = parse_json(file.read_text(encoding="utf-8"))
        return REPORT.validate_python({name: found[name] for name in ("machine", "nets", "frames")})
    except OSError as error:
        raise SettingsError(f"--against {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError(
            f"--against {file}: this is no report of `dreamvid bench`: make one with `dreamvid bench --json > FILE`"
        ) from None


def ratios(before: Report, now: Report) -> dict[str, float]:
    """Return the time before over the time now of all that both reports have: above 1 is faster now."""
    return {name: before.times[name] / took for name, took in now.times.items() if name in before.times and took > 0}


def measure(how: ComputeSettings, scope: Scope, tell: Callable[[str], None] = lambda words: None) -> Report:
    """Measure nets, then frames; `tell` is told what comes next. Raises SettingsError for a device that is missing."""
    compute = set_up(how)
    machine = _machine(compute)
    nets = []
    for name, layer in NETS.items():
        tell(f"{name}, {scope.nets.side}x{scope.nets.side}")
        nets.append(net_speed(name, layer, how, scope.nets))
    frames = []
    with tempfile.TemporaryDirectory() as folder:
        for height, width in scope.sizes:
            tell(f"frames, {width}x{height}")
            frames.append(frame_speed((height, width), how, scope.frames, Path(folder)))
    return Report(machine, tuple(nets), tuple(frames))


def _machine(compute: Compute) -> Machine:
    return Machine(
        compute.description,
        _processor(),
        str(compute.dtype).removeprefix("torch."),
        compute.threads,
        torch.__version__,
        __version__,
        round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def _processor() -> str:
    """Return the name of the processor as the system tells it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8", errors="replace").splitlines() if facts.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
