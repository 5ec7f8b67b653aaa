"""Real brokers, a network that can be cut, and subscribers: what the delivery tests are made of."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.delivery import BrokerSettings
from edge.events import ClockMapping, DeviceIdentity, Event, Info
from edge.events.convert import to_event
from edge.state.types import Episode, Phase, Severity

REPOSITORY = Path(__file__).resolve().parents[2]
CLOCK = ClockMapping(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp(), synced=True)


def make_event(device: DeviceIdentity, t_s: float = 0.0, severity: Severity = Severity.WARNING) -> Event:
    """A microsleep's start."""
    episode = Episode(
        subject="driver",
        kind="microsleep",
        phase=Phase.START,
        episode_id=f"e{t_s}",
        severity=severity,
        t_s=t_s,
        started_s=t_s - 1.5,
        duration_s=1.5,
        confidence=0.9,
        sensing="good",
        measures={"openness": 0.04},
    )
    return to_event(episode, device, CLOCK)


def make_info(device: DeviceIdentity) -> Info:
    """What a device says of itself."""
    return Info(
        device=device.device,
        boot_id=device.boot_id,
        started_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        version="0.1.0",
        profile="driver",
        model=None,
        model_sha256=None,
    )


def quick(url: str, **others: Any) -> BrokerSettings:
    """Settings that don't keep a test waiting."""
    return BrokerSettings.from_url(
        url, **({"reconnect_min_s": 0.05, "reconnect_max_s": 0.2, "connect_timeout_s": 3.0, "settle_s": 0.0} | others)
    )


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on.

    Below those that the system gives to connections going out: nothing takes it before it is used, or between a
    broker's end and its return.
    """
    while True:
        port = secrets.choice(range(20000, 32000))  # not random's: hypothesis seeds that, and tests would meet
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def wait_for(what: Callable[[], bool], timeout_s: float = 15.0) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def find_mosquitto() -> str | None:
    """Debian keeps it out of a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """A mosquitto of its own on a free port; options: lines of its configuration."""

    def __init__(self, binary: str, folder: Path, options: tuple[str, ...] = ("allow_anonymous true",)) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / f"mosquitto-{self.port}.conf"
        # As root it would drop to a user that cannot read the test's folder.
        lines = (f"listener {self.port} 127.0.0.1", "user root", *options)
        self._config.write_text("\n".join(lines) + "\n")

    def start(self) -> Mosquitto:
        """Returns when it listens."""
        self._process = subprocess.Popen(
            [self._binary, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert wait_for(self._listens), f"mosquitto does not listen on {self.port}"
        return self

    def kill(self) -> None:
        """SIGKILL: it saves nothing and says goodbye to nobody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM: it saves what it is configured to save."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)
        self._process = None

    def reload(self) -> None:
        """Reads its files of rights and passwords anew."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "mosquitto ended"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Relay:
    """The network between a device and its broker: it can be cut, and can lose the broker's answers.

    connections: how often somebody came.
    """

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._port = free_port()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._port}"
        self.url = f"mqtt://{self.address}"
        self.lose_answers = False
        self.connections = 0

    def up(self) -> None:
        """Lets connections through."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Breaks all connections and refuses new ones."""
        if self._listener is not None:
            _shut(self._listener)
            self._listener = None
        for sock in self._open:
            _shut(sock)
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                self.connections += 1
                far = socket.create_connection(("127.0.0.1", self._broker_port))
            except OSError:
                return
            self._open += [near, far]
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                if not (answers and self.lose_answers):
                    sink.sendall(data)
        except OSError:
            pass
        _shut(source)
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


class Subscriber:
    """An independent client that keeps all it hears; comes back within 50 ms after the broker does.

    It listens with QoS 0 and so never writes: a killed broker's socket then ends with what it had sent, where an
    acknowledgement that nobody takes would reset the connection and discard what was not yet read.
    """

    def __init__(self, port: int, topics: str = "mien/1/#", login: tuple[str, str] | None = None) -> None:
        self.messages: list[MQTTMessage] = []
        self.subscribed = threading.Event()
        self._topics = topics
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        if login is not None:
            self._client.username_pw_set(*login)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topics, qos=0) and None
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_disconnect = lambda *_: self.subscribed.clear()
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        self._client.reconnect_delay_set(0.05, 0.05)  # type: ignore[arg-type]
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self.subscribed.wait(5)

    def payloads(self, ending: str) -> list[bytes]:
        """What was heard on topics that end so, in order."""
        return [bytes(message.payload) for message in list(self.messages) if message.topic.endswith(ending)]

    def ids(self) -> list[str]:
        """The ids of the events heard, in order, repeats included."""
        return [json.loads(payload)["id"] for payload in self.payloads("/event")]

    def close(self) -> None:
        """Goes away."""
        self._client.disconnect()
        self._client.loop_stop()
        # The loop may stop before it has seen the end of the connection.
        if isinstance(left := self._client.socket(), socket.socket):
            left.close()


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that runs ``child.py``; killed in the end if it still lives."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("child.py")), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def without_repeats(ids: list[str]) -> list[str]:
    """What a subscriber sees that ignores ids it knows."""
    return list(dict.fromkeys(ids))
