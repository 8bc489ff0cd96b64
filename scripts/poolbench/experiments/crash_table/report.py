"""What a host says, in the language of hosts: lines of fields parted by tabs, appended to a file.

    started                        the pool has run its first tasks
    task ROLE NUMBER END WHAT      how a task ended: its role is faulty, beside (the others) or later (submitted after
                                   all that); END is right, wrong, failed (WHAT is the exception) or lost (it had not
                                   ended after the host's patience)
    ready                          all is set up: kill me
    ended                          the pool has been shut down, and nothing is left to do
    inapplicable WHY               there is no such fault here
"""

from pathlib import Path
from typing import NamedTuple

REPORT = "report"  # the file, in the directory that a host is given
GATE = "gate"  # tasks that stand go on when it is there
READY = "ready"
STARTED_WITHOUT_STDIO = "stdio_closed"  # the fault that is done to a host before it begins

# Seconds. A host waits so long for its tasks, twice; one that says nothing for longer hangs.
HOST_PATIENCE = 15
WARDEN_PATIENCE = 25
SETTLE = 4  # what ends by itself has so long to do so, once its host is gone


class Task(NamedTuple):
    role: str
    end: str
    what: str


class Report(NamedTuple):
    started: bool
    tasks: tuple[Task, ...]
    ready: bool
    ended: bool
    inapplicable: str  # why; empty if the fault was done

    def of(self, role: str) -> list[Task]:
        return [task for task in self.tasks if task.role == role]


def read(directory: Path) -> Report:
    """What is there so far: of an unfinished last line, nothing."""
    try:
        text = (directory / REPORT).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    lines = [line.split("\t") for line in text.split("\n")[:-1]]
    said = {fields[0] for fields in lines}
    return Report(
        started="started" in said,
        tasks=tuple(Task(fields[1], fields[3], fields[4]) for fields in lines if fields[0] == "task"),
        ready=READY in said,
        ended="ended" in said,
        inapplicable=next((fields[1] for fields in lines if fields[0] == "inapplicable"), ""),
    )
