"""Tries from inside a service what it must not be able to do, and what it must; prints what came of each as JSON.

For any Python, without mien: it stands in the service's place, under the service's own restrictions.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

STATE = Path("/var/lib/mien")


def outcome(attempt: Callable[[], object]) -> str:
    """``ok``, or the name of the error that the kernel answered with."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "ok"


def sockets() -> dict[str, Callable[[], object]]:
    """Every family that a picture could leave by."""
    families = ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_UNIX")
    return {family: partial(open_socket, family) for family in families}


def open_socket(family: str) -> None:
    """Opens one, and closes it."""
    kind = socket.SOCK_RAW if family in ("AF_NETLINK", "AF_PACKET") else socket.SOCK_STREAM
    socket.socket(getattr(socket, family), kind).close()


def call_a_listener(path: str) -> None:
    """Connects to another service's Unix socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path)


def write(path: Path) -> None:
    """Makes a file and takes it away again."""
    path.write_text("x")
    path.unlink()


def execute(path: Path) -> None:
    """Runs a program that was put there."""
    try:
        path.write_text("#!/bin/sh\nexit 0\n")
        path.chmod(0o755)
        subprocess.run([path], check=True)
    finally:
        path.unlink(missing_ok=True)


def call(name: str, *arguments: object) -> None:
    """Calls the C library; raises OSError where it answers −1."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


CLONE_NEWUSER = 0x10000000

ATTEMPTS: dict[str, Callable[[], object]] = {
    **sockets(),
    "message bus": lambda: call_a_listener("/run/dbus/system_bus_socket"),
    "camera": lambda: os.close(os.open("/dev/video0", os.O_RDWR)),
    "other device": lambda: os.close(os.open("/dev/mien-test", os.O_RDONLY)),
    "write state": lambda: write(STATE / "probe"),
    "write system": lambda: write(Path("/etc/probe")),
    "write program": lambda: write(Path("/opt/mien/probe")),
    "write shared memory": lambda: write(Path("/dev/shm/probe")),
    "read homes": lambda: list(Path("/root").iterdir()),
    "run from state": lambda: execute(STATE / "probe.sh"),
    "run a system's program": lambda: subprocess.run(["/bin/true"], check=True),
    "writable code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "become root": lambda: os.setuid(0),
    "real time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    # The last one: who succeeds is somebody else from then on.
    "new namespace": lambda: call("unshare", CLONE_NEWUSER),
}

if __name__ == "__main__":
    found = {"user": str(os.getuid())} | {name: outcome(attempt) for name, attempt in ATTEMPTS.items()}
    interfaces = Path("/proc/net/dev").read_text().splitlines()[2:]
    found["interfaces"] = " ".join(line.partition(":")[0].strip() for line in interfaces)
    print(json.dumps(found))
    sys.stdout.flush()
