"""Formulas: what they are worth, and that nothing but a formula is ever evaluated."""

import builtins
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.config.formula import DEEPEST, FUNCTIONS, LONGEST, Expression, parse
from dreamvid.core.errors import SettingsError

NAMES = {"t": 0.5, "f": 12.0, "n": 240.0, "fps": 24.0, "pi": math.pi}
GENEROUS = 2.0  # seconds; each takes well under a thousandth of that

HOSTILE = [
    "__import__('os').system('touch owned')",
    "().__class__.__bases__[0].__subclasses__()",
    "open('/etc/passwd').read()",
    "exec('import os')",
    "eval('1')",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "{1: 2}[1]",
    "t.__class__",
    "t.real",
    "f'{t}'",
    "'a' * 9",
    "b'bytes'",
    "(t := 5)",
    "10 ** 10 ** 8",
    "9 ** 9 ** 9 ** 9",
    "2 ** 1e308",
    "1e308 * 10",
    "(-8) ** 0.5",
    "+".join(["1"] * 5000),
    "+".join(["1"] * 200),
    "(" * 240 + "1" + ")" * 240,
    "-" * 400 + "1",
    "min(" * 100 + "1" + ")" * 100,
    "9" * 490,
    "sin(t, t, t)",
    "min()",
    "max(*t)",
    "sin(t=1)",
    "smoothstep(1, 1, t)",
    "True",
    "None",
    "...",
    "1j",
    "1 if t",
    "t; t",
    "import os",
    "\x00",
    "\ud800",
    "1 and 2",
    "not 1",
    "~1",
    "1 << 60",
    "1 // 0",
    "t % 0",
    "sqrt(-1)",
    "exp(1e6)",
    "print(t)",
    "0777",
    "1is 1",
    "",
    "   ",
    "#",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_in_a_line_and_nothing_is_executed(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*_: Any, **__: Any) -> None:
        raise AssertionError(f"{text!r} was executed")

    began = time.perf_counter()
    with monkeypatch.context() as patched:
        for name in ("eval", "exec", "print", "open"):
            patched.setattr(builtins, name, called)
        try:
            parse(text, NAMES).value(NAMES)
            refused = ""
        except SettingsError as error:
            refused = str(error)
    assert refused and "\n" not in refused and len(refused) < 200
    assert time.perf_counter() - began < GENEROUS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/3", 1 / 3),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("7 % 4 + +1", 4),
        ("t * fps", 12),
        ("0.02 + 0.01 * sin(2 * pi * t)", 0.02 + 0.01 * math.sin(math.pi)),
        ("cos(0) + abs(-2) + floor(-0.5) + ceil(0.5)", 1 + 2 - 1 + 1),
        ("min(3, t, 2) + max(1, 2) + min(7)", 0.5 + 2 + 7),
        ("sqrt(f - 3) + exp(0)", 4),
        ("clamp(f, 0, 5) + clamp(-1, 0, 5)", 5),
        ("lerp(2, 4, t) + lerp(2, 4, 2)", 3 + 6),
        ("smoothstep(0, 1, t) + smoothstep(0, 1, -3) + smoothstep(0, 1, 0.25)", 0.5 + 0.15625),
        ("(t < 1) + (t >= 1) + (t == 0.5) + (t != 0.5) + (t > 0) + (t <= 0)", 3),
        ("1 / t if t != 0 else 7", 2),
        ("1 / (t - 0.5) if t != 0.5 else 7", 7),
        ("  f  ", 12),
    ],
)
def test_a_formula_is_worth_what_python_makes_of_it(text: str, value: float) -> None:
    assert parse(text, NAMES).value(NAMES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tt * 2", "unknown name tt; nearest: t"),
        ("sine(t)", r"unknown function sine\(\); nearest: sin"),
        ("clamp(t)", r"clamp\(\) takes 3 values, not 1"),
        ("t +", "give keyframes.* or a formula"),
        ("t and f", "'t and f' is not allowed in a formula"),
        ("1" * (LONGEST + 1), f"{LONGEST + 1} characters: give at most {LONGEST}"),
        ("-" * DEEPEST + "1", f"more than {DEEPEST} levels deep"),
    ],
)
def test_what_is_no_formula_says_why(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse(text, NAMES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / (f - 12)", "it divides by zero"),
        ("f % 0", "it divides by zero"),
        ("sqrt(-f)", "undefined for its argument"),
        ("exp(f * 1000)", "too large to be represented"),
        ("f ** 65", "an exponent is 65: give at most 64"),
        ("(-f) ** t", "-12 to the power of 0.5 is not a real number"),
    ],
)
def test_what_has_no_value_says_why(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse(text, NAMES).value(NAMES)


def test_what_is_random_is_drawn_by_the_caller() -> None:
    formula = parse("random(2, 4) + 10 * random(t, random(1, 3))", NAMES)
    assert formula.names == {"t"} and len(formula.draws) == 3
    shares = dict(zip(formula.draws, (0.25, 0.5, 1.0), strict=True))
    # What is within another is drawn before it.
    assert formula.value(NAMES | shares) == pytest.approx(2.5 + 10 * 2.0)
    assert parse("t", NAMES).draws == ()
    with pytest.raises(SettingsError, match=r"random\(\) takes 2 values, not 1"):
        parse("random(1)", NAMES)
    with pytest.raises(SettingsError, match=r"unknown name random; nearest: "):
        parse("random", NAMES)


def test_the_names_that_a_formula_uses_are_known() -> None:
    assert parse("t + sin(f)", NAMES).names == {"t", "f"}
    assert parse("1 / 3", NAMES).names == frozenset()


formulas = st.recursive(
    st.sampled_from([*NAMES, "1", "0.5", "-3", "2e2"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "**", "<"]), inner).map(
            lambda p: f"({' '.join(p)})"
        ),
        st.tuples(st.sampled_from(["sin", "abs", "floor", "sqrt", "exp"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
    ),
    max_leaves=12,
)


@given(formulas)
def test_any_formula_has_the_value_that_python_gives_or_none(text: str) -> None:
    expression = parse(text, NAMES)
    assert isinstance(expression, Expression)
    known = {name: function for name, (function, _) in FUNCTIONS.items()}
    try:
        value = expression.value(NAMES)
    except SettingsError:
        return
    assert math.isfinite(value)
    assert value == pytest.approx(float(eval(text, {"__builtins__": {}}, known | NAMES)), nan_ok=False)


@given(st.text(max_size=60))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        value = parse(text, NAMES).value(NAMES)
    except SettingsError as error:
        assert "\n" not in str(error)
    else:
        assert math.isfinite(value)


@pytest.mark.parametrize("words", ["math domain error", "expected a nonnegative input, got -1.0"])
def test_an_undefined_function_is_told_however_python_words_it(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    def fails(value: float) -> float:
        raise ValueError(words)

    monkeypatch.setitem(FUNCTIONS, "sqrt", (fails, 1))
    with pytest.raises(SettingsError, match=r"^a function is undefined for its argument"):
        parse("sqrt(0 - 1)", []).value({})
