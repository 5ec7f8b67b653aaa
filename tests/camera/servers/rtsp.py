"""A network camera: MJPEG over RTSP, by GStreamer's server. As a program of the system's Python, which has gi.

``rtsp.py PORT WIDTH HEIGHT``. The picture has a corner of snow, as every sensor has noise.
"""

import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

port, width, height = sys.argv[1:4]
Gst.init(None)
server = GstRtspServer.RTSPServer(service=port)
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(
    f"( videotestsrc is-live=true pattern=smpte ! video/x-raw,format=I420,width={width},height={height},framerate=25/1 "
    "! jpegenc ! rtpjpegpay name=pay0 )"
)
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
GLib.MainLoop().run()
