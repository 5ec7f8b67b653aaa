"""What the installer says before it does anything; what it does is told by ``make test-deploy``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.tree import copy_installer, make_wheel, seal

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "")

pytestmark = pytest.mark.skipif(not Path("/usr/bin/python3").exists() or not ARCH, reason="no Debian of 64 bits")


def install(*arguments: str | Path, script: Path = DEPLOY / "install") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", script, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_a_dry_run_says_every_step_and_writes_the_configuration_that_was_asked_for() -> None:
    done = install(
        "--dry-run", "--preset", "kiosk", "--camera", 'a "b" \\c', "--broker", "mqtts://hub", "--device", "x"
    )
    assert done.returncode == 0, done.stderr
    for step in ("venv", "models install", "models verify", "systemd-sysusers", "config check", "mv -T", "enable"):
        assert step in done.stdout
    for line in ('preset = "kiosk"', 'device = "x"', 'source = "a \\"b\\" \\\\c"', 'url = "mqtts://hub"'):
        assert f"    | {line}\n" in done.stdout
    assert "this was a dry run" in done.stdout
    assert not Path("/opt/mien/installed.txt").exists()


def test_each_new_device_has_an_id_of_its_own() -> None:
    ids = {line for _ in range(2) for line in install("--dry-run").stdout.splitlines() if "| device = " in line}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--preset",), "--preset needs a value"),
        (("--cammera", "0"), "no such option: --cammera"),
        (("--dry-run", "--python", "/bin/false"), "--python /bin/false: no such program, or not Python 3.11 or newer"),
        (("--dry-run", "--offline", "/nonexistent"), "/nonexistent: no such folder"),
        (("--dry-run", "--offline", "/usr"), "/usr: no bundle.txt in it: deploy/bundle makes such a folder"),
        (("--dry-run", "upgrade"), "nothing is installed here"),
        (("--dry-run", "uninstall"), "nothing is installed here"),
    ],
)
def test_a_mistake_is_told_in_a_line_with_the_way_out(arguments: tuple[str, ...], says: str) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("install: ")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_stick_for_another_machine_is_refused_and_a_damaged_one_too(tmp_path: Path) -> None:
    copy_installer(tmp_path)
    python = subprocess.check_output(
        ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    )
    about = f"version=9.9\narch={ARCH}\npython={python.strip()}\n"
    (tmp_path / "bundle.txt").write_text(about)
    seal(tmp_path)
    script = tmp_path / "deploy" / "install"
    assert "/opt/mien/9.9-cp" in install("--dry-run", script=script).stdout

    (tmp_path / "bundle.txt").write_text(f"{about}\n")
    assert "is damaged or was changed" in install("--dry-run", script=script).stderr

    (tmp_path / "bundle.txt").write_text(about.replace(ARCH, "riscv64"))
    seal(tmp_path)
    assert f"is for riscv64, this machine is {ARCH}" in install("--dry-run", script=script).stderr

    (tmp_path / "bundle.txt").write_text(about.replace(python.strip(), "3.99"))
    seal(tmp_path)
    assert "no Python 3.99, for which" in install("--dry-run", script=script).stderr


def test_a_bundle_that_lacks_what_the_device_needs_is_not_made(tmp_path: Path) -> None:
    make_wheel(tmp_path, "mien", "0.1", "numpy>=1", 'backport>=2; python_version < "3.12"', 'gpiod; extra == "gpio"')
    make_wheel(tmp_path, "numpy", "2.0")
    make_wheel(tmp_path, "gpiod", "2.1")

    def required(python: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(DEPLOY / "lib" / "requirements.py"), str(tmp_path), python, "aarch64", "gpio"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = required("3.12")
    assert done.returncode == 0, done.stderr
    assert [line.split(" --hash=sha256:")[0] for line in done.stdout.splitlines()] == [
        *("gpiod==2.1", "mien==0.1", "numpy==2.0"),
    ]
    lacking = required("3.11")
    assert lacking.returncode == 1
    assert "backport>=2" in lacking.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
def test_shellcheck_finds_nothing() -> None:
    scripts = [DEPLOY / "install", DEPLOY / "bundle", DEPLOY / "lib" / "mien.sh"]
    done = subprocess.run(["shellcheck", "-x", *scripts], capture_output=True, text=True, check=False)
    assert done.stdout == ""
