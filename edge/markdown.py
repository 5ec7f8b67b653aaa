"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table_of_words(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of as many columns as the head has."""
    return _table(head, ["---"] * len(head), rows)


def table_of_figures(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same with all columns but the first aligned right."""
    return _table(head, ["---", *["---:"] * (len(head) - 1)], rows)


def _table(head: Sequence[str], ruler: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ((str(cell).replace("|", "\\|") for cell in line) for line in (head, ruler, *rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
