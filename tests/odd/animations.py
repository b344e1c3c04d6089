"""Pictures that move: GIF, WebP, PNG and AVIF, and the pages of a TIFF."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from odd.case import ALL, Film, Refused, case, cases
from odd.making import encode, held, pictures
from odd.picture import COLOURS, Colours, picture

PALETTE = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
LENGTHS = [40, 120, 80, 400, 40]  # ms
SHOWN = held([(n, sum(LENGTHS[:n]) / 1000) for n in range(5)], sum(LENGTHS) / 1000, 25)
INTO = ("", "film.mp4", "film.gif", "film.webp")


def stills(count: int) -> list[Image.Image]:
    return [Image.fromarray(image) for image in pictures(count)]


def saved(path: Path, images: Sequence[Image.Image], **how: object) -> None:
    images[0].save(path, save_all=True, append_images=images[1:], **how)


@cases("moving.gif", Film(fidelity=28), INTO)
def gif(path: Path) -> None:
    encode(path, "-vf", PALETTE)


@cases("varying.gif", Film(shows=SHOWN, fidelity=28), INTO)
def varying_gif(path: Path) -> None:
    saved(path, [image.quantize(64) for image in stills(5)], duration=LENGTHS)


@case("no_delay.gif", Film(shows=(0, 1, 2, 3), rate="10", fidelity=28))
def gif_without_delay(path: Path) -> None:
    """Delays of 0: every viewer shows such frames for .1 s."""
    saved(path, [image.quantize(64) for image in stills(4)], duration=0)


@case("one_cs.gif", Film(shows=(0, 1, 2, 3), rate="10", fidelity=28))
def gif_of_a_hundredth(path: Path) -> None:
    """Delays of .01 s: every viewer shows such frames for .1 s."""
    saved(path, [image.quantize(64) for image in stills(4)], duration=10)


@case("fifty.gif", Film(shows=ALL, rate="50", fidelity=28))
def gif_of_50(path: Path) -> None:
    saved(path, [image.quantize(64) for image in stills(24)], duration=20)


@case("interlaced.gif", Film(shows=(0, 1, 2), fidelity=28))
def interlaced_gif(path: Path) -> None:
    saved(path, [image.quantize(64) for image in stills(3)], duration=40, interlace=1)


@case("parts.gif", Film(shows=ALL[:8], fidelity=28))
def gif_of_parts(path: Path) -> None:
    """Every frame holds only what has changed, as all tools write it."""
    saved(path, [image.quantize(64) for image in stills(8)], duration=40, optimize=True, disposal=1)


@case("disposal_2.gif", Film(shows=(0, 1, 2, 3), fidelity=28))
def disposing_gif(path: Path) -> None:
    saved(path, [image.quantize(64) for image in stills(4)], duration=40, disposal=2)


@case("sprites.gif", Film(shows=(0, 1, 2, 3), fidelity=28))
def sprites(path: Path) -> None:
    """A picture that stays, and barcodes laid over it, each taken away before the next comes."""
    images = stills(4)
    parts = [images[0], *(image.crop((0, 0, 160, 32)) for image in images[1:])]
    data = b""
    for number, part in enumerate(parts):
        file = BytesIO()
        part.quantize(64).save(file, "GIF")
        alone = file.getvalue()
        table = 3 * (2 << (alone[10] & 7))
        at = alone.index(b"\x2c", 13 + table)
        if not number:
            data = alone[:13] + alone[13 : 13 + table]
        control = b"\x21\xf9\x04" + bytes([(3 if number else 1) << 2, 4, 0, 0, 0])
        head = alone[at : at + 9] + bytes([0x80 | alone[at + 9] & 0x40 | alone[10] & 7])
        data += control + head + alone[13 : 13 + table] + alone[at + 10 : -1]
    path.write_bytes(data.replace(b"GIF87a", b"GIF89a") + b";")


CLEAR: Colours = dict.fromkeys(COLOURS, (0, 0, 0))


@case("clear.gif", Film(shows=(0, 1, 2), colours=CLEAR, fidelity=28))
def clear_gif(path: Path) -> None:
    """The colours are transparent: over black."""
    found = []
    for image in pictures(3):
        rgba = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        rgba[32:80, :, 3] = 0
        found.append(Image.fromarray(rgba))
    saved(path, found, duration=40, disposal=2)


@case("still.gif", Film(shows=(0,), fidelity=28))
def still_gif(path: Path) -> None:
    stills(1)[0].quantize(64).save(path)


@case("cut.gif", Refused(""))
def cut_gif(path: Path) -> None:
    gif(path)
    path.write_bytes(path.read_bytes()[:-2000])


@case("tail.gif", Film(fidelity=28))
def gif_with_a_tail(path: Path) -> None:
    """Bytes behind its end."""
    gif(path)
    path.write_bytes(path.read_bytes() + b"\0" * 100)


@cases("even.webp", Film(shows=ALL[:6], fidelity=28), INTO)
def even_webp(path: Path) -> None:
    saved(path, stills(6), duration=40, quality=95)


@cases("varying.webp", Film(shows=SHOWN, fidelity=28), INTO)
def varying_webp(path: Path) -> None:
    saved(path, stills(5), duration=LENGTHS, quality=95)


@case("lossless.webp", Film(shows=ALL[:6], rate="10"))
def lossless_webp(path: Path) -> None:
    saved(path, stills(6), duration=100, lossless=True)


@cases("same.webp", Film(shows=(1, 1), rate="25/3", fidelity=28), INTO)
def webp_of_one_picture(path: Path) -> None:
    """Two pictures that are nearly the same."""
    first = picture(1)
    second = first.copy()
    second[-1, -1] ^= 255
    saved(path, [Image.fromarray(first), Image.fromarray(second)], duration=120, lossless=True)


@case("clear.webp", Film(shows=(0, 1, 2), colours=CLEAR, fidelity=28))
def clear_webp(path: Path) -> None:
    clear_gif(path)


@case("sticker.webp", Film(shows=ALL[:6], rate="20", fidelity=28))
def sticker(path: Path) -> None:
    saved(path, stills(6), duration=50, quality=80, loop=0, minimize_size=True)


@case("cut.webp", Refused(""))
def cut_webp(path: Path) -> None:
    even_webp(path)
    path.write_bytes(path.read_bytes()[:-400])


@cases("moving.apng", Film(shows=ALL[:6]), INTO[:2])
def apng(path: Path) -> None:
    encode(path, "-f", "apng", "-plays", "0", shown=pictures(6))


@case("varying.png", Film(shows=SHOWN))
def varying_png(path: Path) -> None:
    saved(path, stills(5), duration=LENGTHS)


@case("hidden_first.png", Film(shows=(1, 2, 3)))
def hidden_first(path: Path) -> None:
    """The first picture is for programs that cannot show the others."""
    saved(path, stills(4), duration=40, default_image=True)


@case("thirds.png", Film(shows=(0, 1, 2, 3), rate="3"))
def thirds(path: Path) -> None:
    saved(path, stills(4), duration=1000 / 3)


@cases("moving.avif", Film(shows=ALL[:6], fidelity=30), INTO)
def avif(path: Path) -> None:
    saved(path, stills(6), duration=40, quality=95)


@case("varying.avif", Film(shows=SHOWN, fidelity=30))
def varying_avif(path: Path) -> None:
    saved(path, stills(5), duration=LENGTHS, quality=95)


@case("ffmpeg.avif", Film(shows=ALL[:6], fidelity=30))
def avif_of_ffmpeg(path: Path) -> None:
    encode(path, "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "10", "-pix_fmt", "yuv420p", shown=pictures(6))


@case("still.avif", Refused("dreamvid image"))
def still_avif(path: Path) -> None:
    stills(1)[0].save(path)


@case("still.webp", Refused("dreamvid image"))
def still_webp(path: Path) -> None:
    stills(1)[0].save(path)


@cases("pages.tif", Film(shows=ALL[:6]), ("", "film.mp4"))
def pages(path: Path) -> None:
    saved(path, stills(6))


@case("pages_of_two_sizes.tif", Refused("picture 2"))
def pages_of_two_sizes(path: Path) -> None:
    saved(path, [stills(1)[0], stills(1)[0].resize((80, 48))])


@case("burst.heic", Refused("dreamvid image"))
def burst(path: Path) -> None:
    """Several pictures of a phone in one file: the first is the one that is shown."""
    import pillow_heif

    file = pillow_heif.HeifFile()
    for image in stills(3):
        file.add_from_pillow(image)
    file.save(path, quality=90)
