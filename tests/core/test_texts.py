"""TOML and JSON from anyone: values, or one error of one type."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvid.config import presets
from dreamvid.core.errors import LONGEST, one_line
from dreamvid.core.texts import DEEPEST, LARGEST, parse_json, parse_toml

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-LARGEST + 1, LARGEST - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_json_comes_back_as_it_was(value: object) -> None:
    assert parse_json(json.dumps(value)) == value


@given(st.dictionaries(st.text(min_size=1), PLAIN.filter(lambda value: value is not None)))
def test_toml_comes_back_as_it_was(table: dict[str, object]) -> None:
    lines = [f"{presets.toml_value(key)} = {presets.toml_value(value)}\n" for key, value in table.items()]
    assert parse_toml("".join(lines)) == table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" + ".a" * 5000 + "=1", f"nested too deep: give at most {DEEPEST} levels"),
        ("a=" + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("a=[{" + "a." * 500 + "a=1}]", "nested too deep"),
        ("a." * 400_000 + "a=1", "nested too deep"),
        ("[" + "'a' . " * 100_000 + "a]", "nested too deep"),
        ('""."" .' * 100_000 + "a=1", "nested too deep"),
        ("a=" + "b" * 900_000, "Invalid"),
        ("a=" + "'" * 900_000, "[Ee]xpected|Invalid|Unterminated|Illegal"),
        ("a=0x" + "f" * 5000, "more than 63 bits"),
        ("a=[{b=9223372036854775808}]", "more than 63 bits"),
        ("a=" + "9" * 5000, "limit"),
        ("a=1\na=2", "overwrite"),
        ("a=\0", "Invalid"),
    ],
)
def test_text_beyond_the_bounds_is_refused_in_a_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_toml(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("depth", [40, 900, 100_000])
@pytest.mark.parametrize("pair", ["[]", ('{"a":', "}")])
def test_json_that_is_nested_too_deep_is_refused(depth: int, pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json(pair[0] * depth + "1" + pair[1] * depth)


@given(st.text() | st.binary())
def test_any_text_is_a_value_or_a_value_error(text: str | bytes) -> None:
    for parse in (parse_json, parse_toml) if isinstance(text, str) else (parse_json,):
        try:
            parse(text)
        except ValueError as error:
            assert "\n" not in str(error)


@given(st.text())
def test_a_message_is_one_line_that_no_terminal_obeys(text: str) -> None:
    line = one_line(f"a\x1b[31m\n{text}")
    assert line.startswith("a?[31m")
    assert re.fullmatch(r"[^\x00-\x1f\x7f]*", line)
    assert one_line(line) == line


def test_a_long_message_keeps_its_ends() -> None:
    line = one_line(f"first {'x' * 10**6} last")
    assert line.startswith("first x")
    assert line.endswith("x last")
    assert len(line) <= LONGEST
