"""What a user can say about a camera."""

from __future__ import annotations

from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.camera.raw import RAW_FORMATS, RawFormat
from edge.settings import rule

#: The source that runs the configured command.
COMMAND = "command"

#: x, y, width, height, in shares of the picture's width and height.
Region = tuple[float, float, float, float]


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
        description="A camera's number (0), a device (/dev/video0, /dev/v4l/by-id/…), a video file or GIF, a URL "
        "(rtsp://, http://, udp://), rpicam-vid or nvarguscamerasrc (with :1 for a second camera), ffmpeg:INPUT, or "
        "'command' for the command below.",
        min_length=1,
    )
    command: tuple[str, ...] | None = Field(
        default=None,
        title="Command",
        description="A program and its arguments, which writes raw pictures to its output, or to the descriptor whose "
        "number stands for {fd} in an argument. Where it is given and no source is, it is the source.",
        min_length=1,
    )
    pixel_format: str | None = Field(
        default=None,
        title="Pixel format",
        description="Of a device: its four-letter code (MJPG, YUYV, GREY, Y16), asked of the camera, which may give "
        "another. Of a command: bgr24 (taken where none is given), rgb24, gray8, yuv420p, nv12, or y4m, which tells "
        "size and rate itself.",
        min_length=3,
        max_length=7,
    )
    fps: float | None = rule(
        None,
        "Frames a second",
        "Asked of the camera, which may give another rate.",
        unit="1/s",
        gt=0,
        le=1000,
    )
    width: int | None = rule(
        None,
        "Width",
        "In pixels; asked of the camera, which may give another. A command's raw pictures must have it.",
        unit="px",
        gt=0,
        le=16384,
    )
    height: int | None = rule(
        None,
        "Height",
        "In pixels; asked of the camera, which may give another. A command's raw pictures must have it.",
        unit="px",
        gt=0,
        le=16384,
    )
    grey_bits: int = rule(
        16,
        "Grey bits",
        "How many of its 16 bits a camera with pixel format Y16 fills, counted from the lowest.",
        unit="bit",
        source="V4L2: Y16 has 16; many infrared sensors fill 10 or 12 of them",
        ge=8,
        le=16,
    )
    rtsp_transport: Literal["tcp", "udp"] = Field(
        default="tcp",
        title="RTSP transport",
        description="tcp gets through firewalls and loses nothing; udp is a little quicker and tears on loss.",
    )
    rotate: Literal[0, 90, 180, 270] = Field(
        default=0, title="Rotation", description="Degrees clockwise by which the picture is turned to stand upright."
    )
    mirror: bool = Field(
        default=False, title="Mirror", description="Swap left and right, for a camera that sees through a mirror."
    )
    region: Region | None = Field(
        default=None,
        title="Region",
        description="The part of the upright picture to read: x, y, width, height in shares of it, as [0.5, 0, 0.5, 1] "
        "for its right half. All of it where none is given.",
    )
    realtime: bool = Field(
        default=True,
        title="Play files in real time",
        description="Play a file at its own pace and drop late frames, as a camera would; "
        "if false, give every frame as fast as it is taken.",
    )
    loop: bool = Field(default=False, title="Loop", description="Begin a file again at its end, time running on.")
    stall_s: float = rule(
        5.0,
        "Stall",
        "Seconds without a picture after which a live camera counts as lost.",
        unit="s",
        source="own: twice what a network camera takes to begin anew",
        ge=0.2,
        le=120,
    )
    frozen_s: float = rule(
        5.0,
        "Frozen",
        "Seconds of the very same picture after which a live camera counts as frozen; 0 never, for pictures made by a "
        "computer.",
        unit="s",
        source="own: a sensor's noise changes every picture; an encoder may repeat one until its next key frame, "
        "commonly 1 to 4 s",
        ge=0,
        le=600,
    )
    dark_s: float = rule(
        5.0,
        "Dark",
        "Seconds of a black or flat picture after which the lens counts as covered.",
        unit="s",
        source="own: longer than a tunnel's mouth or a hand that passes",
        ge=0.2,
        le=600,
    )
    black_below: float = rule(
        8.0,
        "Black below",
        "Mean grey level, 0 to 255, below which a picture is black.",
        unit="grey level",
        source="own: a capped lens gives 0 to 5 with the sensor's noise",
        ge=0,
        le=255,
    )
    flat_below: float = rule(
        8.0,
        "Flat below",
        "Standard deviation of the grey levels below which a picture shows nothing.",
        unit="grey level",
        source="own: the same as state.sensing.blocked_below",
        ge=0,
        le=128,
    )
    retry_min_s: float = rule(
        1.0,
        "First retry",
        "Wait before a camera in trouble is opened again; doubles each time, and is varied by a quarter.",
        unit="s",
        source="own",
        ge=0.05,
        le=60,
    )
    retry_max_s: float = rule(
        30.0,
        "Slowest retry",
        "The longest wait between attempts.",
        unit="s",
        source="own: who plugs a camera in again waits for it",
        ge=0.05,
        le=3600,
    )

    @property
    def raw_format(self) -> RawFormat:
        """How a command's pictures lie in its pipe."""
        return cast(RawFormat, self.pixel_format or "bgr24")

    @model_validator(mode="before")
    @classmethod
    def _command_is_a_source(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands over what the user gave
        if isinstance(data, dict) and data.get("command") is not None and "source" not in data:
            return data | {"source": COMMAND}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.retry_min_s > self.retry_max_s:
            raise ValueError(f"retry_min_s ({self.retry_min_s}) must not exceed retry_max_s ({self.retry_max_s})")
        if self.region is not None:
            x, y, width, height = self.region
            # A millionth, because 0.1 + 0.9 may be a little more than 1.
            if min(x, y) < 0 or min(width, height) <= 0 or max(x + width, y + height) > 1 + 1e-6:
                raise ValueError("region must lie within the picture: x, y, width, height in shares from 0 to 1")
        if self.source == COMMAND:
            self._check_command()
        return self

    def _check_command(self) -> None:
        if self.command is None:
            raise ValueError('source \'command\' needs command, a list: ["program", "argument", …]')
        if self.raw_format not in RAW_FORMATS:
            raise ValueError(f"pixel_format '{self.pixel_format}' of a command must be one of {', '.join(RAW_FORMATS)}")
        if self.raw_format != "y4m" and (self.width is None or self.height is None):
            raise ValueError("the raw pictures of a command need width and height, as it writes them")
