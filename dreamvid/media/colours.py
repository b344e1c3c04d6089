"""Colours of a still in sRGB, from its ICC profile."""

import logging
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

SEEN = 2  # levels: a profile that changes no colour by more is sRGB, written in another way
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}


def in_srgb(image: Image.Image, profile: bytes | None, *, grey: bool = False) -> Image.Image:
    """Return a picture as RGB in sRGB, without its alpha; where its profile is sRGB, the stored values are kept.

    `grey`: it was grey before it was brought to its mode, so a profile of grey may be its own.
    """
    if image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    found = _transform(profile) if profile else None
    if found is not None:
        transform, mode = found
        fits = {"RGB": image.mode not in ("CMYK", "LAB"), "L": grey, "CMYK": image.mode == "CMYK", "LAB": True}[mode]
        if fits:
            done = ImageCms.applyTransform(
                image.convert("RGB").getchannel(0) if mode == "L" else _as(image, mode), transform
            )
            assert done is not None
            return done
    return _as(image, "RGB")


def _as(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


@lru_cache(maxsize=16)
def _transform(profile: bytes) -> tuple[ImageCms.ImageCmsTransform, str] | None:
    """Return the transform from a profile to sRGB and the mode it takes; None where it changes nothing."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        mode = _MODES[opened.profile.xcolor_space]
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, KeyError):
        logger.info("a colour profile that cannot be read is left out: the colours are taken as sRGB")
        return None
    levels = np.linspace(0, 255, 16).round().astype(np.uint8)
    if mode == "RGB":
        cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    elif mode == "L":
        cube = np.arange(256, dtype=np.uint8)[None]
    else:
        return transform, mode
    after = np.array(ImageCms.applyTransform(Image.fromarray(cube), transform), np.int16)
    before = cube if mode == "RGB" else cube[..., None]
    return None if np.abs(after - before).max() <= SEEN else (transform, mode)
