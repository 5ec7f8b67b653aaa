"""What happens to a device that no systemd runs on yet, in the order in which it happens."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.tree import REPO, STICK, USER_DATABASE, Listing, Tree, changes, variant

CONFIG = "etc/mien/mien.toml"
CLIP = "/var/lib/mien/puppet.mp4"
INSTALL = ("bash", f"{STICK}/deploy/install")


@dataclass(slots=True)
class Scene:
    """One device's life. bundle: what it is installed from. clip: what its camera shows. scratch: for copies."""

    arch: str
    bundle: Path
    clip: Path
    scratch: Path
    before: Listing | None = None

    def stories(self, tree: Tree) -> Iterator[Callable[[], None]]:
        """All of them, each relying on the one before."""
        self.before = tree.listing()
        for story in (
            self.a_dry_run_says_it_all_and_does_nothing,
            self.a_damaged_stick_installs_nothing,
            self.offline_it_installs_and_lists_all_that_it_changed,
            self.the_puppet_is_read_by_the_service_user,
            self.installing_again_changes_nothing,
            self.an_upgrade_keeps_configuration_and_data,
            self.an_upgrade_that_the_configuration_does_not_fit_is_refused,
            self.uninstalling_keeps_the_device_and_installing_finds_it_again,
            self.a_purge_leaves_nothing,
        ):
            yield _bound(story, tree)

    def a_dry_run_says_it_all_and_does_nothing(self, tree: Tree) -> None:
        """A dry run says it all and does nothing."""
        done = ok(tree.run(*INSTALL, "--dry-run", stick=self.bundle))
        for word in ("systemctl --quiet enable", "would write: /etc/mien/mien.toml", "systemd-sysusers"):
            assert word in done.stdout, done.stdout
        assert self.before is not None
        assert changes(self.before, tree.listing()) == set()

    def a_damaged_stick_installs_nothing(self, tree: Tree) -> None:
        """A stick with one flipped bit installs nothing."""
        damaged = variant(self.bundle, self.scratch / "damaged", "damaged")
        model = damaged / "models" / "iris_landmark.tflite"
        content = bytearray(model.read_bytes())
        content[1000] ^= 1
        model.unlink()
        model.write_bytes(content)
        done = tree.run(*INSTALL, stick=damaged)
        assert done.returncode == 2, done
        assert "is damaged or was changed" in done.stderr, done.stderr
        assert self.before is not None
        assert changes(self.before, tree.listing()) == set()

    def offline_it_installs_and_lists_all_that_it_changed(self, tree: Tree) -> None:
        """Without a network it installs from the stick, and its list names all that it changed."""
        done = ok(tree.run(*INSTALL, "--camera", CLIP, "--broker", "mqtt://localhost", stick=self.bundle))
        assert "is installed as device mien-" in done.stdout, done.stdout
        assert self.before is not None
        unlisted = _unlisted(changes(self.before, tree.listing()), tree.manifest())
        assert unlisted == set(), f"not on the installer's list: {sorted(unlisted)}"
        for kind, path in tree.manifest():
            if kind in {"file", "link", "dir", "tree", "data"}:
                assert tree.path(path).exists() or tree.path(path).is_symlink(), f"listed, but not there: {path}"
        assert tree.path("var/lib/mien").stat().st_mode & 0o7777 == 0o2770
        assert tree.path(CONFIG).stat().st_mode & 0o7777 == 0o640

    def the_puppet_is_read_by_the_service_user(self, tree: Tree) -> None:
        """The puppet's microsleep is read by the service's user, with the installed models."""
        shutil.copy(self.clip, tree.path(CLIP))
        out = "/var/lib/mien/events.jsonl"
        command = ("mien", "analyze", CLIP, "--config", f"/{CONFIG}", "--out", out)
        ok(tree.run("runuser", "-u", "mien-vision", "--", *command))
        events = [json.loads(line) for line in tree.path(out).read_text().splitlines()]
        assert "microsleep" in {event["data"]["kind"] for event in events}, events
        tree.path(out).unlink()

    def installing_again_changes_nothing(self, tree: Tree) -> None:
        """Installing the same again changes nothing."""
        before = tree.listing()
        ok(tree.run(*INSTALL, stick=self.bundle))
        assert changes(before, tree.listing()) == set()

    def an_upgrade_keeps_configuration_and_data(self, tree: Tree) -> None:
        """An upgrade takes over in a folder of its own and keeps configuration, data and the release before."""
        old, config = tree.path("opt/mien/current").readlink(), tree.path(CONFIG).read_bytes()
        ok(tree.run(*INSTALL, "upgrade", stick=variant(self.bundle, self.scratch / "newer", "newer")))
        assert tree.path("opt/mien/current").readlink() != old
        assert tree.path(f"opt/mien/{old}/bin/mien").exists()
        assert tree.path(CONFIG).read_bytes() == config
        assert tree.path(CLIP).exists()
        refused = tree.run(*INSTALL, "--preset", "kiosk", stick=self.bundle)
        assert refused.returncode == 2, refused
        assert "is there and stays" in refused.stderr, refused.stderr

    def an_upgrade_that_the_configuration_does_not_fit_is_refused(self, tree: Tree) -> None:
        """An upgrade whose rules the configuration breaks is refused; what runs stays."""
        old, config = tree.path("opt/mien/current").readlink(), tree.path(CONFIG).read_text()
        tree.path(CONFIG).write_text(f"{config}[gone]\nsince = 1\n")
        done = tree.run(*INSTALL, "upgrade", stick=variant(self.bundle, self.scratch / "newest", "newest"))
        tree.path(CONFIG).write_text(config)
        assert done.returncode == 2, done
        assert "does not fit this release" in done.stderr, done.stderr
        assert tree.path("opt/mien/current").readlink() == old

    def uninstalling_keeps_the_device_and_installing_finds_it_again(self, tree: Tree) -> None:
        """Uninstalling keeps configuration, events and users; installing again finds the same device."""
        config, users = tree.path(CONFIG).read_bytes(), tree.path("etc/passwd").read_bytes()
        ok(tree.run("/opt/mien/current/deploy/install", "uninstall"))
        left = {path for path in changes(self.before or {}, tree.listing()) if path not in USER_DATABASE}
        assert {Path(path).parts[:3] for path in left} <= {("etc", "mien"), ("etc", "mien", "mien.toml")} | {
            ("var", "lib", "mien")
        }, left
        ok(tree.run(*INSTALL, stick=self.bundle))
        assert tree.path(CONFIG).read_bytes() == config
        assert tree.path("etc/passwd").read_bytes() == users

    def a_purge_leaves_nothing(self, tree: Tree) -> None:
        """Uninstalling with --purge leaves the tree as it was."""
        ok(tree.run("/opt/mien/current/deploy/install", "uninstall", "--purge"))
        assert changes(self.before or {}, tree.listing()) == set()
        again = tree.run(*INSTALL, "uninstall", stick=self.bundle)
        assert "nothing is installed here" in again.stderr, again

    def from_the_package_index(self, tree: Tree) -> None:
        """A release's folder installs from the package index, and itself stays as it was."""
        release = self.scratch / "release"
        shutil.rmtree(release, ignore_errors=True)
        for part in ("edge", "train", "quantize", "deploy"):
            shutil.copytree(REPO / part, release / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(REPO / part, release / part)
        ok(tree.run(*INSTALL, "--preset", "full", offline=False, stick=release))
        shutil.copy(self.clip, tree.path(CLIP))
        ok(tree.run("mien", "analyze", CLIP, "--out", "/tmp/events.jsonl"))
        assert "microsleep" in tree.path("tmp/events.jsonl").read_text()


def ok(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """A command that ended as it should, or what it said."""
    assert done.returncode == 0, f"{done.args} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done


def _unlisted(changed: set[str], manifest: list[tuple[str, str]]) -> set[str]:
    whole = tuple(path.lstrip("/") for kind, path in manifest if kind in {"tree", "data"})
    single = {path.lstrip("/") for kind, path in manifest if kind in {"file", "link", "dir"}}
    users = USER_DATABASE if any(kind == "user" for kind, _ in manifest) else frozenset()
    return {
        path
        for path in changed - single - users
        if not any(path == folder or path.startswith(f"{folder}/") for folder in whole)
    }


def _bound(story: Callable[[Tree], None], tree: Tree) -> Callable[[], None]:
    def told() -> None:
        story(tree)

    told.__doc__ = story.__doc__
    return told
