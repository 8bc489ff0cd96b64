"""pebble's ProcessPool, which has time limits."""

from __future__ import annotations

from poolbench.experiments.crash_table.hosts.futures_pool import FuturesPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(FuturesPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        from pebble import ProcessPool

        self.pool = ProcessPool(workers, initializer=initializer)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        future = self.pool.schedule(act, arguments, timeout=time_limit)
        if callback:
            future.add_done_callback(callback)
        return future

    def shutdown(self) -> None:
        self.pool.close()
        self.pool.join()
