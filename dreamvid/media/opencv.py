"""OpenCV, imported at its first use."""

from functools import cache
from types import ModuleType

from dreamvid.core.errors import ToolError

SILENT = 0  # OpenCV's LOG_LEVEL_SILENT


@cache
def load() -> ModuleType:
    """Import cv2 with its own log silenced, since our errors report failures.

    Raises ToolError where a system library is missing, such as libGL in a minimal container.
    """
    try:
        import cv2
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ToolError(
            f"OpenCV cannot be loaded ({reason}): on Debian or Ubuntu `apt-get install libgl1 libglib2.0-0`, "
            "or `pip install opencv-python-headless` in place of opencv-python"
        ) from error
    log = cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2  # its place before OpenCV 5
    log.setLogLevel(SILENT)
    return cv2
