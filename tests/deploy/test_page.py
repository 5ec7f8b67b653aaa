"""deploy/README.md keeps up: its commands are ones that exist, and so are the files and settings that it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from edge.cli import _parser
from edge.config import Config

from .shell import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "deploy" / "README.md"


def commands(*beginnings: str) -> list[list[str]]:
    """The page's commands that begin so, in words, without sudo and comments."""
    lines = [line for _, text in blocks(PAGE) for line in text.splitlines()]
    split = [shlex.split(line, comments=True) for line in lines]
    plain = [words[1:] if words[:1] == ["sudo"] else words for words in split]
    found = [words for words in plain if words and words[0].endswith(beginnings)]
    assert found, f"the page has no {beginnings}"
    return found


@pytest.mark.parametrize("block", [text for _, text in blocks(PAGE)], ids=lambda text: text.splitlines()[0][:40])
def test_each_block_is_shell(block: str) -> None:
    subprocess.run(["sh", "-n"], input=block, text=True, check=True)


@pytest.mark.parametrize("words", commands("mien"), ids=" ".join)
def test_each_command_of_mien_is_understood(words: list[str]) -> None:
    _parser().parse_args(words[1:])


@pytest.mark.parametrize("words", commands("deploy/install"), ids=" ".join)
def test_each_call_of_the_installer_is_understood(words: list[str]) -> None:
    done = subprocess.run(
        ["bash", ROOT / "deploy" / "install", *words[1:], "--dry-run"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    # This machine may not be one to install on; a call that is not understood is another matter.
    assert not re.search("no such option|needs a value", done.stderr), done.stderr


@pytest.mark.parametrize("words", commands("deploy/bundle"), ids=" ".join)
def test_each_call_of_the_bundler_is_understood(words: list[str]) -> None:
    told = subprocess.run(["bash", ROOT / "deploy" / "bundle", "--help"], capture_output=True, text=True, check=True)
    for option in (word for word in words[1:] if word.startswith("-")):
        assert option in told.stdout


def test_the_images_are_built_and_run_as_the_page_says() -> None:
    build, run = commands("podman")
    assert (ROOT / build[build.index("-f") + 1]).is_file()
    _parser().parse_args(run[run.index("mien") + 1 :])


def test_every_file_of_the_release_that_is_named_is_there() -> None:
    text = PAGE.read_text()
    named = set(re.findall(r"(?<![\w/-])deploy/[\w./@-]*\w", text))
    named -= {path for path in named if path.startswith("deploy/images/certs")}
    linked = set(re.findall(r"\]\(([^)#:]+)\)", text))
    assert named
    assert linked
    for path in named:
        assert (ROOT / path).exists(), path
    for target in linked:
        assert (PAGE.parent / target).exists(), target


def test_its_settings_are_settings() -> None:
    [toml] = [token.content for token in MarkdownIt().parse(PAGE.read_text()) if token.info == "toml"]
    Config.model_validate(tomllib.loads(toml))
    Config.model_validate(tomllib.loads((ROOT / "deploy" / "images" / "mien.toml").read_text()))


def test_the_container_that_sees_the_camera_has_no_network_and_the_other_no_camera() -> None:
    text = (ROOT / "deploy" / "images" / "compose.yaml").read_text()
    services = dict(re.findall(r"(?ms)^  (\w+):\n(.*?)(?=^  \w+:\n|^\S)", text.split("services:\n")[1]))
    assert "network_mode: none" in services["vision"]
    assert "secrets" not in services["vision"]
    assert "devices" in services["vision"]
    assert "devices" not in services["publish"]
    assert text.count("read_only: true") == 2
    assert "<<: *mien" in services["vision"]
    assert "<<: *mien" in services["publish"]
