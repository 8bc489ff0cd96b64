"""Writes the page of a report. `poolbench report` starts this: it knows the verdicts, and hands them over as JSON.

Exit code: 0, 130 if it was interrupted, or 2 with one line on standard error: a directory cannot be read, the page
cannot be written, a Python package is missing.
"""

import argparse
import json
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="poolbench report", description=__doc__)
    parser.add_argument(
        "--findings", type=Path, required=True, help="what the program found (JSON: harness/report/findings.h)"
    )
    parser.add_argument("--output", type=Path, required=True, help="the HTML file to write")
    options = parser.parse_args(argv)
    try:
        from poolbench.data import run_data, text_files
        from poolbench.report import page
    except ModuleNotFoundError as missing:
        print(
            f"poolbench report: {sys.executable} has no package '{missing.name}'; install python3-{missing.name}",
            file=sys.stderr,
        )
        return 2
    try:
        findings = json.loads(text_files.read(options.findings))
        # A reader sees the report that was there, or this one; what cannot be written is said before anything is drawn.
        part = options.output.with_name(f"{options.output.name}.part")
        try:
            part.touch()
            text, notes = page.make(findings)
            part.write_text(text, encoding="utf-8")
            part.replace(options.output)
        finally:
            part.unlink(missing_ok=True)
    except (run_data.UnreadableRun, OSError) as error:
        print(f"poolbench report: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    for note in notes:
        print(f"poolbench report: {note}", file=sys.stderr)
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
