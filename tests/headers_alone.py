#!/usr/bin/env python3
"""Compiles every header by itself, included twice: what a header needs it includes, and it has an include guard.

    headers_alone.py ROOT --compiler CXX [--include DIRECTORY]... [--jobs N] [--without FOLDER]... [FOLDER]...

What lies below a folder that is named by --without is left out: what it needs is not installed.

Exit code: 0 if all compile, 1 with the compiler's first errors, 2 if there is no header.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import each_file

FOLDERS = ("os", "pools", "workloads", "harness")


def compile_alone(compiler: list[str], flags: list[str], root: Path, header: Path) -> str:
    """The compiler's errors; empty if the header stands alone."""
    line = f'#include "{header.relative_to(root).as_posix()}"\n'
    done = subprocess.run(
        [*compiler, *flags, "-fsyntax-only", "-x", "c++", "-"],
        input=line * 2,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr.strip() or f"the compiler ended with {done.returncode}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", nargs="*", default=FOLDERS)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(argv)

    headers = each_file.found(options.root, options.folder, ".h", "header", options.without)
    if not headers:
        return 2
    flags = [
        "-std=c++20",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{options.root}",
        *(f"-I{path}" for path in options.include),
    ]
    failed = each_file.count_failed(
        options.root,
        headers,
        lambda header: compile_alone([options.compiler], flags, options.root, header),
        options.jobs,
        " does not stand alone",
    )
    print(f"{len(headers)} headers, {failed} do not stand alone")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
