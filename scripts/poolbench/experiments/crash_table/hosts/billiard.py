"""billiard's Pool, which is Celery's: a fork of multiprocessing's with time limits."""

from __future__ import annotations

from poolbench.experiments.crash_table.hosts.async_results_pool import AsyncResultsPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(AsyncResultsPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        from billiard import pool

        self.pool = pool.Pool(workers, initializer, enable_timeouts=True)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        return self.pool.apply_async(act, arguments, callback=callback, timeout=time_limit)
