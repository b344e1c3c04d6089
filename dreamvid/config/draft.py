"""Draft settings: the same composition in a small part of the time."""

import math
import re
from collections.abc import Mapping

from dreamvid.config.settings import Settings

SMALLER = 2  # factor between the sizes of the film and of its draft
LONGER = 2**0.5  # factor on the size of half as many steps: a whole 2 would be coarse
CADENCE = 2  # frames, at least, from one dreamed frame to the next


def drafted(settings: Settings) -> Settings:
    """Return settings for a draft: half the size, half the steps, each longer, every other frame dreamed.

    The octaves stay those of the full size as far as they fit, so that the same forms grow in the same places. What is
    animated, and the cadence of loops and of modes without flow, stay as they are.
    """
    dream = settings.dream
    fewer = {} if "dream.steps" in settings.keyframes else {"steps": math.ceil(dream.steps / 2)}
    longer = {} if "dream.step_size" in settings.keyframes else {"step_size": dream.step_size * LONGER}
    cadence = max(settings.coherence.cadence, CADENCE if takes_cadence(settings) else 1)
    size = resized(settings.input.size, 1 / SMALLER)
    return lightened(settings, {**fewer, **longer, "draft": dream.draft * SMALLER}, cadence, size)


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
