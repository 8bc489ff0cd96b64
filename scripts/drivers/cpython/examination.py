"""A look at the user's functions before anything is timed: whether they work, and what they demand, one call at a time.

All of it happens in a child process, so that a function that ends its process or hangs is reported with its input.
"""

import inspect
import json
import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback

from cpython import user_code
from cpython.processes import LifeLine, ending, exit_at_end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, TextIO

# Libraries that start threads of their own inside a task, and the variable that says how many.
THREADED = {
    "openblas": "OPENBLAS_NUM_THREADS",
    "mkl_rt": "MKL_NUM_THREADS",
    "libblis": "BLIS_NUM_THREADS",
    "libgomp": "OMP_NUM_THREADS",
    "libiomp": "OMP_NUM_THREADS",
    "libomp": "OMP_NUM_THREADS",
}
FRAMES = 6  # of a traceback, the last
PASSES = 3  # over the inputs, if there is time: something else may disturb one call


def private_bytes() -> int:
    """What only this process has in memory: what one more of it costs."""
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
            return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Private_"))
    except OSError:
        return 0


def thread_count() -> int:
    return len(os.listdir("/proc/self/task"))


class ThreadStarts:
    """How many threads Python code has started, those included that have ended."""

    def __init__(self) -> None:
        import threading

        self.number = 0
        start = threading.Thread.start

        def counted(thread: "Any") -> None:
            self.number += 1
            start(thread)

        setattr(threading.Thread, "start", counted)  # in this process, which calls the functions and no more


def library_variables() -> "List[str]":
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        files = {os.path.basename(line.rstrip()) for line in maps}
    return sorted({variable for name, variable in THREADED.items() if any(name in file for file in files)})


