#!/usr/bin/env python3
"""Checks every #include of a source tree, also what it includes in turn, against the directions in DESIGN.md.

    main.cpp > cli > report > recommend > validate > analysis > sweep > plan > engine > machine > core > model > base

A room of the harness includes itself and those after it in this line. pools and workloads include neither each other
nor the harness; contenders includes itself only, and of the harness the engine alone includes it; harness/model
includes the standard library and itself; harness/base knows nothing of poolbench. os lies below all of them and
includes none; in pools, src/process/os alone includes it. Within pools

    src/remote > src/process > src/process/ipc > src/process/os
    src/process, src/thread > src/future > src/base > include

and in include/pools, what programs include, detail/ knows no pool. Nobody includes tests or fuzz. An include in quotes
is written from the root, or from pools/include, and names a file that exists.

    include_directions.py ROOT [--build DIRECTORY]     (generated headers are looked for below DIRECTORY)

Exit code: 0 if there is no violation, 1 with a line for each, 2 if ROOT holds no sources.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# A comment, or a string that may hold what looks like one.
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")', re.DOTALL)
PUBLIC = "pools/include/"
FOLDERS = ("contenders", "os", "pools", "workloads", "harness", "fuzz", "tests", "examples")

# The harness from its roof to its ground.
ROOMS = (
    "main.cpp",
    "cli/",
    "report/",
    "recommend/",
    "validate/",
    "analysis/",
    "sweep/",
    "plan/",
    "engine/",
    "machine/",
    "core/",
    "model/",
    "base/",
)
# Slow to compile and no business of those who include a header: they stay in .cpp files, or in a header that only
# .cpp files include.
HEAVY = ("boost/asio", "boost/beast", "boost/process", "nlohmann/json.hpp", "toml++/", "CLI/")


@dataclass(frozen=True)
class Rule:
    """Files below `folder` (but for `exceptions`) include nothing below one of `forbidden` (but for what is below one
    of `allowed`)."""

    folder: str
    forbidden: tuple[str, ...]
    why: str
    exceptions: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


def rooms_above(index: int) -> tuple[str, ...]:
    return tuple("harness/" + above for above in ROOMS[:index])


RULES = (
    Rule("contenders/", ("pools/", "workloads/", "harness/"), "contenders are other libraries' pools and nothing else"),
    Rule("harness/", ("contenders/",), "the engine alone has contenders", ("harness/engine/", "harness/tests/")),
    Rule("pools/", ("contenders/",), "pools knows no other pools", ("pools/benchmarks/",)),
    Rule("os/", ("pools/", "workloads/", "harness/"), "os lies below all the rest"),
    Rule("pools/", ("workloads/", "harness/"), "pools knows nothing of the rest"),
    Rule("pools/", ("os/",), "within pools, os is what src/process/os stands on", ("pools/src/process/os/",)),
    Rule("pools/include/", ("pools/src/",), "a public header reaches nothing outside pools/include"),
    Rule(
        "pools/include/pools/detail/",
        tuple(f"{PUBLIC}pools/{name}.h" for name in ("pools", "thread_pool", "process_pool", "remote_pool")),
        "what public headers need knows no pool",
    ),
    Rule(
        "pools/src/base/",
        ("pools/src/future/", "pools/src/thread/", "pools/src/process/", "pools/src/remote/"),
        "src/base lies below that",
    ),
    Rule(
        "pools/src/future/",
        ("pools/src/thread/", "pools/src/process/", "pools/src/remote/"),
        "src/future lies below that",
    ),
    Rule("pools/src/thread/", ("pools/src/process/", "pools/src/remote/"), "a thread pool knows no process pool"),
    Rule("pools/src/process/", ("pools/src/thread/",), "a process pool knows no thread pool"),
    Rule("pools/src/process/", ("pools/src/remote/",), "a process pool knows no remote pool"),
    Rule("pools/src/remote/", ("pools/src/thread/",), "a remote pool knows no thread pool"),
    Rule(
        "pools/src/process/os/",
        ("pools/src/process/",),
        "src/process/os lies below that",
        allowed=("pools/src/process/os/",),
    ),
    Rule(
        "pools/src/process/ipc/",
        ("pools/src/process/",),
        "src/process/ipc lies below that",
        allowed=("pools/src/process/ipc/", "pools/src/process/os/"),
    ),
    Rule("workloads/", ("pools/", "harness/"), "workloads knows no pool and no harness", ("workloads/tests/",)),
    Rule("workloads/tests/", ("harness/",), "workloads knows no harness"),
    Rule("harness/model/", ("os/", "pools/", "workloads/", "harness/base/"), "harness/model sees numbers only"),
    Rule("harness/base/", ("pools/", "workloads/"), "harness/base knows nothing of poolbench"),
    *(
        Rule("harness/" + room, rooms_above(index), f"harness/{room} lies below that")
        for index, room in enumerate(ROOMS)
        if index > 0
    ),
    *(
        Rule(
            folder,
            ("harness/tests/", "pools/tests/", "workloads/tests/", "fuzz/", "tests/"),
            "nobody includes tests and fuzz targets",
            tuple(
                f"{tested}{part}/"
                for tested in ("pools/", "workloads/", "harness/")
                for part in ("tests", "benchmarks")
            ),
        )
        for folder in ("pools/", "workloads/", "harness/")
    ),
)


def violations(root: Path, build: Path | None = None) -> Iterator[tuple[str, int, str, str]]:
    """(file, line, include, why) of every include that points the wrong way, in file order: by itself, or through what
    it includes."""
    found = list(includes(root))
    in_headers = {quoted for name, _, quoted, _ in found if name.endswith(".h")}
    below: dict[str, list[str]] = {}
    for name, _, quoted, _ in found:
        if quoted:
            below.setdefault(name, []).append(quoted)
    for name, line, quoted, angled in found:
        direct = list(judge(root, build, name, quoted, angled, in_headers))
        for why in direct:
            yield name, line, quoted or angled or "", why
        if quoted and not direct:
            # What a file further down may not reach either is told there.
            for path in paths_from(quoted, below):
                if any(broken(further, path[-1]) for further in path[:-1]):
                    continue
                for why in broken(name, path[-1]):
                    yield name, line, quoted, f"{why}: it leads to {path[-1]}"


def paths_from(first: str, below: dict[str, list[str]]) -> list[list[str]]:
    """The shortest chain of includes to every file that `first` includes in turn."""
    seen = {first}
    chains = [[first]]
    for chain in chains:
        for included in below.get(chain[-1], ()):
            if included not in seen:
                seen.add(included)
                chains.append([*chain, included])
    return chains[1:]


def broken(name: str, included: str) -> list[str]:
    """Why `name` may not include `included`: the rules that say so."""
    return [
        rule.why
        for rule in RULES
        if name.startswith(rule.folder)
        and not any(name.startswith(exception) for exception in rule.exceptions)
        and included.startswith(rule.forbidden)
        and not included.startswith(rule.allowed)
    ]


def includes(root: Path) -> Iterator[tuple[str, int, str | None, str | None]]:
    """(file, line, name in quotes, name in angle brackets) of every include; one of the names is None."""
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        # Comments go, line numbers stay.
        code = COMMENT.sub(lambda found: found.group(1) or "\n" * found.group().count("\n"), text)
        for match in INCLUDE.finditer(code):
            quoted, angled = match.groups()
            # A public header has one name, the one that those write who have nothing else.
            if quoted and quoted.startswith(PUBLIC):
                quoted = quoted.replace(PUBLIC, "", 1) + " by another name"
            elif quoted and (root / PUBLIC / quoted).is_file():
                quoted = PUBLIC + quoted
            yield path.relative_to(root).as_posix(), code.count("\n", 0, match.start()) + 1, quoted, angled


def judge(
    root: Path, build: Path | None, name: str, quoted: str | None, angled: str | None, in_headers: set[str | None]
) -> Iterator[str]:
    included = quoted or angled or ""
    yield from broken(name, included)
    if name.startswith("harness/model/") and angled and not re.fullmatch(r"[a-z_]+", angled):
        yield "harness/model includes the standard library and itself"
    if quoted and not (root / quoted).is_file() and not (build and any(Path(build).rglob(Path(quoted).name))):
        yield "an include in quotes is written from the root, or from pools/include, and names a file that exists"
    if (
        angled
        and angled.startswith(("pools/", "workloads/", "harness/"))
        and not name.startswith(("tests/consumer/", "tests/thread_consumer/", "tests/remote_consumer/"))
    ):
        yield "the project's own headers are included in quotes"
    if name in in_headers and "/tests/" not in name and included.startswith(HEAVY):
        yield "other headers include this one, which makes all that include them slow to compile: keep it in a .cpp"


def sources(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--build", type=Path)
    options = parser.parse_args(argv)
    count = sum(1 for _ in sources(options.root))
    if count == 0:
        print(f"{options.root} holds no sources below {', '.join(FOLDERS)}", file=sys.stderr)
        return 2
    found = list(violations(options.root, options.build))
    for name, line, included, why in found:
        print(f"{name}:{line}: {included}: {why}")
    print(f"{count} files, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
