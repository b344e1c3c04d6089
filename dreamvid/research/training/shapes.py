"""Kinds of drawings, each an implicit function from row and column grids in [-1, 1] to heights in [0, 1].

The heights are a relief, which `drawings` colours and lights. Every kind draws its counts, sizes and phases from `rng`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.floating[Any]]
Count = float | np.integer[Any]
Shape = Callable[[Grid, Grid, np.random.Generator], Grid]


def _polar(row: Grid, col: Grid) -> tuple[Grid, Grid]:
    return np.hypot(row, col), np.arctan2(row, col)


def _wave(phase: Grid) -> Grid:
    """Return (1 + cos) / 2 of a phase in turns: 1 at whole turns, 0 between them."""
    return 0.5 + 0.5 * np.cos(2 * np.pi * phase)


def _below(distance: Grid, soft: float = 0.04) -> Grid:
    """Return 1 where `distance` is negative, 0 where positive, with a linear edge of width 2 * `soft`."""
    return np.clip(0.5 - distance / (2 * soft), 0, 1)


def _cells(row: Grid, col: Grid, rows: Count, cols: Count, shifted: bool = False) -> tuple[Grid, Grid, Grid]:
    """Return row and column inside a cell (-0.5 to 0.5) and the cell's row index; `shifted`: odd rows by half a one."""
    down = row * rows / 2
    number = np.round(down)
    across = col * cols / 2 + (number % 2) * 0.5 * shifted
    return down - number, across - np.round(across), number


