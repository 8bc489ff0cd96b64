#!/usr/bin/env python3
"""Checks every #include of a source tree against the directions in DESIGN.md.

    cli -> suite, plan, sweep, child_runner, sinks, validate -> backends, strategies -> pools, workloads

pools and workloads include neither each other nor the harness; harness/model includes the standard library and itself;
harness/backends and harness/strategies know nothing of suites, plans, sinks, claims or the command line; nobody but the
program and its own files includes harness/cli. An include in quotes is written from the root and names a file that exists.

    include_directions.py ROOT [--build DIRECTORY]     (generated headers are looked for below DIRECTORY)

Exit code: 0 if there is no violation, 1 with a line for each, 2 if ROOT holds no sources.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# A comment, or a string that may hold what looks like one.
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")', re.DOTALL)
FOLDERS = ("pools", "workloads", "harness", "tests")

# The front of the harness, which backends and strategies must not know.
FRONT = ("harness/cli/", "harness/sinks/", "harness/suite", "harness/plan", "harness/sweep", "harness/validate",
         "harness/claims", "harness/derived", "harness/report", "harness/environment", "harness/distribution")
# Slow to compile and no business of those who include a header: they stay in .cpp files, or in a header that only .cpp files
# include.
HEAVY = ("boost/asio", "boost/beast", "boost/process", "nlohmann/json.hpp", "toml++/", "CLI/")


@dataclass(frozen=True)
class Rule:
    """Files below `folder` (but for `exceptions`) include nothing below one of `forbidden`."""

    folder: str
    forbidden: tuple
    why: str
    exceptions: tuple = ()


RULES = (
    Rule("pools/", ("workloads/", "harness/"), "pools knows nothing of the rest"),
    Rule("workloads/", ("pools/", "harness/"), "workloads knows no pool and no harness", ("workloads/tests/",)),
    Rule("workloads/tests/", ("harness/",), "workloads knows no harness"),
    Rule("harness/model/", ("pools/", "workloads/", "harness/"), "harness/model sees numbers only"),
    Rule("harness/backends/", FRONT, "backends lie below suites, plans, sinks and the command line"),
    Rule("harness/strategies/", FRONT, "strategies lie below suites, plans, sinks and the command line"),
    Rule("harness/sinks/", ("harness/cli/", "harness/sweep", "harness/backends/", "harness/strategies/"),
         "sinks take rows from whoever has them"),
    Rule("harness/", ("harness/cli/",), "nobody includes harness/cli but the program",
         ("harness/cli/", "harness/main.cpp", "harness/tests/")),
)


def violations(root, build=None):
    """(file, line, include, why) of every include that points the wrong way, in file order."""
    found = list(includes(root))
    in_headers = {quoted for name, _, quoted, _ in found if name.endswith(".h")}
    for name, line, quoted, angled in found:
        for why in judge(root, build, name, quoted, angled, in_headers):
            yield name, line, quoted or angled, why


def includes(root):
    """(file, line, name in quotes, name in angle brackets) of every include; one of the names is None."""
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        # Comments go, line numbers stay.
        code = COMMENT.sub(lambda found: found.group(1) or "\n" * found.group().count("\n"), text)
        for match in INCLUDE.finditer(code):
            yield path.relative_to(root).as_posix(), code.count("\n", 0, match.start()) + 1, *match.groups()


def judge(root, build, name, quoted, angled, in_headers):
    included = quoted or angled
    for rule in RULES:
        inside = name.startswith(rule.folder) and not any(name.startswith(exception) for exception in rule.exceptions)
        own = rule.folder == "harness/model/" and included.startswith("harness/model/")
        if inside and included.startswith(rule.forbidden) and not own:
            yield rule.why
    if name.startswith("harness/model/") and angled and not re.fullmatch(r"[a-z_]+", angled):
        yield "harness/model includes the standard library and itself"
    if quoted and not (root / quoted).is_file() and not (build and any(Path(build).rglob(Path(quoted).name))):
        yield "an include in quotes is written from the root and names a file that exists"
    if angled and angled.startswith(("pools/", "workloads/", "harness/")) and not name.startswith("tests/consumer/"):
        yield "the project's own headers are included in quotes"
    if name in in_headers and "/tests/" not in name and included.startswith(HEAVY):
        yield "other headers include this one, which makes all that include them slow to compile: keep it in a .cpp"


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path


def main(argv):
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
