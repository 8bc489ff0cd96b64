#!/usr/bin/env python3
"""Has clang check who holds which mutex (-Wthread-safety) in every source file of the pools: what is annotated with
GUARDED_BY and REQUIRES (pools/src/base/thread_safety.h) is touched by nobody else.

    thread_safety.py ROOT --clang CLANG++ [--include DIRECTORY]... [--jobs N] [FOLDER]...

Exit code: 0 if clang has nothing to say, 1 with its first lines on each file, 2 if there is no source file.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDERS = ("pools/src",)


def complaints(clang: str, flags: list[str], source: Path) -> str:
    """What clang says of the file; empty if it is in order."""
    done = subprocess.run([clang, *flags, "-fsyntax-only", str(source)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip() or f"clang ended with {done.returncode}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", nargs="*", default=FOLDERS)
    parser.add_argument("--clang", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(argv)

    sources = [path for folder in options.folder for path in sorted((options.root / folder).rglob("*.cpp"))]
    if not sources:
        print(f"{options.root} holds no source file below {', '.join(options.folder)}", file=sys.stderr)
        return 2
    flags = ["-std=c++20", "-Wthread-safety", "-Werror=thread-safety", f"-I{options.root}"]
    flags += [f"-I{path}" for path in options.include]
    with ThreadPoolExecutor(options.jobs) as pool:
        said = list(pool.map(lambda source: complaints(options.clang, flags, source), sources))
    failed = 0
    for source, text in zip(sources, said):
        if text:
            failed += 1
            print(f"{source.relative_to(options.root)}:")
            print("\n".join(text.splitlines()[:12]))
    print(f"{len(sources)} files, {failed} with something held by nobody")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
