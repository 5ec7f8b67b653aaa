"""The socket between vision and publish, with somebody at its other end who means ill or is broken."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import Config
from edge.delivery.link import socket_beside
from edge.delivery.link.line import MOST_AT_ONCE, Line, listen
from edge.delivery.link.packets import (
    LONGEST,
    Beat,
    Heard,
    Hello,
    PacketError,
    Put,
    StatePacket,
    Welcome,
    encode,
    from_publish,
    from_vision,
)

from .apart import Vision, configured, publishing
from .parts import REPOSITORY, Mosquitto, Subscriber, wait_for

HELLO = Hello(pid=1, device="cab", root="mien/1")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others reach; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory(prefix="mien-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def config(tmp_path: Path, mosquitto: Mosquitto) -> Config:
    return configured(tmp_path, mosquitto.url)


def knock(config: Config) -> socket.socket:
    """A call from anybody, as soon as somebody listens."""
    path = socket_beside(config.outbox.path)
    assert wait_for(path.is_socket)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(10)
    sock.connect(str(path))
    return sock


@contextmanager
def instead_of_publish(config: Config) -> Iterator[socket.socket]:
    """The socket where vision calls, in our hands."""
    with listen(socket_beside(config.outbox.path)) as listener:
        listener.settimeout(10)
        yield listener


def as_many_as_it_takes(sock: socket.socket, packets: Iterable[bytes]) -> int:
    """Sends until the peer's buffer is full, or the peer has had enough and hung up; returns how many that took."""
    for number, packet in enumerate(packets):
        try:
            sock.send(packet)
        except (BlockingIOError, ConnectionError):
            return number
    raise AssertionError("it reads whatever comes, however much")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_are_refused(data: bytes) -> None:
    for read in (from_vision, from_publish):
        with contextlib.suppress(PacketError):
            read(data)


@given(st.binary(max_size=200), st.binary(max_size=40), st.text(max_size=40))
def test_bodies_and_correlation_data_cross_as_they_are(body: bytes, correlation: bytes, topic: str) -> None:
    heard = Heard(listener="x", topic=topic, retain=False, answer_to=None, correlation=correlation, at_s=1.5)
    assert from_publish(encode(heard, body)) == (heard, body)


def test_a_packet_too_long_is_not_even_sent() -> None:
    with pytest.raises(PacketError, match="too long"):
        encode(Put(), bytes(LONGEST))


