"""What adapters have in common whose tasks are concurrent.futures' futures."""

from __future__ import annotations

from concurrent.futures import Future, wait

TYPE_CHECKING = False  # typing's, without its import
if TYPE_CHECKING:
    from typing import Any


class FuturesPool:
    def wait(self, task: Future[Any], seconds: float) -> bool:
        return bool(wait([task], seconds).done)

    def result(self, task: Future[Any]) -> Any:
        return task.result()
