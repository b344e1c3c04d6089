"""The command `dreamvid bench`, which measures how fast a machine dreams."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvid.cli.options import Device, Precision, Threads
from dreamvid.core.words import counted

if TYPE_CHECKING:
    from dreamvid.jobs.bench import Report

BENCH = ("dreamvid bench --quick", "dreamvid bench --json > before.json", "dreamvid bench --against before.json")


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, no large frames: under a minute.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="What --json printed earlier, to compare with; default: none.")
    ] = None,
    threads: Threads = None,
    device: Device = None,
    precision: Precision = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for scripts.")] = False,
) -> None:
    """Measure how fast this machine dreams: convolutions alone, gradient steps, plain autograd, frames."""
    from dreamvid.config.presets import resolve
    from dreamvid.jobs import bench as measuring

    keys = {"threads": threads, "device": device, "precision": precision}
    how = resolve(None, [(f"compute.{key}", value) for key, value in keys.items() if value is not None]).compute
    before = None if against is None else measuring.read(against)
    scope = measuring.QUICK if quick else measuring.FULL
    now = measuring.measure(how, scope, lambda words: print(f"measuring {words} ...", file=sys.stderr, flush=True))
    ratios = None if before is None else measuring.ratios(before, now)
    if as_json:
        print(now.to_json(**({} if ratios is None else {"ratios": ratios})))
        return
    print(table(now))
    if before is not None and ratios is not None:
        print(compared(before, now, ratios))


def table(report: "Report") -> str:
    """Return a report as text."""
    machine = report.machine
    busy = "" if machine.load is None else f"; load {machine.load:g} before"
    lines = [
        f"{machine.processor}: {machine.device}, {machine.precision}, {counted(machine.threads, 'thread')}{busy}",
        f"dreamvid {machine.dreamvid}, torch {machine.torch}",
        "",
        f"{'one gradient step':36} {'ms':>8} {'conv ms':>8} {'GFLOP/s':>8} {'share':>6} {'plain ms':>9} {'ratio':>6}",
    ]
    for net in report.nets:
        name = f"{net.net} {net.side}" + ("" if net.weights == "its own" else " (random weights)")
        lines.append(
            f"{name:36} {net.step:8.1f} {net.convolutions:8.1f} {net.rate:8.0f} {net.share:6.2f} {net.plain:9.1f} "
            f"{net.ratio:6.2f}"
        )
    for frame in report.frames:
        lines += [
            "",
            f"{frame.size}: first frame of a shot {frame.first:.3g} s, fresh {frame.fresh:.3g} s, carried "
            f"{frame.carried:.3g} s (carried/fresh {frame.ratio:.2f})",
            *(f"    {part:24} {seconds:8.4f} s" for part, seconds in frame.parts.items()),
        ]
    lines += [
        "",
        "share: time of the convolutions alone / of the step; plain: autograd in fp32 and NCHW; ratio: plain / step",
    ]
    return "\n".join(lines)


def compared(before: "Report", now: "Report", ratios: dict[str, float]) -> str:
    """Return how much faster everything is than in an earlier report, and what of the machine is another."""
    others = [
        f"{key}: {was} before, {value} now"
        for key, value in vars(now.machine).items()
        if (was := getattr(before.machine, key)) != value
    ]
    lines = [
        f"{name:44} {before.times[name]:10.4g} {now.times[name]:10.4g} {ratio:8.2f}" for name, ratio in ratios.items()
    ]
    return "\n".join(["", *others, f"{'':44} {'before':>10} {'now':>10} {'faster':>8}", *lines])
