"""What every clip of the table shows: its frame's number as a barcode, eight colours, and a bar that flashes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
Colours = Mapping[str, Colour]

HEIGHT, WIDTH, COUNT, RATE = 96, 160, 24, 25
FLASHES = (5, 15)  # frames, at .2 and .6 s
BEEPS = (0.2, 0.6)
COLOURS: Colours = {
    "red": (190, 50, 45),
    "green": (50, 150, 70),
    "blue": (50, 70, 180),
    "yellow": (210, 190, 60),
    "skin": (222, 172, 142),
    "grey": (128, 128, 128),
    "dark": (36, 34, 40),
    "white": (230, 230, 230),
}
CLASSES = {"strong": ("red", "green", "blue", "yellow"), "skin": ("skin",), "plain": ("grey", "dark", "white")}
BLACK_AND_WHITE: Colours = {name: (255 * (n % 2),) * 3 for n, name in enumerate(COLOURS)}
BLACK, WHITE = 16, 235  # of barcode and flash


def grey_of(colours: Colours = COLOURS) -> Colours:
    """The colours in grey: luma by ITU-R BT.601."""
    found = {name: round(0.299 * r + 0.587 * g + 0.114 * b) for name, (r, g, b) in colours.items()}
    return {name: (level,) * 3 for name, level in found.items()}


def picture(number: int, height: int = HEIGHT, width: int = WIDTH, colours: Colours = COLOURS) -> Pixels:
    """A picture of `number` (0 to 255): a third barcode, half colours, the rest a bar, white in frames that flash."""
    bars, patches = height // 3, height * 5 // 6
    image = np.zeros((height, width, 3), np.uint8)
    for place, colour in enumerate(colours.values()):
        across = slice(place * width // 8, (place + 1) * width // 8)
        image[:bars, across] = WHITE if number >> place & 1 else BLACK
        image[bars:patches, across] = colour
    image[patches:] = WHITE if number in FLASHES else BLACK
    return image


def number_of(image: Pixels) -> int:
    """The number in a picture's barcode."""
    return sum(1 << place for place, block in enumerate(_middles(image, 0.08, 0.25)) if block.mean() > 127)


def flashes(image: Pixels) -> bool:
    height = len(image)
    return bool(image[round(height * 0.89) : round(height * 0.95)].mean() > 127)


def colours_of(image: Pixels) -> npt.NDArray[np.float64]:
    """The eight colours, (8, 3), each over the middle of its patch."""
    return np.array([block.reshape(-1, 3).mean(axis=0) for block in _middles(image, 0.45, 0.72)])


def _middles(image: Pixels, top: float, bottom: float) -> list[Pixels]:
    height, width = image.shape[:2]
    rows = slice(round(top * height), max(round(top * height) + 1, round(bottom * height)))
    return [image[rows, (4 * place + 1) * width // 32 : (4 * place + 3) * width // 32] for place in range(8)]
