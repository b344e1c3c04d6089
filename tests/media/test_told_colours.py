"""Colours that stills tell by numbers, without an ICC profile."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from dreamvid.media import stills

from .test_stills import after_header, saved

SKIN, GREY = (224, 172, 105), (128, 128, 128)
SKIN_OF_P3 = (234, 169, 92)  # in sRGB, by the matrices of CSS Color 4
P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
USUAL, LINEAR = struct.pack(">I", 45455), struct.pack(">I", 100000)


def png(**chunks: bytes) -> bytes:
    """A PNG of skin and grey, with chunks behind its header."""
    data = saved(Image.fromarray(np.array([[SKIN, GREY]], np.uint8)), "PNG")
    for name, content in chunks.items():
        data = after_header(data, name.encode(), content)
    return data


def shown(data: bytes) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in stills.decode(data)[0].tolist()]


@pytest.mark.parametrize(
    "chunks",
    [{"cICP": bytes([12, 13, 0, 1])}, {"gAMA": USUAL, "cHRM": P3}, {"cHRM": P3}, {"cICP": bytes([12, 1, 0, 1])}],
)
def test_primaries_of_a_png_become_those_of_srgb(chunks: dict[str, bytes]) -> None:
    assert shown(png(**chunks)) == [SKIN_OF_P3, GREY]


@pytest.mark.parametrize("chunks", [{"gAMA": LINEAR}, {"cICP": bytes([1, 8, 0, 1])}])
def test_light_that_is_stored_as_it_is_becomes_srgb(chunks: dict[str, bytes]) -> None:
    assert shown(png(**chunks)) == [(241, 214, 172), (188, 188, 188)]


def test_grey_and_deep_pictures_tell_their_colours_too() -> None:
    grey = after_header(saved(Image.new("L", (2, 1), 128), "PNG"), b"gAMA", LINEAR)
    assert shown(grey) == [(188, 188, 188)] * 2
    deep = bytes(cv2.imencode(".png", np.full((1, 2, 3), SKIN[::-1], np.uint16) * 257)[1])
    assert shown(after_header(deep, b"cICP", bytes([12, 13, 0, 1]))) == [SKIN_OF_P3] * 2


@pytest.mark.parametrize(
    "chunks",
    [
        {"gAMA": USUAL},
        {"gAMA": struct.pack(">I", 45450), "cHRM": struct.pack(">8I", *SRGB)},
        {"sRGB": b"\0", "gAMA": LINEAR, "cHRM": P3},
        {"cICP": bytes([1, 13, 0, 1]), "gAMA": LINEAR},
        {"cICP": bytes([2, 2, 0, 1])},
        {"gAMA": bytes(4)},
        {"gAMA": b"\xff" * 4},
        {"cHRM": bytes(32)},
        {"cHRM": b"\xff" * 32},
        {"cHRM": struct.pack(">8I", 31270, 32900, *[30000] * 6)},
    ],
)
def test_what_is_srgb_or_no_colour_changes_nothing(chunks: dict[str, bytes]) -> None:
    assert shown(png(**chunks)) == [SKIN, GREY]


def test_a_profile_counts_for_more_than_gamma() -> None:
    image = Image.fromarray(np.array([[SKIN, GREY]], np.uint8))
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert shown(after_header(saved(image, "PNG", icc_profile=own), b"gAMA", LINEAR)) == [SKIN, GREY]


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_primaries_of_a_box_become_those_of_srgb(form: str) -> None:
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image, codes = Image.new("RGB", (32, 32), SKIN), ("color_primaries", "transfer_characteristics")
    # Older versions of pillow-heif write a box only where they are given one.
    image.info["nclx_profile"] = dict(zip(codes, (1, 13), strict=True), matrix_coefficients=6, full_range_flag=1)
    data = saved(image, form, quality=100)
    box = b"colrnclx\0"
    assert box + b"\1" in data
    found = stills.decode(data.replace(box + b"\1", box + b"\14"))[8, 8].astype(int)
    assert np.abs(found - SKIN_OF_P3).max() <= 3
