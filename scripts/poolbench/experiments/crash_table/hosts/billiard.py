"""billiard's Pool, which is Celery's: a fork of multiprocessing's with time limits."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class Pool:
    def __init__(self, workers: int, initializer: Any) -> None:
        from billiard import pool

        self.pool = pool.Pool(workers, initializer, enable_timeouts=True)

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        return self.pool.apply_async(act, arguments, callback=callback, timeout=time_limit)

    def wait(self, task: Any, seconds: float) -> bool:
        task.wait(seconds)
        return bool(task.ready())

    def result(self, task: Any) -> Any:
        return task.get()

    def shutdown(self) -> None:
        self.pool.close()
        self.pool.join()
