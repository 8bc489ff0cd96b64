"""CPython's concurrent.futures.ProcessPoolExecutor, with the start method that it has by default."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from poolbench.experiments.crash_table.hosts.futures_pool import FuturesPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(FuturesPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        self.executor = ProcessPoolExecutor(workers, initializer=initializer)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        future = self.executor.submit(act, *arguments)
        if callback:
            future.add_done_callback(callback)
        return future

    def shutdown(self) -> None:
        self.executor.shutdown()
