"""The shell commands of a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Its blocks of shell, in order: the word behind ``sh`` (empty where there is none), and the commands."""
    for token in MarkdownIt().parse(page.read_text()):
        language, _, kind = token.info.partition(" ")
        if token.type == "fence" and language == "sh":
            yield kind, token.content
