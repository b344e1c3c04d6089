"""Easing: a smooth rise from 0 to 1, used wherever a value rises, since the eye notices an abrupt start."""

from typing import Any


def smooth(share: Any) -> Any:
    """Return the smoothstep 3 u^2 - 2 u^3 of a number or an array u in [0, 1]; its slope is 0 at both ends."""
    return share * share * (3 - 2 * share)
