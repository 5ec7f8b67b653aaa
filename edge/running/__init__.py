"""What the daemon is made of beside the rooms: controls, health, load, and what systemd and Prometheus hear."""

from edge.running.notify import Notifier
from edge.running.settings import MetricsSettings, SheddingSettings
from edge.running.shedding import Shedder
from edge.running.thermal import Heat, Thermometer

__all__ = ["Heat", "MetricsSettings", "Notifier", "Shedder", "SheddingSettings", "Thermometer"]
