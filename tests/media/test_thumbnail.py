"""Small pictures that stand for films, stills and folders."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from little import texture, write_image
from PIL import Image

from dreamvid.core.errors import SourceError
from dreamvid.media.thumbnail import thumbnail

from .clips import X264, film, number_of, run


def test_of_a_film_it_is_the_keyframe_before_the_middle(tmp_path: Path) -> None:
    assert number_of(thumbnail(film(tmp_path / "a.mp4", *X264), 160)) == 8  # of 24, one of eight is a keyframe
    small = thumbnail(tmp_path / "a.mp4", 40)
    assert small.shape == (22, 40, 3) and small.dtype == np.uint8


def test_nothing_is_enlarged_and_a_tall_picture_is_bounded_too(tmp_path: Path) -> None:
    still = write_image(tmp_path / "a.png", texture(48, 20))
    assert thumbnail(still, 400).shape == (48, 20, 3)
    assert thumbnail(still, 24).shape == (24, 10, 3)


def test_of_what_moves_in_one_file_and_of_a_folder_it_is_one_from_the_middle(tmp_path: Path) -> None:
    shades = [Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)) for number in range(5)]
    for name in ("a.gif", "a.webp"):
        shades[0].save(tmp_path / name, save_all=True, append_images=shades[1:], lossless=True)
        assert abs(int(thumbnail(tmp_path / name, 8)[4, 4, 0]) - 80) <= 1
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, shade in enumerate(shades):
        shade.save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    assert thumbnail(folder, 8)[4, 4, 0] == 80


def test_what_shows_no_picture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.mp4").write_bytes(b"no film")
    (tmp_path / "no.png").write_bytes(b"no picture")
    run("-f", "lavfi", "-t", "0.1", "-i", "sine", str(tmp_path / "sound.mkv"))
    whole = film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    for name in ("empty", "no.mp4", "no.png", "sound.mkv", "cut.mp4", "gone.mp4"):
        with pytest.raises(SourceError, match=name):
            thumbnail(tmp_path / name, 40)
    shutil.rmtree(tmp_path / "empty")
