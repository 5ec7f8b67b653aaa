"""A network camera: MJPEG over HTTP. As a program, ``mjpeg.py PORT WIDTH HEIGHT KIND``.

KIND: ``live`` for noise that changes; ``frozen`` for one picture again and again; ``garbage`` for broken JPEGs.
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

FPS = 25


class _Camera(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        width, height, kind = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        seed = 0
        while True:
            seed += kind != "frozen"
            image = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            if kind == "garbage":
                jpeg = jpeg[:300]
            header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                self.wfile.write(header.encode() + jpeg + b"\r\n")
            except OSError:  # the reader has gone
                return
            time.sleep(1 / FPS)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    _Server(("127.0.0.1", int(sys.argv[1])), _Camera).serve_forever()
