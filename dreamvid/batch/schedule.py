"""A batch on several nodes, simulated: which shot is rendered where and when, nodes failing now and then."""

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
    """The outcome: `makespan`, from begin to end; `work`: of all nodes; `idle`: share of the time that they waited."""

    nodes: int
    makespan: float
    work: float
    idle: float
    failures: int
    longest: Unit

    @property
    def bound(self) -> str:
        """The bound of the makespan, in words."""
        if self.longest.seconds >= 0.9 * self.makespan:
            return f"bound by its longest shot, {self.longest.name}: more nodes do not help"
        return "bound by the work: more nodes help"


def simulate(units: Sequence[Unit], nodes: int, failures: float = 0.0, begin: float = 0.0, seed: int = 0) -> Simulation:
    """Return how units are done, the longest first, each by the node that is free first.

    `failures`: probability that a node fails on a unit, at any moment of it. What is finished of it is kept: the rest
    is a unit again, and begins anew as any does. `begin`: seconds until any node can take a unit.
    """
    chance, longest = random.Random(seed), max(units, key=lambda unit: unit.seconds)
    waiting = [(-unit.seconds, number, unit) for number, unit in enumerate(units)]
    free, count, work, failed = [begin] * nodes, len(waiting), 0.0, 0
    heapq.heapify(waiting)
    while waiting:
        _, _, unit = heapq.heappop(waiting)
        seconds = unit.seconds
        if chance.random() < failures:
            seconds *= chance.random()
            rest = unit.start + min(unit.seconds - unit.start, unit.seconds - seconds)
            failed, count = failed + 1, count + 1
            heapq.heappush(waiting, (-rest, count, Unit(unit.name, rest, unit.start)))
        heapq.heapreplace(free, free[0] + seconds)
        work += seconds
    makespan = max(free)
    return Simulation(nodes, makespan, work, 1 - work / (nodes * makespan) if makespan else 0.0, failed, longest)
