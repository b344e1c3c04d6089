"""Frames of a source: upright RGB, from any frame on, cropped, resized and padded by a framing."""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import pairwise

import numpy as np

from dreamvid.core.errors import SourceError
from dreamvid.core.framing import Framing
from dreamvid.core.types import Frame, Pixels, SourceInfo
from dreamvid.media import images, opencv
from dreamvid.media.ffmpeg import ONE_GRAPH, SCALER, STEADY, Ffmpeg, source_arguments

Reader = Callable[[SourceInfo, Sequence[int]], Iterator[Pixels]]


def read(info: SourceInfo, framing: Framing, indices: Sequence[int]) -> Generator[Frame, None, None]:
    """Yield the source's frames at these strictly rising indices, at the size of `framing`.

    Always decodes from the start: no other way of seeking is exact in every container. Closing the generator ends the
    decoder. Raises SourceError where fewer frames come than were counted.
    """
    wanted = list(indices)
    if any(b <= a for a, b in pairwise(wanted)) or (wanted and not 0 <= wanted[0] <= wanted[-1] < info.frames):
        raise ValueError(f"frames must be strictly rising numbers below {info.frames}")
    for index, pixels in zip(wanted, READERS[info.reader](info, wanted), strict=True):
        yield Frame(index, info.times[index], apply(framing, pixels))


def apply(framing: Framing, pixels: Pixels) -> Pixels:
    """Crop, resize and pad (with black) one picture, H x W x 3 uint8; at an unchanged size the pixels stay the same."""
    cropped = pixels[slice(*framing.rows), slice(*framing.cols)]
    height, width = framing.inner
    if cropped.shape[:2] != (height, width):
        cv2 = opencv.load()
        shrinks = height * width < cropped.shape[0] * cropped.shape[1]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        cropped = cv2.resize(np.ascontiguousarray(cropped), (width, height), interpolation=how)
    if framing.size != framing.inner:
        top, left = ((outer - inner) // 2 for outer, inner in zip(framing.size, framing.inner, strict=True))
        padded = np.zeros((*framing.size, 3), np.uint8)
        padded[top : top + height, left : left + width] = cropped
        return padded
    return np.ascontiguousarray(cropped)


def _short(info: SourceInfo, index: int) -> SourceError:
    return SourceError(
        f"{info.name}: frame {index} of {info.frames} could not be decoded a second time: if the file has "
        "changed, run the command again"
    )


def _ffmpeg(info: SourceInfo, wanted: Sequence[int]) -> Iterator[Pixels]:
    """Yield frames through an ffmpeg pipe. `info.filters` drops damaged frames, so the last good one is repeated.

    Before the first good one, that is shown.
    """
    if not wanted:
        return
    lost = set(info.damaged)
    delivered = np.maximum(np.cumsum([number not in lost for number in range(wanted[-1] + 1)]) - 1, 0)
    position = int(delivered[wanted[0]])
    # showinfo tells the watchdog that frames are decoded which nobody gets.
    skip = ["showinfo=checksum=0", info.filters, f"trim=start_frame={position}"]
    filters = skip if position else [info.filters]
    chain = ",".join(part for part in filters if part) or "null"
    mood = (*(STEADY if lost else ()), *(() if info.renews else ONE_GRAPH))
    source = source_arguments(info.files[0], decoder=info.decoder, mood=mood)
    output = [
        "-map",
        f"0:V:{info.picture}",
        "-vf",
        chain,
        "-sws_flags",
        SCALER,
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgb24",
        "pipe:1",
    ]
    with Ffmpeg([*source, *output], delivers=True) as ffmpeg:
        position -= 1
        pixels: Pixels | None = None
        for index in wanted:
            while position < delivered[index]:
                buffer = bytearray(info.height * info.width * 3)
                if not ffmpeg.read_into(buffer):
                    raise _short(info, index)
                pixels = np.frombuffer(buffer, np.uint8).reshape(info.height, info.width, 3)
                position += 1
            assert pixels is not None
            yield pixels


READERS: dict[str, Reader] = {"ffmpeg": _ffmpeg, "images": images.frames}
