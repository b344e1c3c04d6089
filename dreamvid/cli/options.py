"""Options that the rendering commands share, and their conversion to settings."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvid.cli.option_values import MASK_KINDS, by_option, channels_of, check_mask, neuron_of

if TYPE_CHECKING:
    from dreamvid.config.presets import Defaults
    from dreamvid.config.settings import Settings
    from dreamvid.jobs.events import Progress, Stop
    from dreamvid.jobs.run import Options

Text = str | None
CONFIG_VARIABLE = "DREAMVID_CONFIG"
LOOK, FRAMES, MACHINE, RUN = "Look", "Frames and size", "Machine", "Job"


def option(*names: str, help: str, panel: str, **extra: Any) -> Any:
    """Declare a command line option; `panel`: its heading in the help."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **extra)


def preset_names(begun: str) -> list[str]:
    """Return completions for a shell: preset names, with or without their series, that contain the typed text."""
    from dreamvid.config.presets import everything

    every = everything()
    return [name for name in dict.fromkeys([*every, *(name.rpartition("/")[2] for name in every)]) if begun in name]


# Options that commands of every kind share.
Sets = Annotated[
    list[str],
    option(
        "--set",
        help="Set KEY, such as dream.steps (all: `presets show`); default: the preset's. Repeatable.",
        metavar="KEY=VALUE",
        panel=LOOK,
    ),
]
Model = Annotated[
    Text,
    option(
        "--model",
        help="Net: a name (`models list`), a trained file, or FILE.py:FUNCTION; default: the preset's.",
        panel=LOOK,
    ),
]
Trust = Annotated[bool, option("--trust", help="Let --model run FILE.py: for code you trust.", panel=LOOK)]
Weights = Annotated[
    Text, option("--weights", help="Weights of the net: FILE or random:SEED; default: its own.", panel=LOOK)
]
Seed = Annotated[
    int | None, option("--seed", help="Random seed: another number, another dream; default: 0.", panel=LOOK)
]
Device = Annotated[
    Text, option("--device", help="cpu, cuda (NVIDIA), cuda:N, mps (Apple) or auto; default: auto.", panel=MACHINE)
]
Threads = Annotated[int | None, option("--threads", help="CPU threads; default: one per core.", panel=MACHINE)]
Precision = Annotated[
    Text, option("--precision", help="fp32, bf16 (often faster) or auto; default: auto.", panel=MACHINE)
]
Overwrite = Annotated[bool, option("--overwrite", help="Replace the output if it exists.", panel=RUN)]
NoResume = Annotated[bool, option("--no-resume", help="Start over instead of resuming.", panel=RUN)]
KeepWork = Annotated[bool, option("--keep-work", help="Keep the job folder (finished frames, journal).", panel=RUN)]
WorkDir = Annotated[
    Path | None, option("--work-dir", help="Folder for unfinished work; default: that of the output.", panel=RUN)
]
Quiet = Annotated[bool, option("--quiet", "-q", help="Only errors and warnings.", panel=RUN)]
Json = Annotated[bool, option("--json", help="Print a last line of JSON, for scripts.", panel=RUN)]


Config = Annotated[
    Text,
    option(
        "--config",
        help="TOML file of your own defaults; an empty name: none; default: config.toml in your settings folder.",
        panel=LOOK,
    ),
]


def user_defaults(config: str | None) -> "Defaults":
    """Read the user's defaults from --config, else from DREAMVID_CONFIG, else from the platform's usual place.

    An empty name means none. Raises SettingsError if a named file does not exist or holds a mistake.
    """
    from dreamvid.config.presets import Defaults, load_defaults

    named = os.environ.get(CONFIG_VARIABLE) if config is None else config
    if named is not None:
        return load_defaults(Path(named)) if named else Defaults()
    usual = Path(typer.get_app_dir("dreamvid")) / "config.toml"
    return load_defaults(usual) if usual.is_file() else Defaults()


