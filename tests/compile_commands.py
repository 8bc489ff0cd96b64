"""BUILD/compile_commands.json by source: CMake has one entry for sources that are compiled together."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "compile_commands.json"
TOGETHER = re.compile(r"/Unity/unity_\w*\.cxx$")
INCLUDED = re.compile(r'^#include "(.+)"$', re.MULTILINE)


def sources_in(unit: str) -> list[str]:
    """What is compiled together in it; nothing if it is a source of its own."""
    return INCLUDED.findall(Path(unit).read_text(encoding="utf-8")) if TOGETHER.search(unit) else []


def commands(build: Path) -> list[dict[str, Any]]:
    """As in the file: directory, file, command."""
    read: list[dict[str, Any]] = json.loads((build / NAME).read_text(encoding="utf-8"))
    return read


def units(build: Path) -> Iterator[list[Path]]:
    """The sources of each unit."""
    for entry in commands(build):
        if sources := sources_in(entry["file"]):
            yield [Path(source) for source in sources]


def entries(build: Path) -> Iterator[dict[str, Any]]:
    """The commands; a source of a unit has that of its unit for itself."""
    for entry in commands(build):
        unit = entry["file"]
        for source in sources_in(unit) or [unit]:
            yield {**entry, "file": source, "command": entry["command"].replace(unit, source)}


def write(build: Path, directory: Path) -> None:
    """The same file for one who has to have it as a file."""
    (directory / NAME).write_text(json.dumps(list(entries(build))), encoding="utf-8")