def test_one_who_does_not_say_who_or_talks_nonsense_makes_room_for_vision(
    config: Config, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.link.desk._HELLO_WITHIN_S", 0.2)
    with publishing(config):
        for nonsense in (None, b"{", encode(Put()), encode(HELLO.model_copy(update={"version": 0})), b"x" * 100_000):
            with knock(config) as caller:
                if nonsense is not None:
                    caller.send(nonsense)
                while caller.recv(LONGEST):
                    pass
        with knock(config) as foreign:
            foreign.send(encode(HELLO.model_copy(update={"device": "other"})))
            assert b"give both the same configuration" in foreign.recv(LONGEST)
        with Vision(config) as vision:
            event = vision.put()
            assert wait_for(lambda: subscriber.ids() == [event.id])
            assert wait_for(lambda: subscriber.payloads("cab/status") == [b"online"])


def test_a_flood_from_vision_costs_publish_no_memory_and_nobody_an_event(
    config: Config, subscriber: Subscriber
) -> None:
    with publishing(config), knock(config) as flooding:
        flooding.send(encode(HELLO))
        flooding.send(encode(Beat()))
        flooding.setblocking(False)
        states = (
            StatePacket(topic=f"mien/1/cab/driver/state{number}", retain=True, qos=0, expiry_s=None, at_s=0.0)
            for number in range(100_000)
        )
        sent = as_many_as_it_takes(flooding, (encode(state, b"{}") for state in states))
        assert sent < 10 * MOST_AT_ONCE
    with publishing(config), Vision(config) as vision:
        event = vision.put()
        assert wait_for(lambda: subscriber.ids() == [event.id])


def test_a_publish_that_never_reads_holds_vision_up_nowhere_and_gets_the_newest(config: Config) -> None:
    with instead_of_publish(config) as listener, Vision(config) as vision:
        publish, _ = listener.accept()
        with publish:
            publish.settimeout(10)
            publish.send(encode(Welcome()))
            topic = "mien/1/cab/driver/state"
            for number in range(20_000):
                vision.courier.state(topic, f"{number:1000}", retain=True)
                vision.courier.answer("x/result", b"{}")
            vision.courier.state(topic, "the newest", retain=True)
            seen: list[bytes] = []
            while b"the newest" not in seen:
                packet, body = from_vision(publish.recv(LONGEST))
                seen += [body] if isinstance(packet, StatePacket) else []
        assert len(seen) < 2000, "a state for each that was said waits in memory"


def test_a_publish_that_talks_nonsense_floods_or_dies_is_left_for_the_next(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.link.courier._RETRY_S", 0.01)
    topics = {"listener": "mien/1/cab/+/set", "topic": "mien/1/cab/privacy/set"}
    order = Heard(**topics, retain=False, answer_to=None, correlation=None, at_s=0.0)
    with instead_of_publish(config) as listener, Vision(config) as vision:
        for nonsense in (b"{", b"", b"x" * 100_000, encode(Beat())):
            publish, _ = listener.accept()
            with publish:
                publish.send(nonsense)
        publish, _ = listener.accept()
        with publish:
            publish.setblocking(False)
            sent = as_many_as_it_takes(publish, itertools.repeat(encode(order, b"ON")))
            assert sent < 10 * MOST_AT_ONCE
        listener.accept()[0].close()
        assert vision.commands._waiting.qsize() <= 16
        vision.put()
    with publishing(config), Vision(config) as vision:
        assert wait_for(lambda: vision.courier.connected)


def test_another_vision_waits_for_its_turn(config: Config, subscriber: Subscriber) -> None:
    with publishing(config), Vision(config) as first:
        assert wait_for(lambda: first.courier.connected)
        with knock(config) as second:
            second.send(encode(HELLO))
            event = first.put()
            assert wait_for(lambda: subscriber.ids() == [event.id])
            second.setblocking(False)
            with pytest.raises(BlockingIOError):
                second.recv(LONGEST)


#: One user after another, each in a fork, in a folder and as a scenario says.
AS_OTHERS = """
import os, sys
from pathlib import Path
from edge.delivery import Outbox, OutboxSettings
from edge.delivery.drain import Drain
from edge.delivery.link.line import LineError, call
from edge.events import DeviceIdentity
from tests.delivery.parts import make_event

folder = Path(sys.argv[1])

def become(user, group, work):
    pid = os.fork()
    if not pid:
        os.setgroups([]); os.setgid(group); os.setuid(user); os.umask(0o077)
        print(work(), flush=True)
        os._exit(0)  # as by a kill: the files stay as they are
    os.waitpid(pid, 0)

def knock():
    try:
        call(folder / "outbox.sock").send(b"hello")
    except LineError as error:
        return error
    return "let in"

def vision():
    box = Outbox(OutboxSettings(path=folder / "outbox.sqlite"), shared=True)
    for number in range(3):
        box.put(make_event(DeviceIdentity("cab"), float(number)))
    return box.trouble

def publish():
    box = Drain(folder / "outbox.sqlite")
    waiting = box.pending(10)
    box.delete([event.id for event in waiting])
    return box.trouble or len(waiting)

exec(sys.argv[2])
"""


def as_others(folder: Path, scenario: str) -> list[str]:
    command = [sys.executable, "-c", AS_OTHERS, str(folder), scenario]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_who_is_neither_of_the_user_nor_of_the_group_is_turned_away_whatever_the_mode_says(open_folder: Path) -> None:
    path = open_folder / "outbox.sock"
    with listen(path):
        assert path.stat().st_mode & 0o777 == 0o660
        closed, opened, one_of_us = as_others(
            open_folder,
            "become(61001, 61001, knock); (folder / 'outbox.sock').chmod(0o666)\n"
            "become(61001, 61001, knock); become(61001, 0, knock)",
        )
    assert closed == "Permission denied"
    assert "neither of this user nor of its group" in opened
    assert one_of_us == "let in"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_two_users_of_one_group_share_the_file_whoever_dies_in_whatever_order(open_folder: Path) -> None:
    folder = open_folder / "state"
    folder.mkdir()
    os.chown(folder, 61001, 61000)
    folder.chmod(0o770)
    told = as_others(
        folder,
        "become(61001, 61000, vision); become(61002, 61000, publish)\n"
        "[left.unlink() for left in folder.glob('outbox.sqlite-*')]  # as after an orderly end\n"
        "become(61002, 61000, publish)  # makes them anew, as its own\n"
        "become(61001, 61000, vision); become(61002, 61000, publish)",
    )
    assert told == ["None", "3", "0", "None", "3"]
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o660"}


def test_a_line_reads_no_more_than_it_may_at_once() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line = Line(near)
    far.setblocking(False)
    read = 0
    with far:
        for _ in range(3):
            as_many_as_it_takes(far, itertools.repeat(b"x", 10_000))
            read += sum(1 for _ in line.receive())
    assert MOST_AT_ONCE <= read < 2 * MOST_AT_ONCE
    line.close()
