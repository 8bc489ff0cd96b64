"""CPython's concurrent.futures.ProcessPoolExecutor, with the start method that it has by default."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from poolbench.experiments.crash_table.hosts.futures_pool import ExecutorPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(ExecutorPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        super().__init__(ProcessPoolExecutor(workers, initializer=initializer))
