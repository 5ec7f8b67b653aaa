"""A small MQTT broker inside the process, for the demo: no installation, no port to configure.

amqtt speaks MQTT 3.1.1 only and forgets everything when it stops. For more, run mosquitto.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Any, Self

from edge.delivery.errors import DeliveryError

_HOST = "127.0.0.1"
_START_S = 10.0


class EmbeddedBroker:
    """A broker on a free port of the loopback interface; a context manager.

    url: for BrokerSettings, with ``protocol="3.1.1"`` to spare the search for the version.

    Raises:
        DeliveryError: amqtt is not installed, or the broker does not start.
    """

    def __init__(self) -> None:
        try:
            from amqtt.broker import Broker
        except ImportError:
            raise DeliveryError("the demo's broker is not installed: pip install 'mien[demo]'") from None
        self._make_broker = Broker
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mien-broker", daemon=True)
        self._broker: Any = None
        self.url = ""

    def __enter__(self) -> Self:
        # It reports each client that goes away as a warning, some with a traceback.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with socket.create_server((_HOST, 0)) as probe:
            port = probe.getsockname()[1]
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"{_HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(config), self._loop).result(_START_S)
        except Exception as error:
            self._stop_loop()
            raise DeliveryError(f"the demo's broker does not start on {_HOST}:{port}: {error}") from error
        self.url = f"mqtt://{_HOST}:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._broker.shutdown(), self._loop).result(_START_S)
        finally:
            self._stop_loop()

    async def _start(self, config: dict[str, Any]) -> None:
        self._broker = self._make_broker(config)
        await self._broker.start()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
