"""multiprocessing.Pool, with the start method that it has by default."""

from __future__ import annotations

import multiprocessing

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool:
    def __init__(self, workers: int, initializer: Any) -> None:
        self.pool = multiprocessing.Pool(workers, initializer)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        return self.pool.apply_async(act, arguments, callback=callback)

    def wait(self, task: Any, seconds: float) -> bool:
        task.wait(seconds)
        return bool(task.ready())

    def result(self, task: Any) -> Any:
        return task.get()

    def shutdown(self) -> None:
        self.pool.close()
        self.pool.join()
