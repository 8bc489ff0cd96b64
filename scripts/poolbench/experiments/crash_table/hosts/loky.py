"""loky's ProcessPoolExecutor, from joblib, which has a copy of it (Debian has no package of loky alone)."""

from __future__ import annotations

from poolbench.experiments.crash_table.hosts.futures_pool import FuturesPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(FuturesPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self.executor = ProcessPoolExecutor(workers, initializer=initializer)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        future = self.executor.submit(act, *arguments)
        if callback:
            future.add_done_callback(callback)
        return future

    def shutdown(self) -> None:
        self.executor.shutdown()
