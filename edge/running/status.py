"""What runs on this machine, in a small file beside the outbox: for ``mien status``, broker or not."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edge.errors import MienError
from edge.events import Info

#: How often the file is written.
WRITE_EVERY_S = 10.0
#: Three missed writes: the program hangs, or sees nothing.
STALE_S = 3 * WRITE_EVERY_S

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class StatusError(MienError):
    """The status file cannot be read; the message names it and the way out."""


class Status(BaseModel):
    """What a running daemon says of itself on its own machine; figures are of the time since the last one.

    pid, boot: its process, and since which start of the machine. at_s: written_at on the machine's monotonic clock,
    which no setting of the time can move. says: one line on what it sees. camera, camera_reason: as of the camera's
    condition. latency_ms: median from capture to state, None without frames. throttled: None where nothing tells.
    shedding: what is left out. broker: why it isn't connected, None where it is.
    """

    model_config = ConfigDict(frozen=True)

    pid: int = Field(default_factory=os.getpid)
    boot: str = Field(default_factory=lambda: boot())
    at_s: float = Field(default_factory=time.monotonic)
    written_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    info: Info
    says: str
    camera: str
    camera_reason: str | None
    fps: float
    latency_ms: float | None
    dropped: int
    temperature_c: float | None
    throttled: tuple[str, ...] | None
    shedding: tuple[str, ...]
    broker: str | None
    outbox_depth: int
    outbox_dropped: int
    outbox_trouble: str | None


class StatusFile:
    """The file of one daemon. It is no record: where it cannot be written, the daemon goes on without."""

    def __init__(self, outbox: Path) -> None:
        self.path = path_beside(outbox)

    def write(self, status: Status) -> None:
        """Replaces what was said before, at once and whole."""
        fresh = self.path.with_suffix(".new")
        try:
            fresh.write_text(status.model_dump_json())
            fresh.replace(self.path)
        except OSError:
            pass  # a disk that is full or read-only is told of in health

    def remove(self) -> None:
        """The daemon has ended as it should."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            pass  # its process is gone, which says the same


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be said about this machine. status: None where no daemon runs; trouble: what is wrong, if anything."""

    status: Status | None
    trouble: str | None


def path_beside(outbox: Path) -> Path:
    """Where the daemon with this outbox says how it fares."""
    return outbox.expanduser().with_suffix(".status.json")


def look(outbox: Path) -> Report:
    """How the daemon with this outbox fares. Raises StatusError where its file is there but not to be read."""
    path = path_beside(outbox)
    try:
        status = Status.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Report(None, f"mien does not run here (no {path}); start it: mien run, or sudo systemctl start mien")
    except OSError as error:
        raise StatusError(f"{path}: {error.strerror or error}; ask as the user who runs mien, or as root") from None
    except ValidationError:
        raise StatusError(f"{path}: not what this version of mien writes; is another version running?") from None
    if status.boot != boot() or not _lives(status.pid):
        return Report(None, f"mien does not run here; it ended without a goodbye, {_ago(status)}")
    silent_s = time.monotonic() - status.at_s
    if silent_s > STALE_S:
        return Report(status, f"it has said nothing for {silent_s:.0f} s: sudo systemctl restart mien")
    return Report(status, None)


def lines(status: Status) -> list[str]:
    """The status for people, in lines."""
    info = status.info
    profile = f", {info.profile}" if info.profile else ""
    up_s = (status.written_at - info.started_at).total_seconds()
    late = "" if status.latency_ms is None else f", {status.latency_ms:.0f} ms from capture to state"
    reason = f": {status.camera_reason}" if status.camera_reason else ""
    heat = "temperature unknown" if status.temperature_c is None else f"{status.temperature_c:.0f} °C"
    kept = f"; in memory only: {status.outbox_trouble}" if status.outbox_trouble else ""
    said = [
        f"mien {info.version} runs as {info.device} (process {status.pid}{profile}) for {_span(up_s)}",
        f"  sees      {status.says}",
        f"  camera    {status.camera}{reason}; {status.fps:.1f} frames a second{late}, {status.dropped} dropped",
        f"  model     {info.model or 'no expression model'}",
        f"  broker    {status.broker or 'connected'}",
        f"  outbox    {status.outbox_depth} events wait, {status.outbox_dropped} were given up{kept}",
        f"  processor {', '.join((heat, *(status.throttled or ())))}",
    ]
    if status.shedding:
        said.append(f"  load      too much: leaving out {', '.join(status.shedding)}")
    if info.model_fallback:
        said.append(f"  note      {info.model_fallback}")
    return said


def boot() -> str:
    """Which start of the machine this is; empty where the kernel does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _ago(status: Status) -> str:
    return f"last heard of at {status.written_at:%Y-%m-%d %H:%M} UTC"


def _span(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
