"""Films whose pixels change their shape: said, and read in the parts that the message makes of them."""

import re
from pathlib import Path

import pytest

from dreamvid.core.errors import SourceError
from dreamvid.media import probe

from . import clips


@pytest.mark.parametrize("codec", [("-c:v", "mpeg2video"), clips.X264])
def test_each_part_has_one_shape(codec: tuple[str, ...], tmp_path: Path) -> None:
    parts = [
        clips.film(tmp_path / f"{wide}.ts", *codec, "-vf", f"setdar={wide}/9", count=8, size=(96, 120))
        for wide in (12, 16)
    ]
    joined, listed = tmp_path / "joined.ts", tmp_path / "parts.txt"
    listed.write_text("".join(f"file '{part.name}'\n" for part in parts))
    clips.run("-f", "concat", "-i", str(listed), "-c", "copy", str(joined))
    with pytest.raises(SourceError, match="changes from 16:15 to 64:45 after") as refused:
        probe.probe(str(joined))
    commands = re.findall(r"`ffmpeg ([^`]*) (one|two)\.ts`", str(refused.value))
    for (command, name), shape in zip(commands, ("16/15", "64/45"), strict=True):
        output = tmp_path / f"{name}.ts"
        clips.run(*command.replace("FILE", str(joined)).split(), str(output))
        info = probe.probe(str(output))
        assert str(info.sar) == shape
        assert 4 <= info.frames <= 12  # a copy is cut within some frames


def test_a_film_of_one_shape_is_read(tmp_path: Path) -> None:
    part = clips.film(tmp_path / "part.ts", *clips.X264, "-vf", "setsar=64/45", "-g", "2", count=8)
    assert str(probe.probe(str(part)).sar) == "64/45"
