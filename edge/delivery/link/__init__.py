"""Two processes instead of one: ``mien vision`` sees the camera, ``mien publish`` has the network.

They share the outbox's file and a Unix socket beside it, and nothing else::

    vision   ── events ──────────────────────────▶  outbox.sqlite  ──▶  publish
    Courier  ── last states, answers, wake-ups ──▶  outbox.sock    ──▶  Desk
             ◀─ commands, vehicle, broker's news ──

Events are durable, so they go through the file: vision writes them there and makes room for them, publish takes them
out again once the broker has acknowledged them; without the socket it looks once a second. Only vision sets a damaged
file aside. Where the disk refuses, events cross the socket.

States go over the socket alone, and no table of the outbox keeps them. Twice a second they would wear a memory card
out. The broker has the retained ones; vision keeps the last of each and tells publish all of them whenever it comes
anew. And those of a vision that has died must not be told again: what is known then is that nothing is seen, and that
is what publish says instead.

The socket is publish's. Vision, which must never be stopped by anybody, waits for nobody there: it hands over what the
socket takes at once and keeps only the newest. Each side lets in none but its own user and group.
"""

from pathlib import Path


def socket_beside(outbox: Path) -> Path:
    """Where publish waits for the vision that fills this outbox."""
    return outbox.expanduser().with_suffix(".sock")
