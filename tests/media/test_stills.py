"""Files of pictures: made here byte by byte, or with Pillow, and read back."""

import io
import logging
import re
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageFile

from dreamvid.core.errors import SourceError
from dreamvid.media import images, probe, still_texts, stills

from . import clips

XMP = "<x:xmpmeta>" + "x" * 6000 + "</x:xmpmeta>"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def after_header(png: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG with a chunk put in after its header."""
    return png[:33] + chunk(kind, data) + png[33:]


def saved(image: Image.Image, form: str, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def animated(form: str, count: int = 5, **more: object) -> bytes:
    first, *others = (Image.fromarray(clips.picture(number)) for number in range(count))
    return saved(first, form, save_all=True, append_images=others, **more)


def tiff(height: int, width: int, samples: int, bits: int, data: bytes, **more: int) -> bytes:
    """A TIFF of one strip as it is, from chunky samples; `more`: further tags, by `t` and their number."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 2 if samples > 2 else 1, 273: 0, 277: samples, 278: height}
    tags |= {279: len(data), 339: 3 if bits == 32 else 1} | {int(key[1:]): value for key, value in more.items()}
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = start + 4 * samples
    entries = b""
    for tag in sorted(tags):
        if tag in (258, 339) and samples > 2:  # one for each sample, behind the directory
            at = start + (2 * samples if tag == 339 else 0)
            entries += struct.pack("<HHII", tag, 3, samples, at)
        else:
            entries += struct.pack("<HHII", tag, 4, 1, tags[tag])
    lists = struct.pack(f"<{2 * samples}H", *[bits] * samples, *[tags[339]] * samples)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + lists + data


def refused(path: Path, data: bytes) -> str:
    """Return the error message for a file with these bytes."""
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        probe.probe(str(path))
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def test_transparent_colours_behind_other_chunks_stay_hidden() -> None:
    indexed = Image.new("P", (20, 10), 1)
    indexed.putpalette([0, 0, 0, 250, 120, 30])
    data = after_header(saved(indexed, "PNG", transparency=1), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode())
    assert data.find(b"tRNS") > 4096
    assert not stills.decode(data).any()


def test_colours_that_are_not_premultiplied_are_blended_once() -> None:
    for bits, unit in ((8, 1), (16, 257)):
        kind = np.uint8 if bits == 8 else np.dtype("<u2")
        data = (np.array([[[200, 100, 50, 128]] * 3] * 2) * unit).astype(kind).tobytes()
        assert stills.decode(tiff(2, 3, 4, bits, data, t338=2))[0, 0].tolist() == [100, 50, 25]
        data = (np.array([[[100, 50, 25, 128]] * 3] * 2) * unit).astype(kind).tobytes()
        found = stills.decode(tiff(2, 3, 4, bits, data, t338=1))[0, 0].astype(int)
        assert np.abs(found - (100, 50, 25)).max() <= 1


def test_floats_are_rounded() -> None:
    data = np.array([[[0, 0.5, 1], [-1, 2, np.nan]]], "<f4").tobytes()
    assert stills.decode(tiff(1, 2, 3, 32, data)).tolist() == [[[0, 128, 255], [0, 255, 0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_exif_turns_are_applied_at_every_depth(form: str, depth: type, orientation: int) -> None:
    image = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    turned = image.swapaxes(0, 1) if orientation >= 5 else image
    turned = turned[::-1] if orientation in (3, 4, 7, 8) else turned
    turned = turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned
    stored = image.astype(depth) * (257 if depth is np.uint16 else 1)
    if form == "TIFF":
        data = tiff(6, 9, 3, 8 * stored.itemsize, stored.tobytes(), t274=orientation)
    else:
        exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
        data = after_header(bytes(cv2.imencode(".png", stored[:, :, ::-1])[1]), b"eXIf", exif)
    np.testing.assert_array_equal(stills.decode(data), turned)


def adobe() -> bytes:
    """A profile of large primaries: a red of sRGB is a smaller number in it."""
    wide = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = {bytes(wide[at : at + 4]): at for at in range(132, 132 + 12 * wide[131], 12)}
    for tag, value in ((b"rXYZ", (0.6097, 0.3111, 0.0195)), (b"gXYZ", (0.2053, 0.6257, 0.0609))):
        (at,) = struct.unpack_from(">I", wide, places[tag] + 4)
        struct.pack_into(">3i", wide, at + 8, *(round(part * 65536) for part in value))
    return bytes(wide)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_colours_of_a_profile_become_srgb(form: str) -> None:
    image = Image.new("RGB", (16, 16), (128, 200, 90))
    more = {"lossless": True} if form == "WEBP" else {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    plain = stills.decode(saved(image, form, **more))
    wide = stills.decode(saved(image, form, icc_profile=adobe(), **more)).astype(int)
    assert wide[8, 8, 0] < plain[8, 8, 0] - 20
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(stills.decode(saved(image, form, icc_profile=same, **more)), plain)


def test_a_profile_leaves_alpha_and_grey_in_place() -> None:
    clear = Image.new("RGBA", (4, 4), (128, 200, 90, 0))
    assert not stills.decode(saved(clear, "PNG", icc_profile=adobe())).any()
    grey = Image.new("L", (4, 4), 77)
    assert np.ptp(stills.decode(saved(grey, "PNG", icc_profile=adobe()))[0, 0].astype(int)) <= 2


def test_a_damaged_profile_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    image = Image.new("RGB", (4, 4), (128, 200, 90))
    with caplog.at_level(logging.INFO):
        assert stills.decode(saved(image, "PNG", icc_profile=b"none of that"))[0, 0].tolist() == [128, 200, 90]
    assert "profile" in caplog.text


def test_inks_become_rgb() -> None:
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for form in ("JPEG", "TIFF"):
        red, green, blue = stills.decode(saved(inks, form))[8, 8].astype(int)
        assert red > 250
        assert max(green, blue) < 5
    deep = np.full((3, 5, 4), (0, 32896, 65535, 13107), "<u2").tobytes()
    still = stills.opened(io.BytesIO(tiff(3, 5, 4, 16, deep, t262=5)))
    assert still.deep
    np.testing.assert_array_equal(
        still.pixels(), stills.decode(saved(Image.new("CMYK", (5, 3), (0, 128, 255, 51)), "TIFF"))
    )
    neutral = stills.decode(saved(Image.new("LAB", (4, 4), (137, 128, 128)), "TIFF"))[0, 0].astype(int)
    assert np.abs(neutral - 128).max() <= 2


@pytest.mark.parametrize("suffix", [".avif", ".png", ".webp"])
def test_tiles_and_plain_stills_have_their_whole_size(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"one{suffix}"
    path.write_bytes(saved(Image.fromarray(clips.picture(5)), suffix[1:]))
    info = probe.probe(str(path))
    assert (info.kind, info.height, info.width) == ("still", clips.HEIGHT, clips.WIDTH)
    assert clips.numbers(info) == [5]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the most memory that was used")
def test_a_large_picture_is_in_memory_once_as_pillow_has_it_and_once_as_an_array(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(saved(Image.new("RGB", (5000, 4000), (9, 99, 199)), "JPEG"))
    code = "import resource, sys\nfrom pathlib import Path\nfrom dreamvid.media import stills\n"
    code += "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nbefore = peak()\n"
    code += "print(stills.decode(Path(sys.argv[1]).read_bytes()).mean(axis=(0, 1)).round(), peak() - before)"
    command = [sys.executable, "-c", code, str(tmp_path / "large.jpg")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    colour, _, grown = said.strip().rpartition(" ")
    assert colour == "[  9.  98. 198.]"
    assert int(grown) << (0 if sys.platform == "darwin" else 10) < 5000 * 4000 * (4 + 3) * 1.3


def test_legal_fill_bytes_before_a_marker_are_skipped() -> None:
    data = saved(Image.fromarray(clips.picture(5)), "JPEG", quality=95)
    at = data.index(b"\xff\xdb")
    np.testing.assert_array_equal(stills.decode(data[:at] + b"\xff" * 5 + data[at:]), stills.decode(data))


def heic(brands: bytes = b"heicmif1heic") -> bytes:
    return struct.pack(">I4s", 12 + len(brands), b"ftyp") + brands[:4] + bytes(4) + brands[4:] + bytes(100)


@pytest.mark.parametrize("brands", [b"heicmif1heic", b"mif1mif1heic"])
def test_heic_without_its_plugin_is_refused_by_name(
    brands: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert "HEIC picture: `pip install pillow-heif`" in refused(tmp_path / "phone.heic", heic(brands))


def test_heic_is_read_where_its_plugin_is(tmp_path: Path) -> None:
    plugin = pytest.importorskip("pillow_heif")
    path = tmp_path / "phone.heic"
    plugin.from_pillow(Image.fromarray(clips.picture(5))).save(path, quality=90)
    info = probe.probe(str(path))
    assert info.kind == "still"
    assert clips.numbers(info) == [5]
    path.write_bytes(path.read_bytes()[:-900])
    assert "phone.heic" in refused(path, path.read_bytes())


def test_frames_behind_other_chunks_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "walk.png"
    data = animated("PNG", duration=[40, 40, 120, 40, 40])
    path.write_bytes(after_header(data, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode()))
    info = probe.probe(str(path))
    assert clips.numbers(info) == list(range(5))
    assert [time * 25 for time in (*info.times, info.end)] == [0, 1, 2, 5, 6, 7]
    assert info.rate == 25


@pytest.mark.parametrize(("form", "suffix"), [("GIF", "gif"), ("PNG", "png"), ("WEBP", "webp"), ("AVIF", "avif")])
def test_frames_of_a_hundredth_last_as_long_as_browsers_show_them(form: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"hasty.{suffix}"
    path.write_bytes(animated(form, duration=[10, 10, 40, 10, 200]))
    info = probe.probe(str(path))
    assert [round(time * 1000) for time in (*info.times, info.end)] == [0, 100, 200, 240, 340, 540]


def test_frames_of_a_gif_without_control_blocks_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "bare.gif"
    palette = Image.fromarray(clips.picture(0)).quantize(256)
    alone = [saved(Image.fromarray(clips.picture(n)).quantize(palette=palette), "GIF") for n in range(5)]
    table = 13 + 3 * (2 << (alone[0][10] & 7))
    path.write_bytes(alone[0][:table] + b"".join(data[table:-1] for data in alone) + b";")
    assert b"\x21\xf9" not in path.read_bytes()
    info = probe.probe(str(path))
    assert (info.kind, info.rate, info.end) == ("video", 10, Fraction(1, 2))
    assert clips.numbers(info) == list(range(5))
    assert clips.numbers(info, [3]) == [3]


def test_frames_of_an_avif_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "walk.avif"
    path.write_bytes(animated("AVIF", duration=40))
    info = probe.probe(str(path))
    assert (info.kind, info.rate, info.end) == ("video", 25, Fraction(1, 5))
    assert clips.numbers(info) == list(range(5))


@pytest.mark.parametrize("deep", [False, True])
def test_pages_of_a_tiff_are_read_as_a_folder_is(deep: bool, tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(animated("TIFF"))
    if deep:
        path.write_bytes(cv2.imencodemulti(".tiff", [clips.picture(n).astype(np.uint16) * 257 for n in range(5)])[1])
    info = probe.probe(str(path))
    assert (info.kind, info.frames, info.rate) == ("folder", 5, 25)
    assert clips.numbers(info) == list(range(5))
    assert clips.numbers(info, [1, 3]) == [1, 3]


def test_a_preview_is_no_page(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    small = Image.fromarray(clips.picture(6)).resize((40, 20))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    path.write_bytes(saved(Image.fromarray(clips.picture(5)), "TIFF", save_all=True, append_images=[small]))
    info = probe.probe(str(path))
    assert info.kind == "still"
    assert clips.numbers(info) == [5]


def test_a_raw_photo_whose_preview_is_its_only_page_is_refused(tmp_path: Path) -> None:
    data = tiff(24, 40, 3, 8, bytes(24 * 40 * 3), t254=1, t330=8)
    assert "small copy of its picture" in refused(tmp_path / "camera.dng", data)


@pytest.mark.parametrize(("transfer", "is_hdr"), [(13, False), (16, True), (18, True)])
def test_a_png_that_says_it_is_hdr_is_refused(transfer: int, is_hdr: bool, tmp_path: Path) -> None:
    data = after_header(saved(Image.fromarray(clips.picture(1)), "PNG"), b"cICP", bytes([9, transfer, 0, 1]))
    if is_hdr:
        assert "is an HDR picture" in refused(tmp_path / "screen.png", data)
    else:
        assert stills.decode(data).shape == (clips.HEIGHT, clips.WIDTH, 3)


def test_pages_of_different_sizes_are_refused(tmp_path: Path) -> None:
    small = Image.fromarray(clips.picture(6)).resize((40, 20))
    data = saved(Image.fromarray(clips.picture(5)), "TIFF", save_all=True, append_images=[small])
    assert "picture 2 is 40x20, those before it 160x90" in refused(tmp_path / "pages.tif", data)


def test_a_file_that_has_lost_pages_since_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(animated("TIFF", 4))
    info = probe.probe(str(path))
    path.write_bytes(animated("TIFF", 2))
    with pytest.raises(SourceError, match=r"^pages\.tif holds fewer pictures"):
        clips.images(info, [3])


def test_a_file_of_several_is_no_image_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pages.tif").write_bytes(animated("TIFF"))
    for read in (lambda: probe.probe(str(tmp_path)), lambda: images.load(tmp_path / "pages.tif")):
        with pytest.raises(SourceError, match=r"^pages\.tif holds 5 pictures"):
            read()


def test_more_than_eight_bits_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    deep = bytes(cv2.imencode(".png", np.zeros((20, 20, 3), np.uint16))[1])
    for name in ("deep.png", "folder/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(deep)
    with caplog.at_level(logging.INFO):
        for name in ("deep.png", "folder"):
            probe.probe(str(tmp_path / name))
    assert [record.getMessage().split(" has ")[0] for record in caplog.records] == ["deep.png", "1.png"]
    assert "more than 8 bits a channel" in caplog.text


def test_a_folder_says_which_pictures_it_leaves_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(images.encode(clips.picture(1), ".png"))
    (tmp_path / "preview.gif").touch()
    (tmp_path / "notes.txt").touch()
    with caplog.at_level(logging.INFO):
        assert probe.probe(str(tmp_path)).frames == 2
    assert f"{tmp_path.name}: preview.gif is left out" in caplog.text
    (tmp_path / "3.exr").touch()
    with caplog.at_level(logging.INFO):
        probe.probe(str(tmp_path))
    assert "2 files, 3.exr among them, are left out" in caplog.text
    (tmp_path / "making-of.MP4").touch()
    (tmp_path / "more.png").mkdir()
    with caplog.at_level(logging.INFO):
        assert probe.probe(str(tmp_path)).frames == 2
    assert f"{tmp_path.name}: 4 files, 3.exr among them, are left out" in caplog.text


def test_a_folder_with_a_picture_that_is_gone_is_refused(tmp_path: Path) -> None:
    for name in ("1.png", "3.png"):
        (tmp_path / name).write_bytes(images.encode(clips.picture(1), ".png"))
    (tmp_path / "2.png").symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(SourceError, match=r"2\.png is a link to a file that does not exist"):
        probe.probe(str(tmp_path))
    (tmp_path / "2.png").unlink()
    (tmp_path / "2.png").symlink_to(tmp_path / "1.png")
    assert probe.probe(str(tmp_path)).frames == 3


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.ppm", b"P6 2 2 255 " + bytes(12)),
        ("a.TGA", bytes(200)),
        ("a.svg", b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        ("drawing", b"<svg></svg>"),
        ("a.png", b"8BPS\0\1" + bytes(100)),
        ("a.jp2", b"\0\0\0\x0cjP  " + bytes(100)),
    ],
)
def test_a_kind_that_is_not_read_is_to_be_saved_as_another(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=r"of a kind that is not read; save it as PNG \(read are \.avif, "):
        probe.probe(str(tmp_path / name))


def test_what_a_picture_is_counts_for_more_than_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.tga").write_bytes(images.encode(clips.picture(1), ".png"))
    assert probe.probe(str(tmp_path / "a.tga")).kind == "still"


def test_heic_in_a_folder_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "1.png").write_bytes(images.encode(clips.picture(1), ".png"))
    (tmp_path / "2.HEIC").write_bytes(heic())
    with pytest.raises(SourceError, match=r"^2\.HEIC is a HEIC picture"):
        probe.probe(str(tmp_path))


@pytest.mark.parametrize("other", ["frame_08.png", "frame_8.jpg", "frame_008.webp"])
def test_a_number_that_is_there_twice_is_refused(other: str, tmp_path: Path) -> None:
    for name in ("frame_7.png", "frame_8.png", other):
        (tmp_path / name).write_bytes(images.encode(clips.picture(1), Path(name).suffix))
    with pytest.raises(SourceError) as caught:
        probe.probe(str(tmp_path))
    assert all(name in str(caught.value) for name in ("frame_8.png", other, "the same number"))


def with_number(data: bytes, after: bytes, skip: int, packed: bytes) -> bytes:
    """Bytes with some replaced, `skip` bytes after the end of a mark."""
    at = data.index(after) + len(after) + skip
    return data[:at] + packed + data[at + len(packed) :]


def bombs() -> dict[str, tuple[bytes, str]]:
    """Small files that would unfold to gigabytes: bytes, and what is said of them."""
    small = Image.new("RGB", (16, 16))
    wide = struct.pack(">2I", 16384, 16384)
    png = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", wide + bytes([16, 2, 0, 0, 0])) + chunk(b"IDAT", zlib.compress(bytes(99)))
    )
    png += chunk(b"IEND", b"")
    bmp = b"BM" + struct.pack("<IHHI", 154, 0, 0, 54)
    bmp += struct.pack("<IiiHHIIiiII", 40, 44000, -44000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(100)
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6)
    gif += b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\0;"
    apng = animated("PNG", 2, duration=40)
    at = apng.index(b"acTL") - 4
    many = apng[:at] + chunk(b"acTL", struct.pack(">2I", 2**31 - 1, 0)) + apng[at + 20 :]
    ifd = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 1), (279, 1)]
    body = struct.pack("<H", len(ifd)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in ifd)
    starts = (8 + page * (len(body) + 4) for page in range(1, 66))
    pages = b"II*\0" + struct.pack("<I", 8) + b"".join(body + struct.pack("<I", start) for start in starts)
    sides = "65535x65535: a side may have at most 16384"
    return {
        "deep.png": (png, r"16384x16384 at 16 bits, 1\.6 GB decoded: at most 0\.6 GB"),
        "deep.tif": (tiff(16384, 16384, 4, 16, b"x"), r"at 16 bits, 2\.1 GB decoded: at most 0\.6 GB"),
        "floats.tif": (tiff(16384, 16384, 3, 32, b"x"), r"at 32 bits, 3\.2 GB decoded: at most 0\.6 GB"),
        "wide.tif": (tiff(44000, 44000, 3, 8, b"x"), "44000x44000: a side may have at most 16384"),
        "wide.bmp": (bmp, "44000x44000: a side may have at most 16384"),
        "wide.gif": (gif, sides),
        "wide.jpg": (with_number(saved(small, "JPEG"), b"\xff\xc0", 3, struct.pack(">2H", 65535, 65535)), sides),
        "wide.avif": (
            with_number(saved(small, "AVIF"), b"ispe", 4, struct.pack(">2I", 40000, 40000)),
            "40000x40000: a side may have at most 16384",
        ),
        "many.png": (many, "2147483647 pictures: at most 1000000"),
        "many.tif": (pages + bytes(99), "more than 64 pages"),
    }


BOMBS = bombs()


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_unfold_to_gigabytes_is_refused_by_its_header(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    for owner, method in (
        (ImageFile.ImageFile, "load"),
        (Image.core, "new"),
        (cv2, "imdecode"),
        (cv2, "imdecodemulti"),
    ):
        monkeypatch.setattr(owner, method, decoded)
    monkeypatch.setattr(stills, "MAX_PAGES", 64)
    data, said = BOMBS[name]
    assert re.search(said, refused(tmp_path / name, data))


PICTURE = Image.fromarray(clips.picture(5, 24, 32))
MADE = {
    "png": saved(PICTURE, "PNG"),
    "deep png": bytes(cv2.imencode(".png", clips.picture(5, 24, 32).astype(np.uint16) * 257)[1]),
    "apng": animated("PNG", 3, duration=40),
    "jpeg": saved(PICTURE, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    "webp": saved(PICTURE, "WEBP"),
    "gif": animated("GIF", 3, duration=40),
    "tiff": saved(PICTURE, "TIFF", compression="tiff_lzw"),
    "plain tiff": saved(PICTURE, "TIFF", icc_profile=adobe()),
    "deep tiff": bytes(cv2.imencode(".tiff", clips.picture(5, 24, 32).astype(np.uint16) * 257)[1]),
    "bmp": saved(PICTURE.quantize(16), "BMP"),
    "avif": saved(PICTURE, "AVIF"),
}


@pytest.mark.parametrize("kind", MADE)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_damage_is_one_line_or_nothing(kind: str, data: st.DataObject) -> None:
    """Whatever the bytes say: a picture, or a line about them."""
    whole = bytearray(MADE[kind])
    early = st.integers(0, min(len(whole), 400) - 1)  # where the headers are
    for at in data.draw(st.lists(st.one_of(early, st.integers(0, len(whole) - 1)), max_size=6)):
        whole[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, whole[at] ^ 1, whole[at] ^ 0x80]))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(1, len(whole))))
    try:
        still = stills.opened(io.BytesIO(bytes(whole[:cut])))
        for number in range(min(len(still.pages), 3)):
            pixels = still.pixels(number)
            assert pixels.ndim == 3
            assert pixels.dtype == np.uint8
    except SourceError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 300


@pytest.mark.parametrize("kind", MADE)
def test_every_kind_that_is_cut_short_is_refused(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    for share in (2, 5, 8):
        with pytest.raises(SourceError):
            still = stills.opened(io.BytesIO(MADE[kind][: len(MADE[kind]) * share // 10]))
            for number in range(len(still.pages)):
                still.pixels(number)
    assert capfd.readouterr().err == ""


def test_a_tiff_of_a_kind_that_pillow_does_not_know_is_not_only_called_damaged() -> None:
    entries = [(256, 1), (257, 1), (258, 16), (262, 1), (273, 8), (277, 2), (278, 1), (279, 4), (338, 2)]
    values = {258: struct.pack("<HHIHH", 258, 3, 2, 16, 16)}
    fields = b"".join(values.get(tag) or struct.pack("<HHII", tag, 3, 1, value) for tag, value in entries)
    tiff = b"II*\0" + struct.pack("<I", 12) + bytes(4) + struct.pack("<H", len(entries)) + fields + bytes(4)
    with pytest.raises(SourceError, match="a kind of TIFF that is not read"):
        stills.opened(io.BytesIO(tiff))


def test_a_damaged_tiff_gives_no_lines_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(MADE["tiff"])
    data[-900:-600] = b"\xff" * 300
    for damaged in (bytes(data), MADE["tiff"].replace(b"\x80", b"\xff")):
        with pytest.raises(SourceError):
            stills.decode(damaged)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("writer", ["pillow", "opencv"])
def test_grey_of_floats_is_read(writer: str, tmp_path: Path) -> None:
    grey, path = np.tile(np.arange(96, dtype=np.float32) / 95, (64, 1)), tmp_path / "grey.tif"
    if writer == "pillow":
        Image.fromarray(grey).save(path)
    else:
        cv2.imwrite(str(path), grey)
    found = stills.decode(path.read_bytes())
    np.testing.assert_array_equal(found, np.rint(255 * grey).astype(np.uint8)[..., None].repeat(3, axis=2))


@pytest.mark.parametrize(("bits", "stored"), [(8, np.uint8), (16, "<u2"), (32, "<f4")])
def test_grey_whose_zero_is_white_is_no_negative(bits: int, stored: str) -> None:
    levels = np.array([[0, 51, 204, 255]])
    data = (levels * {8: 1, 16: 257, 32: 1 / 255}[bits]).astype(stored).tobytes()
    for zero, shown in ((0, 255 - levels), (1, levels)):
        found = stills.decode(tiff(1, 4, 1, bits, data, t262=zero))
        np.testing.assert_array_equal(found, shown[..., None].repeat(3, axis=2))


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_the_grey_that_a_png_says_to_be_clear_is_black(bits: int) -> None:
    most = 2**bits - 1
    stored = "".join(f"{value:0{bits}b}" for value in (most, 0, most // 3, most))
    row = int(stored, 2).to_bytes(len(stored) // 8)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">II5B", 4, 1, bits, 0, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    for clear, shown in ((most, [0, 0, 85, 0]), (most // 3, [255, 0, 0, 255])):
        keyed = after_header(data, b"tRNS", struct.pack(">H", clear))
        assert stills.decode(keyed).tolist() == [[[grey] * 3 for grey in shown]]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_what_a_camera_wrote_is_told_in_words(suffix: str, tmp_path: Path) -> None:
    block, name = Image.Exif(), ExifTags.Base
    block[name.Orientation] = 6
    picture, plain, taken = Image.new("RGB", (20, 16)), tmp_path / f"plain{suffix}", tmp_path / f"taken{suffix}"
    picture.save(plain, exif=block)
    block[name.Model], block[name.Artist] = "K1000", "A. Dreamer"
    block.get_ifd(ExifTags.IFD.Exif)[name.DateTimeOriginal] = "2024:05:05 10:00:00"
    block.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    picture.save(taken, exif=block)
    assert still_texts.of_camera(plain) == still_texts.of_camera(tmp_path / "none.jpg") == []
    assert still_texts.of_camera(taken) == ["camera", "date", "place", "author"]
