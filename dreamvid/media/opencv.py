"""OpenCV, imported at its first use."""

import os
from functools import cache
from types import ModuleType

from dreamvid.core.errors import ToolError


@cache
def load() -> ModuleType:
    """Import cv2 with its own log silenced, since our errors report failures.

    Raises ToolError where a system library is missing, such as libGL in a minimal container.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # its ffmpeg writes to standard error, bypassing the log
    try:
        import cv2
    except ImportError as error:
        reason = " ".join(str(error).split())
        raise ToolError(
            f"OpenCV cannot be loaded ({reason}): on Debian or Ubuntu `apt-get install libgl1 libglib2.0-0`, "
            "or `pip install opencv-python-headless` in place of opencv-python"
        ) from error
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2
