"""The CI on GitHub: it runs .ci/run on each Python that LeadSwitch supports, in the image's Debian."""

import re
import tomllib
from typing import Any

import yaml

from leadswitch.env import REPOSITORY


def read_job() -> dict[str, Any]:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())
    [job] = workflow["jobs"].values()
    return job


def test_each_supported_python_is_tested() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    oldest, after = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"]).groups()
    job = read_job()
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(int(oldest), int(after))]
    assert "fail-fast" in job["strategy"]
    assert not job["strategy"]["fail-fast"]


def test_ci_runs_the_script_of_the_repository_alone() -> None:
    job = read_job()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (REPOSITORY / ".ci" / "run").stat().st_mode & 0o111


def test_ci_and_the_production_image_have_the_same_debian() -> None:
    [debian] = re.findall(r"^FROM python:[\d.]+-slim-(\w+)$", (REPOSITORY / "Dockerfile").read_text(), re.M)
    assert read_job()["container"]["image"] == "python:${{ matrix.python }}-" + debian
