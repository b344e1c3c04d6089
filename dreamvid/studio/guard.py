"""Let requests of its own page reach a studio, with its token, and not too large; all others get one line."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

MOST_BYTES, LONGEST_PATH = 64_000, 600  # of the body of a request; characters of its address
BODY_SECONDS = 20.0  # in which the body of a request must be there
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLarge(Exception):  # noqa: N818 (it is caught here)
    """The body of a request is larger than it may be."""


class Guard:
    """An ASGI application that passes on what is the page's own, with the token taken off its path."""

    def __init__(self, app: App, token: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refused = self._refused(scope)
        if refused is not None:
            await answer(send, *refused)
            return
        headers = dict(scope["headers"])
        prefix = f"/{self._token}"
        inner = {**scope, "path": scope["path"][len(prefix) :] or "/", "raw_path": b"", "root_path": ""}
        begun = False

        async def said(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive, headers) if scope["method"] == "POST" else None
        except TimeoutError:
            await answer(send, 408, f"the request is not whole after {BODY_SECONDS:g} seconds")
            return
        except TooLarge:
            await answer(send, 413, f"the request has more than {MOST_BYTES} bytes")
            return
        if scope["method"] == "POST" and body is None:
            return  # whoever asked has gone
        try:
            await self._app(inner, receive if body is None else _given(body, receive), said)
        except Exception:
            if not begun:
                await answer(send, 500, "this went wrong: the terminal tells why")
            raise

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and line for a request that is not the page's own; None for one that is."""
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in (b"host", b"origin", b"content-length", b"sec-fetch-site") and name in headers:
                return 400, "a header is given twice"
            headers[name] = value
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self._hosts:
            return 421, "this is not the host that dreamvid studio listens on"
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() != f"http://{host}":
            return 403, "requests from other pages are refused"
        site = headers.get(b"sec-fetch-site")
        if site is not None and site not in (b"same-origin", b"none"):
            return 403, "requests from other pages are refused"
        path = scope["path"]
        if len(path) > LONGEST_PATH or len(scope["query_string"]) > LONGEST_PATH:
            return 414, "the address is too long"
        first = path.split("/")[1] if path.startswith("/") else ""
        if not secrets.compare_digest(first.encode("utf-8", "replace"), self._token.encode()):
            return 403, "the address lacks the token that dreamvid studio printed: open the address as it stands there"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "only GET and POST are taken"
        if (
            scope["method"] == "POST"
            and headers.get(b"content-type", b"").split(b";")[0].strip() != b"application/json"
        ):
            return 415, "requests are JSON"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, f"the request has more than {MOST_BYTES} bytes"
        return None


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | None:
    """Return the body of a request; None where its sender has gone; raise TooLarge for one that goes on."""
    found = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        found += message.get("body", b"")
        if len(found) > MOST_BYTES:
            raise TooLarge
        if not message.get("more_body", False):
            return found


def _given(body: bytes, receive: Receive) -> Receive:
    """Return what an application receives of a body that is read already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


async def answer(send: Send, status: int, line: str) -> None:
    """Answer with one plain line, and read no more of what is sent."""
    body = f"{line}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        *HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
