"""What a user can say about a camera."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CameraSettings(BaseModel):
    """Where frames come from and how they are read."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    id: str = Field(
        default="main",
        title="Camera id",
        description="Names the camera in MQTT topics and events: letters, digits, '-' and '_'.",
        pattern=r"^[A-Za-z0-9_-]+$",
        max_length=64,
    )
    source: str = Field(
        default="0",
        title="Source",
        description="A camera's number (0), a device (/dev/video0), a video file or GIF, or a URL (rtsp://, http://).",
        min_length=1,
    )
    fps: float | None = Field(
        default=None, title="Frames a second", description="Asked of the camera, which may give another rate.", gt=0
    )
    width: int | None = Field(
        default=None, title="Width", description="In pixels; asked of the camera, which may give another.", gt=0
    )
    height: int | None = Field(
        default=None, title="Height", description="In pixels; asked of the camera, which may give another.", gt=0
    )
    realtime: bool = Field(
        default=True,
        title="Play files in real time",
        description="Play a file at its own pace and drop late frames, as a camera would; "
        "if false, give every frame as fast as it is taken.",
    )
    loop: bool = Field(default=False, title="Loop", description="Begin a file again at its end, time running on.")
    stall_s: float = Field(
        default=5.0,
        title="Stall",
        description="Seconds without a picture after which a live camera counts as lost.",
        gt=0,
    )
