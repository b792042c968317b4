"""The drill of the alarm: its Prometheus reads the committed rules, and every process that the product runs."""

import subprocess
from pathlib import Path

import yaml

from leadswitch.up import programs
from tests.load.alarm import CONFIGURATION, KINDS, product, write_configuration
from tests.support import machine

PORTS = {kind: 20_000 + place for place, kind in enumerate(KINDS)}


def test_prometheus_reads_the_committed_rules_and_every_process(tmp_path: Path) -> None:
    file = write_configuration(tmp_path, PORTS)
    checked = subprocess.run(
        [machine.promtool(), "check", "config", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    configuration = yaml.safe_load(file.read_text())
    assert configuration["rule_files"] == [str(CONFIGURATION / "rules.yml")]
    targets = [job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]]
    assert sorted(targets) == sorted([f"127.0.0.1:{port}"] for port in PORTS.values())


def test_product_of_the_drill_is_that_of_make_up() -> None:
    ours = product(PORTS)
    assert (
        set(ours)
        == {program.name for program in programs("127.0.0.1", PORTS["web"], workers=2)}
        == set(KINDS)
    )
    directories = {environment["PROMETHEUS_MULTIPROC_DIR"] for _, environment in ours.values()}
    assert len(directories) == len(KINDS)
