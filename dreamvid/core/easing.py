"""A rise from 0 to 1 with its corners rounded off, for whatever rises: the eye sees where something begins at once."""

from typing import Any


def smooth(share: Any) -> Any:
    """3 u^2 - 2 u^3 of a number or an array in [0, 1]: level at both ends."""
    return share * share * (3 - 2 * share)
