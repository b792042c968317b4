"""Prove that the pinned requirements install under every supported Python from wheels alone. Standard library only.

All of them are downloaded for each version, verified by their hashes. Where an interpreter is available, those of the
product are installed, with no compiler in PATH, and imported.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import make_venv

VERSIONS = [f"3.{minor}" for minor in range(make_venv.OLDEST[1], make_venv.NEWEST[1] + 1)]
PLATFORMS = [
    "manylinux2014_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux_2_24_x86_64",
    "manylinux_2_28_x86_64",
]
# Packages with code of their own for each Python, and the product itself up to its settings.
IMPORTS = """
import celery, django, hiredis, orjson, psutil, psycopg
import leadswitch.env
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
assert psycopg.pq.__impl__ == "binary"
"""


def main():
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        for line in pool.map(lambda version: prove(version, Path(folder)), VERSIONS):
            print(line, flush=True)  # noqa: T201


def prove(version, folder):
    wheels = folder / version
    download(version, wheels)
    python = find_python(version)
    if python is None:
        return f"Python {version}: all wheels are there (no interpreter to install them)"
    install(python, wheels, folder / f"venv-{version}")
    return f"Python {version}: all wheels are there, installed without a compiler and imported"


def download(version, wheels):
    tag = f"cp{version.replace('.', '')}"
    target = ["--implementation", "cp", "--python-version", version]
    target += [part for abi in (tag, "abi3", "none") for part in ("--abi", abi)]
    target += [part for platform in PLATFORMS for part in ("--platform", platform)]
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]
    requirements = str(make_venv.REQUIREMENTS)
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            *options,
            *target,
            "--dest",
            str(wheels),
            "-r",
            requirements,
        ]
    )


def find_python(version):
    """Look in PATH and in pyenv. None if there is none."""
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for each in filter(None, candidates):
        command = [str(each), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return str(each)
    return None


def install(python, wheels, venv):
    run([python, "-m", "venv", "--without-pip", str(venv)])
    in_venv = str(venv / "bin" / "python")
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--find-links", str(wheels)]
    options += ["--only-binary=:all:", "--require-hashes", "--no-compile"]
    requirements = str(make_venv.REPOSITORY / "requirements.txt")
    # Only the environment itself is in PATH, so no compiler is found.
    bare = {"PATH": str(venv / "bin"), "HOME": os.environ.get("HOME", "/"), "PIP_FIND_LINKS": ""}
    run([sys.executable, "-m", "pip", "--python", in_venv, "install", *options, "-r", requirements], bare)
    run([in_venv, "-c", IMPORTS], bare)


def run(command, environment=None):
    status = subprocess.run(command, cwd=make_venv.REPOSITORY, env=environment, check=False).returncode
    if status:
        sys.exit(f"failed ({status}): {' '.join(command)}")


if __name__ == "__main__":
    main()
