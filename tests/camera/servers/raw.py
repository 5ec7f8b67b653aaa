"""A camera's program: writes pictures to stdout until it is killed. Needs nothing but Python, so that it starts soon.

``raw.py FOLDER``: FOLDER/size holds ``WIDTH HEIGHT FORMAT KIND``, read at the start; FOLDER/pid names its process.
KIND as in mjpeg.py.
"""

import os
import random
import sys
import time
from pathlib import Path

FPS = 25

folder = Path(sys.argv[1])
width, height, pixel_format, kind = (folder / "size").read_text().split()
(folder / "pid.new").write_text(str(os.getpid()))
(folder / "pid.new").replace(folder / "pid")  # whole or not at all: nobody may read half a number
area = int(width) * int(height)
size = {"bgr24": area * 3, "rgb24": area * 3, "gray8": area}.get(pixel_format, area * 3 // 2)
out = sys.stdout.buffer
if pixel_format == "y4m":
    out.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
still = random.Random(0).randbytes(size)
while True:
    out.write(b"FRAME\n" if pixel_format == "y4m" else b"")
    out.write(still if kind == "frozen" else os.urandom(size))
    out.flush()
    time.sleep(1 / FPS)