@dataclass
class Common:
    """The options of every rendering command, as typed."""

    preset: Annotated[
        Text,
        option(
            "--preset",
            help="Look: a name (`presets list`) or a TOML file; default: dream, or what --config says.",
            panel=LOOK,
            autocompletion=preset_names,
        ),
    ] = None
    config: Config = None
    set: Sets = ()  # type: ignore[assignment]
    model: Model = None
    trust: Trust = False
    weights: Weights = None
    layer: Annotated[
        list[str],
        option("--layer", help="Layer to dream (`models layers NET`); default: the preset's. Repeatable.", panel=LOOK),
    ] = ()  # type: ignore[assignment]
    channel: Annotated[
        list[str],
        option(
            "--channel",
            help="Channels to dream: the name of one (`models channels NET`) or LAYER:N[,M]; default: the preset's.",
            panel=LOOK,
        ),
    ] = ()  # type: ignore[assignment]
    neuron: Annotated[
        list[str],
        option("--neuron", help="Neuron to dream: LAYER:CHANNEL:ROW:COL; default: none. Repeatable.", panel=LOOK),
    ] = ()  # type: ignore[assignment]
    guide: Annotated[
        Text,
        option(
            "--guide",
            help="Picture or video to imitate: what --layer sees in it is dreamed; default: none.",
            panel=LOOK,
        ),
    ] = None
    class_: Annotated[
        Text,
        option("--class", help="Class to dream, by name, group or index; default: the preset's.", panel=LOOK),
    ] = None
    mask: Annotated[
        Text,
        option(
            "--mask",
            help="Where to dream: a FILE (white: yes, black: no), luma (what is bright) or motion; default: all.",
            panel=LOOK,
        ),
    ] = None
    seed: Seed = None
    audio: Annotated[
        Text,
        option(
            "--audio",
            help="Sound of the film, also used for audio features; default: the source's.",
            panel=LOOK,
        ),
    ] = None
    max_flash: Annotated[
        float | None,
        option(
            "--max-flash",
            help="Let animated settings rise and fall N times a second at most; default: as often as they do.",
            metavar="N",
            panel=LOOK,
        ),
    ] = None
    size: Annotated[
        Text,
        option(
            "--size", help="1280x720, 1280x (the width), x720 (the height) or 50%; default: the source's.", panel=FRAMES
        ),
    ] = None
    fit: Annotated[
        Text,
        option(
            "--fit",
            help="If --size has another aspect ratio: crop, pad (bars), inside (smaller), stretch; default: crop.",
            panel=FRAMES,
        ),
    ] = None
    draft: Annotated[
        bool, option("--draft", help="A quick look: half the size, every other frame dreamed.", panel=FRAMES)
    ] = False
    frames: Annotated[
        Text, option("--frames", help="Frames A to B - 1, counted from 0, written A:B; default: all.", panel=FRAMES)
    ] = None
    from_: Annotated[
        Text,
        option("--from", help="Start time: 62.5 or 1:02.5; default: the start.", panel=FRAMES),
    ] = None
    to: Annotated[
        Text,
        option("--to", help="End time: 70 or 1:10; default: the end.", panel=FRAMES),
    ] = None
    fps: Annotated[
        Text,
        option("--fps", help="Frame rate (the film stays as long); default: the source's; a zoom: 24.", panel=FRAMES),
    ] = None
    seconds: Annotated[
        float | None,
        option("--seconds", help="Length of the film; with --loop, of one cycle; default: 10.", panel=FRAMES),
    ] = None
    loop: Annotated[bool, option("--loop", help="Make the end lead into the beginning.", panel=FRAMES)] = False
    laps: Annotated[int | None, option("--laps", help="How often a loop is played; default: 1.", panel=FRAMES)] = None
    tolerate_damage: Annotated[
        bool,
        option(
            "--tolerate-damage",
            help="Repeat the last good frame where the source is damaged.",
            panel=FRAMES,
        ),
    ] = False
    device: Device = None
    precision: Precision = None
    threads: Threads = None
    overwrite: Overwrite = False
    no_resume: NoResume = False
    force: Annotated[bool, option("--force", help="Resume although settings changed.", panel=RUN)] = False
    keep_work: KeepWork = False
    work_dir: WorkDir = None
    quiet: Quiet = False
    json: Json = False

    def settings(self, output: str) -> "Settings":
        """Merge the user's defaults, the preset, PNG for a folder as output, --set, and other options, in that order.

        Later ones replace earlier ones. Raises SettingsError.
        """
        from dreamvid.config.draft import drafted
        from dreamvid.config.presets import parse_override, resolve
        from dreamvid.core.errors import SettingsError

        folder = [("output.codec", "png")] if output.endswith(("/", os.sep)) else []
        defaults = user_defaults(self.config)
        preset = self.preset or defaults.preset
        short = self._short_forms(preset)
        try:
            settings = resolve(preset, [*folder, *map(parse_override, self.set), *short], defaults.table)
        except SettingsError as error:
            raise SettingsError(by_option(str(error), {key for key, _ in short})) from None
        return drafted(settings) if self.draft else settings

    def options(self, progress: "Progress", stop: "Stop") -> "Options":
        """Return the options of the job, none of which affects pixels."""
        from dreamvid.jobs.folder import Resume
        from dreamvid.jobs.run import Options

        resume: Resume = "never" if self.no_resume else "force" if self.force else "same"
        return Options(self.overwrite, resume, self.keep_work, self.work_dir, progress, stop, self.trust)

    def _short_forms(self, preset: str | None) -> list[tuple[str, Any]]:
        keys = {
            "net.name": self.model,
            "net.weights": self.weights,
            "seed": self.seed,
            "audio.file": self.audio,
            "audio.max_flash": self.max_flash,
            "input.size": self.size,
            "input.fit": self.fit,
            "input.frames": self.frames,
            "input.start": self.from_,
            "input.stop": self.to,
            "input.fps": self.fps,
            "input.seconds": self.seconds,
            "input.loop": self.loop or None,
            "input.laps": self.laps,
            "input.tolerate_damage": self.tolerate_damage or None,
            "compute.device": self.device,
            "compute.precision": self.precision,
            "compute.threads": self.threads,
        }
        given: list[tuple[str, Any]] = [(key, value) for key, value in keys.items() if value is not None]
        if self.mask is not None:  # set both keys, so that the preset's mask is replaced
            of_a_kind = self.mask in MASK_KINDS
            check_mask(self.mask)
            given += [("mask.kind" if of_a_kind else "mask.file", self.mask)]
            given += [("mask.file" if of_a_kind else "mask.kind", None)]
        objective = self._objective(preset)
        return given + ([("objective", objective)] if objective else [])

    def _objective(self, preset: str | None) -> list[dict[str, Any]]:
        from dreamvid.config.presets import class_objective

        guided = {"kind": "guide", "file": self.guide} if self.guide is not None else {"kind": "layer"}
        terms: list[dict[str, Any]] = [{**guided, "layer": layer} for layer in self.layer]
        if self.guide is not None and not self.layer:
            terms.append(guided)
        terms += [{"kind": "channel", **channels_of(text)} for text in self.channel]
        terms += [{"kind": "neuron", **neuron_of(text)} for text in self.neuron]
        return terms + ([] if self.class_ is None else [class_objective(preset, self.class_)])
