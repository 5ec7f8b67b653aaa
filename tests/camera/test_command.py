from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from edge.camera import CameraError, CameraSettings, open_camera
from tests.camera.streams import IMPATIENT, SMALL, Program, frame_of, running, until, watch_until

# A picture whose left half is red and whose right half is blue, in each way that a pipe may hold it.
RED, BLUE = (255, 0, 0), (0, 0, 255)
WIDTH, HEIGHT = 16, 8


def writer(tmp_path: Path, data: bytes, *, times: int = 1000, then: str = "") -> tuple[str, ...]:
    """A program that writes ``data`` again and again, then runs a line of Python."""
    (tmp_path / "picture").write_bytes(data)
    code = (
        "import sys, time, os\n"
        f"data = open({str(tmp_path / 'picture')!r}, 'rb').read()\n"
        f"for _ in range({times}):\n"
        "    sys.stdout.buffer.write(data); sys.stdout.buffer.flush(); time.sleep(0.02)\n"
        f"{then}\n"
    )
    return (sys.executable, "-S", "-c", code)


def picture(pixel_format: str) -> bytes:
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, : WIDTH // 2], rgb[:, WIDTH // 2 :] = RED, BLUE
    if pixel_format in ("rgb24", "bgr24"):
        return (rgb if pixel_format == "rgb24" else rgb[:, :, ::-1]).tobytes()
    # ITU-R BT.601, studio swing: red is 82, 90, 240 and blue 41, 240, 110.
    y, u, v = (
        np.where(np.arange(size) < size // 2, red, blue).astype(np.uint8)
        for size, red, blue in ((WIDTH, 82, 41), (WIDTH // 2, 90, 240), (WIDTH // 2, 240, 110))
    )
    luma = y.tobytes() * HEIGHT
    if pixel_format == "gray8":
        return luma
    if pixel_format == "nv12":
        return luma + np.stack([u, v], axis=1).tobytes() * (HEIGHT // 2)
    return luma + u.tobytes() * (HEIGHT // 2) + v.tobytes() * (HEIGHT // 2)


@pytest.mark.parametrize("pixel_format", ["bgr24", "rgb24", "yuv420p", "nv12", "gray8"])
def test_raw_pictures_have_their_colours(pixel_format: str, tmp_path: Path) -> None:
    settings = CameraSettings(
        command=writer(tmp_path, picture(pixel_format)), pixel_format=pixel_format, width=WIDTH, height=HEIGHT
    )
    with open_camera(settings) as camera:
        image = frame_of(camera).image
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    left, right = (image[:, 2].mean(axis=0), image[:, -3].mean(axis=0))
    if pixel_format == "gray8":
        np.testing.assert_allclose((left, right), [(82, 82, 82), (41, 41, 41)])
    else:
        np.testing.assert_allclose((left, right), [RED[::-1], BLUE[::-1]], atol=6)


def test_each_picture_has_memory_of_its_own(tmp_path: Path) -> None:
    with running(Program(tmp_path, "bgr24")) as stream, open_camera(stream.settings) as camera:
        first = frame_of(camera)
        kept = first.image.copy()
        for _ in range(3):
            assert not np.array_equal(frame_of(camera).image, kept)
        np.testing.assert_array_equal(first.image, kept)


def test_what_the_program_said_last_is_the_reason(tmp_path: Path) -> None:
    then = "sys.stderr.write('setting up\\nno sensor at rtsp://anna:secret@cab\\n'); sys.exit(3)"
    command = writer(tmp_path, b"", times=0, then=then)
    with pytest.raises(CameraError) as caught:
        open_camera(CameraSettings(command=command, width=WIDTH, height=HEIGHT))
    assert str(caught.value).endswith("has ended with exit code 3: no sensor at rtsp://cab")


def test_pictures_of_another_size_are_noticed_at_the_end_of_the_program(tmp_path: Path) -> None:
    command = writer(tmp_path, picture("gray8")[:-20], times=30)
    settings = IMPATIENT.model_copy(
        update={"source": "command", "command": command, "pixel_format": "gray8", "width": WIDTH, "height": HEIGHT}
    )
    with open_camera(settings) as camera:
        watch_until(camera, "running")
        until(lambda: camera.next_frame(0.05) is None and camera.reopened > 0)
    settings = settings.model_copy(update={"command": writer(tmp_path, picture("gray8")[:-20], times=1)})
    with pytest.raises(CameraError, match=r"in the middle of a picture \(108 of 128 bytes; is it 16 × 8 gray8\?\)"):
        open_camera(settings)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"YUV4MPEG2 W16 H8 F25:1 C444\n", "its colours are 444"),
        (b"YUV4MPEG2 W16 F25:1\n", "names no size"),
        (b"YUV4MPEG2 W99999999 H8\n", "is no picture's size"),
        (b"RIFF....AVI\n", "something else than y4m"),
    ],
)
def test_a_stream_that_is_no_y4m_is_named(header: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=says):
        open_camera(CameraSettings(command=writer(tmp_path, header), pixel_format="y4m"))


def test_a_program_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(CameraError, match="no-such-program is not installed"):
        open_camera(CameraSettings(command=("no-such-program",), width=4, height=4))


def test_a_program_that_died_is_started_again_and_none_is_left_behind(tmp_path: Path) -> None:
    with running(Program(tmp_path)) as stream:
        assert isinstance(stream, Program)
        with open_camera(stream.settings) as camera:
            frame_of(camera)
            first = stream.pid
            stream.kill()
            until(lambda: camera.next_frame(0.05) is not None and stream.pid != first)
            second = stream.pid
            # A stopped program does not heed a polite signal.
            stream.signal(signal.SIGSTOP)
    for pid in (first, second):
        assert not Path(f"/proc/{pid}").exists(), "neither a program nor a zombie"


def test_what_the_program_started_ends_with_it(tmp_path: Path) -> None:
    grandchild = tmp_path / "grandchild"
    before = f"import subprocess; open({str(grandchild)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"
    words = writer(tmp_path, picture("gray8"))
    command = (*words[:-1], f"{before}\n{words[-1]}")
    with open_camera(CameraSettings(command=command, pixel_format="gray8", width=WIDTH, height=HEIGHT)) as camera:
        frame_of(camera)
        pid = int(grandchild.read_text())
        os.kill(pid, 0)
    until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        # A zombie waits for whoever adopted it; it runs no more.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_talks_on_stdout_gets_a_descriptor_of_its_own(tmp_path: Path) -> None:
    data = picture("gray8")
    code = (
        "import os, time\n"
        f"for _ in range(500): print('GST_ARGUS: hello', flush=True); os.write({{fd}}, {data!r}); time.sleep(.02)"
    )
    command = (sys.executable, "-S", "-c", code)
    with open_camera(CameraSettings(command=command, pixel_format="gray8", width=WIDTH, height=HEIGHT)) as camera:
        for _ in range(3):
            assert frame_of(camera).image[0, 0].tolist() == [82, 82, 82]


@pytest.mark.parametrize(
    ("source", "program", "size", "expected"),
    [
        (
            "rpicam-vid:1",
            "rpicam-vid",
            (640, 480),
            "--camera 1 --timeout 0 --nopreview --codec yuv420 --width 640 --height 480 --framerate 30 --output -",
        ),
        (
            "nvarguscamerasrc",
            "gst-launch-1.0",
            (1280, 720),
            "-q nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30000/1000 "
            "! nvvidconv ! video/x-raw,format=NV12 ! fdsink fd={fd} sync=false",
        ),
    ],
)
def test_a_preset_runs_its_program(
    source: str,
    program: str,
    size: tuple[int, int],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Neither a Pi nor a Jetson is at hand: a program of that name notes its arguments and writes noise.
    width, height = size
    fake = tmp_path / program
    fake.write_text(
        f"#!{sys.executable} -S\n"
        "import os, sys, time\n"
        f"open({str(tmp_path / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
        "fd = next((int(word[3:]) for word in sys.argv if word.startswith('fd=')), 1)\n"
        f"while True:\n    data = os.urandom({width * height * 3 // 2})\n"
        "    while data: data = data[os.write(fd, data):]\n"
        "    time.sleep(0.02)\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    given = {} if size == (640, 480) else {"width": width, "height": height}
    with open_camera(source, CameraSettings.model_validate(given)) as camera:
        assert frame_of(camera, size).image.std() > 20
    arguments = (tmp_path / "arguments").read_text().split()
    assert [("fd={fd}" if word.startswith("fd=") else word) for word in arguments] == expected.split()


def test_ffmpeg_reads_what_it_is_given_and_tells_the_size(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: apt-get install ffmpeg")
    clip = tmp_path / "clip.mkv"
    source = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=30")
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "mjpeg", str(clip)], check=True)
    with open_camera(f"ffmpeg:{clip}") as camera:
        assert camera.size == SMALL
        assert camera.fps == 25
        frame_of(camera, SMALL)
    with pytest.raises(CameraError, match=r"ffmpeg:.*missing\.mkv has ended with exit code .*No such file"):
        open_camera(f"ffmpeg:{tmp_path / 'missing.mkv'}")


@pytest.mark.parametrize(
    ("source", "settings", "says"),
    [
        ("rpicam-vid", {"width": 780}, "pads its rows to 64 pixels; take 768 or 832"),
        ("rpicam-vid:front", {}, "name the camera by its number"),
        ("ffmpeg", {}, "say what it shall read"),
        ("command", {}, "set camera.command"),
    ],
)
def test_a_preset_that_cannot_work_is_refused_in_one_line(source: str, settings: dict[str, int], says: str) -> None:
    with pytest.raises(CameraError, match=says) as caught:
        open_camera(source, CameraSettings.model_validate(settings))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"source": "command"}, "needs command"),
        ({"command": ["cam"]}, "need width and height"),
        ({"command": ["cam"], "pixel_format": "h264"}, "must be one of bgr24"),
        ({"region": [0.5, 0, 0.6, 1]}, "within the picture"),
        ({"retry_min_s": 40}, "must not exceed"),
        ({"rotate": 45}, "rotate"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CameraSettings.model_validate(given)


def test_a_command_is_the_source_unless_one_is_named() -> None:
    given = {"command": ["cam"], "pixel_format": "y4m"}
    assert CameraSettings.model_validate(given).source == "command"
    assert CameraSettings.model_validate(given | {"source": "1"}).source == "1"
