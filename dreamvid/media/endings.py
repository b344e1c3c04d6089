"""Where a container says that its file ends: decoders say nothing of one that was cut between two packets.

Sources: RIFF (OpenDML 1.02), ISO/IEC 14496-12 (4.2), ASF 1.20.03 (3.2), RFC 3533 (6), FLV 10.1 (E.3), SMPTE
ST 377-1 (7), GIF 89a.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BOXES = frozenset(b"ftyp moov mdat moof mfra free skip wide uuid udta meta sidx ssix styp emsg prft pnot".split())
ASF, ASF_FILE = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
MXF = bytes.fromhex("060e2b34020501010d0102010102")
OGG_PAGE = 1 << 16  # an Ogg page is at most 65307 bytes long


def ends_early(path: Path) -> bool:
    """Return whether a file ends before its container says that it does; False where the container does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 16)
        if head[:4] == b"RIFF":
            return any(end > size for end in _ends_of_riffs(file, size))
        if head[4:8] in BOXES:
            return any(end > size for end in _ends_of_boxes(file, size))
        if head.startswith(ASF):
            return _end_of_asf(head) > size
        if head[:4] == b"OggS":
            file.seek(max(0, size - OGG_PAGE))
            return not _is_last_page(file.read())
        if head[:4] == b"GIF8":
            return _is_gif_broken(path.read_bytes())
        if head[:4] == b"FLV\x01":
            return _end_of_flv(head) > size or any(end > size for end in _ends_of_tags(file, size))
        if head.startswith(MXF) and len(head) > 160:
            return _end_of_mxf(head) > size
    return False


def _ends_of_riffs(file: BinaryIO, size: int) -> Iterator[int]:
    start = 0
    while _read(file, start, 4) == b"RIFF" and start + 8 <= size:
        length = int.from_bytes(_read(file, start + 4, 4), "little")
        if length in (0, 0xFFFFFFFF):  # written to a pipe
            return
        yield start + 8 + length
        start += 8 + length + length % 2


def _ends_of_boxes(file: BinaryIO, size: int) -> Iterator[int]:
    start = 0
    while start + 8 <= size:
        head = _read(file, start, 16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8 or head[4:8] not in BOXES:  # 0: to the end of the file
            return
        yield start + length
        start += length


def _ends_of_tags(file: BinaryIO, size: int) -> Iterator[int]:
    start = int.from_bytes(_read(file, 5, 4), "big") + 4
    while start + 4 <= size:
        head = _read(file, start, 4)
        if head[0] & 0x1F not in (8, 9, 18):  # sound, picture, script
            return
        start += 11 + int.from_bytes(head[1:], "big")
        yield start
        start += 4  # the length again; the last one is often left out


def _is_gif_broken(data: bytes) -> bool:
    """Return whether a GIF ends within a block; one that ends between two, without a trailer, is whole to players."""
    at = 13 + _colour_table(data[10:11])
    while data[at : at + 1] in (b"!", b","):
        at += 2 if data[at] == 0x21 else 11 + _colour_table(data[at + 9 : at + 10])
        while length := int.from_bytes(data[at : at + 1]):
            at += 1 + length
        at += 1
    return at > len(data)


def _colour_table(flags: bytes) -> int:
    """Return how many bytes of colours follow a GIF's header or an image's."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _end_of_flv(head: bytes) -> float:
    """Return the size that the metadata tells, 0 where it tells none."""
    at = head.find(b"filesize\0") + 9
    return 0 if at < 9 or len(head) < at + 8 else struct.unpack_from(">d", head, at)[0]


def _end_of_asf(head: bytes) -> int:
    """Return the size that the file properties of a header tell, 0 where it was sent live."""
    at = head.find(ASF_FILE)
    live = at < 0 or len(head) < at + 92 or head[at + 88] & 1
    return 0 if live else int.from_bytes(head[at + 40 : at + 48], "little")


def _end_of_mxf(head: bytes) -> int:
    """Return where the footer begins by the header, 0 where it is not told."""
    value = 17 + (head[16] & 0x7F if head[16] & 0x80 else 0)  # behind the key and its length
    return int.from_bytes(head[value + 24 : value + 32], "big")


def _is_last_page(tail: bytes) -> bool:
    """Return whether the last page of an Ogg file is there to its end and ends its stream."""
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    table = tail[at + 27 : at + 27 + tail[at + 26]]
    return bool(tail[at + 5] & 4) and len(tail) >= at + 27 + tail[at + 26] + sum(table)


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)
