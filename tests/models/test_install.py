"""Installing the face models, from small home-made wheels and, for the network, from an index that is not there."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.errors import MienError
from edge.models import FACE_MODELS, FaceModel, ModelsError, require_face_models, status
from edge.models.install import install

CONTENTS = {
    "mediapipe/modules/a/finder.tflite": b"finder" * 4000,
    "mediapipe/modules/b/mesh.tflite": b"mesh" * 30000,
    "mediapipe/modules/c/iris.tflite": b"iris" * 7000,
}
MODELS = tuple(
    FaceModel(member, len(content), hashlib.sha256(content).hexdigest()) for member, content in CONTENTS.items()
)
NAMES = {"finder.tflite", "mesh.tflite", "iris.tflite"}
LICENSE = {"mediapipe-0.10.21.dist-info/LICENSE": b"Apache License"}
INSTALLED = NAMES | {"LICENSE.txt", "ORIGIN.txt"}


def make_wheel(path: Path, members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "mediapipe-0.10.21-py3-none-any.whl", CONTENTS | LICENSE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "face-models"


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def states(folder: Path) -> list[str]:
    return [model.state for model in status(folder, MODELS)]


def in_a_child(
    script: str, *arguments: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    repository = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository), **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_wheel_in_hand_becomes_an_installed_folder_with_licence_and_origin(wheel: Path, folder: Path) -> None:
    assert states(folder) == ["missing"] * 3
    assert install(folder, wheel, models=MODELS) is True
    assert names_in(folder) == INSTALLED
    assert require_face_models(folder, MODELS) == folder
    assert (folder / "LICENSE.txt").read_bytes() == b"Apache License"
    origin = (folder / "ORIGIN.txt").read_text()
    assert "mediapipe-0.10.21" in origin
    assert all(model.sha256 in origin for model in MODELS)


def test_a_second_install_finds_all_there_and_needs_no_wheel(wheel: Path, folder: Path) -> None:
    install(folder, wheel, models=MODELS)
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    assert install(folder, folder / "no such wheel", models=MODELS) is False
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before


def test_force_writes_them_again(wheel: Path, folder: Path) -> None:
    install(folder, wheel, models=MODELS)
    before = (folder / "mesh.tflite").stat().st_ino
    assert install(folder, wheel, force=True, models=MODELS) is True
    assert (folder / "mesh.tflite").stat().st_ino != before


def test_a_truncated_model_is_named_then_mended_and_the_users_own_files_stay(wheel: Path, folder: Path) -> None:
    install(folder, wheel, models=MODELS)
    (folder / "mesh.tflite").write_bytes(CONTENTS["mediapipe/modules/b/mesh.tflite"][:-1])
    (folder / "face_landmarker.task").write_bytes(b"the user's own")
    with pytest.raises(ModelsError, match=r"mesh\.tflite damaged; run: mien models install --force$"):
        require_face_models(folder, MODELS)
    assert install(folder, wheel, models=MODELS) is True
    assert require_face_models(folder, MODELS) == folder
    assert (folder / "face_landmarker.task").read_bytes() == b"the user's own"


def test_missing_models_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(
        ModelsError, match=r"finder\.tflite, mesh\.tflite, iris\.tflite not there; run: mien models install$"
    ):
        require_face_models(tmp_path, MODELS)


def test_a_folder_in_a_models_place_is_one_line_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "mesh.tflite").mkdir()
    with pytest.raises(ModelsError, match=r"mesh\.tflite: cannot be read"):
        require_face_models(tmp_path, MODELS)


def test_the_folder_is_mien_models_where_it_is_set(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_MODELS", str(tmp_path / "chosen"))
    install(wheel=wheel, models=MODELS)
    assert require_face_models(models=MODELS) == tmp_path / "chosen"
    monkeypatch.setenv("MIEN_MODELS", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert status()[0].path == tmp_path / "share" / "mien" / "face-models" / FACE_MODELS[0].name


def broken_wheels() -> dict[str, tuple[Mapping[str, bytes], str]]:
    mesh = "mediapipe/modules/b/mesh.tflite"
    return {
        "another mesh of the same size": (CONTENTS | LICENSE | {mesh: b"mash" * 30000}, "mesh.tflite is not the file"),
        "a longer mesh": (CONTENTS | LICENSE | {mesh: b"mesh" * 30001}, "mesh.tflite is not the file"),
        "no mesh": ({k: v for k, v in (CONTENTS | LICENSE).items() if k != mesh}, "no mediapipe/modules/b/mesh.tflite"),
        "no licence": (CONTENTS, "no LICENSE in it"),
    }


@pytest.mark.parametrize("flaw", broken_wheels())
def test_a_wheel_with_other_contents_installs_nothing(flaw: str, folder: Path, tmp_path: Path) -> None:
    members, message = broken_wheels()[flaw]
    with pytest.raises(ModelsError, match=message) as caught:
        install(folder, make_wheel(tmp_path / "other.whl", members), models=MODELS)
    assert "other.whl" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names_in(folder) == set()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_anywhere_in_a_wheel_installs_nothing(compression: int, folder: Path, tmp_path: Path) -> None:
    whole = make_wheel(tmp_path / "whole.whl", CONTENTS | LICENSE, compression).read_bytes()
    damaged = {
        "cut short": whole[: len(whole) // 2],
        "empty": b"",
        "a web page": b"<html>404 not found</html>",
        "flipped bits": whole[:200] + bytes(byte ^ 0x55 for byte in whole[200:264]) + whole[264:],
    }
    for flaw, content in damaged.items():
        path = tmp_path / f"{flaw}.whl"
        path.write_bytes(content)
        with pytest.raises(ModelsError, match="damaged") as caught:
            install(folder, path, models=MODELS)
        assert flaw in str(caught.value)
        assert names_in(folder) == set()


def test_a_wheel_that_is_not_there_or_a_folder_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"gone\.whl: No such file"):
        install(folder, tmp_path / "gone.whl", models=MODELS)
    with pytest.raises(ModelsError, match="Is a directory"):
        install(folder, tmp_path, models=MODELS)


def test_a_folder_that_cannot_be_made_is_named(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(ModelsError, match="a file/face-models: Not a directory; nothing installed"):
        install(tmp_path / "a file" / "face-models", wheel, models=MODELS)


INSTALL = """
    import sys
    from pathlib import Path
    from tests.models.test_install import MODELS
    from edge.errors import MienError
    from edge.models.install import install
    try:
        install(Path(sys.argv[1]), Path(sys.argv[2]), force=True, models=MODELS)
    except MienError as error:
        sys.exit(f"one line: {error}")
