import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from little import texture

from dreamvid.core.errors import SettingsError, SourceError, ToolError
from dreamvid.media import images, opencv, probe, stills

from . import clips


def written(image: np.ndarray, suffix: str) -> bytes:
    """An image file as OpenCV writes it, from BGR(A)."""
    return bytes(cv2.imencode(suffix, image)[1])


def turned_jpeg(orientation: int) -> bytes:
    """A JPEG whose upper half is red, with an EXIF orientation."""
    image = np.zeros((40, 80, 3), np.uint8)
    image[:20, :, 2] = 255
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    data = written(image, ".jpg")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


@settings(max_examples=25)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3))))
def test_png_gives_back_every_byte(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(stills.decode(images.encode(pixels, ".png")), pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tiff", ".PNG"])
def test_other_kinds_give_back_the_picture(suffix: str) -> None:
    back = stills.decode(images.encode(clips.picture(5), suffix))
    assert np.abs(back.astype(int) - clips.picture(5)).mean() < 4


def test_an_unknown_suffix_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"\.xyz"):
        images.encode(clips.picture(0), ".xyz")


def test_a_format_that_cannot_hold_it_says_so() -> None:
    with pytest.raises(ToolError, match="WebP cannot hold 16400x16"):
        images.encode(np.zeros((16, 16400, 3), np.uint8), ".webp")


@pytest.mark.parametrize(("orientation", "red"), [(1, "top"), (3, "bottom"), (6, "right"), (8, "left")])
def test_exif_turns_are_applied(orientation: int, red: str) -> None:
    image = stills.decode(turned_jpeg(orientation))
    assert image.shape == ((40, 80, 3) if orientation in (1, 3) else (80, 40, 3))
    halves = {"top": image[:16], "bottom": image[-16:], "left": image[:, :16], "right": image[:, -16:]}
    assert (halves[red][..., 0] > 200).mean() > 0.95


def with_exif(data: bytes, orientation: int, size: tuple[int, int], order: str) -> bytes:
    """A PNG or a lossless WebP with alpha, and an EXIF orientation put in."""
    tiff = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(
        f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0
    )
    if data.startswith(b"\x89PNG"):
        chunk = b"eXIf" + tiff
        return data[:33] + struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (size[1], size[0]))
    head = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x18\0\0\0" + sides
    body = head + data[12:] + b"EXIF" + struct.pack("<I", len(tiff)) + tiff
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_are_applied_beside_alpha(suffix: str, orientation: int) -> None:
    """OpenCV itself turns what has no alpha: with an opaque one the same must come out."""
    image = np.random.default_rng(1).integers(0, 256, (24, 32, 4), dtype=np.uint8)
    image[..., 3] = 255
    image[:5, :9, 3] = 254  # or the WebP would be stored without
    for order in "<>":
        data = with_exif(written(image, suffix), orientation, image.shape[:2], order)
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        assert np.abs(stills.decode(data).astype(int) - expected).max() <= 1


def test_sixteen_bits_are_rounded() -> None:
    deep = np.array([[[0, 0, 0], [128, 128, 128], [129, 129, 129], [65535, 65535, 65535]]], np.uint16)
    for suffix in (".png", ".tiff"):
        assert stills.decode(written(deep, suffix))[0, :, 0].tolist() == [0, 0, 1, 255]


def test_grey_becomes_rgb() -> None:
    grey = np.arange(200, dtype=np.uint8).reshape(10, 20)
    for kind in (grey, (grey.astype(np.uint16) * 257)):
        np.testing.assert_array_equal(stills.decode(written(kind, ".png")), np.repeat(grey[:, :, None], 3, axis=2))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_lies_over_black(suffix: str, depth: type) -> None:
    full = np.iinfo(depth).max
    image = np.full((4, 3, 4), full, depth)
    image[:, 0, 3], image[:, 1, 3] = 0, round(full * 0.4)
    assert stills.decode(written(image, suffix))[0, :, 0].tolist() == [0, 102, 255]


