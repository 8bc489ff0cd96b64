#!/usr/bin/env python3
"""Draws every picture of a run directory, or of a race's, as PNG and SVG, into its plots/.

A picture whose data are not in the run is skipped with a line that says what is missing. Reads results.csv, tasks/,
context/ and derived/ and nothing else, of a race race.csv and context.json. `scripts/python scripts/plot.py` finds a
Python that has matplotlib and pandas.

--cell and --rep choose what the timeline shows; with them and no picture's name, only it is drawn.

Exit code: 0, or 2 when the directory cannot be read or a name is no picture's.
"""

import argparse
import importlib
import sys
from pathlib import Path

from poolbench.plots import OF_RECOMMEND, PICTURES, timeline_options


def main(argv: list[str]) -> int:
    listed = "\n".join(f"  {name:<12}{_summary(name)}" for name in PICTURES + OF_RECOMMEND)
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"pictures:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "directory",
        type=Path,
        help="what `poolbench run`, `recommend -o` or scripts/race left: holds results.csv or race.csv",
    )
    parser.add_argument("picture", nargs="*", help="of a run: draw only these (default: all)")
    parser.add_argument("-o", "--output", type=Path, help="where the pictures go (default: plots/ in the directory)")
    timeline_options(parser)
    options = parser.parse_intermixed_args(argv)  # options may stand between the directory and the pictures
    pictures = options.picture or (["timeline"] if options.cell or options.rep is not None else [])
    for name in pictures:
        if name not in PICTURES + OF_RECOMMEND:
            print(f"plot.py: no picture '{name}'; there are {', '.join(PICTURES + OF_RECOMMEND)}", file=sys.stderr)
            return 2

    if not pictures and (options.directory / "race.csv").exists():
        from poolbench.plots import race

        return race.main([str(options.directory), *(["-o", str(options.output)] if options.output else [])])

    from poolbench.data import run_data
    from poolbench.plots import style

    style.apply_defaults()
    try:
        run = run_data.load(options.directory)
    except run_data.UnreadableRun as error:
        print(f"plot.py: {error}", file=sys.stderr)
        return 2

    output = options.output or options.directory / "plots"
    recommended = (options.directory / "derived" / "curve.csv").exists()
    for name in pictures or (OF_RECOMMEND + PICTURES if recommended else PICTURES):
        try:
            style.require_rows(run, name)
            draw = importlib.import_module(f"poolbench.plots.{name}").draw
            figures = draw(run, options) if name == "timeline" else draw(run)
        except run_data.Absent as absent:
            print(f"plot.py: {name} is skipped: {absent}", file=sys.stderr)
            continue
        for path in style.save(figures, output):
            print(path)
    for note in run.notes:
        print(f"plot.py: {note}", file=sys.stderr)
    return 0


def _summary(name: str) -> str:
    """The first line of a picture's docstring, read without importing it: --help works without matplotlib."""
    import ast

    source = (Path(__file__).parent / "poolbench/plots" / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
