"""The live page: what the device sees, in a browser. Needs the ``view`` extra; nothing of it is stored."""
