#!/usr/bin/env python3
"""Has clang check who holds which mutex (-Wthread-safety) in every source file of the pools: what is annotated with
GUARDED_BY and REQUIRES (pools/src/base/thread_safety.h) is touched by nobody else.

    thread_safety.py ROOT --clang CLANG++ [--include DIRECTORY]... [--jobs N] [--rotate N]
                     [--without FOLDER]... [FOLDER]...

With --rotate: every file if one of pools has changed (as tidy.py has it), else one in N, other ones at each commit.
What lies below a folder that is named by --without is left out: what it needs is not installed.

Exit code: 0 if clang has nothing to say, 1 with its first lines on each file, 2 if there is no source file.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import each_file
import headers_alone
import tidy

FOLDERS = ("pools/src",)


def complaints(clang: str, flags: list[str], sources: list[Path]) -> str:
    """What clang says of the files, which are looked at as one; empty if they are in order."""
    done = subprocess.run(
        [clang, *flags, "-fsyntax-only", "-x", "c++", "-"],
        input="".join(f'#include "{source}"\n' for source in sources),
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr.strip() or f"clang ended with {done.returncode}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", nargs="*", default=FOLDERS)
    parser.add_argument("--clang", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--rotate", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(argv)

    sources = each_file.found(options.root, options.folder, ".cpp", "source file", options.without)
    if not sources:
        return 2
    everyone = len(sources)
    if not any(name.startswith("pools/") for name in tidy.changed_files(options.root) or ["pools/"]):
        sources = headers_alone.of_this_commit(options.root, sources, options.rotate)
    flags = ["-std=c++20", "-Wthread-safety", "-Werror=thread-safety", f"-I{options.root}"]
    flags += [f"-I{path}" for path in options.include]
    # Those of a folder together, as a release compiles them: what all include is read once.
    folders: dict[Path, list[Path]] = {}
    for source in sources:
        folders.setdefault(source.parent, []).append(source.resolve())
    failed = each_file.count_failed(
        options.root, list(folders), lambda folder: complaints(options.clang, flags, folders[folder]), options.jobs
    )
    print(f"{len(sources)} of {everyone} files, {failed} folders with something held by nobody")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
