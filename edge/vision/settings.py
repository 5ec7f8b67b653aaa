"""What a user can choose about vision."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class VisionSettings(BaseModel):
    """The ``vision`` part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["litert", "mediapipe"] = Field(
        default="litert",
        title="Backend",
        description="What runs the face models: LiteRT directly, or the mediapipe package (in its own environment).",
    )
    max_faces: int = Field(
        default=4,
        ge=1,
        le=32,
        title="Most faces",
        description="How many faces are followed at once, the largest first; each costs time in every frame.",
    )
    read_faces: int | None = Field(
        default=None,
        ge=1,
        le=32,
        title="Faces a frame",
        description=(
            "How many of the faces followed are read in one frame at most: half of them the nearest, the others by "
            "turns. By default all."
        ),
    )
    min_detection_score: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        title="Least detection score",
        description="How sure the detector must be, 0 to 1, before a new face is looked at.",
    )
    min_presence: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        title="Least presence",
        description="How sure the face mesh must be, 0 to 1, that its region holds a face; below it the face is lost.",
    )
    detect_every_s: float = Field(
        default=1.0,
        ge=0,
        le=60,
        title="Detect every (s)",
        description=(
            "How often to look for further faces while at least one, and fewer than the most, are followed. "
            "With none in view every frame is searched."
        ),
    )
    detect_tiles: int = Field(
        default=1,
        ge=1,
        le=4,
        title="Tiles",
        description=(
            "How many tiles, side by side along the picture's longer side, are searched by turns with the whole of "
            "it, one each time, two where frames come slowly. The detector needs a face of about an eighth of what it "
            "searches: with 2, of a fourteenth of the longer side; with 3, of a twentieth."
        ),
    )
    expression: bool = Field(
        default=True,
        title="Expression",
        description="Whether to read apparent expressions; needs an expression model.",
    )
    expression_model: str | None = Field(
        default=None,
        title="Expression model",
        description=(
            "Which expression model to run: shipped, a name that mien models list shows, or a bundle's folder. By "
            "default the one that mien models use chose, else the one that ships."
        ),
    )
    allow_unverified: bool = Field(
        default=False,
        title="Allow unverified",
        description=(
            "Whether the expression model may be a bare .tflite file without the manifest that vouches for it; it is "
            "tried in a process of its own first."
        ),
    )
    expression_every_s: float = Field(
        default=0.075,
        ge=0,
        le=60,
        title="Expression every (s)",
        description=(
            "Least time between two readings of one face's expression; 0 reads it in every frame. Expressions are "
            "smoothed over longer than the default, which reads every frame of 12 a second and every third of 30."
        ),
    )
    eyes: bool = Field(
        default=True,
        title="Eyes",
        description="Whether to read eyelids and irises; the driver's state needs them.",
    )
    eyes_by_turns: bool = Field(
        default=True,
        title="Eyes by turns",
        description=(
            "Whether one eye is read in a frame and the other in the next, both in one as soon as either is not "
            "wide open; otherwise always both. Saves a fifth of a frame's time and more; what it does to the closures "
            "found is in docs/speed/eyelids.md."
        ),
    )
    mesh_every_s: float = Field(
        default=0.055,
        ge=0,
        le=1,
        title="Mesh every (s)",
        description=(
            "Least time between two readings of the landmarks of a face that is alone and keeps still; 0 reads them in "
            "every frame. The default reads every second frame of 20 to 35 a second, and every one of 15. Eyes are "
            "read in every frame; what it does to the closures found is in docs/speed/eyelids.md."
        ),
    )
    int8_weights: bool = Field(
        default=True,
        title="Int8 weights",
        description=(
            "Whether the face mesh and the iris model keep the weights of their large convolutions in int8, on "
            "processors that have an instruction for it; elsewhere and otherwise all is float. The mesh is quicker "
            "by a twentieth then, the iris model by a quarter; how far landmarks move: docs/speed/face-models.md."
        ),
    )
    landmarker: Path | None = Field(
        default=None,
        title="Landmarker",
        description=(
            "A face_landmarker.task file, whose blink scores serve as a second opinion on the eyelids; it doubles "
            "the time a face takes. Without one there is none."
        ),
    )
    threads: int = Field(
        default=2,
        ge=1,
        le=16,
        title="Threads",
        description=(
            "Processor threads. From 2 on, half of them find the next frame's faces while the others read eyes and "
            "expressions, where frames come faster than one after the other can be read."
        ),
    )

    @property
    def model_threads(self) -> int:
        """Processor threads for each model, as two frames are worked on at once."""
        return max(self.threads // 2, 1)
