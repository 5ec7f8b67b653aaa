"""What goes wrong on the way out."""

from __future__ import annotations

from edge.errors import MienError


class DeliveryError(MienError):
    """The outbox or the broker cannot be used; the message names which, why and the way out."""


class OutboxError(DeliveryError):
    """The outbox file cannot be opened, read or written."""
