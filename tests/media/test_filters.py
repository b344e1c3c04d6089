"""Colours of sources that do not say how theirs are stored."""

import logging
from pathlib import Path

import numpy as np
import pytest

from dreamvid.media import probe
from dreamvid.media.ffmpeg import SCALER

from . import clips

GREEN = (12, 220, 2)
RIGHT = ("720x1280", "1280x96", "160x720")


@pytest.mark.parametrize("size", [*RIGHT, "854x480", "720x576"])
@pytest.mark.parametrize("tagged", [True, False])
def test_untagged_colours_are_read_as_players_read_them(
    size: str, tagged: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = "bt709" if size in RIGHT else "smpte170m"
    colour = (
        f"color=c=0x{bytes(GREEN).hex()}:s={size}:r=25,scale=out_color_matrix={matrix}:flags={SCALER},format=yuv420p"
    )
    said = matrix if tagged else "unknown"
    path = tmp_path / "green.mkv"
    graph = f"{colour},setparams=colorspace={said}"
    clips.run("-f", "lavfi", "-i", graph, "-frames:v", "2", "-c:v", "libx264", "-qp", "4", str(path))
    with caplog.at_level(logging.DEBUG):
        info = probe.probe(str(path))
    assert ("read as BT.709" in caplog.text) == (size in RIGHT and not tagged)
    assert np.abs(clips.images(info)[1].astype(int) - GREEN).max() <= 2
