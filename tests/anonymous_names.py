#!/usr/bin/env python3
"""Sources that are compiled together have different anonymous names: of two functions of one name the compiler would
take the better overload, without a word, whichever file it is from.

    anonymous_names.py ROOT BUILD

Reads the units of CMake's unity build from BUILD/compile_commands.json. The sources are formatted: what stands in the
first column of an anonymous namespace is declared there. Exit code: 0 if all differ, 1 with those that do not; a line
that begins with "skipped: " if nothing is compiled together.
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import compile_commands

ANONYMOUS = re.compile(r"^namespace \{\n(.*?)^\}  // namespace$", re.MULTILINE | re.DOTALL)
NAMES = (
    re.compile(r"(?:struct|class|enum class|enum|union|concept) ([A-Za-z_]\w*)"),
    re.compile(r"[^=(]*?\b([A-Za-z_]\w*)\((?!\))"),  # a function with parameters
    re.compile(r"[^=(]*?\b([A-Za-z_]\w*)\(\)"),
    re.compile(r"[^=({;]*?\b([A-Za-z_]\w*)(?:\[[^\]]*\])?(?: = |\{|;)"),
)
# Registrations, each under a name of its own that the macro makes.
MACROS = re.compile(r"[A-Z][A-Z_]+(?:_P|_F)?\(")


def names_in(text: str) -> Iterator[str]:
    """Of the anonymous namespaces of a source, a declaration and its definition once each."""
    for namespace in ANONYMOUS.finditer(text):
        for line in namespace.group(1).splitlines():
            line = re.sub(r"^(?:template <.*?>|\[\[\w+\]\]) ?", "", line)
            if not line or not (line[0].isalpha() or line[0] in "_:") or MACROS.match(line):
                continue
            if line.startswith(("using ", "namespace ", "static_assert", "public:", "private:", "requires ")):
                continue  # of two aliases the compiler says whether they differ
            for pattern in NAMES:
                if found := pattern.match(line):
                    yield found.group(1)
                    break


def shared_names(sources: list[Path]) -> dict[str, list[Path]]:
    """Name -> those of the sources that have it, if it is more than one."""
    owners: dict[str, list[Path]] = defaultdict(list)
    for source in sources:
        for name in dict.fromkeys(names_in(source.read_text(encoding="utf-8"))):
            owners[name].append(source)
    return {name: files for name, files in owners.items() if len(files) > 1}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("build", type=Path, metavar="BUILD")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    units = list(compile_commands.units(options.build))
    if not units:
        print("skipped: nothing is compiled together in this build")
        return 0
    found = False
    for sources in units:
        for name, files in shared_names(sources).items():
            found = True
            print(
                f"{name}: in {' and '.join(str(file.relative_to(root)) for file in files)}, which are compiled together"
            )
    print(f"{len(units)} units")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
