"""Serve a studio: few connections at a time, and none that keeps its place without a request."""

import asyncio

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dreamvid.studio.guard import App

MOST_CONNECTIONS = 128
HEAD_SECONDS = 10.0  # in which the head of a request must be there


class Brisk(H11Protocol):
    """HTTP/1.1, where a connection that waits for the head of a request, twice in a row, is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch the connection."""
        super().connection_made(transport)
        self._watch(waited=False)

    def _watch(self, *, waited: bool) -> None:
        waits = self.conn.their_state is h11.IDLE
        if waits and waited:
            self.transport.close()
        elif not self.transport.is_closing():
            self.loop.call_later(HEAD_SECONDS, lambda: self._watch(waited=waits))


def config_of(app: App) -> uvicorn.Config:
    """Return how uvicorn serves the application of a studio."""
    return uvicorn.Config(
        app,
        http=Brisk,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,  # the token is in every address
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
    )
