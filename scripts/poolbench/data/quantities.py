"""Durations and sizes as people read them: three significant digits and a unit."""

import math

NBSP = "\u00a0"  # labels are wrapped, and not between a number and its unit


def duration(ns: float) -> str:
    """For people, three significant digits: 1.5 s, 250 µs."""
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= unit:
            return f"{_three_digits(ns / unit)}{NBSP}{name}"
    return f"{int(ns)}{NBSP}ns"


def size(count: float) -> str:
    """For people: 64 KiB."""
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= unit:
            return f"{_three_digits(count / unit)}{NBSP}{name}"
    return f"{int(count)}{NBSP}B"


def _three_digits(value: float) -> str:
    digits = max(0, 2 - int(math.floor(math.log10(value)))) if value > 0 else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
