"""Seeing what the device sees: observations drawn on their frames."""
