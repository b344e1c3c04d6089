import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvid.core.errors import JobError
from dreamvid.media.frame_store import FrameStore, Journal, part_of, parts_of, read_table, write_file, write_table

from . import clips


@pytest.fixture
def store(tmp_path: Path) -> FrameStore:
    """An empty store in a job folder."""
    return FrameStore(tmp_path / "job" / "frames")


SIZE = (clips.HEIGHT, clips.WIDTH)


def test_frames_come_back_byte_for_byte(store: FrameStore) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    digest = store.write(12, noise)
    assert store.path(12).name == "000012.png"
    assert digest == clips.sha256(store.path(12))
    np.testing.assert_array_equal(store.read(12), noise)
    assert [path.name for path in store.folder.iterdir()] == ["000012.png"]


def test_matches_only_the_same_bytes(store: FrameStore) -> None:
    digest = store.write(0, clips.picture(1))
    assert store.matches(0, digest, SIZE)
    assert not store.matches(0, digest, SIZE[::-1])
    assert not store.matches(1, digest, SIZE)
    data = bytearray(store.path(0).read_bytes())
    data[-20] ^= 1
    store.path(0).write_bytes(data)
    assert not store.matches(0, digest, SIZE)
    with pytest.raises(JobError, match="run the same command again"):
        store.read(0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal" / "000000.jsonl")


def test_a_journal_keeps_its_lines(journal: Journal) -> None:
    assert list(journal.lines()) == []
    assert not journal.file.parent.exists()
    lines = [{"index": 0, "sha256": "ab"}, {"index": 1, "text": "ü\n"}]
    for line in lines:
        journal.append(line)
    assert list(journal.lines()) == lines


def test_a_table_comes_back_as_it_was_or_not_at_all(tmp_path: Path) -> None:
    file, table = (
        tmp_path / "table.json",
        {"seed": 7, "size": "64x48", "name": "Zoë", "parts": [1.5, None, {"on": True}]},
    )
    write_table(file, table)
    whole = file.read_bytes()
    assert read_table(file) == table
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << (place % 8)
        file.write_bytes(data)
        assert read_table(file) in (None, table), place
    for text in ("", "[]", "{}", '{"seed": 7}'):
        file.write_text(text)
        assert read_table(file) is None
    assert read_table(tmp_path / "missing.json") is None


@settings(max_examples=40)
@given(cut=st.integers(0, 90))
def test_a_torn_line_is_cut_off(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    journal = Journal(tmp_path_factory.mktemp("job") / "journal.jsonl")
    lines = [{"index": number, "sha256": "0123456789"} for number in range(3)]
    for line in lines:
        journal.append(line)
    data = journal.file.read_bytes()
    journal.file.write_bytes(data[:cut])
    whole = data[:cut].count(b"\n")
    assert list(journal.lines()) == lines[:whole]
    journal.append({"index": 9})
    assert list(journal.lines()) == [*lines[:whole], {"index": 9}]


def test_a_line_of_noise_ends_a_journal(journal: Journal) -> None:
    journal.append({"index": 0})
    with journal.file.open("ab") as file:
        file.write(b"\0\0\0\0\n")
    assert list(journal.lines()) == [{"index": 0}]


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "disk is full"), (errno.EIO, "run again"), (errno.EROFS, "read-only")]
)
def test_a_disk_that_refuses(
    code: int, advice: str, store: FrameStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(0, clips.picture(0))

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    for act in (lambda: store.write(0, clips.picture(1)), lambda: journal.append({"index": 0})):
        with pytest.raises(JobError, match=advice) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert clips.number_of(store.read(0)) == 0
    assert [path.name for path in store.folder.iterdir()] == ["000000.png"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match="cannot be written"):
        FrameStore(tmp_path / "file" / "frames")


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.png"
    write_file(path, b"old")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_name_of_a_part_fits_any_file_system() -> None:
    part = part_of(Path("/somewhere") / ("日" * 80 + ".mp4"))
    assert len(part.name.encode()) < 255
    assert part.suffix == ".mp4"


def test_parts_are_told_apart_by_the_whole_name(tmp_path: Path) -> None:
    first, second = (tmp_path / f"{'a' * 60}{number}.mp4" for number in (1, 2))
    assert part_of(first) != part_of(second)
    part_of(first).touch()
    assert (parts_of(first), parts_of(second)) == ([part_of(first)], [])
