"""What may reach a studio, and what is refused in a line; it survives all."""

import contextlib
import http.client
import json
import socket

import pytest
from studio_page import Page, Running

from dreamvid.studio import connections, guard
from dreamvid.studio import state as states
from dreamvid.studio.guard import MOST_BYTES

JSON = {"content_type": "application/json"}


def survives(running: Running) -> None:
    assert running.ask("GET", f"{running.root}/pages/index.html")[0] == 200


@pytest.mark.parametrize(
    "token", ["", "/", "/s/", "/wrong/", "/WRONG", "/%2e%2e/", "//", "/a" * 100, "/\u00e9".encode().hex()]
)
def test_without_the_token_nothing_is_given(token: str, quiet: Running) -> None:
    status, text = quiet.ask("GET", token or "/")
    assert status == 403 and "token" in text and text.count("\n") == 1
    assert quiet.server.token not in text


def test_a_part_of_the_token_or_more_than_it_is_none(quiet: Running) -> None:
    for path in (quiet.root[:-1], quiet.root + "a", quiet.root.upper() + "/", quiet.root[1:]):
        assert quiet.ask("GET", path if path.startswith("/") else f"/x/{path}")[0] == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "0.0.0.0:{port}", "evil.example:{port}", ""]
)
def test_another_host_is_refused(host: str, quiet: Running) -> None:
    status, text = quiet.ask("GET", f"{quiet.root}/", host=host.format(port=quiet.port))
    assert status in (400, 421) and text.count("\n") <= 1
    survives(quiet)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:{port}"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost:{port}"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "nonsense"},
    ],
)
def test_another_page_is_refused(headers: dict[str, str], quiet: Running, fresh: Page) -> None:
    name = fresh.name
    given = {key: value.format(port=quiet.port) for key, value in headers.items()}
    for method, path in (("GET", f"/s/{name}/facts"), ("POST", f"/s/{name}/do")):
        status, text = quiet.ask(
            method, quiet.root + path, '{"do":"undo"}' if method == "POST" else None, **JSON, **given
        )
        assert status == 403 and text == "requests from other pages are refused\n"


def test_its_own_page_is_not(quiet: Running, fresh: Page) -> None:
    name = fresh.name
    own = {"origin": f"http://127.0.0.1:{quiet.port}", "sec_fetch_site": "same-origin"}
    assert quiet.ask("POST", f"{quiet.root}/s/{name}/do", '{"do":"undo"}', **JSON, **own)[0] == 200


NONSENSE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"open"',
    b"\xff\xfe",
    b"{}",
    b'{"do":"nothing"}',
    b'{"do":["open"]}',
    b'{"do":"open"}',
    b'{"do":"open","name":7}',
    b'{"do":"open","name":""}',
    b'{"do":"open","name":"clip.mp4","more":1}',
    b'{"do":"seek","frame":-1}',
    b'{"do":"seek","frame":"3"}',
    b'{"do":"seek","frame":1e400}',
    b'{"do":"seek","frame":99999999999999999999999}',
    b'{"do":"set","key":"dream.strength","value":NaN}',
    b'{"do":"set","key":"dream.strength","value":"1"}',
    b'{"do":"set","key":"dream.strength","value":[1]}',
    b'{"do":"keys","key":"dream.strength","keys":[{"time":-1,"unit":"s","value":1,"way":"linear"}]}',
    b'{"do":"keys","key":"dream.strength","keys":[{"time":1,"unit":"s","value":1,"way":"import os"}]}',
    b'{"do":"dream","motifs":[{"kind":"guide","name":"/etc/passwd"}]}',
    b'{"do":"cut","size":"' + b"9" * 99 + b'","start":null,"stop":null}',
    b"[" * 5000,
    b'{"do":' + b"[" * 3000,
]


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_in_a_line(body: bytes, quiet: Running, fresh: Page) -> None:
    page = fresh
    before = page.state
    status, text = quiet.ask("POST", f"{quiet.root}/s/{page.name}/do", body, **JSON)
    assert status == 400 and text.count("\n") == 1 and len(text) < 600
    assert page.state == before


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"]
)
def test_other_types_are_refused(kind: str, quiet: Running, fresh: Page) -> None:
    name = fresh.name
    assert quiet.ask("POST", f"{quiet.root}/s/{name}/do", '{"do":"undo"}', content_type=kind)[0] == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(method: str, quiet: Running) -> None:
    assert quiet.ask(method, f"{quiet.root}/")[0] == 405


