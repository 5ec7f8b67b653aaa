"""What happens to a device with a running systemd."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.deploy.machine import Machine
from tests.deploy.stories import CLIP, CONFIG, Scene, ok
from tests.deploy.tree import Tree, seal, variant

VISION, PUBLISH = "mien-vision@mien.service", "mien-publish.service"
INSTALL = ("bash", "/var/stick/deploy/install")

#: A configuration that was there first.
LOOPED = f"""\
preset = "driver"
device = "bus-7"
camera = {{ source = "{CLIP}", loop = true }}
outbox = {{ path = "/var/lib/mien/outbox.db" }}
"""

#: The stand-in's number is the cameras', but systemd knows it by that name only where their module is loaded.
STAND_IN = "DeviceAllow=/dev/video0 rw"

#: Whoever is kept from a device, a file or a socket is told one of these.
DENIED = {"EPERM", "EACCES", "ENOENT", "EROFS", "EAFNOSUPPORT"}
#: Of the probe's attempts, those that neither may do.
NEITHER = (
    "AF_NETLINK",
    "AF_PACKET",
    "other device",
    "write system",
    "write program",
    "write shared memory",
    "read homes",
    "run from state",
    "writable code",
    "new namespace",
    "become root",
    "real time",
)


def can_boot(arch: str) -> bool:
    """Whether a tree's systemd can run here."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
    return machine == arch and shutil.which("systemd-nspawn") is not None


def stories(scene: Scene, tree: Tree) -> Iterator[Callable[[], None]]:
    """All of them, in one boot after the first."""
    with Machine(tree, scene.scratch / "devices") as machine:

        def installing_starts_both() -> None:
            """On a running machine installing starts both; an event of the camera's reaches the broker."""
            _insert(tree, scene.bundle)
            tree.path("var/lib/mien").mkdir()
            shutil.copy(scene.clip, tree.path(CLIP))
            tree.path(CONFIG).parent.mkdir()
            tree.path(CONFIG).write_text(LOOPED)
            done = ok(machine.run(*INSTALL))
            assert "It runs, and starts with the machine." in done.stdout, done.stdout + machine.journal()
            heard = machine.run("timeout", "30", "mien", "watch", "--broker", "mqtt://localhost", "--json")
            assert '"microsleep"' in heard.stdout, heard.stdout[-2000:] + heard.stderr + machine.journal()
            status = machine.run("mien", "status")
            assert "bus-7" in status.stdout, status.stderr

        def vision_has_no_network() -> None:
            """From inside mien-vision no socket but a Unix one opens, and no other's listener can be called."""
            found = machine.probe("mien-vision@probe.service", STAND_IN)
            denied = ("AF_INET", "AF_INET6", "message bus", *NEITHER)
            assert {name: found[name] for name in denied if found[name] not in DENIED} == {}, found
            assert found["interfaces"] == "lo", found
            # The kernel let it through to a driver, and there is none.
            assert found["camera"] == "ENXIO", found
            assert (found["write state"], found["AF_UNIX"]) == ("ok", "ok"), found

        def publish_sees_no_camera() -> None:
            """From inside mien-publish no camera opens; the network does."""
            found = machine.probe(PUBLISH)
            assert {name: found[name] for name in ("camera", *NEITHER) if found[name] not in DENIED} == {}, found
            assert (found["AF_INET"], found["write state"]) == ("ok", "ok"), found
            machine.run("systemctl", "start", PUBLISH)

        def unbound_both_could() -> None:
            """The same program without the units' bounds opens both: it is the units that forbid it."""
            bare = tree.path("etc/systemd/system/bare.service")
            bare.write_text("[Service]\nUser=mien-vision\nSupplementaryGroups=video\nExecStart=/bin/true\n")
            found = machine.probe("bare.service")
            assert (found["AF_INET"], found["camera"], found["other device"]) == ("ok", "ENXIO", "ok"), found
            assert found["message bus"] == found["writable code"] == found["write shared memory"] == "ok", found
            bare.unlink()

        def killed_it_comes_back() -> None:
            """Killed, both are back within seconds."""
            before = {unit: machine.show(unit, "MainPID") for unit in (VISION, PUBLISH)}
            ok(machine.run("systemctl", "kill", "--signal=KILL", VISION, PUBLISH))
            for unit, pid in before.items():
                _until(machine, unit, "MainPID", partial(_another, pid))
                _until(machine, unit, "ActiveState", lambda now: now == "active")

        def an_upgrade_that_does_not_run_is_taken_back() -> None:
            """An upgrade that does not keep running is taken back by itself."""
            old = tree.path("opt/mien/current").readlink()
            broken = variant(scene.bundle, scene.scratch / "broken", "broken")
            unit = broken / "deploy" / "systemd" / "mien-publish.service"
            text = unit.read_text()
            unit.unlink()
            unit.write_text(text.replace("bin/mien publish", "bin/mien nothing-of-this-name"))
            seal(broken)
            _insert(tree, broken)
            done = machine.run(*INSTALL, "upgrade")
            assert done.returncode == 2, done
            assert f"{old} runs again" in done.stderr, done.stderr
            assert tree.path("opt/mien/current").readlink() == old
            assert {machine.show(unit, "ActiveState") for unit in (VISION, PUBLISH)} == {"active"}, machine.journal()

        def a_good_upgrade_takes_over() -> None:
            """A good upgrade takes over while the machine runs."""
            old = tree.path("opt/mien/current").readlink()
            _insert(tree, variant(scene.bundle, scene.scratch / "newer", "newer"))
            done = ok(machine.run(*INSTALL, "upgrade"))
            assert "It runs" in done.stdout
            assert tree.path("opt/mien/current").readlink() != old
            assert {machine.show(unit, "ActiveState") for unit in (VISION, PUBLISH)} == {"active"}, machine.journal()

        def uninstalled_nothing_runs() -> None:
            """Uninstalled, nothing of it runs."""
            ok(machine.run("/opt/mien/current/deploy/install", "uninstall", "--purge"))
            assert "mien" not in machine.run("systemctl", "list-units", "--all", "--plain", "mien*").stdout.split()
            assert machine.run("pgrep", "-f", "/opt/mien").stdout == ""
            assert not tree.path("opt/mien").exists()

        yield installing_starts_both
        yield vision_has_no_network
        yield publish_sees_no_camera
        yield unbound_both_could
        yield killed_it_comes_back
        yield an_upgrade_that_does_not_run_is_taken_back
        yield a_good_upgrade_takes_over
        yield uninstalled_nothing_runs


def _insert(tree: Tree, stick: Path) -> None:
    place = tree.path("var/stick")
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["cp", "-r", stick, place], check=True)


def _another(before: str, now: str) -> bool:
    return now not in {before, "0"}


def _until(machine: Machine, unit: str, what: str, is_so: Callable[[str], bool], within_s: float = 40.0) -> None:
    ends_s = time.monotonic() + within_s
    while not is_so(machine.show(unit, what)):
        assert time.monotonic() < ends_s, machine.journal()
        time.sleep(0.5)
