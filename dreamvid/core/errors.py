"""Exceptions that dreamvid raises on purpose; every message says what is wrong and what to do next.

    DreamvidError
    ├── SettingsError   a setting, option, preset or batch file is not valid
    ├── SourceError     a source cannot be read, or its content does not match its name or header
    ├── ToolError       ffmpeg or a library it needs failed; the message ends with ffmpeg's last output
    ├── NetError        a net, its weights or one of its layers is missing or cannot be loaded
    └── JobError        a job folder cannot be used or resumed, or writing to a disk failed

Exit codes belong to the command line (`dreamvid.cli`). Anything else that is raised is a bug and stays a traceback.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar

LONGEST = 1500  # characters of a message


class DreamvidError(Exception):
    """Base class of all errors that dreamvid raises on purpose; each argument is a line of its message.

    `passing`: whether the same may go well another time, such as where ffmpeg was ended from outside.
    """

    passing: ClassVar[bool] = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The message: one line, or more where several mistakes were found at once."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class SettingsError(DreamvidError):
    """A setting, option, preset or batch file is not valid."""


class SourceError(DreamvidError):
    """A source cannot be read, or its content does not match its name or header."""


class ToolError(DreamvidError):
    """A run of ffmpeg, or of a system library, failed."""


class NetError(DreamvidError):
    """A net, its weights or one of its layers is missing or cannot be loaded."""


class JobError(DreamvidError):
    """A job folder cannot be used or resumed, or writing to a disk failed."""


def one_line(message: str) -> str:
    """Return a message on one line, without characters that a terminal would obey: names in it may be anyone's.

    The middle of one that is longer than `LONGEST` is left out.
    """
    line = "".join(character if character.isprintable() else "?" for character in " ".join(message.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 300]} ... {line[-295:]}"


def nearest(wanted: str, valid: Iterable[str], count: int = 3) -> str:
    """Return the end of an error message: the `count` valid names most similar to an unknown one.

    The text reads `; nearest: mixed4a, mixed4b`; it is empty where no name is similar.
    """
    names = list(dict.fromkeys(valid))
    close = difflib.get_close_matches(wanted, names, n=count, cutoff=0.5)
    # difflib does not match `4b` with `mixed4b`, so names that contain the wanted one are added.
    close += [name for name in names if wanted and wanted in name and name not in close][: max(0, count - len(close))]
    return f"; nearest: {', '.join(close)}" if close else ""
