"""Modules and functions stay small enough to read at one sitting."""

import ast
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import dreamvid

PACKAGE = Path(dreamvid.__file__).parent

MODULE_LINES = 320
FUNCTION_LINES = 60  # from `def` to the end, the docstring too, decorators not
PARAMETERS = 8  # without self and cls

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> dict[str, Path]:
    """Return every module of the package by its name without `dreamvid.`."""
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}


MODULES = modules()


def functions(source: str) -> Iterator[Function]:
    """Yield the functions and methods of a module, those within others too."""
    yield from (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def lines(function: Function) -> int:
    """Return the lines of a function, from `def` to its end."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def parameters(function: Function) -> int:
    """Return the number of parameters of a function, `*args` and `**kwargs` as one each, without self and cls."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return sum(parameter.arg not in ("self", "cls") for parameter in every)


def registers(node: ast.expr) -> bool:
    """Return whether an expression is what registers a function with the command line.

    That is a call of `command` of `dreamvid.cli.commands`, or of `command` or `callback` of an app.
    """
    if not isinstance(node, ast.Call):
        return False
    match node.func:
        case ast.Name(id="command") | ast.Attribute(attr="command" | "callback"):
            return True
    return False


def commands(sources: dict[str, str]) -> set[tuple[str, str]]:
    """Return (module, function) of every command: decorated as one, or handed to what registers it, `command(app)(f)`.

    The parameters of a command are its options.
    """
    found = set()
    for module, source in sources.items():
        tree = ast.parse(source)
        came_from: dict[str, tuple[str, str]] = {}  # name here -> module and name there
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                there = (node.module or "").removeprefix("dreamvid.")
                came_from |= {alias.asname or alias.name: (there, alias.name) for alias in node.names}
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef() if any(map(registers, node.decorator_list)):
                    found.add((module, node.name))
                case ast.Call(func=registration, args=[ast.Name(id=name)]) if registers(registration):
                    found.add(came_from.get(name, (module, name)))
                case ast.Call(func=registration, args=[ast.Attribute(value=ast.Name(id=name), attr=attribute)]) if (
                    registers(registration)
                ):
                    found.add((".".join(came_from[name]), attribute))
    return found


COMMANDS = commands({name: path.read_text("utf-8") for name, path in MODULES.items() if name.startswith("cli.")})


def test_modules_are_short() -> None:
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in MODULES.values()}
    long = [f"{path}: {count} lines, {MODULE_LINES} at most" for path, count in counts.items() if count > MODULE_LINES]
    assert not long, "\n".join(long)


def beyond(measure: Callable[[Function], int], most: int, apart: Collection[tuple[str, str]] = ()) -> list[str]:
    """Return a line for every function that measures more than `most`; `apart`: functions that may, by module."""
    return [
        f"{path}: {function.name}: {measure(function)} {measure.__name__}, {most} at most"
        for module, path in MODULES.items()
        for function in functions(path.read_text("utf-8"))
        if measure(function) > most and (module, function.name) not in apart
    ]


def test_functions_are_short() -> None:
    long = beyond(lines, FUNCTION_LINES)
    assert not long, "\n".join(long)


def test_functions_take_few_parameters() -> None:
    wide = beyond(parameters, PARAMETERS, COMMANDS)
    assert not wide, "\n".join(wide)


def test_every_command_is_found_however_it_is_registered() -> None:
    sources = {
        "cli.app": (
            "from dreamvid.cli import others\nfrom dreamvid.cli.papers import papers as drawn\n"
            "@app.callback()\ndef root(): ...\n"
            "@command(app, examples=[])\n@takes_common\ndef video(): ...\n"
            "command(app, examples=[])(drawn)\ncommand(app)(others.terra)\ncommand(app)(own)\n"
            "def own(): ...\n@takes_common\ndef none(): ...\nbar(quiet)(none)\n"
        )
    }
    assert commands(sources) == {
        ("cli.app", "root"),
        ("cli.app", "video"),
        ("cli.papers", "papers"),
        ("cli.others", "terra"),
        ("cli.app", "own"),
    }
    assert {("cli.app", "compare"), ("cli.papers", "papers"), ("cli.experiments", "terra")} <= COMMANDS


def test_lines_and_parameters_are_counted() -> None:
    source = (
        "class Films:\n    @decorated(\n        1\n    )\n    def of(self, a, /, b, *c, d=1, **e):\n"
        '        """Two\n        lines."""\n        return a\n'
    )
    (function,) = functions(source)
    assert lines(function) == 4
    assert parameters(function) == 5
