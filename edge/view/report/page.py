"""The page: one file, which asks nothing of any network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from edge.aside import put_in_place
from edge.errors import MienError
from edge.view.drive import Drive
from edge.view.plot import Limits, duration
from edge.view.report.chart import Chart, Charter


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure and what it is; note: what one should know to read it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration in effect, and whether it is another than the default."""

    key: str
    value: str
    changed: bool


@dataclass(frozen=True, slots=True)
class ClipPage:
    """A clip's part of the page. trouble: why it could not be read, and then nothing else is there.

    pictures: JPEGs by the moment that they show, when an episode was recognized, in capture time. expression_shares:
    of the time, by name.
    """

    name: str
    trouble: str | None = None
    duration_s: float = 0.0
    facts: Sequence[Fact] = ()
    expression_shares: Mapping[str, float] | None = None
    drive: Drive | None = None
    pictures: Mapping[float, bytes] | None = None

    @property
    def alerts(self) -> int:
        """How many episodes alarmed."""
        return 0 if self.drive is None else sum(bar.worst > 0 for bar in self.drive.bars)


def require_jinja() -> None:
    """Raises MienError, saying what to install, where there is no Jinja to fill the page with."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise MienError("--report is written with Jinja, which is not installed; pip install 'mien[report]'") from None


def write_report(
    path: Path, clips: Sequence[ClipPage], settings: Sequence[Setting], about: Sequence[Fact], limits: Limits
) -> None:
    """Writes the page, put in place whole.

    about: what it was made with. limits: drawn beside what they judge. Raises MienError where the file can't be
    written.
    """
    require_jinja()
    import jinja2

    sources = resources.files(__package__)
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: (sources / name).read_text(encoding="utf-8")),
    )
    environment.filters |= {"duration": duration, "share": _share}
    text = environment.get_template("page.html").render(
        clips=[_shown(clip, limits) for clip in clips],
        settings=settings,
        about=about,
        made_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        style=(sources / "page.css").read_text(encoding="utf-8"),
        script=(sources / "page.js").read_text(encoding="utf-8"),
    )
    with put_in_place(path, "--report") as aside:
        aside.write_text(text, encoding="utf-8")


def _shown(clip: ClipPage, limits: Limits) -> dict[str, Any]:
    chart: Chart | None = None if clip.drive is None else Charter(clip.drive, limits).chart()
    from_s = clip.drive.columns["t_s"][0] if clip.drive is not None and clip.drive.columns["t_s"] else 0.0
    bars = () if clip.drive is None else clip.drive.bars
    pictures = [
        (
            moment_s - from_s,
            ", ".join(bar.kind.replace("_", " ") for bar in bars if bar.steps[0][0] == moment_s),
            base64.b64encode(jpeg).decode(),
        )
        for moment_s, jpeg in sorted((clip.pictures or {}).items())
    ]
    return {"page": clip, "chart": chart, "pictures": pictures}


def _share(value: float) -> str:
    """As one says it; what is there is not called 0 %."""
    return "under 1 %" if 0 < value < 0.005 else f"{value:.0%}".replace("%", " %")