def test_bgr_does_not_get_in() -> None:
    blue = np.zeros((4, 4, 3), np.uint8)
    blue[..., 0] = 255
    assert stills.decode(written(blue, ".png"))[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
def test_a_still_cut_short_is_refused(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"cut{suffix}"
    data = written(clips.picture(3), suffix)
    path.write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(SourceError, match=rf"^cut\{suffix} is"):
        probe.probe(str(path))
    if suffix == ".png":
        assert capfd.readouterr().err == ""


def test_a_flipped_bit_in_a_png_is_found() -> None:
    data = bytearray(images.encode(clips.picture(3), ".png"))
    data[len(data) // 2] ^= 4
    with pytest.raises(SourceError, match="damaged"):
        stills.decode(bytes(data))


def test_a_still_that_would_unfold_to_gigabytes_is_refused(tmp_path: Path) -> None:
    data = bytearray(images.encode(np.zeros((16, 16, 3), np.uint8), ".png"))
    data[16:24] = struct.pack(">2I", 40000, 40000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="40000x40000"):
        probe.probe(str(path))


def test_names_in_natural_order() -> None:
    names = ["f10.png", "f2.png", "f1.png", "e3.png"]
    assert [path.name for path in sorted(map(Path, names), key=images.natural)] == [
        "e3.png",
        "f1.png",
        "f2.png",
        "f10.png",
    ]


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["f_0001.png", "f_0002.png", "f_0004.png"], "f_0003.png"),
        (["f9.png", "f10.png", "f12.png", "f13.png"], "f11.png"),
        (["f_010.png", "f_020.png", "f_040.png"], "f_030.png"),
        (["f_010.png", "f_020.png", "f_030.png"], ""),
        (["7.png", "8.png", "9.png"], ""),
        (["a1.png", "b3.png", "c9.png"], ""),
        (["12.00.01.png", "12.00.04.png", "12.00.05.png", "12.00.11.png", "12.00.30.png"], ""),
        (["tree.png", "f_1.png", "f_3.png", "f_4.png"], ""),
        (["f_1.png"], ""),
    ],
)
def test_gaps(names: list[str], missing: str) -> None:
    assert images.gap(names) == missing


def test_a_folder_takes_its_images_only(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"shot {number} of day.png").write_bytes(images.encode(clips.picture(number), ".png"))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match=r"shot 3 of day\.png is missing"):
        probe.probe(str(tmp_path))
    (tmp_path / "shot 10 of day.png").rename(tmp_path / "shot 3 of day.png")
    assert clips.numbers(probe.probe(str(tmp_path))) == [1, 2, 10]


def test_without_opencv_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    opencv.load.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "cv2", None)
        with pytest.raises(ToolError, match=r"apt-get install libgl1 libglib2\.0-0.*opencv-python-headless") as caught:
            opencv.load()
    assert "\n" not in str(caught.value)
    opencv.load.cache_clear()
    assert opencv.load() is cv2


def test_a_digit_that_is_no_number_is_text(tmp_path: Path) -> None:
    for name in ("²5.png", "²10.png"):
        (tmp_path / name).write_bytes(images.encode(clips.picture(5), ".png"))
    assert [path.name for path in probe.probe(str(tmp_path)).files] == ["²5.png", "²10.png"]


@pytest.mark.parametrize(("method", "reason"), [("iterdir", "cannot be listed"), ("open", r"1\.png cannot be read")])
def test_what_may_not_be_read_is_named(
    method: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.png").write_bytes(images.encode(clips.picture(5), ".png"))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(SourceError, match=f"{reason}: Permission denied") as caught:
        probe.probe(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("broken", [0, 2, 3])
def test_of_a_folder_the_last_good_image_stands_for_a_damaged_one(broken: int, tmp_path: Path) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(4):
        picture = np.full((40, 60, 3), 50 * number, np.uint8)
        (folder / f"{number}.png").write_bytes(images.encode(picture, ".png"))
    file = folder / f"{broken}.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(SourceError, match=rf"^{broken}\.png is damaged.*--tolerate-damage"):
        probe.probe(str(folder))
    info = probe.probe(str(folder), tolerate_damage=True)
    kept = [*range(4)]
    kept[broken] = broken - 1 if broken else 1
    assert [int(frame.mean()) for frame in images.frames(info, range(info.frames))] == [50 * number for number in kept]
    assert info.damaged == (broken,)


def test_a_folder_of_nothing_but_damaged_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"")
    with pytest.raises(SourceError, match="damaged"):
        probe.probe(str(tmp_path), tolerate_damage=True)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_lower_quality_makes_a_smaller_file(suffix: str) -> None:
    sizes = [len(images.encode(texture(), suffix, quality=quality)) for quality in (60, 80, 95)]
    assert sizes == sorted(set(sizes)) and len(images.encode(texture(), suffix)) == sizes[-1]
