"""The pictures, one module each. A new picture is one file with draw(run) and main(argv), and one line here."""

import argparse

PICTURES = (
    "makespan",
    "speedup",
    "ratio",
    "decision",
    "model_fit",
    "callbacks",
    "claims",
    "cost",
    "timeline",
    "latency",
    "latency_workers",
    "goodput",
    "closed_open",
    "rules",
)
OF_RECOMMEND = ("curve",)  # of what `recommend -o` leaves besides
# Of these the data are cells whose tasks arrive; of all others batches.
OF_ARRIVALS = ("latency", "latency_workers", "goodput", "closed_open")


def timeline_options(parser: argparse.ArgumentParser) -> None:
    """Here rather than in its module: `plot.py --help` works without matplotlib."""
    parser.add_argument(
        "--cell", action="append", metavar="CELL_ID", help="of the timeline: draw this cell; repeat for several"
    )
    parser.add_argument(
        "--rep", type=int, metavar="N", help="of it: this repetition (default: the one with the median makespan)"
    )
