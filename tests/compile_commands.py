"""BUILD/compile_commands.json by source: CMake has one entry for sources that are compiled together."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "compile_commands.json"
TOGETHER = re.compile(r"/Unity/unity_\w*\.cxx$")
INCLUDED = re.compile(r'^#include "(.+)"$', re.MULTILINE)


def units(build: Path) -> Iterator[tuple[str, list[Path]]]:
    """What is compiled together: the unit, and its sources."""
    for entry in json.loads((build / NAME).read_text(encoding="utf-8")):
        if TOGETHER.search(entry["file"]):
            yield entry["file"], [
                Path(name) for name in INCLUDED.findall(Path(entry["file"]).read_text(encoding="utf-8"))
            ]


def entries(build: Path) -> Iterator[dict[str, Any]]:
    """As in the file: directory, file, command; a source of a unity build has the command of its unit for itself."""
    for entry in json.loads((build / NAME).read_text(encoding="utf-8")):
        unit = entry["file"]
        if TOGETHER.search(unit):
            for source in INCLUDED.findall(Path(unit).read_text(encoding="utf-8")):
                yield {**entry, "file": source, "command": entry["command"].replace(unit, source)}
        else:
            yield entry


def write(build: Path, directory: Path) -> None:
    """The same file for one who has to have it as a file."""
    (directory / NAME).write_text(json.dumps(list(entries(build))), encoding="utf-8")
