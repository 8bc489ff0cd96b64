#!/usr/bin/env python3
"""Runs a tool that judges or formats sources over all files of a language: those that git tracks, or, outside of a
clone, all that are not below build/, out/ or a hidden folder.

    dialect.py ROOT LANGUAGE COMMAND...     LANGUAGE: python (programs without a suffix, too) or c++
    dialect.py . python black               formats what scripts.format finds

The files are COMMAND's last arguments, named from ROOT, where it runs. Exit code: COMMAND's; 2 if there is no file.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = {"python": (".py",), "c++": (".cpp", ".h", ".c")}


def files(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        names = sorted(path.relative_to(root) for path in root.rglob("*"))
        names = [name for name in names if name.parts[0] not in ("build", "out") and not name.parts[0].startswith(".")]
    return [name for name in names if (root / name).is_file()]


def is_python_program(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(64).startswith(b"#!/usr/bin/env python3\n")


def sources(root: Path, language: str) -> Iterator[Path]:
    for name in files(root):
        if name.suffix in SUFFIXES[language]:
            yield name
        elif language == "python" and not name.suffix and is_python_program(root / name):
            yield name


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("language", choices=SUFFIXES, metavar="LANGUAGE")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    names = [str(name) for name in sources(root, options.language)]
    if not options.command or not names:
        parser.error(f"{root} holds no sources in {options.language}" if options.command else "COMMAND is missing")
    return subprocess.run([*options.command, *names], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
