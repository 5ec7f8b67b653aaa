"""What vision may have published.

It reads pictures that anybody may hold before the camera, so publish trusts it with no more than the device's own
words: its topics, and payloads of the size that a state has.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from typing import get_args

from edge.delivery.homeassistant import HomeAssistant, HomeAssistantSettings
from edge.delivery.vss import VssSettings
from edge.events import Subject, Topics

#: Home Assistant's description of a device is the longest, with some 12 kB.
_LONGEST = 32_768
#: Topics that a device has: a dozen, and some of VSS.
_MOST_TOPICS = 200
#: Requests whose answers may still come.
_MOST_ASKED = 64

_ANNOUNCEMENT = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/device/mien_[A-Za-z0-9_.-]+/config")


class Allowed:
    """Tells whether a topic is vision's to write. The device's ``status`` and its events are publish's.

    others: topics beyond the device's own that the configuration names.
    """

    def __init__(
        self, topics: Topics, homeassistant: HomeAssistantSettings, vss: VssSettings, *, others: Collection[str] = ()
    ) -> None:
        self._others = frozenset(others)
        self._here = f"{topics.root}/{topics.device}/"
        self._publishes = {topics.status} | {topics.event(subject) for subject in get_args(Subject)}
        self._discovery = HomeAssistant(homeassistant, topics).topic if homeassistant.enabled else None
        self._vss = "/".join(filter(None, (vss.root, "Vehicle/"))) if vss.enabled else None
        self._seen: set[str] = set()
        self._asked: deque[str] = deque(maxlen=_MOST_ASKED)

    def state(self, topic: str, payload: bytes) -> bool:
        """Whether it may be a topic's state."""
        if len(payload) > _LONGEST or not self._names(topic, payload):
            return False
        self._seen.add(topic)
        return len(self._seen) <= _MOST_TOPICS

    def asked(self, answer_to: str | None) -> None:
        """A request has gone to vision, whose answer may go there."""
        if answer_to is not None:
            self._asked.append(answer_to)

    def answer(self, topic: str, payload: bytes) -> bool:
        """Whether it may be an answer: where somebody asked for it, or beside the request."""
        return len(payload) <= _LONGEST and (
            topic in self._asked or (topic.startswith(self._here) and topic.endswith("/result"))
        )

    def _names(self, topic: str, payload: bytes) -> bool:
        if set(topic) & set("+#\0"):
            return False
        if topic.startswith(self._here):
            return topic not in self._publishes
        if self._vss is not None and topic.startswith(self._vss):
            return True
        if topic in self._others:
            return True
        # What was once announced may be taken back, also from under a prefix that no longer holds.
        return topic == self._discovery or (not payload and _ANNOUNCEMENT.fullmatch(topic) is not None)
