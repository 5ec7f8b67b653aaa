"""A tree booted: systemd-nspawn runs the tree's own systemd, with a network of its own and stand-ins for devices."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.deploy.tree import Tree

#: Name, character device's numbers, mode. No driver stands behind the camera's: who may open it is told ENXIO, no such
#: device, and who may not, EPERM, EACCES or ENOENT. The other one is FUSE's, which anybody may open whom no device
#: policy forbids it.
DEVICES = {"video0": (81, 0, 0o660), "mien-test": (10, 229, 0o666)}
_VIDEO = 44  # Debian's number of that group


class Machine:
    """A booted tree; a context manager. The broker in it is this machine's mosquitto, on port 1883 there."""

    def __init__(self, tree: Tree, devices: Path) -> None:
        self.tree = tree
        self._devices = devices
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._broker: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        self._devices.mkdir(exist_ok=True)
        binds = []
        for name, (major, minor, mode) in DEVICES.items():
            node = self._devices / name
            node.unlink(missing_ok=True)
            os.mknod(node, stat.S_IFCHR | mode, os.makedev(major, minor))
            os.chown(node, 0, _VIDEO)
            node.chmod(mode)
            binds.append(f"--bind={node}:/dev/{name}")
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]
        # What process 1 of a real machine may do: without, systemd's device policy would silently not hold.
        command += ["--capability=all", "--system-call-filter=bpf"]
        command += ["--console=pipe", *binds, "--directory", str(self.tree.folder)]
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with Path(self._devices, "console.log").open("wb") as console:
            self._nspawn = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
            )
        self._wait_for_systemd()
        self._broker = subprocess.Popen(
            ["nsenter", "--net", f"--target={self._leader}", _mosquitto(), "-p", "1883"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait()
        if self._nspawn is not None:
            self._nspawn.send_signal(signal.SIGTERM)  # nspawn hands it on as an order to power off
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in it as root."""
        inside = ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net", "--pid"]
        return subprocess.run(
            [
                *inside,
                "env",
                "-i",
                "--chdir=/",
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
                "LANG=C.UTF-8",
                *command,
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    def drop_in(self, unit: str, text: str) -> None:
        """Adds to a unit."""
        folder = self.tree.path(f"etc/systemd/system/{unit}.d")
        folder.mkdir(exist_ok=True)
        (folder / "test.conf").write_text(text)
        self.run("systemctl", "daemon-reload")

    def probe(self, unit: str, more: str = "") -> dict[str, str]:
        """What ``probe.py`` finds in a service's place. more: further lines of the unit."""
        shutil.copy(Path(__file__).with_name("probe.py"), self.tree.path("opt/mien/probe.py"))
        program = "/opt/mien/current/bin/python /opt/mien/probe.py"
        once = "Type=oneshot\nRestart=no\nWatchdogSec=0\nExecReload=\nExecStart="
        self.drop_in(unit, f"[Service]\n{once}\nExecStart={program}\n{more}\n")
        self.run("systemctl", "stop", unit)
        started = self.run("systemctl", "start", unit)
        said = self.run("journalctl", "--output=cat", f"--unit={unit}", "--lines=20").stdout.splitlines()
        shutil.rmtree(self.tree.path(f"etc/systemd/system/{unit}.d"))
        self.run("systemctl", "daemon-reload")
        lines = [line for line in said if line.startswith("{") and '"AF_INET"' in line]
        assert lines, f"{started.stderr}{said}"
        found: dict[str, str] = json.loads(lines[-1])
        return found

    def show(self, unit: str, what: str) -> str:
        """One of a unit's properties."""
        return self.run("systemctl", "show", "--value", f"--property={what}", unit).stdout.strip()

    def journal(self, lines: int = 30) -> str:
        """The end of it."""
        return self.run("journalctl", "--no-pager", f"--lines={lines}").stdout

    def _wait_for_systemd(self) -> None:
        assert self._nspawn is not None
        ends_s = time.monotonic() + 60
        while time.monotonic() < ends_s and self._nspawn.poll() is None:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            for child in children:
                self._leader = int(child)
                said = self.run("systemctl", "is-system-running").stdout.strip()
                if said in {"running", "degraded"}:
                    # nspawn lays another over it, but not over the /proc of their own that protected services get.
                    self.run("umount", "/proc/sys/kernel/random/boot_id")
                    return
            time.sleep(0.3)
        raise AssertionError(f"systemd did not come up: {Path(self._devices, 'console.log').read_text()[-2000:]}")


def _mosquitto() -> str:
    return shutil.which("mosquitto") or "/usr/sbin/mosquitto"