def children_cpu_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def run_delay_ns() -> int:
    """How long this thread has been ready to run and had no CPU: what other programs take is no waiting of its own."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[1])
    except (OSError, IndexError):  # a kernel that does not count it
        return 0


class Failure(Exception):
    def __init__(self, line: str, error: "BaseException | None" = None) -> None:
        super().__init__(line)
        self.trace: "List[str]" = []
        if error is not None:
            own = os.path.dirname(os.path.abspath(__file__))
            frames = [
                frame
                for frame in traceback.extract_tb(error.__traceback__)
                if os.path.dirname(os.path.abspath(frame.filename)) != own and "importlib" not in frame.filename
            ]
            lines = "".join(traceback.format_list(frames[-FRAMES:])).splitlines()
            self.trace = [*lines, user_code.describe(error)] if frames else []


def loaded(name: str) -> "Callable[..., Any]":
    try:
        return user_code.load(name)
    except user_code.UserCodeError as error:
        raise Failure(str(error)) from None
    except BaseException as error:
        what = "sys.exit" if isinstance(error, SystemExit) else user_code.describe(error)
        if isinstance(error, ImportError) and "relative import" in what:
            where = "; a module of a package is named with it, from the directory that has the package"
            what += "%s: PACKAGE.%s" % (where, name)
        raise Failure("importing '%s' failed: %s" % (name.partition(":")[0], what), error) from None


def hint_on(function: "Callable[..., Any]") -> str:
    if not inspect.isfunction(function) or "." not in function.__qualname__ or "<locals>" in function.__qualname__:
        return ""
    if next(iter(inspect.signature(function).parameters), "") != "self":  # a static one
        return ""
    kind, method = function.__qualname__.rsplit(".", 1)
    words = "; it is a method, and needs an object: with 'client = %s()' in the module, MODULE:client.%s"
    return words % (kind, method)


awaited: "set[str]" = set()  # names of functions that returned something to be awaited


def timed(work: "Any", name: str) -> "Any":
    """[wall less time without a CPU, CPU of this thread, of the process, of its children], and the result."""
    number = work[1] + 1
    function, arguments, named = user_code.prepared(work)
    try:
        inspect.signature(function).bind(*arguments, **named)
    except TypeError as error:
        raise Failure(
            "%s cannot be called with input %d, %s: %s%s"
            % (name, number, user_code.shown(user_code.input_of(work[1])), error, hint_on(function))
        ) from None
    except ValueError:
        pass  # a builtin without a signature
    delay = run_delay_ns()
    # Each is read within the next, so that a thread never seems to have used more than its process.
    before = children_cpu_ns(), time.process_time_ns(), time.thread_time_ns(), time.monotonic_ns()
    try:
        result = function(*arguments, **named)
        if hasattr(result, "__await__"):
            awaited.add(name)
            result = user_code.awaited(result)
    except BaseException as error:
        what = "called sys.exit(%r)" % error.code if isinstance(error, SystemExit) else user_code.describe(error)
        raise Failure(
            "%s failed for input %d, %s: %s" % (name, number, user_code.shown(user_code.input_of(work[1])), what), error
        ) from None
    after = time.monotonic_ns(), time.thread_time_ns(), time.process_time_ns(), children_cpu_ns()
    wall, *cpu = (end - start for start, end in zip(reversed(before), after))
    return [max(wall - (run_delay_ns() - delay), cpu[0]), *cpu], result


def pickled(value: "Any", what: str) -> "Any":
    """(bytes, ns, why not)"""
    started = time.monotonic_ns()
    try:
        size = len(pickle.dumps(value))
    except Exception as error:
        return 0, 0, "%s cannot be pickled: %s" % (what, user_code.describe(error))
    return size, time.monotonic_ns() - started, ""


def middle(rows: "List[List[int]]") -> "List[int]":
    """The row whose wall time is the median."""
    return sorted(rows)[(len(rows) - 1) // 2]


def spread(count: int, inputs: int) -> "List[int]":
    """Which inputs are looked at, evenly from first to last, in an order of which any beginning lies evenly, too."""
    bits = max(1, (count - 1).bit_length())
    order = sorted(range(count), key=lambda at: int(format(at, "0%db" % bits)[::-1], 2))
    return [(2 * at + 1) * inputs // (2 * count) if count < inputs else at for at in order]


def look(question: "Dict[str, Any]", progress: "TextIO") -> "Dict[str, Any]":
    """In the child."""
    output = os.memfd_create("output") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = question["code"]
    bare = private_bytes()
    threads = thread_count()  # before the import, which may start some
    started = time.monotonic_ns()
    user_code.adopt(code)
    function = loaded(code["function"])
    callback = loaded(code["callback"]) if code["callback"] else None
    imported = time.monotonic_ns() - started
    tasks: "List[List[int]]" = []
    callbacks: "List[List[int]]" = []
    starts = ThreadStarts()
    unpicklable = pickled(function, "the function '%s'" % code["function"])[2]
    most_threads = threads
    most_started = 0  # by one call
    begun = time.monotonic_ns()

    def call(at: int) -> "Any":
        """The rows of one input: of the function, and of the callback if there is one."""
        nonlocal most_threads, most_started
        print(json.dumps({"at": at}), file=progress, flush=True)
        before = starts.number
        used, result = timed(("python", at), code["function"])
        most_started = max(most_started, starts.number - before)
        if starts.number > before:
            time.sleep(0.002)  # one that was joined is listed a little longer
        most_threads = max(most_threads, thread_count())
        size, took, why = pickled(result, "what '%s' returned for input %d" % (code["function"], at + 1))
        if callback is None:
            return [*used, size, took], None, why
        print(json.dumps({"at": at, "callback": True}), file=progress, flush=True)
        return [*used, size, took], timed(("python_callback", at, 0, 0, 0, 0, result), code["callback"])[0], why

    unpicklable = unpicklable or call(0)[2]  # cold, and not looked at
    inputs = len(code["inputs"])
    order = spread(min(question["most"], max(3, inputs)), inputs)
    passes: "List[Dict[int, Any]]" = [{} for _ in range(PASSES)]  # by input
    for rows in passes:
        if rows is not passes[0] and (time.monotonic_ns() - begun) * 2 > question["budget_ns"]:
            break
        for at in order if rows is passes[0] else [at for at in order if at in passes[0]]:
            if rows and time.monotonic_ns() - begun > question["budget_ns"]:
                break
            rows[at] = call(at)
            unpicklable = unpicklable or rows[at][2]
    for at in sorted(passes[0]):
        seen = [rows[at] for rows in passes if at in rows]
        tasks.append(middle([row for row, _, _ in seen]))
        if callback is not None:
            callbacks.append(middle([row for _, row, _ in seen]))
    sys.stdout.flush()
    sys.stderr.flush()
    return {
        "tasks": tasks,
        "callbacks": callbacks,
        "is_async": user_code.is_async(function) or code["function"] in awaited,
        "callback_is_async": code["callback"] in awaited,
        "unpicklable": unpicklable,
        "import_ns": imported,
        "memory_bytes": max(0, private_bytes() - bare),
        "bare_bytes": bare,
        "threads": most_threads - threads,
        "threads_started": most_started,
        "variables": library_variables() if most_threads > threads else [],
        "prints": os.fstat(output).st_size > 0,
    }


def child(question: "Dict[str, Any]", writing: int, life_line: LifeLine) -> None:
    life_line.hold()
    with os.fdopen(writing, "w", encoding="ascii") as progress:
        try:
            print(json.dumps(look(question, progress)), file=progress, flush=True)
        except Failure as failure:
            print(json.dumps({"failure": str(failure), "traceback": failure.trace}), file=progress, flush=True)
    os._exit(0)


def lines_of(reading: int, deadline: float) -> "Any":
    """The lines that come, and whether they went on to their end without a pause of so many seconds."""
    data = b""
    while True:
        if not select.select([reading], [], [], deadline)[0]:
            return data.decode("ascii", "replace").splitlines(), False
        piece = os.read(reading, 1 << 16)
        if not piece:
            return data.decode("ascii", "replace").splitlines(), True
        data += piece


def examine(question: "Dict[str, Any]", life_line: LifeLine) -> "Dict[str, Any]":
    """The answer to `examine`: what is known of the functions, or {"failure": one line, "traceback": lines}."""
    code = question["code"]
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            child(question, writing, life_line)
        finally:
            os._exit(70)
    os.close(writing)
    exit_at_end_of(0)
    lines, ended = lines_of(reading, question["deadline_ns"] / 1e9)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    last: "Dict[str, Any]" = json.loads(lines[-1]) if lines else {}
    if "tasks" in last or "failure" in last:
        return last
    if "at" in last:
        name = code["callback" if last.get("callback") else "function"]
        value = code["inputs"][last["at"] % len(code["inputs"])]
        where = "%s for input %d, %s" % (name, last["at"] + 1, user_code.shown(value))
    else:
        where = "importing '%s'" % code["function"].partition(":")[0]
    if not ended:
        seconds = question["deadline_ns"] / 1e9
        return {"failure": "%s: did not end within %g s; --deadline gives it more" % (where, seconds), "traceback": []}
    how = ending(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
    return {"failure": "%s: its process %s" % (where, how), "traceback": []}
