#!/usr/bin/env python3
"""Follows a recipe of docs/ in a copy of the source tree, as it is written, and compiles what it touches.

    recipes.py ROOT BUILD DIRECTORY PAGE...

DIRECTORY is where the copies are made, one per page, afresh. The steps of a recipe are its ```cpp and ```diff blocks.
The paragraph before a block names the file (`a/path/like/this`), or it is that of the block before. A cpp block after
the words "New file" is that file; a diff block has lines to find (" ", "-"), which stand in the file exactly once, and
to leave (" ", "+").

Of what is touched, each .cpp file and the one that goes with a header, or the header alone, is checked with the flags
that BUILD/compile_commands.json has for it or for its neighbours, and so are the files in a line `<!-- compiled, too:
PATH... -->` of the page; each .py file is compiled. A new .cpp file is listed in a CMakeLists.txt.

Exit code: 0 if all of that works, 1 with what did not, 2 on bad usage.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import compile_commands

COPIED = ("contenders", "os", "pools", "workloads", "harness", "scripts", "docs")
BLOCK = re.compile(
    r"(?P<said>[^\n]+(?:\n[^\n]+)*)?\n\n```(?P<kind>cpp|diff)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PATH = re.compile(r"`([\w./-]+/[\w.-]+\.\w+)`")
COMPILED_TOO = re.compile(r"^<!-- compiled, too: (.+) -->$", re.MULTILINE)


class NotAsWritten(Exception):
    """The recipe does not fit the tree: what does not."""


def steps(page: str) -> Iterator[tuple[str, ...]]:
    """("new", path, text) and ("change", path, old text, new text), in the order of the page."""
    path = None
    for block in BLOCK.finditer(page):
        paths = PATH.findall(block["said"] or "")
        path = paths[-1] if paths else path
        if path is None:
            raise NotAsWritten(f"a {block['kind']} block belongs to no file")
        if block["kind"] == "cpp":
            if not re.search(r"\bNew file\b", block["said"] or ""):
                raise NotAsWritten(f"{path}: what is in a cpp block is a new file, and said to be")
            yield "new", path, block["text"]
        else:
            lines = block["text"].splitlines()
            yield (
                "change",
                path,
                *("\n".join(line[1:] for line in lines if line[:1] in kept) + "\n" for kept in (" -", " +")),
            )


def follow(page: str, tree: Path) -> list[Path]:
    """Does what the page says in the tree; the paths that it touched."""
    touched = []
    for step, name, *texts in steps(page):
        path = tree / name
        if step == "new":
            if path.exists():
                raise NotAsWritten(f"{name} is there already")
            path.write_text(texts[0], encoding="utf-8")
        else:
            if not path.exists():
                raise NotAsWritten(f"there is no {name}")
            before = path.read_text(encoding="utf-8")
            found = re.findall(rf"^{re.escape(texts[0])}", before, flags=re.MULTILINE)
            if len(found) != 1:
                raise NotAsWritten(f"{name} has this {len(found)} times, not once:\n{texts[0]}")
            path.write_text(
                re.sub(rf"^{re.escape(texts[0])}", lambda _: texts[1], before, flags=re.MULTILINE), encoding="utf-8"
            )
        if path not in touched:
            touched.append(path)
    if not touched:
        raise NotAsWritten("the page has no step")
    return touched


def sources_of(page: str, tree: Path, touched: list[Path]) -> list[Path]:
    """The files to compile."""
    found = [path for path in touched if path.suffix == ".cpp"]
    headers = [path for path in touched if path.suffix == ".h"]
    found += [path.with_suffix(".cpp") if path.with_suffix(".cpp").exists() else path for path in headers]
    found += [tree / name for match in COMPILED_TOO.finditer(page) for name in match[1].split()]
    return list(dict.fromkeys(found))


def command_for(source: Path, root: Path, tree: Path, commands: dict[Path, str]) -> list[str]:
    """The compiler's arguments for a file of the copy: those of the file itself, or of one in its folder."""
    name = source.relative_to(tree)
    beside = [known for known in commands if known.parent == root / name.parent]
    if not beside:
        raise NotAsWritten(f"nothing is compiled in {name.parent}")
    known = root / name if root / name in commands else min(beside)
    arguments = shlex.split(commands[known])
    arguments = arguments[: arguments.index("-o")]
    what = ["-x", "c++", "-include", str(source), "/dev/null"] if source.suffix == ".h" else [str(source)]
    here = re.compile(rf"{re.escape(str(root))}(?=/(?:{'|'.join(COPIED)})(?:/|$)|$)")
    return [*(here.sub(str(tree), argument) for argument in arguments), "-fsyntax-only", *what]


def complaints(root: Path, build: Path, directory: Path, page: Path) -> Iterator[str]:
    """What is wrong with the recipe, one string each."""
    tree = directory / page.stem
    shutil.rmtree(tree, ignore_errors=True)
    for folder in COPIED:
        shutil.copytree(root / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        text = page.read_text(encoding="utf-8")
        touched = follow(text, tree)
        commands = {Path(entry["file"]): entry["command"] for entry in compile_commands.entries(build)}
        compilations = {source: command_for(source, root, tree, commands) for source in sources_of(text, tree, touched)}
    except NotAsWritten as wrong:
        yield str(wrong)
        return
    listed = "\n".join(path.read_text(encoding="utf-8") for path in tree.rglob("CMakeLists.txt"))
    for path in touched:
        if (
            path.suffix == ".cpp"
            and not (root / path.relative_to(tree)).exists()
            and not re.search(rf"[\s/]{path.name}\b", listed)
        ):
            yield f"{path.relative_to(tree)} is in no CMakeLists.txt"
        if path.suffix == ".py":
            compilations[path] = [sys.executable, "-c", f"compile(open({str(path)!r}).read(), {path.name!r}, 'exec')"]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for path, done in zip(
            compilations,
            pool.map(
                lambda command: subprocess.run(command, capture_output=True, text=True, check=False),
                compilations.values(),
            ),
        ):
            if done.returncode != 0:
                yield f"{path.relative_to(tree)}:\n{done.stderr}"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("root", "build", "directory"):
        parser.add_argument(name, type=Path, metavar=name.upper())
    parser.add_argument("pages", type=Path, nargs="+", metavar="PAGE")
    options = parser.parse_args(argv)
    failed = False
    for page in options.pages:
        for complaint in complaints(options.root.resolve(), options.build, options.directory, page):
            failed = True
            print(f"{page}: {complaint}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
