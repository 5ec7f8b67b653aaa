"""What every room's tests share: real clips, the real face models, the portrait, real brokers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.delivery.parts import Mosquitto, find_mosquitto

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers side by side have a core each: more threads than that, and TensorFlow's wait for each other.
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what is to run in the background so, and every process that a test starts and
    # interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("mien", deadline=None)
hypothesis.settings.load_profile("mien")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and photos beside the checkout; they are never part of it."""
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}: the real clips and photos lie outside the repository")
    return SHARED


@pytest.fixture(scope="session")
def face_models() -> Path:
    """The folder with MediaPipe's models, as ``mien models install`` leaves it."""
    from edge.models import face_models_folder

    folder = face_models_folder()
    if not (folder / "face_landmark.tflite").is_file():
        pytest.skip(f"no face models in {folder}: run mien models install")
    return folder


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """Scikit-image's public-domain portrait, BGR uint8 [512, 512, 3]."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(scope="session")
def fer2013(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real ``fer2013.csv`` and ``fer2013new.csv``."""
    folder = tmp_path_factory.mktemp("fer2013")
    subprocess.run([sys.executable, shared / "tools" / "unpack-fer2013", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def puppet_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip of the puppet: one blink."""
    from edge.demo.puppet import Script, write_clip

    path = tmp_path_factory.mktemp("puppet") / "blink.mp4"
    write_clip(path, Script(duration_s=2.0, blinks=(1.0,)), fps=15)
    return path


@pytest.fixture(scope="session")
def mosquitto_binary() -> str:
    """Where mosquitto is."""
    binary = find_mosquitto()
    if binary is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    return binary


@pytest.fixture
def start_mosquitto(mosquitto_binary: str, tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts real brokers, each with the given configuration lines; killed in the end."""
    brokers: list[Mosquitto] = []

    def start(*options: str) -> Mosquitto:
        brokers.append(Mosquitto(mosquitto_binary, tmp_path, options or ("allow_anonymous true",)).start())
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A real broker that takes anybody."""
    return start_mosquitto()
