"""dreamvid: DeepDream for real videos, coherent and durable.

    from pathlib import Path
    import dreamvid

    settings = dreamvid.resolve("dream", [("input.size", "320x180")])
    dreamvid.dream_video("clip.mp4", Path("dream.mp4"), settings)

The names below are the public surface; the command line calls the same functions.
"""

__version__: str  # of the package that is installed, by `__getattr__`
_HOME = {
    "DreamvidError": "core.errors",
    "Options": "jobs.run",
    "Settings": "config.settings",
    "Summary": "jobs.run",
    "dream_image": "jobs.run",
    "dream_video": "jobs.run",
    "dream_zoom": "jobs.run",
    "resolve": "config.presets",
}
__all__ = [
    "DreamvidError",
    "Options",
    "Settings",
    "Summary",
    "__version__",
    "dream_image",
    "dream_video",
    "dream_zoom",
    "resolve",
]


def __getattr__(name: str) -> object:
    """Load a public name where it is first used: `import dreamvid` alone loads neither torch nor OpenCV."""
    from importlib import import_module, metadata  # here, so that Ctrl-C has its answer before it takes its time

    if name == "__version__":
        return metadata.version("dreamvid")
    if name not in _HOME:
        raise AttributeError(f"module 'dreamvid' has no attribute {name!r}")
    return getattr(import_module(f"dreamvid.{_HOME[name]}"), name)
