"""A batch on several nodes, simulated: which part of a film is rendered where and when, nodes failing now and then."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """The work that one node does at a time: a shot; `seconds` on it, of which `start` before its first frame."""

    name: str
    seconds: float
    start: float = 0.0


@dataclass(frozen=True)
class Simulation:
    """The outcome: `makespan`, from begin to end; `work`: of all nodes; `idle`: share of the time that they waited.

    `ends`: when each unit is done, in seconds from the begin.
    """

    nodes: int
    makespan: float
    work: float
    idle: float
    failures: int
    longest: Unit
    ends: tuple[float, ...]

    @property
    def bound(self) -> str:
        """The bound of the makespan, in words."""
        if self.longest.seconds >= 0.9 * self.makespan:
            return f"bound by its longest shot, {self.longest.name}: more nodes do not help"
        return "bound by the work: more nodes help"


def simulate(units: Sequence[Unit], nodes: int, failures: float = 0.0, begin: float = 0.0, seed: int = 0) -> Simulation:
    """Return how units are done in their order, each by the node that is free first.

    `failures`: probability that a node fails on a unit, at any moment of it. What is finished of it is kept: the rest
    is a unit again, behind as many as there are nodes, and begins anew as any does. `begin`: seconds until any node can
    take a unit.
    """
    chance, longest = random.Random(seed), max(units, key=lambda unit: unit.seconds)
    waiting = [(number, number, unit.seconds, begin) for number, unit in enumerate(units)]  # the last: the earliest
    free, work, failed, ends = [begin] * nodes, 0.0, 0, [begin] * len(units)
    while waiting:
        place, number, seconds, earliest = heapq.heappop(waiting)
        left, unit = seconds, units[number]
        if fails := chance.random() < failures:
            seconds *= chance.random()
        end = max(earliest, free[0]) + seconds
        if fails:
            rest = unit.start + min(left - unit.start, left - seconds)
            heapq.heappush(waiting, (place + nodes, number, rest, end))
            failed += 1
        heapq.heapreplace(free, end)
        ends[number] = end
        work += seconds
    makespan = max(free)
    idle = 1 - work / (nodes * makespan) if makespan else 0.0
    return Simulation(nodes, makespan, work, idle, failed, longest, tuple(ends))
