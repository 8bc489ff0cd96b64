"""Files of the source tree, each put to a question at a time, several at once: what headers_alone.py and
thread_safety.py have in common."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def found(root: Path, folders: Iterable[str], suffix: str, what: str, without: Iterable[str] = ()) -> list[Path]:
    """The files of that suffix below the folders, in order, but for those below `without`; none is said on stderr, as
    of `what`."""
    left_out = [root / folder for folder in without]
    files = [
        path
        for folder in folders
        for path in sorted((root / folder).rglob(f"*{suffix}"))
        if not any(path.is_relative_to(folder_out) for folder_out in left_out)
    ]
    if not files:
        print(f"{root} holds no {what} below {', '.join(folders)}", file=sys.stderr)
    return files


def count_failed(root: Path, files: list[Path], complaint: Callable[[Path], str], jobs: int, verdict: str = "") -> int:
    """How many complaint(file) has something to say of; its first lines are printed, after `NAME verdict:`."""
    with ThreadPoolExecutor(jobs) as pool:
        said = list(pool.map(complaint, files))
    failed = 0
    for path, text in zip(files, said):
        if text:
            failed += 1
            print(f"{path.relative_to(root)}{verdict}:")
            print("\n".join(text.splitlines()[:12]))
    return failed
