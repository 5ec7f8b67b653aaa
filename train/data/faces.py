"""What every reader of a data set returns."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError

#: FER2013's width and height in pixels, and every face's here.
SIDE = 48

#: FER2013's seven classes in FER2013's order; the device's models keep it.
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")

#: FERPlus's ten columns, in the order of its file (Barsoum et al. 2016).
FERPLUS_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "not_a_face",
)

#: For each of CLASSES, its column in FERPLUS_COLUMNS.
FERPLUS_TO_CLASS = tuple(FERPLUS_COLUMNS.index(name) for name in CLASSES)


class DataError(MienError):
    """A data set that cannot be read as it is; the message names file, row and the way out."""


class Split(enum.IntEnum):
    """FER2013's ``Usage`` column, in the order of the file."""

    TRAINING = 0
    PUBLIC_TEST = 1
    PRIVATE_TEST = 2

    @property
    def title(self) -> str:
        """As FER2013's file writes it: Training, PublicTest, PrivateTest."""
        return self.name.title().replace("_", "")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Things that a data set holds and that were not read, and why."""

    reason: str
    names: tuple[str, ...]

    def describe(self, most: int | None = 5) -> str:
        """One line: how many, why, and the names of the first ``most`` (None: of all)."""
        shown = self.names if most is None else self.names[:most]
        more = len(self.names) - len(shown)
        return f"{len(self.names):,} {self.reason}: {', '.join(shown)}" + (f" and {more:,} more" if more else "")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a reader took the data for and what it decided.

    source: the format and the file or folder. sizes: (width, height) as stored -> number of images. notes:
    decisions that change what is trained on, a sentence each. left_out: what was there and is not among the faces.
    """

    source: str = ""
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Faces:
    """Labelled grey faces.

    pixels: uint8 [N, 48, 48]; labels: uint8 [N], indices into :data:`CLASSES`; splits: uint8 [N], values of
    :class:`Split`; votes: uint8 [N, 10] in the order of :data:`FERPLUS_COLUMNS`, or None without FERPlus;
    report: how they were read, of the whole set even in a selection of it.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    splits: NDArray[np.uint8]
    votes: NDArray[np.uint8] | None = None
    report: LoadReport = field(default_factory=LoadReport)

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, where: NDArray[np.bool_] | NDArray[np.intp]) -> Faces:
        """The rows that a mask or an index array names."""
        votes = None if self.votes is None else self.votes[where]
        return replace(
            self, pixels=self.pixels[where], labels=self.labels[where], splits=self.splits[where], votes=votes
        )

    def split(self, split: Split) -> Faces:
        """The rows of one split."""
        return self.select(self.splits == split)

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Bool [N]: the images of one single grey level (12 in FER2013), which show nothing."""
        flat = self.pixels.reshape(len(self), SIDE * SIDE)
        return np.asarray(flat.min(axis=1) == flat.max(axis=1))

    def without_blank(self) -> Faces:
        """Without the blank images."""
        return self.select(~self.blank)


def needed_votes(faces: Faces, learner: str) -> NDArray[np.uint8]:
    """FERPlus's votes [N, 10] for a recipe that learns them; raises DataError where the data has none."""
    if faces.votes is None:
        raise DataError(f"{learner} learns FERPlus's votes: put its fer2013new.csv beside fer2013.csv")
    return faces.votes


def soft_targets(faces: Faces, vote_share: float) -> NDArray[np.float32]:
    """Target distributions, float32 [N, 7]: the label's one-hot mixed with the FERPlus votes.

    vote_share: 0 is the FER2013 label alone, 1 the votes alone. Votes for contempt, unknown and not-a-face
    are left out; a face with no other vote keeps its label.
    """
    onehot = np.eye(len(CLASSES), dtype=np.float32)[faces.labels]
    if faces.votes is None or vote_share == 0:
        return onehot
    votes = faces.votes[:, FERPLUS_TO_CLASS].astype(np.float32)
    total = votes.sum(axis=1, keepdims=True)
    voted = np.where(total > 0, votes / np.maximum(total, 1), onehot)
    return np.asarray((1 - vote_share) * onehot + vote_share * voted, np.float32)
