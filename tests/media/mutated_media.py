"""Probe and read damaged copies of files, in a process that is given up to it.

    python -m media.mutated_media FOLDER FIRST COUNT FILE...

For each file, copies number FIRST to FIRST + COUNT - 1; the same number gives the same copy. Prints the name of each
copy before it is read, so that whatever ends this process, the last line names it. It stays in FOLDER then.
"""

import contextlib
import resource
import signal
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from dreamvid.core.errors import DreamvidError
from dreamvid.core.framing import Framing
from dreamvid.media import ffmpeg, probe, read

SECONDS, MEMORY = 40, 1 << 30  # of one copy, on a busy machine; bytes, of this process and of the largest ffmpeg
TELLING = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)  # bytes that make numbers small, large or negative


def mutant(data: bytes, number: int) -> bytes:
    """Return a damaged copy: bytes changed, at the start or anywhere; parts cut off, left out, doubled or zeroed."""
    random = np.random.default_rng([number, len(data)])
    copy = bytearray(data)
    for _ in range(random.integers(1, 5)):
        at = int(random.integers(0, max(1, min(len(copy), 600) if random.random() < 0.7 else len(copy))))
        length = int(random.choice([1, 1, 2, 4, 8, 64, 1000]))
        match random.integers(8):
            case 0 | 1 | 2:
                copy[at : at + length] = bytes([int(random.choice(TELLING))]) * len(copy[at : at + length])
            case 3 | 4:
                copy[at : at + 1] = bytes([int(random.integers(256))])
            case 5:
                del copy[at : at + length]
            case 6:
                copy[at:at] = copy[at : at + length]
            case 7:
                del copy[int(len(copy) * random.uniform(0.2, 1)) :]
    return bytes(copy)


def look_at(path: Path, *, tolerate_damage: bool) -> None:
    """Probe a file and read its first frames; a DreamvidError must be one line."""
    try:
        info = probe.probe(str(path), tolerate_damage=tolerate_damage)
        size = (info.height, info.width)
        framing = Framing((0, info.height), (0, info.width), size, size, info.sar)
        with contextlib.closing(read.read(info, framing, range(info.frames))) as frames:
            for frame in islice(frames, 3):
                assert frame.image.shape == (*size, 3)
    except DreamvidError as error:
        assert "\n" not in str(error), repr(str(error))
        assert path.name in str(error) or "ffmpeg" in str(error), repr(str(error))
        assert len(str(error)) < 600, repr(str(error))


def own_memory() -> int:
    """Return the most bytes that this process had in memory; 0 where the system does not say.

    Not by getrusage, which counts those of the process that it was forked from as well.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))


def main(folder: Path, first: int, count: int, files: list[Path]) -> None:
    """Look at the copies of some files, one after the other."""
    ffmpeg.PATIENCE = SECONDS / 2
    for file in files:
        data = file.read_bytes()
        for number in range(first, first + count):
            path = folder / f"{number}-{file.name}"
            path.write_bytes(mutant(data, number))
            print(path.name, flush=True)
            signal.alarm(SECONDS)
            look_at(path, tolerate_damage=number % 2 == 1)
            signal.alarm(0)
            of_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
            assert max(own_memory(), of_children) < MEMORY, "memory"
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
