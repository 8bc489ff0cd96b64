#!/usr/bin/env python3
"""clang-tidy over the C++ files that have changed: since the branch left its upstream or, where that is nowhere, since
the commit before the last one; what is not committed counts. Of a header that changed, the source of its name or, where
there is none, one that includes it. Not over tests, which copy and move where no program would, and are the slowest to
judge.

    tidy.py ROOT BUILD [--clang-tidy PROGRAM] [--jobs N] [--most N] [--all]

BUILD holds compile_commands.json. What this clang cannot compile, though GCC does, is named and not judged. Beyond
--most files (default: 40) the rest is named. Exit code: 0, or 1 if there was a finding; 2 if there is nothing to go by.
"""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import compile_commands

# GCC's own warnings are unknown to it.
FLAGS = ("--quiet", "--extra-arg=-Wno-unknown-warning-option")


def git(root: Path, *arguments: str) -> list[str] | None:
    run = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False)
    return run.stdout.splitlines() if run.returncode == 0 else None


def base_of(root: Path) -> str | None:
    """The commit that the files are compared with; None outside of a clone and at a first commit."""
    head = git(root, "rev-parse", "HEAD")
    for upstream in ("@{upstream}", "origin/HEAD"):
        base = git(root, "merge-base", "HEAD", upstream)
        if base and base != head:
            return base[0]
    parent = git(root, "rev-parse", "--verify", "--quiet", "HEAD~1")
    return parent[0] if parent else None


def changed_files(root: Path) -> list[str] | None:
    base = base_of(root)
    if base is None:
        return None
    changed = git(root, "diff", "--name-only", "--diff-filter=d", base) or []
    untracked = git(root, "ls-files", "--others", "--exclude-standard") or []
    return sorted({*changed, *untracked})


def sources_of(root: Path, build: Path) -> dict[str, Path]:
    """The sources that are compiled, by their name below the root."""
    paths = (Path(entry["directory"], entry["file"]).resolve() for entry in compile_commands.entries(build))
    names = {str(path.relative_to(root)): path for path in paths if path.is_relative_to(root)}
    return {name: path for name, path in names.items() if "tests" not in path.relative_to(root).parts}


def includes(source: Path, header: str) -> bool:
    public = header.removeprefix("pools/include/")
    text = source.read_text(encoding="utf-8")
    return any(f'#include "{name}"' in text or f"#include <{name}>" in text for name in {header, public})


def to_judge(root: Path, build: Path, changed: Iterable[str]) -> list[str]:
    sources = sources_of(root, build)
    chosen = set()
    for name in changed:
        if name in sources:
            chosen.add(name)
        elif name.endswith(".h"):
            own = name.removesuffix(".h") + ".cpp"
            including = (source for source in sorted(sources) if includes(sources[source], name))
            chosen.update([own] if own in sources else itertools.islice(including, 1))
    return sorted(chosen)


def judge(program: str, root: Path, commands: str, name: str) -> tuple[str, list[str]]:
    """The name, and what was found: lines of clang-tidy's. `clang-diagnostic-error` is that it cannot be compiled."""
    command = [program, "-p", commands, *FLAGS, str(root / name)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    if said.returncode != 0 and "error:" not in said.stdout:
        return name, [f"{name}: {program} failed: {said.stderr.strip()}"]
    return name, said.stdout.splitlines()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("build", type=Path, metavar="BUILD")
    parser.add_argument("--clang-tidy", default="clang-tidy", metavar="PROGRAM")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--most", type=int, default=40, metavar="N")
    parser.add_argument("--all", action="store_true", help="every source, whether or not it has changed")
    options = parser.parse_args(argv)
    root, build = options.root.resolve(), options.build.resolve()
    if not (build / compile_commands.NAME).is_file():
        parser.error(f"{build} holds no {compile_commands.NAME}")
    if options.all:
        names = sorted(sources_of(root, build))
    else:
        changed = changed_files(root)
        if changed is None:
            print(f"skipped: {root} is no clone with a commit before its last one")
            return 0
        names = to_judge(root, build, changed)
        for name in names[options.most :]:
            print(f"not judged, since more than {options.most} sources have changed: {name}")
        names = names[: options.most]
    found = False
    with tempfile.TemporaryDirectory() as commands, ThreadPoolExecutor(options.jobs) as pool:
        compile_commands.write(build, Path(commands))
        for name, lines in pool.map(lambda name: judge(options.clang_tidy, root, commands, name), names):
            if any("[clang-diagnostic-error]" in line for line in lines):
                print(f"not judged, since this clang cannot compile it: {name}")
            elif any(re.search(r" (error|warning): ", line) or "failed: " in line for line in lines):
                found = True
                print("\n".join(lines))
    print(f"{len(names)} sources judged")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
