"""Paths as users give them."""

from pathlib import Path


def is_there(path: Path) -> bool:
    """Return whether a path is an existing file; False also for a string that cannot be a file name."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or holds a null byte
        return False
