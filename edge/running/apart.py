"""What cannot be had in a process without a network, said at its start instead of found out later."""

from __future__ import annotations

import logging

from edge.config import Config
from edge.errors import MienError

log = logging.getLogger(__name__)


class ApartError(MienError):
    """The configuration asks a process without a network for the network."""


def require_no_network(config: Config) -> None:
    """Raises ApartError where the camera is behind the network; warns of what is left out."""
    source = config.camera.source
    if "://" in source and not source.startswith("file://"):
        raise ApartError(
            "camera.source is on the network, which mien vision never opens: use mien run for it, or a camera on this "
            "machine"
        )
    if config.metrics.port is not None:
        log.warning("metrics.port: mien vision opens no port, so there are no metrics; mien run has them")
