"""Measure the seconds a frame of a render takes, on some of them, as a job renders them: decoded, dreamed, stored."""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count

from dreamvid.coherence.carry import Carry
from dreamvid.core.types import Frame
from dreamvid.media.frame_store import FrameStore
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.overlap import keeping_behind, reading_ahead
from dreamvid.pipeline.render import RenderContext, Rendered


def paced(
    ctx: RenderContext, frames: Iterable[Frame], store: FrameStore, carry: Carry | None = None
) -> Iterator[tuple[float, Rendered]]:
    """Render frames and store them; yield the seconds that each took, and the frame.

    Arguments as of `render_at_cadence`. Where only some frames are dreamed, the first of those between two takes the
    time of the later, which is dreamed before it.
    """
    with reading_ahead(ctx, frames) as (coming, ahead), keeping_behind() as keep:
        results = render_at_cadence(ahead, coming, carry)
        for position in count():
            began = time.perf_counter()
            result = next(results, None)
            if result is None:
                return
            keep(partial(store.write, position, result.dream))
            yield time.perf_counter() - began, result
