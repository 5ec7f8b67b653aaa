"""Which mien this is."""

from importlib import metadata


def version() -> str:
    """The installed distribution's version, or "unknown" where the source runs uninstalled."""
    try:
        return metadata.version("mien")
    except metadata.PackageNotFoundError:
        return "unknown"
