"""multiprocessing.Pool, with the start method that it has by default."""

from __future__ import annotations

import multiprocessing

from poolbench.experiments.crash_table.hosts.async_results_pool import AsyncResultsPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(AsyncResultsPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        self.pool = multiprocessing.Pool(workers, initializer)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        return self.pool.apply_async(act, arguments, callback=callback)
