"""Mistakes in a TOML file, each with line and column: where keys and tables stand, which `tomllib` does not tell."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dreamvid.core.errors import SettingsError

TOLD = 50  # mistakes of a file, at most
Key = tuple[str | int, ...]  # a way into the tables: names, and numbers of list items
_TOKEN = re.compile(
    r"""(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<end>\n)|(?P<mark>[\[\]{}=,.])|(?P<left_out>\#[^\n]*|[ \t\r\ufeff]+)|(?P<bare>[^\s\[\]{}=,."'\#]+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Mistakes:
    """The mistakes of a file: for each where it is, by key, and what is wrong; `text`: of the file."""

    file: Path
    text: str = ""
    found: dict[tuple[str, str], Key] = field(default_factory=dict)

    def add(self, key: Key, words: str, owner: str) -> None:
        """Take note of a mistake, once; `owner`: the table that it is in."""
        self.found.setdefault((owner, words), key)

    def check(self) -> None:
        """Raise SettingsError with a line for each mistake, where there are any."""
        found = sorted(self.found.items(), key=lambda mistake: self._known.get(self._nearest(mistake[1]), (0, 0)))
        lines = [self.line(key, owner, words) for (owner, words), key in found]
        more = [f"{self.file}: and {len(lines) - TOLD} more mistakes"] if len(lines) > TOLD else []
        if lines:
            raise SettingsError(*lines[:TOLD], *more)

    def line(self, key: Key, owner: str, words: str) -> str:
        """Return what is said of a mistake."""
        return f"{self.place(key)}: {owner + ': ' if owner else ''}{words}"

    def place(self, key: Key) -> str:
        """Return file, line and column of a key, or of the table that it is in; the file alone where none is known."""
        key = self._nearest(key)
        return f"{self.file}:{self._known[key][0]}:{self._known[key][1]}" if key else str(self.file)

    def _nearest(self, key: Key) -> Key:
        """Return a key whose place is known: this, or that of the table it is in."""
        while key and key not in self._known:
            key = key[:-1]
        return key

    @cached_property
    def _known(self) -> dict[Key, tuple[int, int]]:
        return positions(self.text)


def positions(text: str) -> dict[Key, tuple[int, int]]:
    """Return line and column, from 1, of every table, key and list item of a text that is TOML."""
    tokens = [
        (match[0], match.start(), match.lastgroup == "string")
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "left_out"
    ]
    starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line_and_column(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    reader = _Reader(tokens)
    reader.read()
    return {key: line_and_column(offset) for key, offset in reader.found.items()}


@dataclass
class _Reader:
    """A reader of tokens, (text, offset, whether it is a string); `found`: the offset of each key."""

    tokens: list[tuple[str, int, bool]]
    at: int = 0
    found: dict[Key, int] = field(default_factory=dict)
    lengths: dict[Key, int] = field(default_factory=dict)  # of the lists of tables

    def read(self) -> None:
        """Read the whole text."""
        table: Key = ()
        while self.at < len(self.tokens):
            if self._is("\n"):
                self.at += 1
            elif self._is("["):
                table = self._header()
            else:
                self._pair(table)

    def _is(self, *marks: str) -> bool:
        if self.at >= len(self.tokens):
            return True  # whatever is waited for: the text ends
        text, _, quoted = self.tokens[self.at]
        return not quoted and text in marks

    def _header(self) -> Key:
        offset, listed = self.tokens[self.at][1], False
        self.at += 1
        if self._is("["):
            self.at, listed = self.at + 1, True
        names, table = self._names(), tuple[str | int, ...]()
        for number, name in enumerate(names, start=1):
            table = (*table, name)
            if listed and number == len(names):
                self.lengths[table] = self.lengths.get(table, 0) + 1
            if table in self.lengths:
                table = (*table, self.lengths[table] - 1)
        self.found.setdefault(table, offset)
        while not self._is("\n"):
            self.at += 1
        return table

    def _names(self) -> list[str]:
        names: list[str] = []
        while not self._is("=", "]", "\n"):
            text, _, quoted = self.tokens[self.at]
            if quoted or text != ".":
                names.append(text[1:-1] if quoted else text)
            self.at += 1
        return names

    def _pair(self, table: Key) -> None:
        offset = self.tokens[self.at][1]
        for name in self._names():
            table = (*table, name)
            self.found.setdefault(table, offset)
        self.at += 1
        self._value(table)

    def _value(self, key: Key) -> None:
        if self.at < len(self.tokens) and self._is("{", "["):
            closing, number = {"{": "}", "[": "]"}[self.tokens[self.at][0]], 0
            self.at += 1
            while not self._is(closing):
                if self._is("\n", ",", "]", "}"):
                    self.at += 1
                elif closing == "}":
                    self._pair(key)
                else:
                    self.found.setdefault((*key, number), self.tokens[self.at][1])
                    self._value((*key, number))
                    number += 1
            self.at += 1
        else:
            while not self._is("\n", ",", "]", "}"):
                self.at += 1
