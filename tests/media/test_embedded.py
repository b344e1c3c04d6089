"""A text inside a film or a picture: read back, and nothing else changed by it."""

import subprocess
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from little import drifting, film, texture
from PIL import Image

from dreamvid.core.errors import SourceError
from dreamvid.media import embedded, images, webp
from dreamvid.media.ffmpeg import executable

TEXT = '{"a":"' + 300 * "x" + '"}'  # longer than a block of a GIF


def remuxed(source: Path, target: Path) -> Path:
    subprocess.run([executable(), "-v", "error", "-y", "-i", source, "-c", "copy", target], check=True)
    return target


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_a_still_has_the_text_and_the_same_pixels(suffix: str, tmp_path: Path) -> None:
    picture = texture()
    still = tmp_path / f"still{suffix}"
    still.write_bytes(images.encode(picture, suffix, TEXT))
    assert embedded.read(still) == TEXT
    plain = tmp_path / f"plain{suffix}"
    plain.write_bytes(images.encode(picture, suffix))
    assert embedded.read(plain) == ""
    np.testing.assert_array_equal(images.load(still), images.load(plain))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_has_the_text_and_the_same_frames(kind: str, count: int, tmp_path: Path) -> None:
    pictures = [Image.fromarray(picture) for picture in drifting(count, size=(47, 63))]
    data = BytesIO()
    pictures[0].save(data, kind, save_all=count > 1, append_images=pictures[1:], duration=80)
    plain = data.getvalue()
    made = (
        embedded.in_gif(plain, TEXT)
        if kind == "gif"
        else embedded.in_webp(webp.animated(plain, (47, 63), Fraction(80)), TEXT)
    )
    file = tmp_path / f"film.{kind}"
    file.write_bytes(made)
    assert embedded.read(file) == TEXT
    before, after = Image.open(BytesIO(plain)), Image.open(BytesIO(made))
    assert getattr(after, "n_frames", 1) == count
    for number in range(count):
        before.seek(number)
        after.seek(number)
        np.testing.assert_array_equal(np.array(before.convert("RGB")), np.array(after.convert("RGB")))


def test_a_films_text_survives_copies_from_container_to_container(tmp_path: Path) -> None:
    plain, told = film(tmp_path / "plain.mp4", drifting(2)), tmp_path / "told.mp4"
    how = ["-c", "copy", *embedded.comment("mp4", TEXT)]
    subprocess.run([executable(), "-v", "error", "-i", plain, *how, told], check=True)
    assert embedded.read(plain) == ""
    made = told
    for name in ("a.mkv", "b.mp4", "c.mov", "d.mkv"):
        made = remuxed(made, tmp_path / name)
        assert embedded.read(made) == TEXT, name
    assert embedded.comment("gif", TEXT) == embedded.comment("mp4", "") == []


def test_a_folder_has_the_text_of_its_first_picture(tmp_path: Path) -> None:
    assert embedded.read(tmp_path) == ""
    for number, text in ((10, "tenth"), (9, "ninth")):
        (tmp_path / f"{number}.png").write_bytes(images.encode(texture(), ".png", text))
    assert embedded.read(tmp_path) == "ninth"


def test_what_is_no_film_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone.mp4 cannot be read: No such file"):
        embedded.read(tmp_path / "gone.mp4")
    (tmp_path / "note.txt").write_text("no film")
    with pytest.raises(SourceError, match=r"note.txt cannot be read: it is not a film"):
        embedded.read(tmp_path / "note.txt")
    (tmp_path / "half.png").write_bytes(images.encode(texture(), ".png")[:200])
    with pytest.raises(SourceError, match=r"half.png is damaged"):
        embedded.read(tmp_path / "half.png")
