"""A text inside a film or a picture: its comment, or the description in its EXIF block."""

import struct
from pathlib import Path

import av

from dreamvid.core.errors import SourceError
from dreamvid.media import images, still_texts, stills
from dreamvid.media.container import open_file

COMMENTED = ("mp4", "mov", "matroska", "webm")  # muxers that write a comment, which goes along from one to another
HEAD = 4096


def comment(muxer: str, text: str) -> list[str]:
    """Return ffmpeg's arguments that write a text into a film; none where the muxer has no place for it."""
    return ["-metadata", f"comment={text}"] if text and muxer in COMMENTED else []


def comment_of(film: av.container.InputContainer) -> str:
    """Return the comment of an open film; empty where it has none."""
    return next((text for key, text in film.metadata.items() if key.lower() == "comment"), "")


def in_gif(data: bytes, text: str) -> bytes:
    """Return a GIF with an ASCII text as its comment, before its first picture."""
    colours = 3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0  # bytes of the table that all frames share
    raw, at = text.encode("ascii"), 13 + colours
    parts = (raw[start : start + 255] for start in range(0, len(raw), 255))
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    return b"".join((data[:at], b"\x21\xfe", blocks, b"\0", data[at:]))


def in_webp(data: bytes, text: str) -> bytes:
    """Return an animated WebP with an ASCII text in an EXIF block, after its pictures."""
    block = still_texts.exif(text)
    flagged = data[12:20] + bytes([data[20] | 0x08]) + data[21:]
    whole = b"".join((b"WEBP", flagged, b"EXIF", struct.pack("<I", len(block)), block, b"\0" * (len(block) % 2)))
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def read(path: Path) -> str:
    """Return the text of a film, a picture, or the first picture of a folder; empty where it has none.

    Raises SourceError where the file cannot be read.
    """
    if path.is_dir():
        pictures = [file for file in path.iterdir() if file.suffix.lower() in images.READ_SUFFIXES]
        return read(min(pictures, key=images.natural)) if pictures else ""
    name = images.short_name(path)
    try:
        with path.open("rb") as file:
            if stills.is_picture(file.read(HEAD)):
                file.seek(0)
                return still_texts.description(file)
        with open_file(path) as film:
            return comment_of(film)
    except SourceError as error:
        raise SourceError(f"{name} {error}") from None
    except (OSError, av.FFmpegError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a film or a picture"
        raise SourceError(f"{name} cannot be read: {reason}") from None
