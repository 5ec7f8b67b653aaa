from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.delivery import Outbox, OutboxSettings

from .parts import Mosquitto, Relay, Subscriber, find_mosquitto


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts real brokers, each with the given configuration lines; killed in the end."""
    binary = find_mosquitto()
    if binary is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    brokers: list[Mosquitto] = []

    def start(*options: str) -> Mosquitto:
        brokers.append(Mosquitto(binary, tmp_path, options or ("allow_anonymous true",)).start())
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A real broker that takes anybody."""
    return start_mosquitto()


@pytest.fixture
def relay(mosquitto: Mosquitto) -> Iterator[Relay]:
    """The network to ``mosquitto``, up."""
    network = Relay(mosquitto.port)
    network.up()
    yield network
    network.cut()


@pytest.fixture
def subscriber(mosquitto: Mosquitto) -> Iterator[Subscriber]:
    """Hears everything on ``mosquitto``."""
    client = Subscriber(mosquitto.port)
    yield client
    client.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite")) as box:
        yield box


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False, text=True
    )
    if mounted.returncode:
        pytest.skip(f"only root may mount a small disk: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)
