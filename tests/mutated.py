"""Texts that somebody has got at: hypothesis' strategies for what is nearly what we wrote."""

from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        *('"', "'", "[", "]", "{", "}", "=", ",", ".", ":", "#", "\n", "\0", "\\", "\\u0000", "-", "+", "%", "(", ")"),
        *("null", "true", "nan", "NaN", "-inf", "Infinity", "1e308", "-1e308", "1e999", "0x" + "f" * 4400, "9" * 4400),
        *(
            "[" * 2000,
            "{" * 50,
            "a." * 2000,
            '{"a":' * 2000,
            "1979-05-27",
            "0",
            "-1",
            "\u2028",
            "\x1b[31m",
            "é",
            "t",
            "f",
        ),
    ]
)


def mutated(text: str) -> st.SearchStrategy[str]:
    """Return copies of a text with up to four parts replaced, left out or doubled."""
    places = st.integers(0, len(text))
    changes = st.lists(st.tuples(places, st.integers(0, 12), PIECES | st.text(max_size=8)), min_size=1, max_size=4)

    def changed(cuts: list[tuple[int, int, str]]) -> str:
        copy = text
        for at, length, piece in cuts:
            copy = copy[:at] + piece + copy[at + length :]
        return copy

    return changes.map(changed)
