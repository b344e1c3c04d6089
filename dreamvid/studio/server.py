"""The server of a studio: its page, its pictures and films, its requests and its stream of states."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from dreamvid.config import presets
from dreamvid.config.objective_settings import NetSettings
from dreamvid.config.presets import Defaults
from dreamvid.core.errors import DreamvidError
from dreamvid.media.thumbnail import thumbnail
from dreamvid.models import zoo
from dreamvid.models.device import share_heap
from dreamvid.studio import actions, controls
from dreamvid.studio.folder import FILMS, STILLS, Folder
from dreamvid.studio.guard import App, Guard, Receive, Scope, Send
from dreamvid.studio.painter import Painter
from dreamvid.studio.present import state_of
from dreamvid.studio.renders import DONE, Renders
from dreamvid.studio.requests import parse
from dreamvid.studio.state import MOST_STREAMS, Session, Studio
from dreamvid.studio.words import on_page

PAGES = Path(__file__).parent / "pages"
SHARED = Path(__file__).parent.parent / "analysis" / "pages" / "page.css"  # the style that all pages share
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
THUMB = 320  # pixels of the long side of the pictures that sources are chosen by
POLL, PULSE = 0.05, 10.0  # seconds between two looks at a state, and between two signs of life
FOREVER, NEVER = {"cache-control": "private, max-age=31536000, immutable"}, {"cache-control": "no-store"}


class Stream(StreamingResponse):
    """The states of a session, as they come; it counts as a page that listens from the moment that it is promised."""

    def __init__(self, session: Session, states: AsyncIterator[str]) -> None:
        super().__init__(states, media_type="text/event-stream", headers=NEVER)
        self._session = session
        session.streams += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send states until the page is gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._session.streams -= 1
            self._session.seen = time.monotonic()


class Server:
    """A studio with its threads, and the application that serves it."""

    def __init__(self, folder: Folder, defaults: Defaults = Defaults()) -> None:
        self.studio = Studio(folder, defaults)
        self.renders, self.painter = Renders(self.studio), Painter(self.studio)
        self.token = secrets.token_urlsafe(18)
        self._named: dict[NetSettings, dict[str, list[str]]] = {}
        self._thumbs: dict[tuple[str, int], str] = {}

    def start(self) -> None:
        """Start the threads."""
        share_heap()
        self.painter.start()
        self.renders.start()

    def close(self) -> None:
        """End the threads; a render that runs keeps what it has, and can be resumed."""
        self.studio.closing.set()
        self.renders.close()
        self.painter.close()

    def app(self, port: int) -> App:
        """Return the application, for a port of this machine."""
        routes = [
            Route("/", self._enter, methods=["GET"]),
            Route("/s/{session}/", self._page, methods=["GET"]),
            Route("/s/{session}/facts", self._facts, methods=["GET"]),
            Route("/s/{session}/motifs", self._motifs, methods=["GET"]),
            Route("/s/{session}/do", self._do, methods=["POST"]),
            Route("/s/{session}/events", self._events, methods=["GET"]),
            Route("/pages/{name}", self._file, methods=["GET"]),
            Route("/pictures/{name}.jpg", self._picture, methods=["GET"]),
            Route("/thumbs/{name:path}", self._thumb, methods=["GET"]),
            Route("/quick/{name}.mp4", self._quick, methods=["GET"]),
            Route("/films/{number:int}", self._film, methods=["GET"]),
        ]
        inner = Starlette(routes=routes, exception_handlers={HTTPException: _plainly, DreamvidError: _in_a_line})
        hosts = frozenset(f"{host}:{port}" for host in ("127.0.0.1", "localhost"))
        return Guard(inner, self.token, hosts)

    async def _enter(self, request: Request) -> Response:
        session = await run_in_threadpool(self.studio.begin)
        return RedirectResponse(f"/{self.token}/s/{session.name}/", status_code=303, headers=NEVER)

    async def _page(self, request: Request) -> Response:
        if request.path_params["session"] not in self.studio.sessions:  # of a studio that was ended since
            return RedirectResponse(f"/{self.token}/", status_code=303, headers=NEVER)
        return Response((PAGES / "index.html").read_bytes(), media_type=KINDS[".html"], headers=NEVER)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        files = {path.name: path for path in PAGES.iterdir() if path.suffix in KINDS} | {SHARED.name: SHARED}
        if name not in files:
            raise HTTPException(404, "there is no such file")
        return Response(files[name].read_bytes(), media_type=KINDS[files[name].suffix], headers=NEVER)

    async def _facts(self, request: Request) -> Response:
        self._session(request)
        return JSONResponse(await run_in_threadpool(self._known), headers=NEVER)

    def _known(self) -> dict[str, Any]:
        """Return what a page needs once: the files of the folder, the controls, the looks."""
        folder, names = self.studio.folder, self.studio.own_presets()
        every = [*names, *presets.everything()]
        return {
            "folder": folder.root.name or str(folder.root),
            "films": folder.named(FILMS),
            "folders": folder.sequences(),
            "stills": folder.named(STILLS),
            "controls": controls.as_tables(),
            "looks": {name: self._described(name) for name in every if not name.startswith(presets.PAPERS)},
        }

    async def _motifs(self, request: Request) -> Response:
        """Return the motifs of the net of a session's look."""
        how = self._session(request).settings.net
        if how not in self._named:
            self._named[how] = await run_in_threadpool(_motifs_of, how)
        return JSONResponse(self._named[how], headers=NEVER)

    def _described(self, name: str) -> str:
        try:
            return on_page(presets.resolve(self.studio.folder.preset(name)).description)
        except DreamvidError as error:
            return on_page(error)

    async def _do(self, request: Request) -> Response:
        session = self._session(request)
        body = await request.body()

        def done() -> str:
            session.seen = time.monotonic()
            return actions.perform(self.studio, self.renders, session, parse(body))

        return JSONResponse({"said": await run_in_threadpool(done)}, headers=NEVER)

    async def _events(self, request: Request) -> Response:
        session = self._session(request)
        if sum(each.streams for each in self.studio.sessions.values()) >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} pages are open: close one of them")
        return Stream(session, self.events(session, request.is_disconnected))

    async def events(self, session: Session, gone: Callable[[], Any]) -> AsyncIterator[str]:
        """Yield the states of a session as server-sent events, each with its version as id; at first the present one.

        A page that comes back needs no event that it has missed: each holds all. Ends where the page is `gone`.
        """
        sent, quiet = -1, 0.0
        while not self.studio.closing.is_set():
            if session.version != sent:
                sent, quiet = session.version, 0.0
                table = await run_in_threadpool(state_of, self.studio, self.renders, session)
                yield f"id: {sent}\ndata: {json.dumps(table, separators=(',', ':'))}\n\n"
            elif quiet >= PULSE:
                quiet = 0.0
                yield ": still here\n\n"
            if await gone():
                return
            await asyncio.sleep(POLL)
            quiet += POLL

    async def _picture(self, request: Request) -> Response:
        data = self.studio.pictures.get(request.path_params["name"])
        if data is None:
            raise HTTPException(404, "this picture is held no more")
        return Response(data, media_type="image/jpeg", headers=FOREVER)

    async def _thumb(self, request: Request) -> Response:
        """Return a picture of a source of the folder, small."""
        name = request.path_params["name"]
        path, stamp = self.studio.folder.source(name), self.studio.folder.stamp(name)
        held = self._thumbs.get((name, stamp))
        data = None if held is None else self.studio.pictures.get(held)
        if data is None:
            pixels = await run_in_threadpool(thumbnail, path, THUMB)
            held = self._thumbs[name, stamp] = self.studio.pictures.put(pixels)
            data = self.studio.pictures.get(held)
        return Response(data, media_type="image/jpeg", headers=NEVER)

    async def _quick(self, request: Request) -> Response:
        films = {each.film.stem: each.film for each in list(self.studio.results.values()) if each.film is not None}
        if request.path_params["name"] not in films:
            raise HTTPException(404, "this film is held no more")
        return FileResponse(films[request.path_params["name"]], media_type="video/mp4", headers=NEVER)

    async def _film(self, request: Request) -> Response:
        render = self.renders.find(request.path_params["number"])
        if render.state != DONE or not render.output.is_file() or render.output.is_symlink():
            raise HTTPException(404, "this film is not there yet")
        return FileResponse(render.output, headers=NEVER)

    def _session(self, request: Request) -> Session:
        found = self.studio.sessions.get(request.path_params["session"])
        if found is None:
            raise HTTPException(404, "this session is over: load the page again")
        return found


def _motifs_of(how: NetSettings) -> dict[str, list[str]]:
    net = zoo.from_settings(how)
    return {"groups": sorted(net.groups), "classes": list(net.classes), "channels": sorted(net.channel_names)}


async def _plainly(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=NEVER)


async def _in_a_line(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{on_page(error)}\n", 400, headers=NEVER)
