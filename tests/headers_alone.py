#!/usr/bin/env python3
"""Compiles every header by itself, included twice: what a header needs it includes, and it has an include guard.

    headers_alone.py ROOT --compiler CXX [--include DIRECTORY]... [--jobs N] [--rotate N] [--without FOLDER]...
                     [FOLDER]...

With --rotate: those that have changed (as tidy.py has it), and of the others one in N, other ones at each commit, so
that N commits see all of them. Outside of a clone all.

What lies below a folder that is named by --without is left out: what it needs is not installed.

Exit code: 0 if all compile, 1 with the compiler's first errors, 2 if there is no header.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import each_file
import tidy

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


def of_this_commit(root: Path, headers: list[Path], rotate: int) -> list[Path]:
    """Those that changed, and each rotate-th of all."""
    changed = tidy.changed_files(root)
    commits = tidy.git(root, "rev-list", "--count", "HEAD")
    if changed is None or not commits:
        return headers
    turn = int(commits[0])
    return [
        header
        for number, header in enumerate(headers)
        if (number + turn) % rotate == 0 or header.relative_to(root).as_posix() in changed
    ]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", nargs="*", default=FOLDERS)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rotate", type=int, default=1)
    options = parser.parse_args(argv)
    if options.rotate < 1:
        parser.error(f"bad --rotate {options.rotate}; allowed: 1 or more")

    headers = each_file.found(options.root, options.folder, ".h", "header", options.without)
    if not headers:
        return 2
    everyone = len(headers)
    headers = of_this_commit(options.root, headers, options.rotate)
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
    print(f"{len(headers)} of {everyone} headers, {failed} do not stand alone")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
