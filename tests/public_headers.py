#!/usr/bin/env python3
"""Preprocesses every public header of pools as a program does that has the installed ones only: it finds all that it
includes, and reaches nothing of the project outside them. Those that a ThreadPool's user needs reach none of the
libraries that process pools need.

    public_headers.py ROOT --compiler CXX

Exit code: 0 if the face is closed, 1 with a line for each header that is not, 2 if there is no public header.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

INCLUDE = "pools/include"
# These speak of process pools, too.
OF_PROCESS_POOLS = (
    "pools.h",
    "process_pool.h",
    "remote.h",
    "remote_executor.h",
    "remote_function.h",
    "remote_pool.h",
)
LIBRARIES = re.compile(r"/(cereal|boost|fmt)/")


def reached(compiler: str, root: Path, header: Path) -> tuple[list[Path], str]:
    """(files that the header includes in turn, the compiler's first error or an empty text)."""
    line = f'#include "{header.relative_to(root / INCLUDE).as_posix()}"\n'
    done = subprocess.run(
        [compiler, "-std=c++20", f"-I{root / INCLUDE}", "-M", "-x", "c++", "-"],
        input=line,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        return [], (errors or [f"the compiler ended with {done.returncode}"])[0]
    return [Path(name) for name in done.stdout.replace("\\\n", " ").split()[1:] if name != "-"], ""


def faults(compiler: str, root: Path, header: Path) -> Iterator[str]:
    files, error = reached(compiler, root, header)
    if error:
        yield error
    for file in files:
        inside = file.resolve()
        if inside.is_relative_to(root) and not inside.is_relative_to(root / INCLUDE):
            yield f"reaches {inside.relative_to(root)}, which is not installed"
        elif header.name not in OF_PROCESS_POOLS and LIBRARIES.search(inside.as_posix()):
            yield f"reaches {inside}, which only process pools need"
            return


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--compiler", required=True)
    options = parser.parse_args(argv)
    root = options.root.resolve()
    headers = sorted((root / INCLUDE / "pools").glob("*.h"))
    if not headers:
        print(f"{root / INCLUDE / 'pools'} holds no header", file=sys.stderr)
        return 2
    found = [f"{header.name}: {fault}" for header in headers for fault in faults(options.compiler, root, header)]
    for line in found:
        print(line)
    print(f"{len(headers)} public headers, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
