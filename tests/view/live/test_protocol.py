"""The page's server as a stranger on the network meets it: real sockets, the real server."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect
from websockets.sync.connection import Connection

from edge.camera import Frame
from edge.view.live import site, viewer
from edge.view.live.look import Look, picture, text
from edge.view.live.server import LivePage
from edge.view.live.settings import ViewError
from edge.view.live.site import SPARE_CONNECTIONS
from tests.delivery.parts import free_port

from .parts import TOKEN, Feeding, get, say, serving, until

LISTENING = "0A"
#: Of asyncio: so many are taken before the first of them can be hung up on.
ACCEPTED_AT_ONCE = 100
JPEG = b"\xff\xd8\xff"


def live(page: LivePage, **options: Any) -> ClientConnection:
    return connect(page.address.replace("http", "ws") + "live", compression=None, **options)


def port_of(page: LivePage) -> int:
    return int(page.address.rstrip("/").rpartition(":")[2])


def frames(connection: Connection, count: int) -> list[dict[str, Any]]:
    """The next so many frames, each answered for; what else comes is passed over."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = connection.recv(10)
        if isinstance(message, str) and (said := json.loads(message))["type"] == "frame":
            found.append(said)
            connection.send(viewer.TAKEN)
    return found


def closes(connection: Connection) -> bool:
    """Whether the server closes it, after what is on its way."""
    with suppress(ConnectionClosed):
        for _ in range(100):
            connection.recv(5)
        return False
    return True


