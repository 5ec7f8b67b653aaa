"""What the report says of clips, in words and figures."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from edge.analysis.clips import Clip
from edge.analysis.findings import Findings
from edge.analysis.jobs import Outcome
from edge.config import Config
from edge.errors import MienError
from edge.recording import limits_of
from edge.version import version
from edge.view.plot import duration
from edge.view.report import ClipPage, Fact, Setting, write_report

#: What of the configuration has a say in what is read and judged; the rest is about delivery.
_TABLES = ("vision", "state")
_FRAMING = ("rotate", "mirror", "region")
_LIBRARIES = ("ai-edge-litert", "opencv-python-headless", "numpy")


def report(path: Path, done: Sequence[tuple[Clip, Outcome | MienError]], config: Config) -> None:
    """Writes a page on clips and what they came to; raises MienError where it can't be written."""
    outcomes = [outcome for _, outcome in done if isinstance(outcome, Outcome)]
    about = [Fact("mien", version()), Fact("Python", platform.python_version())]
    about += [Fact(name, found) for name in _LIBRARIES if (found := _installed(name)) is not None]
    model = next((outcome.analysis for outcome in outcomes if outcome.analysis.model is not None), None)
    if model is not None:
        about.append(Fact("expression model", f"{model.model}, sha256 {model.model_sha256}"))
    about += [Fact("preset", config.preset), Fact("face models", config.vision.backend)]
    pages = [_page(clip, outcome, config) for clip, outcome in done]
    write_report(path, pages, settings_in_effect(config), about, limits_of(config.state))


def settings_in_effect(config: Config) -> list[Setting]:
    """What decides on what is read and judged, by its key, and whether it is another than the default."""
    shown, usual = (_deciding(each) for each in (config, Config()))
    return [Setting(key, _text(value), value != usual.get(key)) for key, value in shown.items()]


def _page(clip: Clip, outcome: Outcome | MienError, config: Config) -> ClipPage:
    if isinstance(outcome, MienError):
        return ClipPage(clip.name, trouble=str(outcome))
    return ClipPage(
        clip.name,
        duration_s=outcome.analysis.duration_s,
        facts=_facts(outcome, config),
        expression_shares=outcome.findings.expression_shares,
        drive=outcome.drive,
        pictures=outcome.pictures,
    )


def _facts(outcome: Outcome, config: Config) -> list[Fact]:
    analysis, found = outcome.analysis, outcome.findings
    facts = [
        Fact("length", duration(analysis.duration_s), f"{analysis.frames} frames"),
        Fact("a face in view", _percent(analysis.face_share), f"of the frames; at most {found.most_faces} at once"),
    ]
    alerts = sum(bar.worst > 0 for bar in outcome.drive.bars)
    facts.append(
        Fact("alerts", str(alerts) if alerts else "none", f"episodes above info, of {len(outcome.drive.bars)}")
    )
    if config.state.driver:
        facts += _of_driver(found)
    if analysis.flips_per_minute is not None:
        before, after = analysis.flips_per_minute
        note = f"a minute, as published; {before:.0f} frame by frame"
        facts.append(Fact("expression changes", f"{after:.0f}", note))
    return facts


def _of_driver(found: Findings) -> list[Fact]:
    if found.eyes_closed_share is None:
        return [Fact("eyes", "unknown", "never readable")]
    perclos = found.highest_perclos_60s
    return [
        Fact("eyes closed", _percent(found.eyes_closed_share), f"of the {_percent(found.eyes_known_share)} readable"),
        Fact(
            "blinks a minute",
            "unknown" if found.blinks_per_minute is None else f"{found.blinks_per_minute:.0f}",
            "too few frames a second, or eyes readable too briefly"
            if found.blinks is None
            else f"{found.blinks} in all",
        ),
        Fact(
            "PERCLOS over 60 s, highest",
            "unknown" if perclos is None else _percent(perclos),
            "never a minute of readable eyes" if perclos is None else "blinks left out",
        ),
    ]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}".replace("%", " %")


def _deciding(config: Config) -> dict[str, Any]:
    tables = config.model_dump(mode="json", include={*_TABLES, "camera"})
    tables["camera"] = {key: tables["camera"][key] for key in _FRAMING}
    return dict(_flat(tables))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
