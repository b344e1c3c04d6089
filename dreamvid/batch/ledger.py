"""The ledger of a batch, `JOBS.done.json` beside its file: what is finished, made from what.

Output, as the batch file names it -> a digest of all that it was made from, and its size and time of change, which tell
a film of this batch from another of its name.
"""

import json
from pathlib import Path

from dreamvid.core.errors import SettingsError
from dreamvid.core.texts import parse_json
from dreamvid.jobs.locks import output_held
from dreamvid.media.frame_store import parts_of, write_file

Entries = dict[str, tuple[str, list[int]]]


def read_ledger(file: Path) -> Entries:
    """Return what is finished; raise SettingsError where the file is damaged."""
    try:
        table = parse_json(file.read_text(encoding="utf-8"))
        return {name: (digest, stamp) for name, (digest, stamp) in table.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        raise SettingsError(f"{file} is damaged: remove it to let the batch look at its outputs anew") from None


def note(file: Path, name: str, digest: str, output: Path) -> None:
    """Add a film to the ledger, which another batch may be writing, too."""
    with output_held(file, wait=60):
        for half_written in parts_of(file):
            half_written.unlink(missing_ok=True)
        entries = read_ledger(file) | {name: (digest, stamp_of(output))}
        write_file(file, json.dumps(entries, indent=1).encode())


def stamp_of(output: Path) -> list[int]:
    """Return the size of a file, in bytes, and its time of change, in nanoseconds."""
    found = output.stat()
    return [found.st_size, found.st_mtime_ns]
