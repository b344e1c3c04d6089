"""Formulas of numbers: text -> a function, by an allowlist over Python's syntax tree; nothing is ever executed.

Allowed are numbers, `+ - * / % **`, comparisons (1 or 0), `A if C else B`, the names a caller gives, and `FUNCTIONS`;
a caller also draws a share for each `random(low, high)`, so that formulas themselves leave nothing to chance.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dreamvid.core.easing import smooth
from dreamvid.core.errors import SettingsError, nearest

LONGEST, DEEPEST, STEEPEST = 500, 30, 64  # characters, levels of nesting, largest exponent
Names = Mapping[str, float]
Formula = Callable[[Names], float]


def clamp(value: float, low: float, high: float) -> float:
    """A value kept between two others."""
    return min(max(value, low), high)


def lerp(first: float, last: float, share: float) -> float:
    """The value at a share of the way from one to another; beyond both outside [0, 1]."""
    return first + (last - first) * share


def smoothstep(low: float, high: float, value: float) -> float:
    """0 up to `low`, 1 from `high` on, and smooth between: 3 u^2 - 2 u^3."""
    share = clamp((value - low) / (high - low), 0, 1)
    return float(smooth(share))


RANDOM = "random"
# Each function by name, with the number of its arguments; None: one or more. RANDOM's has one more, which is drawn.
FUNCTIONS: dict[str, tuple[Callable[..., float], int | None]] = {
    "sin": (math.sin, 1),
    "cos": (math.cos, 1),
    "abs": (abs, 1),
    "min": (min, None),
    "max": (max, None),
    "floor": (math.floor, 1),
    "ceil": (math.ceil, 1),
    "sqrt": (math.sqrt, 1),
    "exp": (math.exp, 1),
    "clamp": (clamp, 3),
    "lerp": (lerp, 3),
    "smoothstep": (smoothstep, 3),
    RANDOM: (lerp, 2),
}


def power(base: float, exponent: float) -> float:
    """A power; raises ValueError where the exponent is beyond `STEEPEST` or there is no real result."""
    if abs(exponent) > STEEPEST:
        raise ValueError(f"an exponent is {exponent:g}: {STEEPEST} is the largest")
    if base < 0 and exponent != math.floor(exponent):
        raise ValueError(f"there is no {base:g} to the power of {exponent:g}")
    return base**exponent


OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: power,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Expression:
    """A formula that was read; `names`: those of the caller's that it uses.

    `draws`: for each `random(low, high)` the name of its share of the way from low to high, in [0, 1), which the caller
    gives as well.
    """

    text: str
    names: frozenset[str]
    draws: tuple[str, ...]
    formula: Formula

    def value(self, names: Names) -> float:
        """Its value; raises SettingsError, saying why, where there is none or it is not finite."""
        try:
            return self.formula(names)
        except ZeroDivisionError:
            raise SettingsError("it divides by zero") from None
        except OverflowError:
            raise SettingsError("it grows beyond all numbers") from None
        except ValueError as error:
            words = str(error)
            raise SettingsError("a function has no value there" if "domain" in words else words) from None


def parse(text: str, names: Iterable[str]) -> Expression:
    """Reads a formula of `names`; raises SettingsError for all that is none, is too long or too deep."""
    if len(text) > LONGEST:
        raise SettingsError(f"it has {len(text)} characters: {LONGEST} are the most")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python would only warn of is no formula either
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning):
        raise SettingsError("it is neither keys (TIME:VALUE, TIME:VALUE) nor a formula") from None
    used: set[str] = set()
    draws: list[str] = []
    formula = _formula(tree.body, frozenset(names), used, draws, DEEPEST)
    return Expression(text, frozenset(used), tuple(draws), formula)


def _formula(node: ast.expr, names: frozenset[str], used: set[str], draws: list[str], deeper: int) -> Formula:
    if not deeper:
        raise SettingsError(f"it is nested more than {DEEPEST} deep")

    def of(*parts: ast.expr) -> tuple[Formula, ...]:
        return tuple(_formula(part, names, used, draws, deeper - 1) for part in parts)

    def drawn() -> Formula:
        name = f"{RANDOM} {len(draws)}"
        draws.append(name)
        return lambda given: given[name]

    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _applied(lambda: number, ())
        case ast.Name(id=name) if name in names:
            used.add(name)
            return lambda given: given[name]
        case ast.Name(id=name):
            raise SettingsError(f"it knows no {name}{nearest(name, [*names, *FUNCTIONS])}")
        case ast.UnaryOp(op=op, operand=inner) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], of(inner))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], of(left, right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], of(left, right))
        case ast.IfExp(test=test, body=body, orelse=other):
            chosen, first, second = of(test, body, other)
            return lambda given: (first if chosen(given) else second)(given)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            function, count = FUNCTIONS[name]
            if not arguments or (count is not None and len(arguments) != count):
                raise SettingsError(f"{name} takes {count or 'one or more'} values, not {len(arguments)}")
            parts = of(*arguments)
            if name == RANDOM:
                parts = (*parts, drawn())
            return _applied(_of_all(function) if count is None else function, parts)
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            raise SettingsError(f"it knows no {name}(){nearest(name, FUNCTIONS)}")
    raise SettingsError(f"{type(node).__name__} has no place in a formula: numbers, + - * / % **, names, functions")


def _of_all(function: Callable[..., float]) -> Callable[..., float]:
    """`min` or `max` of one value or more: Python's own take a single value for a list of them."""
    return lambda *values: function(values)


def _applied(function: Callable[..., float], parts: tuple[Formula, ...]) -> Formula:
    """A function of formulas: every result on the way is a finite float."""

    def value(given: Names) -> float:
        result = float(function(*(part(given) for part in parts)))
        if not math.isfinite(result):
            raise OverflowError
        return result

    return value
