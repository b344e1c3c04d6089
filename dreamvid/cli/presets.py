"""The commands `dreamvid presets ...`, which list, show and check presets."""

from pathlib import Path
from typing import Annotated

import typer

from dreamvid.cli.commands import command, new_app
from dreamvid.cli.options import Config, preset_names, user_defaults

presets_app = new_app(
    "List the presets, show one with all its settings, check a file of your own.",
    examples=["dreamvid presets list", "dreamvid presets show calm", "dreamvid presets check mine.toml"],
)


@command(presets_app, "list", examples=["dreamvid presets list"])
def presets_list() -> None:
    """List the shipped presets, with a line on each."""
    from dreamvid.config import presets

    for name in presets.everything():
        print(f"{name:20} {presets.resolve(name).description}")


@command(
    presets_app,
    "show",
    examples=[
        "dreamvid presets show calm",
        "dreamvid presets show plunge",
        "dreamvid presets show pulse --plot pulse.png --audio song.mp3",
    ],
)
def presets_show(
    preset: Annotated[
        str | None,
        typer.Argument(
            help="A name or a TOML file; default: dream, or that of your --config.", autocompletion=preset_names
        ),
    ] = None,
    config: Config = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the animated settings as a PNG here; default: nothing is drawn.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", help="Length of what --plot draws, in seconds.", min=0.1, max=36_000)
    ] = 10,
    audio: Annotated[
        str | None, typer.Option("--audio", help="Sound whose audio features --plot uses; default: none.")
    ] = None,
) -> None:
    """Print every setting of a preset, with units, as TOML to save and edit."""
    from dreamvid.config import presets

    defaults = user_defaults(config)
    preset = preset or defaults.preset or presets.DEFAULT
    settings = presets.resolve(preset, [] if audio is None else [("audio.file", audio)], defaults.table)
    if defaults.file is not None:
        print(f"# {preset}, on the defaults of {defaults.file}")
    print(presets.to_toml(settings), end="")
    if plot is not None:
        from dreamvid.cli import compare_output, plot_keyframes

        compare_output.check_plot(plot, [preset, audio or preset])
        plot_keyframes.draw(settings, plot, seconds)


@command(presets_app, "check", examples=["dreamvid presets check mine.toml"])
def presets_check(files: Annotated[list[Path], typer.Argument(help="TOML files.")]) -> None:
    """Check preset files; report the first mistake with its file and key."""
    from dreamvid.config import presets
    from dreamvid.core.errors import SettingsError
    from dreamvid.core.paths import is_there

    for file in files:
        if not is_there(file):
            raise SettingsError(f"there is no preset file {file}: check its path")
        if file.suffix != ".toml":
            raise SettingsError(f"{file}: the name of a preset file must end in .toml: rename it")
        presets.resolve(str(file))
        print(f"{file}: ok")


@command(presets_app, "schema", examples=["dreamvid presets schema > preset.schema.json"])
def presets_schema() -> None:
    """Print the JSON schema of a preset, for editors."""
    from dreamvid.config import presets

    print(presets.schema())
