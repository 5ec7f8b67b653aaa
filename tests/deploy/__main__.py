"""``python -m tests.deploy``: the installer in Debian trees made for it, told story by story.

Needs root, debootstrap and, for arm64 on another machine, qemu-user-static. What was downloaded is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from edge.demo.puppet import Script, write_clip
from tests.deploy import boot_stories
from tests.deploy.stories import Scene
from tests.deploy.tree import Tree, make_bundle


def main() -> int:
    """Tells all stories; 1 where one went otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy", description=__doc__)
    parser.add_argument("--arch", choices=("amd64", "arm64"), default="amd64")
    parser.add_argument("--no-boot", action="store_true", help="leave out the stories under a systemd of their own")
    parser.add_argument("--no-network", action="store_true", help="leave out the installation from the package index")
    parser.add_argument("--bundle", type=Path, help="a bundle to use; made here where it is not there")
    parser.add_argument("--json", type=Path, help="write here what came of each story")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("trees need root: sudo make test-deploy")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mien"
    bundle = make_bundle(arguments.arch, arguments.bundle or cache / f"bundle-{arguments.arch}")

    told: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="mien-deploy-", dir="/var/tmp") as scratch:
        clip = Path(scratch, "puppet.mp4")
        write_clip(clip, Script(7.0, blinks=(2.0,), closures=((3.5, 5.5),)), fps=15.0)  # arm64 is emulated
        scene = Scene(arguments.arch, bundle, clip, Path(scratch))
        with Tree(arguments.arch, Path(scratch, "tree")) as tree:
            _tell_all(told, scene.stories(tree))
        if not arguments.no_network:
            with Tree(arguments.arch, Path(scratch, "tree")) as tree:
                _tell(told, lambda: scene.from_the_package_index(tree), "a release's folder installs from the index")
        if arguments.no_boot or not boot_stories.can_boot(arguments.arch):
            print("  --   not booted: needs systemd-nspawn and this machine's own architecture")
        else:
            with Tree(arguments.arch, Path(scratch, "tree")) as tree:
                _tell_all(told, boot_stories.stories(scene, tree))
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=2))
    failed = sum(said != "ok" for said in told.values())
    print(f"{len(told) - failed} of {len(told)} stories went as told ({arguments.arch})")
    return 1 if failed else 0


def _tell_all(told: dict[str, str], stories: Iterator[Callable[[], None]]) -> None:
    """Each relies on the one before: the first that goes otherwise is the last."""
    for story in stories:
        if not _tell(told, story):
            break


def _tell(told: dict[str, str], story: Callable[[], None], name: str = "") -> bool:
    name = name or (story.__doc__ or story.__name__).strip().rstrip(".")
    try:
        story()
        told[name] = "ok"
    except Exception as error:  # noqa: BLE001 - other stories are worth telling
        told[name] = f"{error}"
        traceback.print_exc()
    print(f"{'  ok  ' if told[name] == 'ok' else ' FAIL '} {name}", flush=True)
    return told[name] == "ok"


if __name__ == "__main__":
    sys.exit(main())
