"""What runs on this machine, in a small file beside the outbox: for ``mien status``, broker or not."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edge.errors import MienError
from edge.events import Info

#: How often the file is written.
WRITE_EVERY_S = 10.0
#: Three missed writes: the program hangs, or sees nothing.
STALE_S = 3 * WRITE_EVERY_S

Known = TypeVar("Known", "Status", "Publishing")

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class StatusError(MienError):
    """The status file cannot be read; the message names it and the way out."""


class Sign(BaseModel):
    """Who wrote a file, and when.

    pid, boot: its process, and since which start of the machine. at_s: written_at on the machine's monotonic clock,
    which no setting of the time can move.
    """

    model_config = ConfigDict(frozen=True)

    pid: int = Field(default_factory=os.getpid)
    boot: str = Field(default_factory=lambda: boot())
    at_s: float = Field(default_factory=time.monotonic)
    written_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


class Status(Sign):
    """What a running daemon says of itself on its own machine; figures are of the time since the last one.

    says: one line on what it sees. camera, camera_reason: as of the camera's condition. latency_ms: median from capture
    to state, None without frames. throttled: None where nothing tells. shedding: what is left out. broker: why it isn't
    connected, None where it is. apart: another process publishes.
    """

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
    apart: bool = False


class Publishing(Sign):
    """What the process that publishes says of itself, where it is not the one that sees.

    broker: why it isn't connected, None where it is. vision: the process that it serves, None where none has called.
    trouble: why messages don't get through nevertheless.
    """

    started_at: AwareDatetime
    device: str
    version: str
    broker: str | None
    vision: int | None
    outbox_depth: int
    trouble: str | None


Part = Literal["status", "publish"]


class StatusFile:
    """The file of one daemon. It is no record: where it cannot be written, the daemon goes on without."""

    def __init__(self, outbox: Path, of: Part = "status") -> None:
        self.path = path_beside(outbox, of)

    def write(self, status: Sign) -> None:
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
    """What is to be said about this machine.

    status: None where no daemon runs. publishing: None where none does, or where it is the same process. trouble: what
    is wrong, if anything.
    """

    status: Status | None
    trouble: str | None
    publishing: Publishing | None = None


def path_beside(outbox: Path, of: Part = "status") -> Path:
    """Where the daemon with this outbox says how it fares."""
    return outbox.expanduser().with_suffix(f".{of}.json")


def look(outbox: Path) -> Report:
    """How the daemon with this outbox fares, or the two; raises StatusError for a file that can't be read."""
    status, wrong = _read(path_beside(outbox), Status)
    publishing, late = _read(path_beside(outbox, "publish"), Publishing)
    if publishing is None and late is None and not (status is not None and status.apart):
        return Report(status, _trouble("mien", status, wrong))
    troubles = (_trouble("mien vision", status, wrong), _trouble("mien publish", publishing, late))
    return Report(status, "; ".join(filter(None, troubles)) or None, publishing)


def _read(path: Path, kind: type[Known]) -> tuple[Known | None, str | None]:
    """What a process says, None where it does not run; and what is wrong with it."""
    try:
        said = kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise StatusError(f"{path}: {error.strerror or error}; ask as the user who runs mien, or as root") from None
    except ValidationError:
        raise StatusError(f"{path}: not what this version of mien writes; is another version running?") from None
    if said.boot != boot() or not _lives(said.pid):
        return None, f"it ended without a goodbye, last heard of at {said.written_at:%Y-%m-%d %H:%M} UTC"
    silent_s = time.monotonic() - said.at_s
    return said, f"has said nothing for {silent_s:.0f} s" if silent_s > STALE_S else None


def _trouble(name: str, said: Sign | None, wrong: str | None) -> str | None:
    if said is None:
        start = "mien run, or sudo systemctl start" if name == "mien" else "sudo systemctl start"
        return f"{name} does not run here" + (f"; {wrong}" if wrong else f"; start it: {start} mien.target")
    return None if wrong is None else f"{name} {wrong}: sudo systemctl restart mien.target"


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


def publishing_lines(publishing: Publishing) -> list[str]:
    """What publishes, where it is not the process that sees, in lines."""
    up_s = (publishing.written_at - publishing.started_at).total_seconds()
    vision = "nobody has come to it" if publishing.vision is None else f"serves process {publishing.vision}"
    trouble = f"; {publishing.trouble}" if publishing.trouble else ""
    return [
        f"mien {publishing.version} publishes for {publishing.device} (process {publishing.pid}) for {_span(up_s)}",
        f"  broker    {publishing.broker or 'connected'}{trouble}",
        f"  vision    {vision}; {publishing.outbox_depth} events wait",
    ]


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


def _span(seconds: float) -> str:
    minutes = max(0, int(seconds // 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
