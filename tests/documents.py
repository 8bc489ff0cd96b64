#!/usr/bin/env python3
"""Checks the documents of a source tree: every .md file that is not below build/, out/ or a hidden folder.

    documents.py ROOT            check them all
    documents.py ROOT --write    first make again what stands between `<!-- made by: COMMAND -->` and `<!-- end -->`
    documents.py ROOT --links    check the links only

A relative link leads to a file or folder below ROOT, and its #fragment to a heading there. What is made is what its
command prints, run in ROOT. README.md has at most 10,000 bytes. A page opens with its title and a sentence that says
what it is. Lines have at most 120 columns, tables aside. README.md leads to every page of docs/, if need be by way of
others.

Exit code: 0 if all of that is so, 1 with a line for each place where it is not, 2 if ROOT holds no documents.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

LARGEST_README = 10_000  # bytes
WIDTH = 120
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[(?:[^][]|\[[^][]*\])*\]\(([^()\s]+)\)")
MADE = re.compile(r"^<!-- made by: ([^\n]+) -->\n(.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL)


def documents(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.md")):
        folders = path.relative_to(root).parts[:-1]
        if not any(folder in ("build", "out") or folder.startswith(".") for folder in folders):
            yield path


def blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with what matches blanked out, each line kept as a line."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def links(text: str) -> Iterator[tuple[int, str]]:
    """(line, target) of each link that is not in code."""
    prose = blanked(INLINE_CODE, blanked(FENCE, text))
    for match in LINK.finditer(prose):
        yield prose.count("\n", 0, match.start()) + 1, match.group(1)


def anchors(text: str) -> Iterator[str]:
    """The fragments that GitHub gives the headings of a page."""
    seen: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", blanked(FENCE, text), flags=re.MULTILINE):
        shown = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = seen.get(slug, 0)
        seen[slug] = number + 1
        yield f"{slug}-{number}" if number else slug


def target_of(root: Path, page: Path, link: str) -> tuple[Path, str] | None:
    """(path, fragment) that a relative link of the page means, or None: it leads elsewhere."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", link) or link.startswith("//"):
        return None
    name, _, fragment = link.partition("#")
    name = unquote(name)
    base = root if name.startswith("/") else page.parent
    return (base / name.lstrip("/") if name else page), fragment


def broken_links(root: Path, page: Path, text: str) -> Iterator[tuple[int, str]]:
    for line, link in links(text):
        target = target_of(root, page, link)
        if target is None:
            continue
        path, fragment = target
        if root not in (path.resolve(), *path.resolve().parents):
            yield line, f"the link to {link} leads out of the tree"
        elif not path.exists():
            yield line, f"there is no {link}"
        elif fragment and (path.suffix != ".md" or fragment not in anchors(path.read_text(encoding="utf-8"))):
            yield line, f"there is no heading #{fragment} in {path.name}"


def made(root: Path, command: str) -> str:
    done = subprocess.run(shlex.split(command), cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"`{command}` failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
    return "\n" + done.stdout.strip("\n") + "\n\n"


def stale(root: Path, text: str) -> Iterator[tuple[int, str]]:
    for match in MADE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        try:
            if match.group(2) != made(root, match.group(1)):
                yield line, f"this is not what `{match.group(1)}` prints; documents.py --write makes it again"
        except (OSError, RuntimeError) as error:
            yield line, str(error)
    if text.count("<!-- made by:") != len(MADE.findall(text)):
        yield 1, "a block that is made has no end"


def written(root: Path, text: str) -> str:
    return MADE.sub(lambda match: f"<!-- made by: {match.group(1)} -->\n{made(root, match.group(1))}<!-- end -->", text)


def misshapen(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    if (
        not re.match(r"# \S", lines[0])
        or len(lines) < 3
        or lines[1]
        or not re.match(r"[*`\w\[]", lines[2])
        or lines[2].startswith("* ")
    ):
        yield 1, "a page opens with its title, an empty line and a sentence that says what it is"
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH and not line.lstrip().startswith("|"):
            yield number, f"{len(line)} columns; at most {WIDTH}, tables aside"


def unreachable(root: Path, texts: dict[Path, str]) -> list[Path]:
    """Pages of docs/ that nobody finds who starts at README.md."""
    reached, todo = set(), [root / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page not in texts:
            continue
        reached.add(page)
        targets = (target_of(root, page, link) for _, link in links(texts[page]))
        todo.extend(target[0].resolve() for target in targets if target)
    return [page for page in texts if page.parent == root / "docs" and page not in reached]


def problems(root: Path, links_only: bool = False) -> Iterator[str]:
    texts = {page: page.read_text(encoding="utf-8") for page in documents(root)}
    for page, text in texts.items():
        found = list(broken_links(root, page, text))
        if not links_only:
            found += stale(root, text)
            if "results" not in page.relative_to(root).parts[:-2]:  # what a program left beside its results is as it is
                found += misshapen(text)
            if page == root / "README.md" and (size := len(text.encode())) > LARGEST_README:
                found.append((1, f"{size:,} bytes; at most {LARGEST_README:,}: what is longer belongs into docs/"))
        for line, problem in sorted(found):
            yield f"{page.relative_to(root)}:{line}: {problem}"
    if not links_only:
        for page in unreachable(root, texts):
            yield f"{page.relative_to(root)}:1: no link leads here from README.md"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--links", action="store_true")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    if not any(documents(root)):
        parser.error(f"{root} holds no documents")
    if options.write:
        for page in documents(root):
            text = page.read_text(encoding="utf-8")
            if "<!-- made by:" in text:
                page.write_text(written(root, text), encoding="utf-8")
    found = list(problems(root, options.links))
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
