"""How long the frames of a render take, measured on some of them as a job renders them: decoded, dreamed, stored."""

import time
from collections.abc import Iterable, Iterator
from itertools import count

from dreamvid.coherence.carry import Carry
from dreamvid.core.types import Frame
from dreamvid.media.frame_store import FrameStore
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.render import RenderContext, Rendered


def paced(
    ctx: RenderContext, frames: Iterable[Frame], store: FrameStore, carry: Carry | None = None
) -> Iterator[tuple[float, Rendered]]:
    """Render frames and store them; yield the seconds that each took, and the frame.

    Arguments as of `render_at_cadence`. Where only some frames are dreamed, the first of those between two takes the
    time of the later, which is dreamed before it.
    """
    results = render_at_cadence(ctx, frames, carry)
    for position in count():
        began = time.perf_counter()
        result = next(results, None)
        if result is None:
            return
        store.write(position, result.dream)
        yield time.perf_counter() - began, result
