"""What adapters have in common whose tasks are multiprocessing's AsyncResults, or those of a fork of it."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class AsyncResultsPool:
    pool: Any

    def wait(self, task: Any, seconds: float) -> bool:
        task.wait(seconds)
        return bool(task.ready())

    def result(self, task: Any) -> Any:
        return task.get()

    def shutdown(self) -> None:
        self.pool.close()
        self.pool.join()
