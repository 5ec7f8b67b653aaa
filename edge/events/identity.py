"""Who speaks and when: the device's identity and its clock's mapping to wall time."""

from __future__ import annotations

import ctypes
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from edge.events.topics import check_level

# adjtimex(2): the kernel's clock state when nothing disciplines it.
_TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """One device during one run of its program.

    device: the id in topics and in events' ``source``. boot_id: new with each start, so that ids never repeat.
    model_sha256: of the expression model in use.

    Raises:
        TopicError: the device id cannot be part of a topic.
    """

    device: str
    boot_id: UUID = field(default_factory=uuid4)
    model_sha256: str | None = None
    _seq: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_level(self.device, "device")

    @classmethod
    def for_file(cls, device: str, content_sha256: str, model_sha256: str | None = None) -> DeviceIdentity:
        """An identity that depends on a file's content alone, so that analyzing it again gives the same ids."""
        return cls(device, uuid5(NAMESPACE_OID, f"mien:file:{content_sha256}"), model_sha256)

    def next_seq(self) -> int:
        """The next event's number, from 1; safe to call from any thread."""
        return next(self._seq)

    def event_id(self, seq: int) -> str:
        """The id of this run's event number ``seq``: the same each time, never another run's."""
        return str(uuid5(self.boot_id, str(seq)))


@dataclass(frozen=True, slots=True)
class ClockMapping:
    """Maps capture time to wall time.

    zero_wall_s: Unix time in seconds at capture time 0. synced: whether the wall clock is known to be set.
    """

    zero_wall_s: float
    synced: bool

    @classmethod
    def at(cls, t_s: float, wall_time: float, *, synced: bool) -> ClockMapping:
        """From one moment known in both: a frame's ``t_s`` and ``wall_time``."""
        return cls(wall_time - t_s, synced)

    def wall(self, t_s: float) -> datetime:
        """The wall time of a capture time, in UTC, to the microsecond."""
        return datetime.fromtimestamp(self.zero_wall_s + t_s, UTC)


def system_clock_synced() -> bool:
    """Whether the system's clock is known to be set by a time source (Linux, ``adjtimex(2)`` or systemd's mark).

    False where that cannot be told: a time that may be wrong is marked so.
    """
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    if os.name != "posix":
        return False
    libc = _libc()
    if not hasattr(libc, "adjtimex"):
        return False
    # struct timex, 208 bytes on 64-bit Linux; modes = 0 (the first field) only reads. Room to spare.
    status: int = libc.adjtimex(ctypes.create_string_buffer(512))
    return 0 <= status < _TIME_ERROR


@cache
def _libc() -> ctypes.CDLL:
    """The C library, loaded once: the clock is asked about with every frame."""
    return ctypes.CDLL(None)
