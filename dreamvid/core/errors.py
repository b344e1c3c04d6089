"""What can go wrong, as one small tree; every message says what is wrong and what to do next.

    DreamvidError
    ├── SettingsError   a setting, option, preset or batch file is not valid
    ├── SourceError     a source cannot be read, or is not what it claims to be
    ├── ToolError       ffmpeg or a library it needs failed; holds ffmpeg's last words
    ├── NetError        a net, its weights or one of its layers cannot be had
    └── JobError        a job folder cannot be used or continued, or a disk refuses

Exit codes belong to the command line (`dreamvid.cli`). Anything else that is raised is a bug and stays a traceback.
"""

import difflib
from collections.abc import Iterable


class DreamvidError(Exception):
    """The root: catch this to catch everything that dreamvid raises on purpose."""


class SettingsError(DreamvidError):
    """A setting, option, preset or batch file is not valid."""


class SourceError(DreamvidError):
    """A source cannot be read, or is not what it claims to be."""


class ToolError(DreamvidError):
    """ffmpeg, or a system library, failed."""


class NetError(DreamvidError):
    """A net, its weights or one of its layers cannot be had."""


class JobError(DreamvidError):
    """A job folder cannot be used or continued, or a disk refuses."""


def nearest(wanted: str, valid: Iterable[str], count: int = 3) -> str:
    """Ends an error message with the valid names nearest to the one asked for.

    Returns text such as `; nearest: mixed4a, mixed4b`, or an empty string where nothing comes near.
    """
    names = list(dict.fromkeys(valid))
    close = difflib.get_close_matches(wanted, names, n=count, cutoff=0.5)
    # difflib misses `4b` for `mixed4b`: a part of a name is near, too.
    close += [name for name in names if wanted and wanted in name and name not in close][: max(0, count - len(close))]
    return f"; nearest: {', '.join(close)}" if close else ""
