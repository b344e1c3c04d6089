"""Run a studio until Ctrl-C."""

import logging
import os
import socket
from collections.abc import Callable
from types import FrameType

from dreamvid.config.presets import Defaults
from dreamvid.core.errors import SettingsError
from dreamvid.studio.folder import Folder

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"


def serve(folder: Folder, port: int, defaults: Defaults, told: Callable[[str], None]) -> None:
    """Serve a folder on a port of this machine, 0 for any that is free, until Ctrl-C; `told` gets the address.

    Raises SettingsError where the port is taken, or the extra is not installed.
    """
    try:
        import uvicorn

        from dreamvid.studio.connections import config_of
        from dreamvid.studio.server import Server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("uvicorn", "starlette"):
            raise
        raise SettingsError("the studio needs starlette and uvicorn: run `pip install 'dreamvid[studio]'`") from None
    listener = bound(port)
    number = listener.getsockname()[1]
    server = Server(folder, defaults)

    class Closing(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            server.studio.closing.set()  # the streams end, on which the server would wait
            self.should_exit = True

    server.start()
    try:
        told(f"http://{HOST}:{number}/{server.token}/")
        Closing(config_of(server.app(number))).run(sockets=[listener])
    finally:
        server.close()
        listener.close()
    for name in server.renders.unfinished:
        logger.warning("%s is not finished: start the studio again to go on with it", name)


def bound(port: int) -> socket.socket:
    """Return a socket that is bound to a port of this machine; raise SettingsError where it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would let two programs have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SettingsError(f"--port {port}: {error.strerror}; give another, or leave it out") from None
    return listener