def test_a_large_body_is_refused_before_it_is_read(quiet: Running, fresh: Page) -> None:
    path = f"{quiet.root}/s/{fresh.name}/do"
    with socket.create_connection(("127.0.0.1", quiet.port), timeout=10) as raw:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{quiet.port}\r\ncontent-type: application/json\r\n"
        raw.sendall(f"{head}content-length: {MOST_BYTES + 1}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", quiet.port), timeout=10) as raw:  # its length is not said
        raw.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        piece = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
        for _ in range(5):
            raw.sendall(piece)
        assert raw.recv(12) == b"HTTP/1.1 413"
        with contextlib.suppress(ConnectionResetError):  # nothing more is read
            while raw.recv(4096):
                pass
    survives(quiet)


@pytest.mark.parametrize("sent", ["", "GET ", "{get}{get}GET", "{post}{{"])
def test_a_request_that_is_never_whole_takes_no_place(
    sent: str, quiet: Running, fresh: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    host = f"host: 127.0.0.1:{quiet.port}\r\n"
    get = f"GET {quiet.root}/pages/icon.svg HTTP/1.1\r\n{host}\r\n"
    path = f"{quiet.root}/s/{fresh.name}/do"
    post = f"POST {path} HTTP/1.1\r\n{host}content-type: application/json\r\ncontent-length: 99\r\n\r\n"
    with socket.create_connection(("127.0.0.1", quiet.port), timeout=10) as raw:
        raw.sendall(sent.format(get=get, post=post).encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))  # until it is closed
    assert answer.count(b"HTTP/1.1 200") == sent.count("{get}")
    assert (b"HTTP/1.1 408" in answer) == ("{post}" in sent)
    survives(quiet)


def test_half_a_request_and_bytes_that_are_none_harm_nobody(quiet: Running, fresh: Page) -> None:
    path = f"{quiet.root}/s/{fresh.name}/do"
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{quiet.port}\r\ncontent-type: application/json\r\n"
    for said in (
        b"\x16\x03\x01\x02",
        b"GET",
        head.encode(),
        f"{head}content-length: 90\r\n\r\n{{".encode(),
        b"\0" * 99,
    ):
        with socket.create_connection(("127.0.0.1", quiet.port), timeout=10) as raw:
            raw.sendall(said)
    survives(quiet)


