"""Paths in texts: those of a machine are names alone, others stay."""

from pathlib import Path

import pytest

from dreamvid.core.paths import file_size, without_folders

HERE = Path.cwd()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/home/me/in/one.mp4: there is no such file", "one.mp4: there is no such file"),
        (f"{HERE}/in/one.mp4 and {HERE}", f"in/one.mp4 and {HERE.name}"),
        (f"{Path.home()}/films/one.mp4", "films/one.mp4"),
        ("/known/a b/c d/one two.mp4 cannot be read", "c d/one two.mp4 cannot be read"),
        ("'/x/y/z.png' (/x/q.toml)", "'z.png' (q.toml)"),
        ("file:///x/y/z.png, file:/x/y/z.png", "z.png, file:z.png"),
        (r"C:\Users\me\one.mp4: no; \\server\share\two.mp4", "one.mp4: no; two.mp4"),
        ("in/one.mp4, ../two.mp4, in/*/x.mp4, ~/a.mp4", "in/one.mp4, ../two.mp4, in/*/x.mp4, ~/a.mp4"),
        ("30000/1001 frames, 3 / 4, http://example.org/a/b", "30000/1001 frames, 3 / 4, http://example.org/a/b"),
        ("/known/a bc/d.mp4", "a bc/d.mp4"),
        ("", ""),
    ],
)
def test_absolute_paths_are_names_and_the_rest_stays(text: str, wanted: str) -> None:
    assert without_folders(text, [Path("/known/a b")]) == wanted


@pytest.mark.parametrize(
    ("size", "said"), [(12, "12 bytes"), (254_734, "254.7 kB"), (12_300_000, "12.3 MB"), (4_200_000_000, "4.2 GB")]
)
def test_sizes_are_read_easily(size: int, said: str) -> None:
    assert file_size(size) == said
