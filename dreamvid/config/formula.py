"""Parser of arithmetic formulas: text -> a function, by an allowlist of Python's syntax tree; no code is executed.

Allowed are numbers, `+ - * / % **`, comparisons (1 or 0), `A if C else B`, the caller's variable names, and
`FUNCTIONS`. The caller also supplies a random number in [0, 1) for each `random(low, high)`: a formula itself is
deterministic.
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
    """Return `value` limited to the range from `low` to `high`."""
    return min(max(value, low), high)


def lerp(first: float, last: float, share: float) -> float:
    """Interpolate linearly from `first` (share 0) to `last` (share 1); extrapolate for shares outside [0, 1]."""
    return first + (last - first) * share


def smoothstep(low: float, high: float, value: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and 3 u^2 - 2 u^3 between, u being the share of the way."""
    share = clamp((value - low) / (high - low), 0, 1)
    return float(smooth(share))


RANDOM = "random"
# Name -> function and number of arguments in the formula; None: one or more. RANDOM gets its random number as a third.
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


class UnfitExponentError(ValueError):
    """A power with an exponent that is not allowed, or whose result is not real; the message says which."""


def power(base: float, exponent: float) -> float:
    """Return `base ** exponent`; raise `UnfitExponentError` above `STEEPEST`, and if the result is not real."""
    if abs(exponent) > STEEPEST:
        raise UnfitExponentError(f"an exponent is {exponent:g}: give at most {STEEPEST}, at least -{STEEPEST}")
    if base < 0 and exponent != math.floor(exponent):
        raise UnfitExponentError(f"{base:g} to the power of {exponent:g} is not a real number")
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
    """A parsed formula; `names`: the caller's variables that it uses.

    `draws`: one variable for each `random(low, high)`; the caller sets it to a random number in [0, 1), which is
    scaled to the range from low to high.
    """

    text: str
    names: frozenset[str]
    draws: tuple[str, ...]
    formula: Formula

    def value(self, names: Names) -> float:
        """Evaluate the formula; raise SettingsError with the reason if the value is undefined or not finite."""
        try:
            return self.formula(names)
        except ZeroDivisionError:
            raise SettingsError("it divides by zero") from None
        except OverflowError:
            raise SettingsError("a value is too large to be represented") from None
        except UnfitExponentError as error:
            raise SettingsError(str(error)) from None
        except ValueError:  # of a function of Python, which words it in its own way
            raise SettingsError("a function is undefined for its argument, such as sqrt of a negative number") from None


def parse(text: str, names: Iterable[str]) -> Expression:
    """Parse a formula of the variables `names`; raise SettingsError if it is invalid, too long or nested too deep."""
    if len(text) > LONGEST:
        raise SettingsError(f"the formula has {len(text)} characters: give at most {LONGEST}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns of is not allowed in a formula either
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning):
        raise SettingsError(
            "give keyframes, such as 0s:0.02, 4s:0.06, or a formula, such as 0.04 + 0.02 * sin(t)"
        ) from None
    used: set[str] = set()
    draws: list[str] = []
    formula = _formula(tree.body, text.strip(), frozenset(names), used, draws, DEEPEST)
    return Expression(text, frozenset(used), tuple(draws), formula)


def _formula(
    node: ast.expr, text: str, names: frozenset[str], used: set[str], draws: list[str], deeper: int
) -> Formula:
    if not deeper:
        raise SettingsError(f"the formula is nested more than {DEEPEST} levels deep: simplify it")

    def of(*parts: ast.expr) -> tuple[Formula, ...]:
        return tuple(_formula(part, text, names, used, draws, deeper - 1) for part in parts)

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
            raise SettingsError(f"unknown name {name}{nearest(name, [*names, *FUNCTIONS])}")
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
                raise SettingsError(f"{name}() takes {count or 'one or more'} values, not {len(arguments)}")
            parts = of(*arguments)
            if name == RANDOM:
                parts = (*parts, drawn())
            return _applied(_of_all(function) if count is None else function, parts)
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            raise SettingsError(f"unknown function {name}(){nearest(name, FUNCTIONS)}")
    part = ast.get_source_segment(text, node) or text
    raise SettingsError(
        f"{part[:40]!r} is not allowed in a formula: use numbers, + - * / % **, one comparison, names and functions"
    )


def _of_all(function: Callable[..., float]) -> Callable[..., float]:
    """Return `min` or `max` as a function of one or more numbers: Python's own expects an iterable if given one."""
    return lambda *values: function(values)


def _applied(function: Callable[..., float], parts: tuple[Formula, ...]) -> Formula:
    """Return the formula that applies a function to the values of `parts`, and raises OverflowError if not finite."""

    def value(given: Names) -> float:
        result = float(function(*(part(given) for part in parts)))
        if not math.isfinite(result):
            raise OverflowError
        return result

    return value
