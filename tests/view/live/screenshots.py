"""The live page's pictures for the README, taken of real runs in Chromium: ``make screenshots``.

The puppet only: a public-domain portrait. Takes about two minutes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, Page

from edge.demo.puppet import STRANGER, Person, Pose, Puppet, Script, write_clip
from tests.delivery.parts import REPOSITORY, free_port

from .browser import chromium

#: A drive in brief: looks aside for 5 s, blinks ever longer, falls asleep.
DRIVE = Script(
    duration_s=50.0,
    blinks=(3.0, 6.5, 10.0, 13.0, 24.0, 27.5, (31.0, 31.5), (34.0, 34.6), (37.5, 38.2)),
    turns=((15.0, 21.5, 34.0),),
    closures=((41.0, 46.5),),
)
ASIDE_S, ASLEEP_S = 18.8, 45.2


def write_kiosk(path: Path) -> None:
    """Three puppets side by side, one with glasses, one farther away and with an open mouth; 6 s."""
    people = (Pose(), Pose(person=STRANGER, mouth=0.8, zoom=0.7), Pose(person=Person(glasses="rimmed"), yaw_deg=-12))
    size = (320, 480)
    picture = np.hstack([Puppet(size).render(pose) for pose in people])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (3 * size[0], size[1]))
    for _ in range(60):
        writer.write(picture)
    writer.release()


@contextmanager
def viewing(folder: Path, clip: Path, preset: str) -> Iterator[str]:
    """``mien view`` of a clip; the page's address."""
    device = "kiosk-2" if preset == "kiosk" else "cab-7"
    config = folder / f"{preset}.toml"
    config.write_text(f'preset = "{preset}"\ndevice = "{device}"\n')
    command = [sys.executable, "-m", "edge.cli", "view", str(clip), "--config", str(config), "--port", str(free_port())]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.wait(30)


def open_page(browser: Browser, address: str, width: int, scheme: str) -> Page:
    """The page in a window of its own."""
    wide = width > 600
    page = browser.new_context(
        viewport={"width": width, "height": 900 if wide else 740},
        color_scheme="dark" if scheme == "dark" else "light",
        device_scale_factor=1 if wide else 1.5,
    ).new_page()
    page.goto(address)
    return page


def shoot(page: Page, at_s: float, out: Path) -> None:
    """The whole page once the clip is there."""
    while True:
        shown = re.match(r"[\d.]+", page.locator("#clock").inner_text())
        if shown and float(shown[0]) >= at_s:
            break
        page.wait_for_timeout(30)
    page.screenshot(path=out, full_page=True)
    print(out, flush=True)


def main(out: Path) -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory(prefix="mien-shots-") as name, ExitStack() as stack:
        folder = Path(name)
        drive, kiosk = folder / "drive.mp4", folder / "kiosk.mp4"
        write_clip(drive, DRIVE, fps=15)
        write_kiosk(kiosk)
        browser = stack.enter_context(chromium())
        with viewing(folder, drive, "full") as address:
            # One page, as Chromium shows one at a time, and a hidden one lets go of the device.
            page = open_page(browser, address, 1200, "dark")
            shoot(page, ASIDE_S, out / "view-dark.png")
            page.emulate_media(color_scheme="light")
            shoot(page, ASLEEP_S, out / "view-light.png")
            page.close()
        with viewing(folder, drive, "driver") as address:
            shoot(open_page(browser, address, 1200, "dark"), ASLEEP_S, out / "view-privacy.png")
        with viewing(folder, kiosk, "kiosk") as address:
            shoot(open_page(browser, address, 360, "light"), 5.0, out / "view-phone.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
