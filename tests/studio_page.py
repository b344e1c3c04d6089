"""A studio that runs on a port of its own, and a page without a browser that talks to it."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from dreamvid.studio.connections import config_of
from dreamvid.studio.folder import Folder
from dreamvid.studio.present import state_of
from dreamvid.studio.run import bound
from dreamvid.studio.server import Server
from dreamvid.studio.state import Session

Answer = tuple[int, str]


@dataclass
class Running:
    """A studio that serves."""

    server: Server
    port: int

    def ask(self, method: str, path: str, body: str | bytes | None = None, **headers: str) -> Answer:
        """Status and text of an answer; underscores in headers stand for hyphens."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            link.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = link.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            link.close()

    @property
    def root(self) -> str:
        return f"/{self.server.token}"

    def page(self) -> "Page":
        """A page with a session of its own."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        link.request("GET", f"{self.root}/")
        answer = link.getresponse()
        place = answer.headers["location"]
        link.close()
        assert answer.status == 303
        return Page(self, place.rstrip("/").rpartition("/")[2])


@dataclass
class Page:
    """Does what a browser does, without one."""

    running: Running
    name: str

    @property
    def session(self) -> Session:
        return self.running.server.studio.sessions[self.name]

    @property
    def state(self) -> dict[str, Any]:
        self.session.seen = time.monotonic()  # as if its page were open
        return state_of(self.running.server.studio, self.running.server.renders, self.session)

    def do(self, **request: Any) -> Answer:
        path = f"{self.running.root}/s/{self.name}/do"
        return self.running.ask("POST", path, json.dumps(request), content_type="application/json")

    def ok(self, **request: Any) -> str:
        """The line that is said about a request that is done."""
        status, text = self.do(**request)
        assert status == 200, text
        return str(json.loads(text)["said"])

    def refused(self, **request: Any) -> str:
        """The line that refuses a request; nothing of the session has changed."""
        before = self.state
        status, text = self.do(**request)
        assert status == 400 and text.count("\n") == 1, text
        after = self.state
        assert _without_what_comes_by_itself(before) == _without_what_comes_by_itself(after)
        return text.strip()

    def refused_while_it_runs(self, **request: Any) -> str:
        """The line that refuses a request, while other things change."""
        status, text = self.do(**request)
        assert status == 400 and text.count("\n") == 1, text
        return text.strip()

    def until(self, wanted: Callable[[dict[str, Any]], Any], seconds: float = 20) -> dict[str, Any]:
        """The state once something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state
            if wanted(state):
                return state
            time.sleep(0.01)
        raise AssertionError(f"it does not come: {self.state}")

    def dreamed(self) -> dict[str, Any]:
        """The state once the picture is whole."""
        return self.until(lambda state: state["view"] and state["view"]["whole"])

    def picture(self, name: str) -> bytes:
        found = self.running.server.studio.pictures.get(name)
        assert found is not None
        return found


def _without_what_comes_by_itself(state: dict[str, Any]) -> dict[str, Any]:
    clip = {**(state["clip"] or {}), "strip": [], "strip_whole": False, "sound": {}}
    return {**state, "version": 0, "clip": clip}


@contextmanager
def running(folder: Path, *, dreams: bool = True) -> Iterator[Running]:
    """A studio of a folder; `dreams`: whether its threads run, too."""
    server, listener = Server(Folder.at(folder)), bound(0)
    port = listener.getsockname()[1]
    serving = uvicorn.Server(config_of(server.app(port)))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if dreams:
        server.start()
    try:
        yield Running(server, port)
    finally:
        serving.should_exit = True
        server.close()
        thread.join(timeout=10)
        listener.close()
