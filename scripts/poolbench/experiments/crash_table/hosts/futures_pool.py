"""What adapters have in common whose tasks are concurrent.futures' futures: all, where the pool is an Executor."""

from __future__ import annotations

from concurrent.futures import Future, wait

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Any


class FuturesPool:
    def wait(self, task: Future[Any], seconds: float) -> bool:
        return bool(wait([task], seconds).done)

    def result(self, task: Future[Any]) -> Any:
        return task.result()


class ExecutorPool(FuturesPool):
    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def submit(self, act: Any, *arguments: Any, callback: Any = None, time_limit: float | None = None) -> Any:
        future = self.executor.submit(act, *arguments)
        if callback:
            future.add_done_callback(callback)
        return future

    def shutdown(self) -> None:
        self.executor.shutdown()
