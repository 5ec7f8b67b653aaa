"""The page as a person sees it: the real commands, a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="needs playwright (mien[dev])")
from playwright.sync_api import Browser, Page, WebSocket, expect

from edge.demo.puppet import Script, write_clip
from edge.view.live.look import Look
from tests.delivery.parts import REPOSITORY, free_port

from .browser import CHROMIUM, chromium
from .parts import TOKEN, Feeding, serving

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM}: apt install chromium")

#: Asleep from 1.0 s: a microsleep from 2.5, sleep from 4.0, awake at 4.9. The clip begins again every 6 s.
CLOSED_S, MICROSLEEP_S, SLEEP_S, AWAKE_S, TURN_S = 1.0, 2.5, 4.0, 4.9, 6.0
#: How far the page may be from the clip: frames at 20 a second of which 15 are shown, and the lids' own motion.
NEAR_S = 0.3

# Notes what the page says with each frame that it draws.
_NOTE = """() => {
  window.noted = [];
  const text = (query) => document.querySelector(query)?.textContent ?? "";
  new MutationObserver(() => window.noted.push({
    t: parseFloat(document.querySelector("#clock").value),
    alert: document.querySelector("#alert").hidden ? "" : text("#alert"),
    state: text("#state"),
    happy: text("#expression [data-name=happiness] .value"),
    label: text("#expression .best .name"),
  })).observe(document.querySelector("#clock"), { childList: true });
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A new page whose scripts make no mistake."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    mistakes: list[str] = []
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    opened.on("console", lambda said: mistakes.append(said.text) if "Content Security" in said.text else None)
    yield opened
    context.close()
    assert mistakes == []


@pytest.fixture(scope="module")
def sleeper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = tmp_path_factory.mktemp("sleeper") / "sleeper.mp4"
    write_clip(clip, Script(duration_s=TURN_S, blinks=(0.4,), closures=((CLOSED_S, AWAKE_S),)), fps=20)
    return clip


@contextmanager
def mien(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A ``mien`` command, killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def live(tab: Page) -> None:
    expect(tab.locator("#link")).to_have_text("live", timeout=20_000)
    expect(tab.locator("#overlay")).to_be_hidden(timeout=20_000)


def test_the_page_shows_the_puppet_smile_and_fall_asleep_when_it_does(
    tab: Page, sleeper: Path, face_models: Path
) -> None:
    with mien("view", sleeper, "--port", str(free_port())) as process:
        assert process.stdout is not None
        tab.goto(process.stdout.readline().decode().split()[0])
        live(tab)
        tab.evaluate(_NOTE)
        began = tab.evaluate("document.querySelector('#chart').toDataURL()")
        noted: list[dict[str, Any]] = []
        while not noted or noted[-1]["t"] - noted[0]["t"] < TURN_S + 0.5:
            tab.wait_for_timeout(500)
            noted = tab.evaluate("noted")
        ended = tab.evaluate("document.querySelector('#chart').toDataURL()")
        episodes = tab.locator("#episodes").inner_text()

    def said(key: str, start_s: float, end_s: float) -> set[str]:
        found = {each[key] for each in noted if start_s + NEAR_S < each["t"] % TURN_S < end_s - NEAR_S / 2}
        assert found, f"no frame was drawn from {start_s} to {end_s} s"
        return found

    assert all(int(each["happy"].split()[0]) > 80 for each in noted if each["t"] > 1.5), "it smiles all the while"
    assert {each["label"] for each in noted if each["t"] > 1.5} == {"happiness"}
    assert said("alert", AWAKE_S, TURN_S) == said("alert", 0, MICROSLEEP_S) == {""}, "no alert before its time"
    assert {words.partition(" ")[0] for words in said("alert", MICROSLEEP_S, SLEEP_S)} == {"Microsleep"}
    assert {words.partition(" ")[0] for words in said("alert", SLEEP_S, AWAKE_S)} == {"Asleep"}
    assert all(words.startswith("Eyes closed for") for words in said("state", CLOSED_S, AWAKE_S))
    assert all(words.startswith("Eyes open") for words in said("state", AWAKE_S, TURN_S))
    assert began != ended, "the chart moves"
    assert "Asleep" in episodes


def test_the_token_guards_it_and_does_not_stay_in_the_address(tab: Page, looks: list[Look]) -> None:
    with serving(token=TOKEN) as page, Feeding(page, looks):
        tab.goto(page.address)
        for given in ("wrong-horse-battery", TOKEN):
            expect(tab.locator("canvas")).to_have_count(0)
            tab.get_by_label("Token").fill(given)
            tab.get_by_role("button", name="Open").press("Enter")
        live(tab)
        assert tab.url == page.address
        assert TOKEN not in str(tab.evaluate("document.cookie")), "no script can read it"
        tab.reload()
        live(tab)


def test_a_cabs_page_carries_no_picture_and_survives_the_daemon(
    tab: Page, sleeper: Path, face_models: Path, tmp_path: Path
) -> None:
    carried: list[str | bytes] = []

    def listen(opened: WebSocket) -> None:
        opened.on("framereceived", lambda frame: carried.append(frame))

    tab.on("websocket", listen)
    config = tmp_path / "cab.toml"
    port = free_port()
    config.write_text(
        f'preset = "driver"\ndevice = "cab-7"\n[view]\nenabled = true\nport = {port}\n'
        '[broker]\nurl = "mqtt://127.0.0.1:9"\n'
    )
    run = ("run", sleeper, "--loop", "--config", config, "--outbox", tmp_path / "outbox.sqlite", "-q")
    link = tab.locator("#link")
    with mien(*run):
        tab.wait_for_timeout(500)
        for _ in range(40):
            try:
                tab.goto(f"http://localhost:{port}/")
                break
            except Exception:  # noqa: BLE001 - not there yet
                tab.wait_for_timeout(250)
        live(tab)
        expect(tab.locator("#device")).to_have_text("cab-7")
        expect(tab.locator("#expression-card")).to_be_hidden()
        expect(tab.locator("#health")).to_contain_text("Events waiting", timeout=5_000)
        expect(tab.locator("#health")).to_contain_text("Broker")
        drawn = tab.evaluate(
            "(() => { const c = document.querySelector('#picture'); const d = c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data; let lit = 0; for (let i = 0; i < d.length; i += 4)"
            " lit += d[i] + d[i + 1] + d[i + 2] > 60; return lit / (d.length / 4); })()"
        )
        assert 0.01 < drawn < 0.3, "lines on black"
    expect(link).to_contain_text("not connected", timeout=10_000)
    with mien(*run):
        expect(link).to_have_text("live", timeout=20_000)
        live(tab)
    frames = [message for message in carried if '"type":"frame"' in str(message)]
    assert len(frames) > 5
    assert not [message for message in carried if isinstance(message, bytes)], "a picture"
    assert not [message for message in frames if "shares" in str(message)], "an expression"


def test_it_is_worked_with_the_keyboard_and_fits_a_phone(tab: Page, looks: list[Look]) -> None:
    with serving() as page, Feeding(page, looks):
        tab.set_viewport_size({"width": 360, "height": 740})
        tab.goto(page.address)
        live(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360, "nothing sticks out"
        mesh = tab.get_by_role("button", name="Mesh")
        expect(mesh).to_have_attribute("aria-pressed", "true")
        tab.keyboard.press("m")
        expect(mesh).to_have_attribute("aria-pressed", "false")
        tab.keyboard.press("p")
        expect(tab.locator("#link")).to_have_text("paused")
        stood = tab.evaluate("document.querySelector('#clock').value")
        tab.wait_for_timeout(400)
        assert tab.evaluate("document.querySelector('#clock').value") == stood
        tab.keyboard.press("p")
        expect(tab.locator("#clock")).not_to_have_text(stood)
        tab.keyboard.press("Tab")
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", "one sees where it is"
