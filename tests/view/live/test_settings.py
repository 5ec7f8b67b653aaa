"""Where the page may be served, and that it is not open to everybody by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Config, ConfigError, load
from edge.running.window import shows_pixels
from edge.view.live.settings import ViewError, ViewSettings

from .parts import TOKEN


def test_it_is_off_and_for_this_machine_alone_unless_said_otherwise() -> None:
    assert not ViewSettings().enabled
    assert ViewSettings().loopback


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "192.168.1.7"])
def test_open_to_others_without_a_token_is_refused_when_the_configuration_is_read(tmp_path: Path, listen: str) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(f'[view]\nenabled = true\nlisten = "{listen}"\n')
    with pytest.raises(ConfigError) as refused:
        load(file, environment={})
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{file}:3: view: listen {listen} lets others in: set token_file")


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "unix:/run/mien/view.sock"])
def test_this_machine_and_a_proxys_socket_need_none(listen: str) -> None:
    assert ViewSettings(listen=listen).secret() is None


@pytest.mark.parametrize(
    ("listen", "reason"),
    [
        ("example.org", "must be an IP address"),
        ("", "must be an IP address"),
        ("unix:view.sock", "needs its whole path"),
    ],
)
def test_what_cannot_be_listened_on_is_refused(listen: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ViewSettings(listen=listen)


def test_a_token_that_can_be_guessed_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 16 characters") as refused:
        ViewSettings(token="hunter2")
    assert "hunter2" not in str(refused.value)
    file = tmp_path / "token"
    file.write_text("hunter2\n")
    with pytest.raises(ViewError, match=r"view.token_file .*token: its first line") as misread:
        ViewSettings(token_file=file).secret()
    assert "hunter2" not in str(misread.value)
    with pytest.raises(ViewError, match="No such file"):
        ViewSettings(token_file=tmp_path / "none").secret()


def test_the_token_is_the_files_first_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\nchanged in May\n")
    assert ViewSettings(listen="0.0.0.0", token_file=file).secret() == TOKEN
    with pytest.raises(ValueError, match="not both"):
        ViewSettings(token=TOKEN, token_file=file)


@pytest.mark.parametrize(
    ("preset", "pixels", "shown"),
    [
        ("full", "auto", True),
        ("kiosk", "auto", True),
        ("driver", "auto", False),
        ("driver", "on", True),
        ("full", "off", False),
    ],
)
def test_a_cabs_page_shows_no_picture_unless_asked_to(preset: str, pixels: str, shown: bool) -> None:
    config = Config.model_validate({"preset": preset, "view": {"pixels": pixels}})
    assert shows_pixels(config) is shown
