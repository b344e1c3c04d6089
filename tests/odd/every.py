"""All cases, by theme."""

from odd import (
    animations,
    coloured_stills,
    colours,
    containers,
    damage,
    folders,
    rare,
    rare_stills,
    shapes,
    sounds,
    still_files,
    stills,
    times,
    tracks,
)

__all__ = [
    "animations",
    "coloured_stills",
    "colours",
    "containers",
    "damage",
    "folders",
    "rare",
    "rare_stills",
    "shapes",
    "sounds",
    "still_files",
    "stills",
    "times",
    "tracks",
]
