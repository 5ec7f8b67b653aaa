"""The device's whole configuration: one TOML file, environment variables and the command line's options.

Each value is the last given of: the field's default, the preset's, the file's, the environment's, the command line's.
"""

from edge.config.errors import ConfigError, Origin, Problem
from edge.config.loading import Loaded, Overrides, load, load_with_origins
from edge.config.model import PRESETS, Config, default_device_id
from edge.config.reloading import Reload, reload

__all__ = [
    "PRESETS",
    "Config",
    "ConfigError",
    "Loaded",
    "Origin",
    "Overrides",
    "Problem",
    "Reload",
    "default_device_id",
    "load",
    "load_with_origins",
    "reload",
]
