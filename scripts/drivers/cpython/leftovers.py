"""What multiprocessing names in the file system: semaphores in /dev/shm, the directory of a forkserver.

Its resource tracker removes the names after a process that died, and is in the driver's process group: who kills that
leaves them for ever. So a process of a session of its own waits for the driver's end, and removes what is left.
"""

import glob
import os
import shutil
from multiprocessing import process, util


def remove_after_the_end(start_method: str, directory: "str | None" = None) -> str:
    """Before the first semaphore is made, and while there is one thread: it is forked. `directory` goes, too. Returns
    what the names of semaphores begin with."""
    prefix = "/poolbench-%d" % os.getpid()
    process.current_process()._config["semprefix"] = prefix  # type: ignore[attr-defined]
    if start_method == "forkserver":
        directory = util.get_temp_dir()
    end, held = os.pipe()  # `held` is open until this process has ended: what it starts does not inherit it
    starter = os.fork()
    if starter == 0:
        os.setsid()
        if os.fork() == 0:
            wait_and_remove(end, prefix, directory)
        os._exit(0)
    os.waitpid(starter, 0)
    os.close(end)
    return prefix


def wait_and_remove(end: int, prefix: str, directory: "str | None") -> None:
    if end != 3:
        os.dup2(end, 3)
    os.closerange(4, 1 << 16)
    for stream in (0, 1, 2):
        os.close(stream)
    os.read(3, 1)
    for name in glob.glob("/dev/shm/sem.%s-*" % prefix[1:]):
        try:
            os.unlink(name)
        except FileNotFoundError:
            pass
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
