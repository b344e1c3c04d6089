"""Stills with colour profiles, of P3, Adobe RGB, grey, and inks."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from odd import profiles
from odd.picture import COLOURS
from odd.stills import GREY, ONE, shown, still


def with_profile(path: Path, image: Image.Image, profile: bytes) -> None:
    image.save(
        path, icc_profile=profile, **({"quality": 98} if path.suffix in (".jpg", ".webp", ".avif", ".heic") else {})
    )


for suffix in ("jpg", "png", "webp", "tif", "heic", "avif"):
    still(f"p3.{suffix}", fidelity=34)(
        lambda path: with_profile(
            path, Image.fromarray(profiles.stored_in(ONE, profiles.P3)), profiles.of_primaries(profiles.P3)
        )
    )
for suffix in ("jpg", "png", "tif"):
    still(f"adobe_rgb.{suffix}", fidelity=34)(
        lambda path: with_profile(
            path, Image.fromarray(profiles.stored_in(ONE, profiles.ADOBE)), profiles.of_primaries(profiles.ADOBE)
        )
    )


def linear_grey(path: Path) -> None:
    grey = np.array(shown().convert("L"))
    stored = np.rint(255 * profiles.light_of(grey) ** (1 / 1.8)).astype(np.uint8)
    with_profile(path, Image.fromarray(stored), profiles.of_grey(1.8))


for suffix in ("jpg", "png", "tif"):
    still(f"grey_18.{suffix}", colours=GREY, fidelity=36)(linear_grey)


def inked() -> Image.Image:
    colours = {name: tuple(255 * ink for ink in profiles.INK_OF[name]) for name in COLOURS}
    image = np.zeros((96, 160, 4), np.uint8)
    for place, colour in enumerate(colours.values()):
        across = slice(20 * place, 20 * place + 20)
        image[:32, across] = (0, 0, 0, 0 if 1 >> place & 1 else 255)
        image[32:80, across] = colour
    image[80:] = (0, 0, 0, 255)
    return Image.fromarray(image, "CMYK")


for suffix in ("jpg", "tif"):
    still(f"inks.{suffix}", colours=profiles.INKS, fidelity=32)(
        lambda path: with_profile(path, inked(), profiles.of_inks())
    )


@still("inks_alone.jpg", fidelity=30)
def inks_alone(path: Path) -> None:
    """CMYK without a profile."""
    shown().convert("CMYK").save(path, quality=95)


@still("lab.tif", fidelity=32)
def lab(path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    ImageCms.applyTransform(shown(), to_lab).save(path)


@still("broken_profile.jpg", fidelity=33)
def broken_profile(path: Path) -> None:
    with_profile(path, shown(), b"nothing of a profile" * 20)
