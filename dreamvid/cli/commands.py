"""Typer commands and groups with headings and examples, which suggest the nearest name for an unknown command."""

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dreamvid.core.errors import nearest

LOG = "Log"  # heading of options
DREAM, LOOKS, MANY, STUDY = "Dream", "Looks and nets", "Many films", "Study"
ORDER = (  # in help
    *("video", "image", "zoom", "again", "preview", "studio", "presets", "models", "train"),
    *("batch", "compare", "report", "features", "papers", "doctor", "bench"),
)
HELP = {"help_option_names": ["-h", "--help"]}


class Command(TyperCommand):
    """A command whose help ends with examples, and that rejects an option of one value given more than once."""

    examples: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as usual; raise a usage error if an option that takes one value is given more than once."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for param in filter(_takes_one_value, given):
                if given.count(param) > 1:
                    ctx.fail(f"{param.opts[0]} is given {_times(given.count(param))}: give it once")
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, then the examples."""
        super().format_help(ctx, formatter)
        write_examples(self.examples, formatter)


class Group(TyperGroup):
    """A group of commands, listed by heading; the error for an unknown command names the most similar ones."""

    examples: tuple[str, ...] = ()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, the main one first."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command named first in `args`; raise a usage error with the most similar names if unknown."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing and not name.startswith("-"):
            ctx.fail(
                f"there is no command {name!r}{nearest(name, self.commands)}; `{ctx.command_path} --help` lists all"
            )
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, then the examples."""
        super().format_help(ctx, formatter)
        write_examples(self.examples, formatter)


def _takes_one_value(param: Any) -> bool:
    return param.param_type_name == "option" and not (param.multiple or param.is_flag or param.count)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def write_examples(examples: Sequence[str], formatter: Any) -> None:
    """Write examples as lines to copy; not by rich, which would wrap them and read brackets as markup."""
    if examples:
        formatter.write("".join(["Examples:\n", *(f"  {example}\n" for example in examples)]))


def new_app(about: str, *, examples: Sequence[str] = (), **settings: Any) -> typer.Typer:
    """Return a new group of commands; `about`: its help text, `settings`: further arguments of `typer.Typer`."""
    kind = type("Group", (Group,), {"examples": tuple(examples)})
    return typer.Typer(cls=kind, help=about, no_args_is_help=True, rich_markup_mode="rich", **settings)


def add_group(app: typer.Typer, group: typer.Typer, name: str, panel: str) -> None:
    """Add a group of commands to an app, under the heading `panel`; the list of commands shows its first example."""
    info: Any = group.info
    app.add_typer(group, name=name, rich_help_panel=panel, short_help=_in_short(info.help, info.cls.examples))


def command(
    app: typer.Typer, name: str | None = None, *, examples: Sequence[str], panel: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that makes a function a command of an app; its docstring and the examples are the help.

    `panel`: its heading in the list of commands, which also shows its first example.
    """

    def register(callback: Callable[..., None]) -> Callable[..., None]:
        about = " ".join(inspect.cleandoc(callback.__doc__ or "").partition("\n\n")[0].split())
        short = _in_short(about, examples if panel is not None else ())
        kind = type("Command", (Command,), {"examples": tuple(examples)})
        return app.command(name, cls=kind, short_help=short, rich_help_panel=panel)(_logged(callback))

    return register


@dataclass
class _Log:
    """The options of every command that say how much it tells, and where."""

    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show details.", rich_help_panel=LOG)] = False
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file", help="Add all details to this file; default: none.", rich_help_panel=LOG, show_default=False
        ),
    ] = None


def _logged(callback: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the options of `_Log`, too, and starts the log by them."""

    def with_log(log: _Log, **given: Any) -> None:
        from dreamvid.cli.progress import start_log

        start_log(verbose=log.verbose, file=log.log_file)
        callback(**given)

    own = inspect.signature(callback).parameters
    place = inspect.Parameter("log", inspect.Parameter.KEYWORD_ONLY, annotation=_Log)
    with_log.__signature__ = inspect.Signature([*own.values(), place])  # type: ignore[attr-defined]
    with_log.__doc__, with_log.__name__ = callback.__doc__, callback.__name__
    return takes(_Log)(with_log)


def _in_short(about: str, examples: Sequence[str]) -> str:
    """Return the entry of a command in the list of commands: its help and its first example."""
    return "\n".join([about, *(f"[dim]{escaped(example)}[/dim]" for example in examples[:1])])


def escaped(text: str) -> str:
    """Escape brackets in a text, so that rich does not read them as markup."""
    return text.replace("[", "\\[")


def takes(shared: type[Any], hidden: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that replaces a command's parameter of the dataclass `shared` by options for its fields.

    `hidden`: fields that mean nothing to the command: their options are taken, as scripts may give them, but not shown.
    """

    def given_to(command: Callable[..., None]) -> Callable[..., None]:
        parameters = list(inspect.signature(command).parameters.values())
        own = [parameter for parameter in parameters if parameter.annotation is not shared]
        (place,) = (parameter.name for parameter in parameters if parameter.annotation is shared)
        kinds = {field.name: _hide(field.type) if field.name in hidden else field.type for field in fields(shared)}
        options = [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
            )
            for field in fields(shared)
        ]

        @wraps(command)
        def wrapped(**given: Any) -> None:
            typed = shared(**{field.name: given.pop(field.name) for field in fields(shared)})
            command(**given, **{place: typed})

        wrapped.__signature__ = inspect.Signature(own + options)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in own + options}
        return wrapped

    return given_to


def _hide(annotated: Any) -> Any:
    """Return the annotation of an option with the option left out of help."""
    info: Any = copy.copy(annotated.__metadata__[0])
    info.hidden = True
    return Annotated[annotated.__origin__, info]
