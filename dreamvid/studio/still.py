"""The dream that a page shows, as a picture to keep: the look at one moment, and the cut that holds one frame."""

from dataclasses import replace

from dreamvid.config.draft import resized
from dreamvid.config.presets import Defaults
from dreamvid.core.errors import SettingsError
from dreamvid.studio.clip import Clip
from dreamvid.studio.dreaming import values_at
from dreamvid.studio.folder import Folder
from dreamvid.studio.look import Cut, Look, settings_of


def still_of(
    clip: Clip, frame: int, look: Look, cut: Cut, folder: Folder, defaults: Defaults, factor: int
) -> tuple[Look, Cut]:
    """Return look and cut by which `dreamvid image` dreams a frame; `factor`: by how much smaller than in the film.

    Smaller, it has the octaves of the film's size, as what a page shows. Raises SettingsError where a picture cannot be
    dreamed so.
    """
    settings = settings_of(look, cut, folder, defaults)
    if settings.mask.kind == "motion":
        raise SettingsError("in one picture nothing moves: choose another mask than where it moves")
    values = dict(look.values) | values_at(clip, frame, settings, cut)
    size = cut.size
    if factor > 1:
        size = resized(size, 1 / factor)
        values["dream.draft"] = settings.dream.draft * factor
    plain = replace(look, values=tuple(sorted(values.items())), keys=())
    return plain, Cut(size, frames=f"{frame}:{frame + 1}" if clip.is_film else None)
