"""The pictures, one module each. A new picture is one file with draw(run) and main(argv), and one line here."""

PICTURES = (
    "makespan",
    "speedup",
    "ratio",
    "decision",
    "model_fit",
    "callbacks",
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
