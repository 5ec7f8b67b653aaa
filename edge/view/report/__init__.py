"""Clips as one page for the browser: their course, their episodes, what they come to."""

from edge.view.report.page import ClipPage, Fact, Setting, require_jinja, write_report

__all__ = ["ClipPage", "Fact", "Setting", "require_jinja", "write_report"]
