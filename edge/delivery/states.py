"""The last state of each topic: only the newest counts, and none queues while nobody takes it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class State:
    """What a topic said last. expiry_s: seconds after which it says nothing any more, None: never. at_s: monotonic."""

    topic: str
    payload: bytes
    retain: bool
    qos: Literal[0, 1]
    expiry_s: float | None
    at_s: float

    def left_s(self) -> float | None:
        """Seconds until it is stale, None where it never is."""
        return None if self.expiry_s is None else self.at_s + self.expiry_s - time.monotonic()


class LastStates:
    """Keeps them, and which of them are still to be sent; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._unsent: dict[str, None] = {}  # a set that keeps the order

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, topic: str) -> bool:
        return topic in self._states

    def put(
        self,
        topic: str,
        payload: BaseModel | str | bytes,
        *,
        retain: bool = False,
        qos: Literal[0, 1] = 0,
        expiry_s: float | None = None,
        at_s: float | None = None,
    ) -> None:
        """Takes a topic's present state. at_s: when it was so, in monotonic seconds; None: now."""
        if isinstance(payload, BaseModel):
            payload = payload.model_dump_json()
        if isinstance(payload, str):
            payload = payload.encode()
        now_s = time.monotonic()
        state = State(topic, payload, retain, qos, expiry_s, now_s if at_s is None else min(at_s, now_s))
        with self._lock:
            self._states[topic] = state
            self._unsent[topic] = None

    def restore(self) -> None:
        """Whoever takes them is new, and must hear all that are retained; the others were for who listened then."""
        with self._lock:
            self._states = {topic: state for topic, state in self._states.items() if state.retain}
            self._unsent = dict.fromkeys(self._states)

    def unsent(self) -> list[State]:
        """Those to send now, in the order in which they came; what is stale is passed over."""
        with self._lock:
            states = [self._states[topic] for topic in self._unsent]
            self._unsent.clear()
        return [state for state in states if (left_s := state.left_s()) is None or left_s > 0]

    def put_back(self, states: list[State]) -> None:
        """These could not be sent now; what came meanwhile is newer."""
        with self._lock:
            late = {state.topic: None for state in states if self._states.get(state.topic) is state}
            self._unsent = late | self._unsent
