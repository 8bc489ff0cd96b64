#!/usr/bin/env python3
"""A public header or the guide as Doxygen is to read it: a header's plain // comments are all documentation.

    filter.py FILE > WHAT_DOXYGEN_READS      (FILTER_PATTERNS of the Doxyfile)

The first block of a file describes the file, a block before a declaration the declaration, and a comment behind code on
its line what is there. Lines that only divide a file into sections say nothing. A link of the guide to a page that is
not part of the reference becomes its text. Lines keep their numbers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

WHOLE_LINE = re.compile(r"^(\s*)//(?!/) ?(.*)$")
SECTION = re.compile(r"^\s*// ?---")
LINK_TO_PAGE = re.compile(r"\[([^\]]*)\]\(\.\./([^)\s#]*\.md)[^)]*\)")


def escaped(text: str) -> str:
    """Without what Doxygen would take for a command, a tag or a link."""
    return re.sub(r"([@\\<>#])", r"\\\1", text)


def comment_behind(line: str) -> int:
    """Where the comment behind the code of a line begins; -1: it has none."""
    at = line.find(" //")
    in_string = line[:at].replace('\\"', "").count('"') % 2 == 1
    return -1 if at < 0 or in_string or line.lstrip().startswith(("#", "}")) else at + 1


def filtered(lines: Iterable[str], name: str) -> Iterator[str]:
    file_is_described = False
    for line in lines:
        whole_line = WHOLE_LINE.match(line)
        if SECTION.match(line):
            yield ""
        elif whole_line:
            indent, text = whole_line.groups()
            file = "" if file_is_described else f"@file {name} "
            file_is_described = True
            yield f"{indent}/// {file}{escaped(text)}"
        elif (at := comment_behind(line)) >= 0:
            yield f"{line[:at]}///< {escaped(line[at + 2:].strip())}"
        else:
            yield line


def without_links_to_pages(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield LINK_TO_PAGE.sub(r"\1 (`\2`)", line)


def main() -> None:
    path = Path(sys.argv[1])
    lines = path.read_text(encoding="utf-8").splitlines()
    print("\n".join(without_links_to_pages(lines) if path.suffix == ".md" else filtered(lines, path.name)))


if __name__ == "__main__":
    main()
