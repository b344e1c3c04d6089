"""Run a studio until Ctrl-C."""

import socket
from collections.abc import Callable
from types import FrameType

from dreamvid.config.presets import Defaults
from dreamvid.core.errors import SettingsError
from dreamvid.studio.folder import Folder

HOST = "127.0.0.1"


def serve(folder: Folder, port: int, defaults: Defaults, told: Callable[[str], None]) -> None:
    """Serve a folder on a port of this machine, 0 for any that is free, until Ctrl-C; `told` gets the address.

    Raises SettingsError where the port is taken, or the extra is not installed.
    """
    try:
        import uvicorn

        from dreamvid.studio.server import Server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("uvicorn", "starlette"):
            raise
        raise SettingsError("the studio needs starlette and uvicorn: run `pip install 'dreamvid[studio]'`") from None
    listener = _bound(port)
    number = listener.getsockname()[1]
    server = Server(folder, defaults)
    config = uvicorn.Config(
        server.app(number),
        log_level="error",
        access_log=False,  # the token is in every address
        ws="none",
        lifespan="off",
        server_header=False,
        limit_concurrency=128,
        timeout_graceful_shutdown=2,
    )

    class Closing(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            server.studio.closing.set()  # the streams end, on which the server would wait
            super().handle_exit(sig, frame)

    server.start()
    try:
        told(f"http://{HOST}:{number}/{server.token}/")
        Closing(config).run(sockets=[listener])
    finally:
        server.close()
        listener.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"--port {port}: {error.strerror}; give another, or leave it out") from None
    return listener
