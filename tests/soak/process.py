"""What a process of this machine holds at a moment, from Linux's /proc."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a process: when (Unix time), resident memory in bytes, open descriptors, processor seconds."""

    at: float
    rss: int
    descriptors: int
    cpu_s: float


def look(pid: int) -> Look:
    """How much the process holds now."""
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    return Look(time.time(), kilobytes * 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())), cpu_s)
