"""Who is in the table, one line each: the program that owns its pool, and which package it takes, where that is."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HOSTS = Path(__file__).resolve().parent / "hosts"
ROOT = Path(__file__).resolve().parents[4]
PYTHON_HOST = "poolbench.experiments.crash_table.hosts.python_host"


class Missing(Exception):
    """Which package is not there, and how to get it."""


class Setup(NamedTuple):
    python: str  # the interpreter that is measured
    node: str
    node_modules: Path  # where npm has put piscina and tinypool
    fault_driver: Path  # of this project's own pool


class Contender(NamedTuple):
    name: str
    title: str
    version: Callable[[Setup], str]  # raises Missing
    command: Callable[[Setup], list[str]]  # of its host, but for the fault and the directory


def answer(*command: str) -> str:
    """What the command prints, empty if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def python_pool(name: str, title: str, package: str, expression: str, how: str) -> Contender:
    def version(setup: Setup) -> str:
        found = answer(setup.python, "-c", f"import sys; {expression}")
        if not found:
            raise Missing(f"{setup.python} has no {package}: {how}")
        return found

    return Contender(name, title, version, lambda setup: [setup.python, "-m", PYTHON_HOST, name])


def node_version(setup: Setup) -> str:
    found = answer(setup.node, "--version")
    if not found:
        raise Missing(f"there is no {setup.node}: apt-get install nodejs")
    return found


def node_pool(name: str, title: str, package: str) -> Contender:
    def version(setup: Setup) -> str:
        node = node_version(setup)
        if not package:
            return f"Node {node}"
        path = setup.node_modules / package / "package.json"
        if not path.is_file():
            raise Missing(f"{setup.node_modules} has no {package}: npm install --prefix {path.parents[2]} {package}")
        return f"{json.loads(path.read_text(encoding='utf-8'))['version']}, Node {node}"

    def command(setup: Setup) -> list[str]:
        return [setup.node, str(HOSTS / "node_host.mjs"), name, str(setup.node_modules)]

    return Contender(name, title, version, command)


def own_version(setup: Setup) -> str:
    if not os.access(setup.fault_driver, os.X_OK):
        raise Missing(f"there is no {setup.fault_driver}: cmake --build build/release --target fault_driver")
    version = re.search(
        r"VERSION\s+([\d.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8").partition("project(")[2]
    )
    return version.group(1) if version else "unknown"


CONTENDERS = (
    Contender(
        "poolbench",
        "`pools::ProcessPool`",
        own_version,
        lambda setup: [str(setup.fault_driver), "--actor", "contender"],
    ),
    python_pool(
        "cpython",
        "`concurrent.futures`",
        "concurrent.futures",
        "import concurrent.futures; print('CPython', sys.version.split()[0])",
        "give another --python",
    ),
    python_pool(
        "mp_pool",
        "`multiprocessing.Pool`",
        "multiprocessing",
        "import multiprocessing.pool; print('CPython', sys.version.split()[0])",
        "give another --python",
    ),
    python_pool(
        "loky",
        "loky",
        "joblib, which has loky in it",
        "import joblib.externals.loky as l; print(l.__version__ + ', CPython', sys.version.split()[0])",
        "apt-get install python3-joblib",
    ),
    python_pool(
        "pebble",
        "pebble",
        "pebble",
        "import pebble, importlib.metadata as m; print(m.version('pebble') + ', CPython', sys.version.split()[0])",
        "apt-get install python3-pebble",
    ),
    python_pool(
        "billiard",
        "billiard",
        "billiard",
        "import billiard; print(billiard.__version__ + ', CPython', sys.version.split()[0])",
        "apt-get install python3-billiard",
    ),
    node_pool("worker_threads", "`worker_threads`", ""),
    node_pool("piscina", "piscina", "piscina"),
    node_pool("tinypool", "tinypool", "tinypool"),
    node_pool("tinypool_processes", "tinypool, processes", "tinypool"),
)


def default_setup() -> Setup:
    return Setup(
        python="/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3",
        node=shutil.which("node") or "node",
        node_modules=ROOT / "out" / "crash_table" / "node_modules",
        fault_driver=ROOT / "build" / "release" / "pools" / "tests" / "faults" / "fault_driver",
    )
