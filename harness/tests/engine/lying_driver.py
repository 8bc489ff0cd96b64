"""A driver for the tests: one thread that runs every task itself, honestly, or with one lie.

    lying_driver.py SCRIPTS/drivers/cpython LIE
"""

import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(sys.argv[1]))
LIE = sys.argv[2]

from cpython.works import execute, work_of  # noqa: E402

TYPE_CHECKING = False  # of typing without its import, for a hundred of these are started
if TYPE_CHECKING:
    from typing import Any

DESCRIPTION: "dict[str, Any]" = {
    "protocol": 1,
    "name": "a driver of the tests",
    "language": "test",
    "version": "1",
    "strategies": ["none", "collect"],
    "skips": {"map": "it has no chunks"},
    "workloads": ["sleep"],
    "workers": 1,
}


def say(answer: "Any") -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def flood(stream: "Any") -> None:
    while True:
        stream.write("x" * 65536)


def described() -> "dict[str, Any]":
    changed: "dict[str, dict[str, Any]]" = {
        "protocol": {"protocol": 2},
        "strategy": {"strategies": ["none", "later"]},
        "workload": {"workloads": []},
        "nameless": {"name": 7},
        "early": {"arrivals": True},
        "no_origin": {"arrivals": True},
    }
    return {**DESCRIPTION, **changed.get(LIE, {})}


def run(question: "dict[str, Any]") -> "dict[str, Any]":
    works, callbacks = ([work_of(work) for work in question[key]] for key in ("tasks", "callbacks"))
    unknown = {work[0] for work in works} - set(DESCRIPTION["workloads"])
    if LIE != "anything" and (question["strategy"] not in DESCRIPTION["strategies"] or unknown):
        raise ValueError("not claimed")
    begun = time.monotonic_ns()
    rows = [[begun, *execute(work)] for work in works]
    for row, callback in zip(rows, callbacks):
        row += execute(callback)
    for row in rows:
        row += [-1, -1, 0, 0, 0, 0][len(row) - 7 :]
    distort(rows)
    if LIE == "early":
        time.sleep(0.1)  # until those arrivals that the check has are no longer to come: not they give the lie away
    told: "Any" = rows
    if LIE == "deep":
        for _ in range(100):
            told = [told]
    me = threading.get_native_id()
    return {
        "tasks": told,
        "pool_start_ns": 0,
        "submit_ns": 1,
        "pool_stop_ns": -1 if LIE == "minus" else 0,
        "main_pid": os.getpid(),
        "submitter_tid": me,
        **({"origin_ns": begun} if LIE == "early" else {}),
    }


def distort(rows: "list[Any]") -> None:
    last = rows[-1]
    if LIE == "digest":
        last[6] ^= 1
    elif LIE == "callback_digest" and last[7] >= 0:
        last[12] ^= 1
    elif LIE == "order":
        last[1], last[2] = last[2] + 1, last[1]
    elif LIE == "few":
        rows.pop()
    elif LIE == "elsewhere" and last[7] >= 0:
        last[10] += 1
    elif LIE == "hasty":
        for row in rows:
            row[2] = row[1]
    elif LIE == "short_row":
        last.pop()
    elif LIE == "huge_number":
        last[1] = 2**70
    elif LIE == "text":
        last[1] = "soon"
    elif LIE == "long_ago":
        last[0] = 7
    elif LIE == "in_a_year":
        last[2] += 365 * 24 * 3600 * 10**9
    elif LIE == "no_cpu":
        last[5] = -5


def leave_with_standard_input() -> None:
    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def answer(line: str) -> "Any":
    try:
        question = json.loads(line)
        if LIE == "yes_to_all" and question.get("command") not in ("describe", "run"):
            return described()
        if question["command"] == "describe":
            return described()
        if question["command"] != "run":
            raise ValueError("unknown command")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        if LIE == "dies_of_garbage":
            sys.exit(1)
        return {"error": "a\nb" if LIE == "two_lines" else str(error)}
    if LIE == "dies":
        sys.stderr.write("no more\nof this")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    if LIE == "hangs" and question["strategy"] == "collect":
        time.sleep(3600)
    if LIE == "floods":
        flood(sys.stdout)
    if LIE == "shouts":
        threading.Thread(target=flood, args=(sys.stderr,), daemon=True).start()
    if LIE == "orphan":
        import subprocess

        subprocess.Popen(["sleep", "3600"], start_new_session=True, stdin=subprocess.DEVNULL)
    if LIE != "stays":
        leave_with_standard_input()
    try:
        return run(question)
    except (ValueError, KeyError) as error:
        return {"error": str(error)}


def main() -> int:
    line = sys.stdin.readline()
    if not line:
        return 0
    reply = answer(line)
    if LIE == "babbles":
        print("hello")
    say(reply)
    while LIE == "stays" or sys.stdin.read(4096):
        time.sleep(0.01)
    return 0


if __name__ == "__main__":
    sys.exit(main())
