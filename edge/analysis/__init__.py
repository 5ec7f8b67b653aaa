"""``mien analyze``: what recordings show, as events, rows, pictures and pages."""

from edge.analysis.clip import Analysis, analyze, content_sha256, sum_up, write_events

__all__ = ["Analysis", "analyze", "content_sha256", "sum_up", "write_events"]
