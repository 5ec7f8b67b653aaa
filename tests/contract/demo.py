"""One run of ``mien demo`` for all tests that want one, with a second subscriber that keeps every message.

As a program (FILE DEMO-ARGUMENTS…) it is that run: ``mien demo`` with the subscriber on its broker.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self
from unittest import mock
from urllib.parse import urlsplit

from edge.delivery import EmbeddedBroker
from tests.delivery.parts import REPOSITORY

from .parts import Received, listening


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What ``mien demo`` did. heard: all that its broker passed on; kept: what the broker still had at the end."""

    returncode: int
    stdout: str
    stderr: str
    clip_bytes: int
    heard: tuple[Received, ...]
    kept: tuple[Received, ...]


@cache
def demo_run() -> DemoRun:
    """Runs it, once in a test session."""
    with tempfile.TemporaryDirectory(prefix="mien-test-demo-") as folder:
        clip, messages = Path(folder) / "puppet.mp4", Path(folder) / "messages.json"
        command = [sys.executable, "-m", "tests.contract.demo", str(messages), "--keep", str(clip)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=False)
        said: dict[str, Any] = json.loads(messages.read_text()) if messages.exists() else {"heard": [], "kept": []}
        heard, kept = (
            tuple(Received(**message | {"payload": message["payload"].encode()}) for message in said[which])
            for which in ("heard", "kept")
        )
        size = clip.stat().st_size if clip.exists() else 0
        return DemoRun(done.returncode, done.stdout, done.stderr, size, heard, kept)


class _ListenedBroker(EmbeddedBroker):
    """The demo's broker with our subscriber on it from its start to its end."""

    messages: Path

    def __enter__(self) -> Self:
        super().__enter__()
        self._stack = ExitStack()
        self._port = urlsplit(self.url).port or 0
        self._heard = self._stack.enter_context(listening(self._port, mqtt5=False))
        return self

    def __exit__(self, *why: Any) -> None:
        with listening(self._port, mqtt5=False) as kept:
            time.sleep(0.5)
        self._stack.close()
        said = {"heard": self._heard, "kept": kept}
        self.messages.write_text(
            json.dumps({name: [asdict(m) | {"payload": m.payload.decode()} for m in said[name]] for name in said})
        )
        super().__exit__(*why)


if __name__ == "__main__":
    from edge.cli import main

    _ListenedBroker.messages = Path(sys.argv[1])
    with mock.patch("edge.demo.show.EmbeddedBroker", _ListenedBroker):
        sys.exit(main(["demo", *sys.argv[2:]]))
