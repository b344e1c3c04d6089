"""Pictures as a page loads them: JPEG, by the hash of their bytes, so that an address never changes its picture."""

import hashlib
import threading
from collections import OrderedDict

from dreamvid.core.types import Pixels
from dreamvid.media import images
from dreamvid.media.thumbnail import within

QUALITY = 88
PASSING = 16
MOST = 48_000_000  # bytes that are held, some thousand; those not asked for the longest go first


class Pictures:
    """The pictures of a studio, by name; any thread may put and get them."""

    def __init__(self, most: int = MOST) -> None:
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._passing: list[str] = []
        self._bytes, self._most, self._lock = 0, most, threading.Lock()

    def put(self, pixels: Pixels, side: int | None = None, *, passing: bool = False) -> str:
        """Hold a picture, H x W x 3, its long side at most `side` pixels, and return its name.

        `passing`: another follows soon, as of a dream in the making: only the last few of these are held.
        """
        data = images.encode(pixels if side is None else within(pixels, side), ".jpg", quality=QUALITY)
        name = hashlib.sha256(data).hexdigest()[:20]
        with self._lock:
            if name not in self._held:
                self._held[name] = data
                self._bytes += len(data)
                if passing:
                    self._passing.append(name)
            elif not passing and name in self._passing:
                self._passing.remove(name)
            self._held.move_to_end(name)
            if len(self._passing) > PASSING:
                self._drop(self._passing.pop(0))
            while self._bytes > self._most and len(self._held) > 1:
                self._drop(next(iter(self._held)))
        return name

    def keep(self, name: str) -> None:
        """Hold a passing picture as any other."""
        with self._lock:
            if name in self._passing:
                self._passing.remove(name)

    def _drop(self, name: str) -> None:
        self._bytes -= len(self._held.pop(name, b""))

    def get(self, name: str) -> bytes | None:
        """Return a picture as JPEG; None where it is held no more."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
            return self._held.get(name)