def accepted(port: int) -> int:
    """How many connections to this port a program has taken; those that wait to be taken have no inode."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] != LISTENING and row[9] != "0" for row in rows)


def test_a_viewer_is_told_what_is_read_of_each_frame(looks: list[Look]) -> None:
    with serving() as page, Feeding(page, looks), live(page) as connection:
        kinds = [json.loads(connection.recv(10))["type"] for _ in range(3)]
        assert kinds[:2] == ["about", "episodes"], "what stands still comes first"
        (frame,) = frames(connection, 1)
    assert frame["size"] == [512, 512]
    (face,) = frame["faces"]
    assert face["driver"]
    assert len(face["points"]) == 2 * 468
    assert len(face["eyes"]) == 2
    assert face["eyes"][0]["readable"]
    assert face["expression"]["shares"][3] > 0.9, "happiness"
    assert frame["driver"]["eyes"] in ("open", "closed")


def test_each_picture_is_encoded_once_however_many_watch(looks: list[Look], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def counted(frame: Frame) -> bytes:
        made.append(picture(frame))
        return made[-1]

    monkeypatch.setattr(site, "picture", counted)
    with serving(fps=60) as page, live(page) as one, live(page) as two, live(page) as three:
        with Feeding(page, looks, fps=60) as feeding:
            for connection in (one, two, three):
                frames(connection, 8)
        assert 8 <= len(made) <= feeding.shown


def test_with_nobody_watching_no_frame_is_due_and_nothing_is_kept(looks: list[Look]) -> None:
    with serving() as page:
        assert not page.due()
        with live(page):
            assert until(page.due)
            page.show(looks[0])
        assert until(lambda: not page.watched)
        assert not page.due()
        with live(page) as late, Feeding(page, looks):
            assert frames(late, 1)[0]["t"] < 10 / 30, "not the picture of who watched before"


def test_no_more_frames_a_second_than_allowed(looks: list[Look]) -> None:
    with serving(fps=5) as page, Feeding(page, looks, fps=60), live(page) as connection:
        times = [frame["t"] for frame in frames(connection, 6)]
    # By the looks' own clock, 60 a second at the most: a busy machine makes them fewer, never more.
    assert (times[-1] - times[1]) / 4 <= 1 / 5 + 1 / 60
    assert len(set(times)) == 6


@pytest.mark.parametrize("pixels", [True, False])
def test_pictures_are_sent_only_where_they_are_shown(looks: list[Look], pixels: bool) -> None:
    with serving(pixels=pixels, fps=60) as page, Feeding(page, looks, fps=60), live(page) as connection:
        messages = []
        for _ in range(20):
            messages.append(message := connection.recv(10))
            if isinstance(message, str):
                connection.send(viewer.TAKEN)
    pictures = [message for message in messages if isinstance(message, bytes)]
    assert bool(pictures) == pixels
    assert all(picture.startswith(JPEG) for picture in pictures)


def test_with_expressions_off_no_probability_is_told(looks: list[Look]) -> None:
    look = next(look for look in reversed(looks) if look.observation.faces[0].expression is not None)
    quiet = Look(look.frame, look.observation, look.driver, look.driver_track, ())
    assert '"expression":null' in text(quiet, pixels=False)
    assert "shares" not in text(quiet, pixels=False)


def test_a_stalled_viewer_is_let_go_and_a_slow_one_skips(looks: list[Look], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "STALL_S", 0.6)
    with serving(fps=60) as page, Feeding(page, looks, fps=60) as feeding, live(page) as stalled, live(page) as slow:
        times = []
        for _ in range(6):
            times += [frame["t"] for frame in frames(slow, 1)]
            time.sleep(0.15)
        assert times == sorted(set(times))
        assert feeding.shown > 2 * len(times), "it is shown what is new, not what it missed"
        assert closes(stalled), "it never answered"
        assert frames(slow, 2), "the other goes on"


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/%2e%2e/settings.py",
        "//etc/passwd",
        "/./index.html",
        "/static/index.html",
        "/index.html/..",
        "/..\\server.py",
        "/index.html%00.js",
        "file:///etc/passwd",
        "http://elsewhere/index.html",
        "/__init__.py",
    ],
)
def test_no_path_leads_anywhere_but_to_the_pages_own_files(page: LivePage, path: str) -> None:
    assert get(port_of(page), path).startswith(b"HTTP/1.1 404 ")


@pytest.fixture(scope="module")
def page() -> Any:
    with serving() as served:
        yield served


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 5_000 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n" + b"a" * 1_000_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nsurprise!",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\n",
        b"\r\n" * 10_000,
    ],
    ids=["long header", "long path", "many headers", "large body", "body", "TLS", "empty lines"],
)
def test_what_no_browser_sends_gets_no_page(page: LivePage, request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert b"200 OK" not in say(port_of(page), request_)
    assert get(port_of(page), "/").startswith(b"HTTP/1.1 200 "), "and the next one is served"
    assert not caplog.records, "nonsense fills no log"


def test_a_viewer_that_says_too_much_is_closed(page: LivePage) -> None:
    with live(page) as connection:
        connection.send("a" * 1000)
        assert closes(connection)
        assert connection.close_code == 1009


def test_who_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "REQUEST_S", 0.3)
    with serving() as page, socket.create_connection(("127.0.0.1", port_of(page)), timeout=5) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert silent.recv(1) == b""


def test_a_thousand_connections_are_bounded_and_the_one_that_watches_goes_on(looks: list[Look]) -> None:
    with serving(viewers=2) as page, Feeding(page, looks), live(page) as watcher:
        crowd = [socket.socket() for _ in range(1000)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port_of(page)))
        most = 2 + SPARE_CONNECTIONS
        assert until(lambda: accepted(port_of(page)) == most), "as many as there is room for"
        time.sleep(0.2)
        assert accepted(port_of(page)) <= most + ACCEPTED_AT_ONCE
        assert len(frames(watcher, 5)) == 5
        for one in crowd:
            one.close()
        assert until(lambda: get(port_of(page), "/").startswith(b"HTTP/1.1 200 "))


def test_one_viewer_too_many_is_told_so(page: LivePage) -> None:
    with serving(viewers=1) as small, live(small):
        with pytest.raises(InvalidStatus) as refused:
            live(small)
        assert refused.value.response.status_code == 503


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", ""])
def test_a_name_that_is_not_this_machines_is_refused(page: LivePage, host: str) -> None:
    assert get(port_of(page), "/", host=host).startswith(b"HTTP/1.1 421 "), "DNS rebinding"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_sites_script_may_not_watch(page: LivePage, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        live(page, origin=origin)
    assert refused.value.response.status_code == 403


def test_the_page_may_watch_and_every_answer_is_strict(page: LivePage) -> None:
    with live(page, origin=page.address.rstrip("/")) as connection:
        assert json.loads(connection.recv(5))["type"] == "about"
    for path in ("/", "/main.js", "/nothing"):
        head = get(port_of(page), path).partition(b"\r\n\r\n")[0]
        for line in (b"default-src 'none'; script-src 'self';", b"nosniff", b"no-referrer", b"no-store"):
            assert line in head, path


def test_the_token_is_asked_of_pages_and_of_viewers() -> None:
    with serving(token=TOKEN) as page:
        port = port_of(page)
        for path in ("/", "/main.js", "/nothing", "/?token=wrong", "/?token=", f"/?x={TOKEN}"):
            answer = get(port, path)
            assert answer.startswith(b"HTTP/1.1 401 "), path
            assert b"asks for a token" in answer
        assert get(port, "/style.css").startswith(b"HTTP/1.1 200 "), "the form must look like something"
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Cookie": f"mien={TOKEN}"}):
            with pytest.raises(InvalidStatus) as refused:
                live(page, additional_headers=headers)
            assert refused.value.response.status_code == 401
        with live(page, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as connection:
            connection.recv(5)


def test_the_token_once_given_becomes_a_cookie_that_does_not_tell_it() -> None:
    with serving(token=TOKEN) as page:
        head = get(port_of(page), f"/?token={TOKEN}").decode()
        assert head.startswith("HTTP/1.1 303 ")
        assert "\r\nLocation: /\r\n" in head
        cookie = head.partition("Set-Cookie: ")[2].partition("\r\n")[0]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in head
        pair = cookie.partition(";")[0]
        assert get(port_of(page), "/", f"Cookie: other=1; {pair}").startswith(b"HTTP/1.1 200 ")
        assert get(port_of(page), "/", f"Cookie: {pair[:-1]}").startswith(b"HTTP/1.1 401 ")
        with live(page, additional_headers={"Cookie": pair}) as connection:
            connection.recv(5)


def test_a_port_that_is_taken_is_said_in_a_line(page: LivePage) -> None:
    port = port_of(page)
    with (
        pytest.raises(ViewError, match=rf"view.listen 127.0.0.1, view.port {port}: Address already in use"),
        serving(port=port),
    ):
        pass


def test_closing_ends_viewers_and_frees_the_port(looks: list[Look]) -> None:
    port = free_port()
    for _ in range(2):
        with ExitStack() as later:
            with serving(port=port) as page, Feeding(page, looks):
                connection = later.enter_context(live(page))
                frames(connection, 1)
            with pytest.raises(ConnectionClosed):
                frames(connection, 1000)


def test_a_unix_socket_serves_a_proxy_and_goes_with_the_daemon(looks: list[Look], tmp_path: Path) -> None:
    path = tmp_path / "view.sock"
    left_behind = socket.socket(socket.AF_UNIX)
    left_behind.bind(str(path))
    left_behind.close()  # as by a daemon that was killed
    with serving(listen=f"unix:{path}") as page, Feeding(page, looks):
        assert path.stat().st_mode & 0o777 == 0o660
        with unix_connect(str(path), "ws://cab.example/live", compression=None) as connection:
            assert frames(connection, 2)
        with pytest.raises(ViewError, match="in use"), serving(listen=f"unix:{path}"):
            pass
    assert not path.exists()