OUTSIDE = [
    "../outside.png",
    "..\\outside.png",
    "a/../../outside.png",
    "/etc/hostname",
    "C:\\outside.png",
    "link.png",
    "linked/outside.png",
    "nothing.png",
    "a\0b.png",
    ".",
    "",
    "x" * 290,
    "file:outside.png",
    "noise",
    "concat:clip.mp4",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_elsewhere_are_refused(name: str, quiet: Running, fresh: Page) -> None:
    page = fresh
    status, text = page.do(do="open", name=name)
    assert status == 400 and text.count("\n") == 1 and page.session.clip is None
    status, text = page.do(do="mask", mask=name)
    assert status == 400 and page.session.look.mask is None
    shown = json.loads(quiet.ask("GET", f"{quiet.root}/s/{page.name}/facts")[1])
    assert shown["stills"] == ["still.png"] and shown["films"] == ["clip.mp4"]


@pytest.mark.parametrize("name", ["..%2foutside.png", "%2e%2e/outside.png", "link.png", "/etc/hostname", "nothing"])
def test_pictures_of_what_is_elsewhere_are_refused(name: str, quiet: Running, fresh: Page) -> None:
    assert quiet.ask("GET", f"{quiet.root}/thumbs/{name}")[0] in (400, 404)
    assert quiet.ask("GET", f"{quiet.root}/pages/{name}")[0] == 404
    assert quiet.ask("GET", f"{quiet.root}/pictures/{name}.jpg")[0] == 404
    assert quiet.ask("GET", f"{quiet.root}/thumbs/still.png")[0] == 200


@pytest.mark.parametrize(
    "name",
    ["../a.toml", "/tmp/a.toml", "a/b.toml", ".a.toml", "-a.toml", "a\nb", "a:b", "x" * 200, " ", "dream", "out"],
)
def test_a_look_is_saved_nowhere_else(name: str, still: Page) -> None:
    folder = still.running.server.studio.folder.root
    before = {path.name for path in folder.iterdir()}
    still.refused(do="save", name=name)
    assert {path.name for path in folder.iterdir()} == before and not (folder.parent / "written.toml").exists()


@pytest.mark.parametrize(
    "name", ["../a.mp4", "/tmp/a.mp4", "a/b.mp4", "a.exe", "a.toml", "clip.mp4", "out.mp4", ".mp4", "a.mp4/"]
)
def test_a_film_is_made_nowhere_else(name: str, still: Page) -> None:
    still.refused(do="render", name=name)
    assert not still.running.server.renders.all


@pytest.mark.parametrize(
    "text",
    [
        'extends = "../outside.toml"',
        'extends = "linked.toml"',
        '[mask]\nfile = "../outside.png"',
        '[mask]\nfile = "/etc/hostname"',
        '[audio]\nfile = "../outside.png"',
        '[[objective]]\nkind = "guide"\nfile = "../outside.png"',
        '[net]\nname = "../a.safetensors"',
        '[net]\nname = "a.py:build"',
        "dream = 7",
    ],
)
def test_a_look_that_names_what_is_elsewhere_is_refused(text: str, quiet: Running, fresh: Page) -> None:
    sly = quiet.server.studio.folder.root / "sly.toml"
    try:
        sly.write_text(text)
        for name in ("sly.toml", "linked.toml", "../outside.toml"):
            fresh.refused(do="take", name=name)
    finally:
        sly.unlink()


def test_there_is_an_end_of_sessions_and_of_streams(
    quiet: Running, fresh: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "MOST_SESSIONS", 3)
    monkeypatch.setattr("dreamvid.studio.server.MOST_STREAMS", 1)
    first, *_ = [fresh, quiet.page(), quiet.page()]
    status, text = quiet.ask("GET", f"{quiet.root}/")
    assert status == 400 and text == "3 sessions are open: close one of them\n"
    link = http.client.HTTPConnection("127.0.0.1", quiet.port, timeout=10)
    link.request("GET", f"{quiet.root}/s/{first.name}/events")
    stream = link.getresponse()
    assert stream.readline() == f"id: {first.session.version}\n".encode()
    status, text = quiet.ask("GET", f"{quiet.root}/s/{first.name}/events")
    assert status == 503 and text == "1 pages are open: close one of them\n"
    first.session.seen = first.session.seen - 100
    others = [each for name, each in quiet.server.studio.sessions.items() if name != first.name]
    others[0].seen -= 100  # nobody has looked at it for long
    quiet.page()
    assert first.name in quiet.server.studio.sessions and others[0].name not in quiet.server.studio.sessions
    link.close()


def test_streams_that_are_asked_for_at_once_are_counted(
    quiet: Running, fresh: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dreamvid.studio.server.MOST_STREAMS", 2)
    head = f"GET {quiet.root}/s/{fresh.name}/events HTTP/1.1\r\nhost: 127.0.0.1:{quiet.port}\r\n\r\n".encode()
    with contextlib.ExitStack() as every:
        links = [every.enter_context(socket.create_connection(("127.0.0.1", quiet.port), 10)) for _ in range(12)]
        for link in links:
            link.sendall(head)
        answers = [link.recv(12) for link in links]
    assert (answers.count(b"HTTP/1.1 200"), answers.count(b"HTTP/1.1 503")) == (2, 10)


def test_a_link_that_leads_to_itself_is_left_out(quiet: Running, fresh: Page) -> None:
    loop = quiet.server.studio.folder.root / "loop.png"
    try:
        loop.symlink_to("loop.png")
        assert json.loads(quiet.ask("GET", f"{quiet.root}/s/{fresh.name}/facts")[1])["stills"] == ["still.png"]
    finally:
        loop.unlink()


def test_a_session_that_is_over_is_begun_anew(quiet: Running) -> None:
    assert quiet.ask("GET", f"{quiet.root}/s/gone/")[0] == 303
    for path in ("facts", "events"):
        assert quiet.ask("GET", f"{quiet.root}/s/gone/{path}") == (404, "this session is over: load the page again\n")
    assert quiet.ask("POST", f"{quiet.root}/s/gone/do", '{"do":"undo"}', **JSON)[0] == 404


def test_a_page_may_load_nothing_from_elsewhere(quiet: Running, fresh: Page) -> None:
    link = http.client.HTTPConnection("127.0.0.1", quiet.port, timeout=10)
    link.request("GET", f"{quiet.root}/s/{fresh.name}/")
    answer = link.getresponse()
    policy, page = answer.headers["content-security-policy"], answer.read().decode()
    link.close()
    assert "default-src 'none'" in policy and "http" not in policy and "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"  # the token is in the address
    assert "http" not in page and "//" not in page.replace("</", "")
