"""The program under test."""

import os
import subprocess
from typing import Any

PROGRAM = os.environ.get("POOLBENCH_PROGRAM", "")


def poolbench(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
        "text": True,
        "check": False,
        **more,
    }
    return subprocess.run([PROGRAM, *arguments], **options)
