"""Draft settings: the same composition in a small part of the time."""

import re
from collections.abc import Mapping

from dreamvid.config.settings import Settings

SMALLER = 2  # factor between the sizes of the film and of its draft
CADENCE = 2  # frames, at least, from one dreamed frame to the next


def drafted(settings: Settings) -> Settings:
    """Return settings for a draft: half the size, every other frame dreamed.

    The octaves stay those of the full size as far as they fit, and so do the steps: with half as many on the coarse
    ones, other forms would grow. The cadence of loops and of modes without flow stays as it is.
    """
    cadence = max(settings.coherence.cadence, CADENCE if takes_cadence(settings) else 1)
    size = resized(settings.input.size, 1 / SMALLER)
    return lightened(settings, {"draft": settings.dream.draft * SMALLER}, cadence, size)


def takes_cadence(settings: Settings) -> bool:
    """Return whether frames between dreamed ones may be carried: not those of loops, nor of modes without flow."""
    return settings.coherence.mode == "flow" and not settings.input.loop


def lightened(settings: Settings, dream: Mapping[str, object], cadence: int, size: str | None) -> Settings:
    """Return settings with other values of `dream`, another cadence and another size."""
    return settings.model_copy(
        update={
            "dream": settings.dream.model_copy(update=dream),
            "coherence": settings.coherence.model_copy(update={"cadence": cadence}),
            "input": settings.input.model_copy(update={"size": size}),
        }
    )


def resized(size: str | None, share: float) -> str:
    """Return a share of a size given as WxH, Wx, xH or N%; of the source's own for None."""
    if size is None:
        return f"{100 * share:.8g}%"
    if size.endswith("%"):
        return f"{float(size[:-1]) * share:.8g}%"
    return re.sub(r"\d+", lambda side: str(max(1, round(int(side[0]) * share))), size)
