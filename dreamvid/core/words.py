"""Numbers in words."""


def counted(number: int, noun: str) -> str:
    """Return how many there are of something: `1 frame`, `2 frames`; the plural of `noun` has an s at its end."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
