"""What a data set holds, as text and as a sheet of samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from train.data import twins
from train.data.faces import CLASSES, FERPLUS_COLUMNS, FERPLUS_TO_CLASS, SIDE, DataError, Faces, Split
from train.data.images import MAX_UNREADABLE
from train.data.load import load

#: Of the sheet: samples a class, and how many times their size they are drawn.
COLUMNS, ENLARGE = 12, 2


def inspect(
    path: Path,
    sheet: Path | None = None,
    ferplus: Path | None = None,
    max_unreadable: float = MAX_UNREADABLE,
    all_names: bool = False,
) -> str:
    """Load a data set and describe it; draw samples of every class to ``sheet`` (a PNG).

    all_names: name every file that was left out, not the first five of a kind.
    """
    faces = load(path, ferplus, max_unreadable)
    text = describe(faces, all_names)
    if sheet is not None:
        draw_sheet(faces, sheet)
        text += f"\n\nsamples: {sheet}"
    return text


def describe(faces: Faces, all_names: bool = False) -> str:
    """Source, sizes, votes, classes by splits, blank and identical faces, notes and what was left out."""
    report = faces.report
    sizes = sorted(report.sizes.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{width}×{height} ({count:,})" for (width, height), count in sizes[:5])
    if len(sizes) > 5:
        shown += f" and {len(sizes) - 5} more sizes"
    lines = [
        report.source,
        f"{len(faces):,} faces; images: {shown}",
        _votes(faces),
        "",
        *_table(faces),
        "",
        *_twins(faces),
    ]
    blank = np.bincount(faces.splits[faces.blank], minlength=len(Split))
    lines.append(f"blank, of one grey level: {blank.sum()}" + _by_split(blank))
    if report.notes:
        lines += ["", *(f"note: {note}" for note in report.notes)]
    if report.left_out:
        lines += ["", *(f"left out: {item.describe(None if all_names else 5)}" for item in report.left_out)]
    return "\n".join(lines)


def draw_sheet(faces: Faces, path: Path, seed: int = 0) -> None:
    """A PNG with a row of samples for every class, its name and number before them."""
    if path.suffix.lower() != ".png":
        raise DataError(f"{path}: the sheet of samples is a PNG; give it a name that ends in .png")
    rng = np.random.default_rng(seed)
    tile, margin, names = SIDE * ENLARGE, 4, 110
    sheet = Image.new("L", (names + COLUMNS * (tile + margin), len(CLASSES) * (tile + margin) + margin), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for label, name in enumerate(CLASSES):
        rows = np.flatnonzero(faces.labels == label)
        top = margin + label * (tile + margin)
        draw.text((margin, top + tile // 2 - 18), f"{name}\n{len(rows):,}", fill=0, font=font)
        for column, row in enumerate(rng.permutation(rows)[:COLUMNS]):
            face = Image.fromarray(faces.pixels[row]).resize((tile, tile), Image.Resampling.BICUBIC)
            sheet.paste(face, (names + column * (tile + margin), top))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _votes(faces: Faces) -> str:
    if faces.votes is None:
        return "votes: none"
    majority = faces.votes.argmax(axis=1)
    without = [
        f"{name.replace('_', ' ')} {(majority == column).sum():,}"
        for column, name in enumerate(FERPLUS_COLUMNS)
        if column not in FERPLUS_TO_CLASS
    ]
    return f"votes: FERPlus, {np.median(faces.votes.sum(axis=1)):.0f} a face; most for: {', '.join(without)}"


def _table(faces: Faces) -> list[str]:
    counts = np.array([np.bincount(faces.split(split).labels, minlength=len(CLASSES)) for split in Split]).T
    rows = [("", [*(split.title for split in Split), "all"])]
    rows += [(name, [f"{n:,}" for n in [*row, row.sum()]]) for name, row in zip(CLASSES, counts, strict=True)]
    rows.append(("all", [f"{n:,}" for n in [*counts.sum(axis=0), counts.sum()]]))
    return [f"{name:<10}" + "".join(f"{cell:>13}" for cell in cells) for name, cells in rows]


def _twins(faces: Faces) -> list[str]:
    group = twins.groups(faces)
    sizes = np.bincount(group)
    repeated = sizes[sizes > 1]
    conflicting = twins.conflicting(faces, group)
    lines = [
        f"pixel-identical faces: {repeated.sum():,} in {len(repeated):,} groups, "
        f"{conflicting} of these with conflicting labels"
    ]
    pairs = [(here, there) for here in Split for there in Split if there <= here]
    for here, there in pairs:
        if count := twins.with_twin(faces, group, here, there):
            what = "stand in it more than once" if here == there else f"have a twin in {there.title}"
            lines.append(f"  {count:,} of {here.title} {what}")
    return lines


def _by_split(counts: np.ndarray[tuple[int], np.dtype[np.intp]]) -> str:
    parts = [f"{counts[split]} {split.title}" for split in Split if counts[split]]
    return f" ({', '.join(parts)})" if parts else ""
