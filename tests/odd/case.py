"""A case of the table: a file that is made, the command it is given to, and what is right for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from odd.picture import BEEPS, COLOURS, COUNT, HEIGHT, WIDTH, Colours

ALL = tuple(range(COUNT))
IN_MKV = ("film.mkv", "--set", "output.codec=ffv1")  # without loss: its colours are those that were read


@dataclass(frozen=True)
class Film:
    """The film that is right: `shows` are the numbers of its frames, `beeps` are seconds after its first picture.

    `fidelity`: the lowest PSNR of a class of colours; `sound`, `subtitles`, `chapters`: how many; `said`: words of a
    notice.
    """

    shows: tuple[int, ...] = ALL
    rate: str = "25"
    size: tuple[int, int] = (WIDTH, HEIGHT)
    sar: str = "1"
    colours: Colours | None = None
    fidelity: float = 34.0
    sound: int = 0
    beeps: tuple[float, ...] = BEEPS
    subtitles: int = 0
    chapters: int = 0
    said: str = ""
    code: int = 0

    @property
    def palette(self) -> Colours:
        return COLOURS if self.colours is None else self.colours


@dataclass(frozen=True)
class Still:
    """The picture that is right, of one number."""

    number: int = 1
    size: tuple[int, int] = (WIDTH, HEIGHT)
    colours: Colours | None = None
    fidelity: float = 40.0
    said: str = ""

    @property
    def palette(self) -> Colours:
        return COLOURS if self.colours is None else self.colours


@dataclass(frozen=True)
class Refused:
    """Refused before the first frame, in one line that holds these words."""

    word: str
    code: int = 3


Expected = Film | Still | Refused
Make = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    name: str
    file: str
    expected: Expected
    make: Make
    command: Literal["video", "image", "batch"] = "video"
    output: str = "film.mkv"
    options: tuple[str, ...] = ()

    @property
    def theme(self) -> str:
        return self.make.__module__.removeprefix("odd.")


CASES: dict[str, Case] = {}


def case(
    file: str,
    expected: Expected,
    *options: str,
    name: str = "",
    output: str = "",
    command: Literal["video", "image", "batch"] = "video",
) -> Callable[[Make], Make]:
    """Add a case: the decorated function makes the file at the path that it is given."""
    given = (output, *options) if output else ("film.png", *options) if command == "image" else (*IN_MKV, *options)

    def add(make: Make) -> Make:
        shown = (name or file) + (f" > {output}" if output else "")
        assert shown not in CASES, shown
        CASES[shown] = Case(shown, file, expected, make, command, given[0], given[1:])
        return make

    return add


def cases(
    file: str, expected: Expected, outputs: tuple[str, ...], *options: str, name: str = ""
) -> Callable[[Make], Make]:
    """Add a film as a case for every output; an empty one is the lossless film."""

    def add(make: Make) -> Make:
        for output in outputs:
            case(file, expected, *options, name=name, output=output)(make)
        return make

    return add
