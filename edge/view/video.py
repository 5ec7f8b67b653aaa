"""Frames into an H.264 file that plays everywhere, each at its own time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError

#: MPEG's usual clock; fine enough for every frame rate.
_TICKS_PER_S = 90_000
#: Of x264: good to look at at a moderate size. Without B-frames, which are decoded out of their order: between frames
#: at uneven times the file's length would come out wrong.
_OPTIONS: dict[str, object] = {"crf": "21", "preset": "veryfast", "bf": "0"}
_BT709 = 1
_LIMITED_RANGE = 1


def require_pillow(option: str) -> None:
    """Raises MienError, saying what to install, where nothing is there to letter pictures with."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise MienError(f"{option} letters with Pillow, which is not installed; pip install 'mien[video]'") from None


def require_video() -> None:
    """Raises MienError, saying what to install, where nothing is there to write or letter videos with."""
    require_pillow("--annotate")
    try:
        import av
    except ImportError:
        raise MienError("--annotate writes with PyAV, which is not installed; pip install 'mien[video]'") from None
    if "libx264" not in av.codecs_available:
        raise MienError(
            "--annotate needs H.264, which this PyAV was built without; pip install 'mien[video]' brings one"
        )


class VideoWriter:
    """Writes BGR frames, uint8 [H, W, 3] with H and W even, at the times that they are given.

    Args:
        path: an .mp4; what the file is called does not matter to what is in it.
        size: the frames' width and height.
        fps: the usual rate, for the last frame's duration and for what can't do with varying ones.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        import av

        # The index first: plays from a web server before all of it is there.
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", Fraction(fps).limit_denominator(1001))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = _OPTIONS
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS_PER_S)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        self._period = round(_TICKS_PER_S / fps)
        self._pts = -1

    def write(self, image: NDArray[np.uint8], t_s: float) -> None:
        """The next frame; t_s: seconds since the first, ascending."""
        import av
        from av.video.reformatter import Colorspace

        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        self._pts = max(round(t_s * _TICKS_PER_S), self._pts + 1)
        frame.pts, frame.time_base = self._pts, Fraction(1, _TICKS_PER_S)
        frame.duration = self._period
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode())
        self._container.close()