def spiral(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw one to three logarithmic arms, left- or right-handed."""
    radius, angle = _polar(row, col)
    arms, turns = rng.integers(1, 4), rng.uniform(1, 3)
    return _wave(turns * np.log(radius + 0.03) * 1.2 + rng.choice([-1, 1]) * arms * angle / (2 * np.pi))


def scales(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw overlapping scales as two layers of cells, the second over the first."""
    rows = rng.uniform(6, 14)
    height = np.zeros_like(row)
    for shift in (0.0, 1.0):  # two layers, the second over the first
        down, across, _ = _cells(row + shift / rows, col, rows / 2, rows * 0.6, shifted=False)
        across = across + 0.5 * shift
        across = across - np.round(across)
        distance = np.hypot(across * 1.25, np.minimum(down + 0.15, 0) + np.maximum(down + 0.15, 0) * 1.2)
        inside = _below(distance - 0.55, 0.03)
        height = np.where(inside > 0.05, inside * np.clip(1.1 - down * 0.8 - distance, 0.15, 1), height)
    return height


def feather(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a lens-shaped vane with slanted barbs and a vertical shaft."""
    width = rng.uniform(0.3, 0.6) * np.sqrt(np.clip(1 - row**2, 0, 1))
    barbs = _wave(rng.uniform(9, 16) * (row + rng.uniform(0.6, 1.3) * np.abs(col)) + 0.3 * np.sin(3 * row))
    shaft = _below(np.abs(col) - 0.03)
    return np.maximum(_below(np.abs(col) - width, 0.05) * (0.35 + 0.5 * barbs), shaft * _below(np.abs(row) - 0.98))


def eye(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw lids, iris fibres, a round or slit pupil and a highlight."""
    radius, angle = _polar(row, col)
    opening = rng.uniform(0.4, 0.75) * (1 - col**2)
    iris = rng.uniform(0.38, 0.5)
    slit = rng.choice([1.0, 2.6])
    fibres = 0.45 + 0.2 * _wave(rng.integers(15, 30) * angle / (2 * np.pi)) * radius / iris
    ball = np.where(radius < iris, fibres - 0.3 * _below(iris - radius - 0.05), 0.95)
    ball = ball * (1 - _below(np.hypot(row, col * slit) - iris * rng.uniform(0.4, 0.6)))
    glint = _below(np.hypot(row + 0.15, col + 0.12) - 0.07)
    return np.maximum(_below(np.abs(row) - opening) * ball, glint) + 0.25 * _below(opening - np.abs(row), 0.1)


def leaf(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a lens-shaped blade with midrib and veins and a more or less wavy edge."""
    width = rng.uniform(0.4, 0.7) * np.clip(1 - row**2, 0, 1) ** 0.8 * (1 - 0.35 * row)
    width = width + 0.03 * np.abs(np.sin(rng.uniform(0, 16) * row))
    veins = _wave(rng.uniform(4, 8) * (row - 0.8 * np.abs(col))) ** 6
    rib = _below(np.abs(col) - 0.025)
    return _below(np.abs(col) - width) * (0.55 + 0.25 * np.abs(col) / 0.7 + 0.25 * np.maximum(veins, rib))


def branches(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a binary tree of four generations from the bottom upwards."""
    height = np.zeros_like(row)
    tips = [(1.0, 0.0, 0.0, 0.12)]
    for length in (0.75, 0.5, 0.35, 0.25):
        grown = []
        for start_row, start_col, angle, width in tips:
            end_row, end_col = start_row - length * np.cos(angle), start_col + length * np.sin(angle)
            height = np.maximum(height, _stroke(row, col, (start_row, start_col), (end_row, end_col), width))
            for side in (-1, 1):
                grown.append((end_row, end_col, angle + side * rng.uniform(0.25, 0.7), width * 0.62))
        tips = grown
    return height


def _stroke(row: Grid, col: Grid, start: tuple[float, float], end: tuple[float, float], width: float) -> Grid:
    """Draw a bar with a circular cross-section and round ends between two points."""
    down, across = end[0] - start[0], end[1] - start[1]
    along = ((row - start[0]) * down + (col - start[1]) * across) / (down**2 + across**2)
    along = np.clip(along, 0, 1)
    distance = np.hypot(row - start[0] - along * down, col - start[1] - along * across)
    return np.sqrt(np.clip(1 - (distance / width) ** 2, 0, 1))


def arch(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw one to three arches side by side, with a ring of stones around a dark opening."""
    _, across, _ = _cells(row, col, 1, rng.integers(1, 4))
    spring, reach = rng.uniform(-0.5, 0.1), rng.uniform(0.28, 0.36)
    above = np.minimum(row - spring, 0) / rng.uniform(1.2, 2.4)
    distance = np.where(row > spring, np.abs(across), np.hypot(above, across)) - reach
    stones = _wave(rng.integers(8, 14) * np.arctan2(above, across) / np.pi) ** 0.3
    ring = _below(np.abs(distance - 0.06) - 0.05)
    return np.maximum(ring * (0.6 + 0.4 * stones), 0.45 * _below(-distance)) * (1 - 0.9 * _below(distance))


def windows(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a grid of dark panes with frames and glazing bars on a bright wall."""
    down, across, _ = _cells(row, col, rng.integers(2, 7), rng.integers(2, 7))
    half_row, half_col = rng.uniform(0.25, 0.4), rng.uniform(0.2, 0.36)
    pane = _below(np.maximum(np.abs(down) - half_row, np.abs(across) - half_col), 0.02)
    frame = _below(np.maximum(np.abs(down) - half_row, np.abs(across) - half_col) - 0.06, 0.02)
    bars = _below(np.minimum(np.abs(down), np.abs(across)) - 0.025, 0.02)
    return 0.55 + 0.4 * frame - pane * (0.8 - 0.75 * bars)


def gear(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a toothed wheel with a hub and holes around it."""
    radius, angle = _polar(row, col)
    teeth = rng.integers(8, 20)
    rim = 0.72 + 0.12 * np.clip(2.5 * np.cos(teeth * angle), -1, 1)
    hub = rng.uniform(0.12, 0.3)
    holes = _below(np.abs(radius - 0.45) - 0.12) * _below(0.3 - np.cos(rng.integers(3, 7) * angle), 0.15)
    return _below(radius - rim) * (1 - _below(radius - hub)) * (0.85 - 0.8 * holes)


def shell(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a fan of ribs from a point at the top, with rings of growth."""
    radius, angle = _polar(row + 0.8, col)
    ribs = _wave(rng.integers(8, 16) * (angle - np.pi / 2) / 2.2)
    growth = _wave(rng.uniform(3, 7) * radius)
    fan = _below(np.maximum(radius - 1.55 - 0.05 * ribs, np.abs(angle - np.pi / 2) - 1.0))
    return fan * (0.3 + 0.5 * ribs + 0.2 * growth)


def nautilus(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw one logarithmic spiral divided into chambers."""
    radius, angle = _polar(row, col)
    growth = rng.uniform(0.13, 0.2)
    turn = np.log(radius / 0.9 + 1e-3) / growth - angle
    depth = turn / (2 * np.pi) - np.floor(turn / (2 * np.pi))
    chambers = _wave(rng.integers(8, 16) * (angle / (2 * np.pi) + 0.08 * depth)) ** 4
    return _below(radius - 0.95) * np.sqrt(np.clip(4 * depth * (1 - depth), 0, 1)) * (0.9 - 0.5 * chambers)


def lattice(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw round diagonal bars woven over and under each other."""
    count, width = rng.uniform(3, 8), rng.uniform(0.12, 0.3)
    one, two = count * (row + col) / 2, count * (row - col) / 2
    first, second = np.abs(one - np.round(one)), np.abs(two - np.round(two))
    over = (np.round(one) + np.round(two)) % 2
    bar = np.sqrt(np.clip(1 - (first / width) ** 2, 0, 1)), np.sqrt(np.clip(1 - (second / width) ** 2, 0, 1))
    return np.maximum(bar[0] * (0.7 + 0.3 * over), bar[1] * (1 - 0.3 * over))


def waves(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw sawtooth waves along rows, bent by a sine over columns."""
    swell = rng.uniform(0.1, 0.35) * np.sin(rng.uniform(2, 6) * col + rng.uniform(0, 6))
    phase = rng.uniform(2, 6) * (row + swell)
    return (phase - np.floor(phase)) ** rng.uniform(0.6, 2.5)


def mandala(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw four rings of petals with one rotational symmetry, of order 5 to 12."""
    radius, angle = _polar(row, col)
    fold = rng.integers(5, 13)
    height = np.zeros_like(row)
    for ring in range(4):
        middle, turn = 0.18 + 0.22 * ring, rng.choice([0.0, 0.5])
        petal = np.abs(radius - middle) - 0.11 * _wave(fold * angle / (2 * np.pi) + turn) ** rng.uniform(0.3, 1.5)
        height = np.maximum(height, _below(petal, 0.03) * rng.uniform(0.4, 1))
    return height


def petals(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a flower: three layers of 5 to 14 petals each, and a disc in the middle."""
    radius, angle = _polar(row, col)
    count, height = rng.integers(5, 15), np.zeros_like(row)
    for length in (0.95, 0.7, 0.45):
        lobe = np.abs(np.cos(count * (angle + length * rng.uniform(1, 3)) / 2)) ** 0.6
        height = np.where(radius < length * lobe, 1 - 0.55 * length - 0.35 * (1 - lobe), height)
    return np.maximum(height, _below(radius - 0.18) * (0.6 + 0.4 * _wave(radius * 12)))


def rays(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw 6 to 23 beams around a disc."""
    radius, angle = _polar(row, col)
    beams = _wave(rng.integers(6, 24) * angle / (2 * np.pi)) ** rng.uniform(0.5, 3)
    return np.maximum(_below(radius - rng.uniform(0.15, 0.35)), beams * (1 - 0.5 * radius))


def bubbles(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw 8 to 25 spheres at random places, later ones over earlier ones."""
    height = np.zeros_like(row)
    for _ in range(rng.integers(8, 26)):
        size = rng.uniform(0.08, 0.38)
        centre = rng.uniform(-1, 1, 2)
        inside = np.hypot(row - centre[0], col - centre[1]) / size
        height = np.where(inside < 1, np.sqrt(np.clip(1 - inside**2, 0, 1)), height)
    return height


def bricks(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a wall in which every second row is shifted by half a brick."""
    rows = rng.uniform(4, 12)
    down, across, _ = _cells(row, col, rows, rows / rng.uniform(1.5, 3), shifted=True)
    return _below(np.maximum(np.abs(down) - 0.4, np.abs(across) - 0.45), 0.05) * 0.9


def star(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a star of four to eight points with ridges."""
    radius, angle = _polar(row, col)
    points = rng.integers(4, 9)
    fold = np.abs((angle * points / (2 * np.pi)) % 1 - 0.5) * 2
    edge = 0.9 - rng.uniform(0.4, 0.65) * (1 - fold)
    return _below(radius - edge) * (0.4 + 0.6 * fold)


def honeycomb(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw hexagonal cells with dark centres."""
    count = rng.uniform(4, 9)
    down, across, _ = _cells(row, col, count, count * 0.87, shifted=True)
    distance = np.maximum(np.abs(across) * 1.0, np.abs(across) * 0.5 + np.abs(down) * 0.75)
    return np.clip(distance * 2.2, 0, 1) ** rng.uniform(1.5, 4)


def zebra(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw vertical stripes, bent by three sine waves."""
    phase = rng.uniform(3, 6) * col
    for _ in range(3):
        swirl = rng.uniform(1, 4, 2)
        phase = phase + rng.uniform(0.15, 0.5) * np.sin(swirl[0] * row + swirl[1] * col + rng.uniform(0, 6))
    return _below(np.cos(2 * np.pi * phase) - 0.1, 0.2)


def fur(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw bent hairs at three scales, added."""
    bend = rng.uniform(-0.5, 0.5) * row**2 + 0.2 * np.sin(rng.uniform(1, 4) * row + rng.uniform(0, 6))
    height = np.zeros_like(row)
    for count in (9, 17, 31):
        lean = col + bend + 0.08 * np.sin(count * row * 0.7 + rng.uniform(0, 6))
        height = height + _wave(count * lean / 2 + rng.uniform()) * _wave(
            count * row * 0.12 + np.round(count * lean / 2) * 0.37
        )
    return height / 2.2


def tower(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw a tapering tower with a pointed roof and rows of windows."""
    base, top = rng.uniform(0.3, 0.5), rng.uniform(0.12, 0.3)
    width = top + (base - top) * (row + 0.5) / 1.5
    body = _below(np.maximum(np.abs(col) - width, -0.45 - row), 0.02)
    roof = _below(np.maximum(np.abs(col) - (row + 1) * (top + 0.1) / 0.55, row + 0.45), 0.02)
    down, across, _ = _cells(row, col / width, rng.integers(6, 12), rng.integers(3, 6))
    holes = _below(np.maximum(np.abs(down) - 0.28, np.abs(across) - 0.22))
    return np.maximum(body * (0.75 - 0.65 * holes), 0.95 * roof)


def tentacles(row: Grid, col: Grid, rng: np.random.Generator) -> Grid:
    """Draw four to eight curled arms with rings of suckers around a disc."""
    radius, angle = _polar(row, col)
    curl = rng.uniform(0.5, 2) * np.sin(rng.uniform(2, 5) * radius + rng.uniform(0, 6))
    arms = rng.integers(4, 9)
    body = np.abs(np.sin((angle + curl) * arms / 2)) * radius * 2 / arms - 0.14 * (1.15 - radius)
    suckers = _wave(rng.uniform(6, 10) * radius) * 0.35
    return np.maximum(_below(body, 0.05) * (0.95 - suckers), _below(radius - 0.25))


KINDS: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        spiral, scales, feather, eye, leaf, branches, arch, windows, gear, shell, nautilus, lattice, waves,
        mandala, petals, rays, bubbles, bricks, star, honeycomb, zebra, fur, tower, tentacles,
    )
}  # fmt: skip
