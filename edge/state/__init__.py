"""Observations over time in, states and episodes out. Pure: no clock of its own, no I/O."""

from edge.state.people import People
from edge.state.settings import StateSettings

__all__ = ["People", "StateSettings"]