"""


ROOM_FOR_SMALL_FILES_ONLY = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
"""


def test_a_full_disk_leaves_the_old_models_in_place(wheel: Path, folder: Path) -> None:
    install(folder, wheel, models=MODELS)
    done = in_a_child(ROOM_FOR_SMALL_FILES_ONLY + INSTALL, folder, wheel)
    assert done.returncode == 1
    assert done.stderr.startswith("one line: ")
    assert os.strerror(errno.EFBIG) in done.stderr
    assert done.stderr.count("\n") == 1
    assert names_in(folder) == INSTALLED
    assert states(folder) == ["ok"] * 3


KILLED_AT = """
    import os, signal, sys
    left = int(sys.argv[3])
    def count_down(event, arguments):
        global left
        if event == "os.rename" or (event == "open" and ".installing-" in str(arguments[0])):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count_down)
"""


@pytest.mark.parametrize("step", range(10))
def test_a_kill_at_any_step_harms_no_file_and_the_next_install_finishes(step: int, wheel: Path, tmp_path: Path) -> None:
    """The models are complete only at the last step, so that whatever it was, the next install has to see it."""
    fresh, complete, broken = tmp_path / "fresh", tmp_path / "complete", tmp_path / "broken"
    install(complete, wheel, models=MODELS)
    install(broken, wheel, models=MODELS)
    (broken / "iris.tflite").write_bytes(b"short")
    for folder, allowed in ((fresh, {"missing", "ok"}), (complete, {"ok"}), (broken, {"damaged", "ok"})):
        done = in_a_child(KILLED_AT + INSTALL, folder, wheel, step)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert set(states(folder)) <= allowed
        install(folder, wheel, models=MODELS)
        assert states(folder) == ["ok"] * 3
        assert names_in(folder) >= INSTALLED
        install(folder, wheel, force=True, models=MODELS)
        assert names_in(folder) == INSTALLED, "what the kill left is cleared away"


HELD_BY_ANOTHER = """
    import fcntl, os, sys
    handle = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
"""


def test_two_installers_at_once_do_not_mix(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    done = in_a_child(
        HELD_BY_ANOTHER + INSTALL,
        folder,
        wheel,
    )
    assert done.returncode == 1
    assert "another mien models command" in done.stderr
    assert names_in(folder) == set()


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def test_without_a_network_one_line_says_to_fetch_the_wheel_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_network(monkeypatch)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "2")
    with pytest.raises(ModelsError, match=r"no network.*--wheel FILE$") as caught:
        install(folder, models=MODELS)
    assert "\n" not in str(caught.value)
    assert names_in(folder) == set()


def test_pips_own_configuration_is_where_the_wheel_comes_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    metadata = {
        "mediapipe-0.10.21.dist-info/METADATA": b"Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n",
        "mediapipe-0.10.21.dist-info/WHEEL": b"Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n",
    }
    make_wheel(mirror / "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl", CONTENTS | LICENSE | metadata)
    no_network(monkeypatch)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(mirror))
    assert install(folder, models=MODELS, progress=True) is True
    assert names_in(folder) == INSTALLED
    assert states(folder) == ["ok"] * 3
    assert capsys.readouterr() == ("", ""), "no bar where stderr is no terminal"


def test_a_python_without_pip_is_told_so(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True, timeout=60)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(MienError, match=r"has no pip to fetch mediapipe==0\.10\.21 with; .*--wheel FILE$"):
        install(folder, models=MODELS)
    assert names_in(folder) == set()
