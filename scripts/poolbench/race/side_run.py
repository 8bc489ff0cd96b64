"""Peers that Debian does not have: what they took in one side run on a two-core machine (g++ -O3, C++20), medians in ns
per task, one producer unless it says otherwise. Never measured beside the others, so that no goal is judged by them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Figure(NamedTuple):
    scenario: str
    peer: str
    executed_by: str
    workers: int
    producers: int
    low: float  # low and high are equal where one number is known
    high: float


LABEL = "side run"


def _figures(
    scenario: str,
    peer: str,
    executed_by: str,
    by_workers: Mapping[int, float | tuple[float, float]],
    producers: int = 1,
) -> Iterator[Figure]:
    for workers, value in by_workers.items():
        low, high = value if isinstance(value, tuple) else (value, value)
        yield Figure(scenario, peer, executed_by, workers, producers, low, high)


# dispenso with forced queuing; with four producers, over all pool sizes.
FIGURES = (
    *_figures("detached", "BS::thread_pool", "workers", {1: 193, 2: 296, 4: 415, 10: 747}),
    *_figures("detached", "Taskflow", "workers", {2: 282, 4: 291, 10: 295}),
    *_figures("detached", "dispenso", "helping", {1: (77, 126), 2: (96, 100), 4: (89, 94), 10: 96}),
    *_figures("detached", "dispenso", "helping", dict.fromkeys((1, 2, 4, 10), (80, 91)), producers=4),
    *_figures("future", "BS::thread_pool", "workers", {1: 598, 2: 661, 4: 924, 10: 1717}),
    *_figures("future", "Taskflow", "workers", {1: 778, 2: 710, 4: 758, 10: 797}),
    *_figures("future", "dispenso", "helping", {1: (210, 237), 2: (182, 210), 4: (155, 205), 10: (192, 219)}),
    *_figures("future", "dispenso", "helping", dict.fromkeys((1, 2, 4, 10), (150, 230)), producers=4),
)
