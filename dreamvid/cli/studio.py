"""The command `dreamvid studio`, which serves a local page on which a look is found and rendered."""

from pathlib import Path
from typing import Annotated

import typer

from dreamvid.cli.options import Config, user_defaults

STUDIO = (
    "dreamvid studio                       the clips in this folder",
    "dreamvid studio clips --port 8765 --no-open",
)


def studio(
    folder: Annotated[
        Path, typer.Argument(help="Folder of clips and stills; films and looks are written there.")
    ] = Path(),
    port: Annotated[
        int, typer.Option("--port", help="Port on this machine; 0: one that is free.", min=0, max=65535)
    ] = 0,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    config: Config = None,
) -> None:
    r"""Find a look on a page of your own, and render it; needs `pip install 'dreamvid\[studio]'`."""
    from dreamvid.studio.folder import Folder
    from dreamvid.studio.run import serve

    def told(address: str) -> None:
        print(address, flush=True)
        if show:
            import webbrowser

            webbrowser.open(address)

    serve(Folder.at(folder), port, user_defaults(config), told)
