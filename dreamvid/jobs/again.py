"""A film made again by its record: to the byte from the same source, or its look on another."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dreamvid import __version__
from dreamvid.config.fields import Moment
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError, SourceError
from dreamvid.jobs.joined import dream_joined
from dreamvid.jobs.run import RENDERERS, Options, Summary
from dreamvid.media import record as records
from dreamvid.media.companion import digest
from dreamvid.media.record import Overrides, Record
from dreamvid.models import zoo
from dreamvid.pipeline.plan import RENDER_VERSION
from dreamvid.pipeline.sources import NOISE, with_input
from dreamvid.pipeline.stretches import Stretch

logger = logging.getLogger(__name__)
DREAMS = ("net", "objective")  # sections: where one of them is changed, the nets may be others


def again(film: Path, sources: Sequence[str], output: Path, overrides: Overrides, options: Options) -> Summary:
    """Make a film again by its record, or its look on all of other sources; the same source gives the same bytes.

    `sources`: none: those of the record, which lie beside the film; `overrides`: settings to change, as of
    `presets.resolve`. Raises DreamvidError, or Interrupted where it is stopped.
    """
    record = records.needed(film)
    looks = [record.of_segment(segment) for segment in record.segments] or [record]
    settings, *others = (look.settings_beside(film, overrides) for look in looks)
    if sources:
        same = _same(record, film, sources)
    else:
        sources, same = _beside(record, film), True
    if same:
        options = replace(options, names=tuple(source.name for source in record.sources))
    elif record.segments:
        raise SettingsError(
            f"{film.name} has segments, which fit its own source alone: `dreamvid again {film.name} --show` prints "
            "their presets, of which a batch file makes segments of another source"
        )
    else:
        logger.info("%s in the look of %s: the whole of it", ", ".join(Path(name).name for name in sources), film.name)
        settings = with_input(settings, **_range(overrides))
    if not any(key.partition(".")[0] in DREAMS for key, _ in overrides):
        for look, its in zip(looks, (settings, *others), strict=True):
            nets = [zoo.from_settings(how, trust=options.trust) for how in its.nets]
            look.check_nets(film, [net.sha256 for net in nets], "--set net.name=NET or --set net.weights=FILE")
    if (record.dreamvid, record.render) != (__version__, RENDER_VERSION):
        logger.warning(
            "%s was made by dreamvid %s (render version %d), this is %s (%d): the new film may differ from it",
            *(film.name, record.dreamvid, record.render, __version__, RENDER_VERSION),
        )
    if record.segments:
        return dream_joined(sources[0], output, _stretches(record, (settings, *others)), options)
    source = list(sources) if record.command == "zoom" else sources[0]
    return RENDERERS[record.command](source, output, settings, options)  # type: ignore[arg-type]


def _stretches(record: Record, looks: Sequence[Settings]) -> list[Stretch]:
    """Return the stretches of a recorded film, with these settings."""
    return [
        Stretch(look, Moment(float(its.first / record.film.rate)), None, its.join, its.name, f"segment {number}")
        for number, (its, look) in enumerate(zip(record.segments, looks, strict=True), start=1)
    ]


def _same(record: Record, film: Path, sources: Sequence[str]) -> bool:
    """Return whether sources are those of the record; raise SettingsError where it takes no such number of them."""
    if record.command != "zoom" and len(sources) > 1:
        raise SettingsError(f"{film.name} was made of one source: give one, not {len(sources)}")
    recorded = [source.name if source.name in NOISE else source.sha256 for source in record.sources]
    return [name if name in NOISE else digest(name) for name in sources] == recorded


def _beside(record: Record, film: Path) -> list[str]:
    """Return the sources of a film where they lie beside it; raise SourceError where one does not."""
    found = []
    for source in record.sources:
        place = film.parent / source.name
        if source.name in NOISE:
            found.append(source.name)
            continue
        if not place.exists():
            raise SourceError(
                f"{source.name}, of which {film.name} was made, is not beside it: put it there, or name a source: "
                f"dreamvid again {film.name} SOURCE OUTPUT"
            )
        if digest(str(place)) != source.sha256:
            raise SourceError(
                f"{source.name}, beside {film.name}, is another than it was made of: to dream it in the same look, "
                f"name it: dreamvid again {film.name} {source.name} OUTPUT"
            )
        found.append(str(place))
    return found


def _range(overrides: Overrides) -> dict[str, None]:
    """Return the settings of a range, which is one of the source recorded, as none; but not those just given."""
    given = {key for key, _ in overrides}
    return {key: None for key in ("frames", "start", "stop") if f"input.{key}" not in given}
