"""loky's ProcessPoolExecutor, from joblib, which has a copy of it (Debian has no package of loky alone)."""

from __future__ import annotations

from poolbench.experiments.crash_table.hosts.futures_pool import ExecutorPool

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool(ExecutorPool):
    def __init__(self, workers: int, initializer: Any) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        super().__init__(ProcessPoolExecutor(workers, initializer=initializer))
