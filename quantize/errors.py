"""What a user of ``mien-quantize`` can mend."""

from edge.errors import MienError


class QuantizeError(MienError):
    """A model or a choice that cannot be quantized; the message names it and the way out."""
