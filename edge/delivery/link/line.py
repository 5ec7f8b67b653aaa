"""One end of the socket between vision and publish: packets, bounded in size and number, that never block."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from edge.delivery.errors import DeliveryError
from edge.delivery.link.packets import LONGEST, PacketError

# linux/socket.h; Python has no name for it.
_SO_PEERGROUPS = 59
_MOST_GROUPS = 1024

#: Packets that a peer may send on and on; vision sends some ten a second, a vehicle's bus some hundred.
MOST_A_SECOND = 500.0
#: And at once: all retained states, a queue of commands.
MOST_AT_ONCE = 500.0


class LineError(DeliveryError):
    """The peer is gone, or is not who it should be."""


class Line:
    """A connection, from its socket to its end; all calls from one thread.

    A peer that sends more than it may is read later, until its own buffer is full.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setblocking(False)
        self._credit = MOST_AT_ONCE
        self._credited_s = time.monotonic()

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    @property
    def hears(self) -> bool:
        """Whether it is worth waiting for what the peer says; if not, ask again a moment later."""
        now_s = time.monotonic()
        self._credit = min(MOST_AT_ONCE, self._credit + (now_s - self._credited_s) * MOST_A_SECOND)
        self._credited_s = now_s
        return self._credit >= 1

    def send(self, data: bytes) -> bool:
        """Sends a packet; False where the peer is behind with reading. Raises LineError where it is gone."""
        try:
            self._socket.send(data, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LineError(error.strerror or str(error)) from None
        return True

    def receive(self) -> Iterator[bytes]:
        """The packets that are there. Raises LineError where the peer is gone, PacketError where one is too long."""
        while self.hears:
            try:
                data, _, flags, _ = self._socket.recvmsg(LONGEST)
            except BlockingIOError:
                return
            except OSError as error:
                raise LineError(error.strerror or str(error)) from None
            if not data:
                raise LineError("it has hung up")
            if flags & socket.MSG_TRUNC:
                raise PacketError(f"a packet of more than {LONGEST} bytes")
            self._credit -= 1
            yield data

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()


def call(path: Path) -> Line:
    """Calls publish. Raises LineError where nobody is there, or somebody who should not be."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.setblocking(False)
        sock.connect(str(path))
        check_peer(sock)
    except OSError as error:
        sock.close()
        raise LineError(error.strerror or str(error)) from None
    except LineError:
        sock.close()
        raise
    return Line(sock)


def listen(path: Path) -> socket.socket:
    """The socket on which vision calls, for our user and group.

    Raises:
        DeliveryError: it cannot be made, or another publish has it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_socket():
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as trial:
                if trial.connect_ex(str(path)) == 0:
                    raise DeliveryError(f"{path}: another mien publish has it; end that one first")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            listener.setblocking(False)
            # In its place only when it can be called: who finds nobody at a socket takes it for left behind.
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            listener.bind(str(fresh))
            fresh.chmod(0o660)
            listener.listen(4)
            fresh.replace(path)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise DeliveryError(f"{path}: no socket can be made there: {error.strerror or error}") from None
    return listener


def check_peer(sock: socket.socket) -> int:
    """The peer's process number, where its user or one of its groups is ours; raises LineError otherwise.

    The socket's mode says the same; but that may be lost in a copy or a restore, while the kernel tells who called.
    """
    pid, user, group = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if user != os.geteuid() and os.getegid() not in (group, *_groups(sock)):
        raise LineError(f"process {pid} is neither of this user nor of its group")
    return int(pid)


def _groups(sock: socket.socket) -> tuple[int, ...]:
    try:
        packed = sock.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:  # before Linux 4.13
        return ()
    return struct.unpack(f"{len(packed) // 4}I", packed)
