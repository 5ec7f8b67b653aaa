"""The processor's heat, as different boards tell of it: trees of files as their kernels make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.running import Heat, Thermometer
from edge.running.thermal import READ_EVERY_S


def board(root: Path, **files: str) -> Path:
    """A machine whose ``sys`` holds these files, ``__`` for the slashes in their names."""
    for name, content in files.items():
        write(root, name.replace("__", "/"), content)
    return root


def write(root: Path, name: str, content: str) -> None:
    path = root / "sys" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content}\n")


def read(root: Path) -> Heat:
    return Thermometer(root, vcgencmd=None).read()


def test_a_machine_that_tells_nothing_is_unknown_not_cool(tmp_path: Path) -> None:
    assert read(tmp_path) == Heat(temperature_c=None, throttled=None)


def test_of_many_zones_the_hottest_of_the_processors_counts(tmp_path: Path) -> None:
    zones = {"acpitz": 27800, "CPU-therm": 61500, "GPU-therm": 70000, "cpu-thermal": 64000, "cpu1-thermal": 0}
    for number, (kind, degrees) in enumerate(zones.items()):
        write(tmp_path, f"class/thermal/thermal_zone{number}/type", kind)
        write(tmp_path, f"class/thermal/thermal_zone{number}/temp", str(degrees))
    assert read(tmp_path).temperature_c == 64.0


def test_an_amd_processor_tells_through_its_hardware_monitor(tmp_path: Path) -> None:
    board(tmp_path, class__hwmon__hwmon0__name="nvme", class__hwmon__hwmon0__temp1_input="40000")
    board(tmp_path, class__hwmon__hwmon1__name="k10temp", class__hwmon__hwmon1__temp1_input="55250")
    assert read(tmp_path).temperature_c == 55.25


def test_a_zone_of_unknown_name_is_better_than_none_and_a_broken_one_is_unknown(tmp_path: Path) -> None:
    board(tmp_path, class__thermal__thermal_zone0__type="zone", class__thermal__thermal_zone0__temp="50000")
    assert read(tmp_path).temperature_c == 50.0
    write(tmp_path, "class/thermal/thermal_zone0/temp", "nonsense")
    assert read(tmp_path).temperature_c is None


@pytest.mark.parametrize(
    ("bits", "throttled"),
    [
        ("0", ()),
        ("50000", ()),  # it was once since the start, and is no more
        ("50005", ("too little voltage from the power supply", "throttled by the firmware")),
        ("8", ("soft temperature limit",)),
        ("rubbish", None),
    ],
)
def test_a_raspberry_pis_firmware_tells_through_the_kernel(
    tmp_path: Path, bits: str, throttled: tuple[str, ...] | None
) -> None:
    write(tmp_path, "devices/platform/soc/soc:firmware/get_throttled", bits)
    assert read(tmp_path).throttled == throttled


def program(folder: Path, script: str) -> str:
    path = folder / "vcgencmd"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_or_through_its_own_program_where_the_kernel_does_not(tmp_path: Path) -> None:
    thermometer = Thermometer(tmp_path, vcgencmd=program(tmp_path, '[ "$1" = get_throttled ] && echo throttled=0x4'))
    assert thermometer.read().throttled == ("throttled by the firmware",)


def test_a_program_that_hangs_or_fails_is_asked_once(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    thermometer = Thermometer(tmp_path, vcgencmd=program(tmp_path, f"echo x >> {calls}; exit 1"))
    assert [thermometer.read().throttled for _ in range(3)] == [None, None, None]
    assert calls.read_text() == "x\n"
    hanging = Thermometer(tmp_path, vcgencmd=program(tmp_path, "exec sleep 60"))
    assert [hanging.read().throttled for _ in range(3)] == [None, None, None]


def test_a_kernel_that_puts_the_brake_on_is_throttling(tmp_path: Path) -> None:
    for number, (kind, state) in enumerate({"pwm-fan": 3, "cpufreq-cpu0": 0, "thermal-cpufreq-1": 0}.items()):
        write(tmp_path, f"class/thermal/cooling_device{number}/type", kind)
        write(tmp_path, f"class/thermal/cooling_device{number}/cur_state", str(state))
    thermometer = Thermometer(tmp_path, vcgencmd=None)
    assert thermometer.read().throttled == (), "a fan that turns throttles nothing"
    write(tmp_path, "class/thermal/cooling_device2/cur_state", "2")
    assert thermometer.read().throttled == ("slowed down by the kernel",)


def test_a_frequency_limit_counts_when_it_falls_not_when_its_owner_chose_it(tmp_path: Path) -> None:
    limit = "devices/system/cpu/cpufreq/policy0/scaling_max_freq"
    write(tmp_path, limit, "1200000")
    thermometer = Thermometer(tmp_path, vcgencmd=None)
    assert thermometer.read().throttled == ()
    write(tmp_path, limit, "600000")
    assert thermometer.read().throttled == ("limited to 600 of 1200 MHz",)
    write(tmp_path, limit, "1500000")
    assert thermometer.read().throttled == ()


def test_an_intel_processors_count_of_throttlings_counts_while_it_rises(tmp_path: Path) -> None:
    counter = "devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
    write(tmp_path, counter, "17")
    thermometer = Thermometer(tmp_path, vcgencmd=None)
    assert thermometer.read().throttled == ()
    write(tmp_path, counter, "19")
    assert thermometer.read().throttled == ("throttled by the processor itself",)
    assert thermometer.read().throttled == ()


def test_the_files_are_read_every_few_seconds_however_often_it_is_asked(tmp_path: Path) -> None:
    board(tmp_path, class__thermal__thermal_zone0__type="cpu", class__thermal__thermal_zone0__temp="50000")
    thermometer = Thermometer(tmp_path, vcgencmd=None)
    assert thermometer.heat(1000.0).temperature_c == 50.0
    write(tmp_path, "class/thermal/thermal_zone0/temp", "60000")
    assert thermometer.heat(1000.0 + READ_EVERY_S / 2).temperature_c == 50.0
    assert thermometer.heat(1000.0 + READ_EVERY_S).temperature_c == 60.0


def test_this_machine_can_be_asked() -> None:
    heat = Thermometer().read()
    assert heat.temperature_c is None or 0 < heat.temperature_c < 120
