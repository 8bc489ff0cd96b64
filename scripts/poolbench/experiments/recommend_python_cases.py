"""Puts `poolbench recommend --python` to the proof, over ten kinds of Python work: how far is its choice from the best
of an exhaustive sweep, and does the program that it prints take what it has promised?

    scripts/python -m poolbench.experiments.recommend_python_cases POOLBENCH -o DIRECTORY [--budget 50s] [NAME...]

Each is asked about twice: as a user does it, and with --exhaustive, which takes minutes. The first answer's program is
run five times as a program of its own, at once; the median of what its main() took is compared with what that answer
promised. The second one's choice is held against its sweep. Leaves one JSON document per kind and table.md in
DIRECTORY. --programs asks the first only, where DIRECTORY has the second from before. NAMEs run only these; numpy's is
left out where there is no numpy.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from poolbench.experiments.recommend_cases import file_of, human, name_of, parse_cases, percent, start_server

RUNS = 5
MODULE = """
import asyncio, hashlib, html.parser, json, sqlite3, subprocess, time, urllib.request, zlib


def fetch(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read().decode() + "<p><a href='/next'>next</a></p>" * 2000


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name == "href"]


def parse(page):
    links = Links()
    links.feed(page)
    return len(links.found)


def sha(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def deflate(path):
    with open(path, "rb") as file:
        return len(zlib.compress(file.read(), 6))


def loads(path):
    with open(path, encoding="utf-8") as file:
        return len(json.load(file))


def loop(text):
    total = 0
    for number in range(200_000):
        total += number * number
    return total


def wait(text):
    time.sleep(0.05)


def query(path):
    with sqlite3.connect(path) as database:
        return database.execute("select sum(length(a.t)) from t a, t b where a.rowid % 7 = b.rowid % 5").fetchone()


def child(text):
    return subprocess.run(["sort", "-n", "/dev/null"], check=True).returncode


async def client(url):
    host, _, rest = url.partition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(rest.partition("/")[0]))
    writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
    await reader.read()
    writer.close()


def multiply(text):
    import numpy

    square = numpy.ones((300, 300))
    return float((square @ square).sum())
"""


def files(work: Path, count: int, text: str) -> list[str]:
    paths = []
    for number in range(count):
        path = work / f"file{number}"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    return paths


def database(work: Path) -> str:
    import sqlite3

    path = work / "table.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (t text)")
        connection.executemany("insert into t values (?)", [(str(number) * 20,) for number in range(400)])
    return str(path)


def case(name: str, work: Path, port: int) -> tuple[str, str, list[str]]:
    """Function, callback or "", inputs."""
    numbers = [str(number) for number in range(40)]
    urls = [f"http://127.0.0.1:{port}/{number}" for number in range(60)]
    inputs: dict[str, tuple[str, str, list[str]]] = {
        "urllib and html.parser": ("fetch", "parse", urls),
        "hashlib over files": ("sha", "", files(work, 40, "0123456789" * 200_000)),
        "zlib": ("deflate", "", files(work, 40, "".join(str(number) for number in range(60_000)))),
        "json.loads": ("loads", "", files(work, 40, json.dumps([{"a": number} for number in range(20_000)]))),
        "a pure loop": ("loop", "", numbers),
        "time.sleep": ("wait", "", numbers),
        "sqlite3": ("query", "", [database(work)] * 40),
        "subprocess": ("child", "", numbers),
        "an asyncio client": ("client", "", urls),
        "numpy's matmul": ("multiply", "", numbers),
    }
    return inputs[name]


NAMES = (
    "urllib and html.parser",
    "hashlib over files",
    "zlib",
    "json.loads",
    "a pure loop",
    "time.sleep",
    "sqlite3",
    "subprocess",
    "an asyncio client",
    "numpy's matmul",
)


def pasted(code: str, work: Path) -> float:
    """Median ns that main() of the printed program took."""
    clock = "import time as _time\n_started = _time.monotonic_ns()\n"
    body, line = code.rstrip("\n").rsplit("\n", 1)
    timed = (
        "".join(f"    {each}\n" for each in clock.splitlines())
        + line
        + "\n    print(_time.monotonic_ns() - _started)\n"
    )
    (work / "pasted.py").write_text(f"{body}\n{timed}", encoding="utf-8")
    took = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "pasted.py"], cwd=work, capture_output=True, text=True, check=True)
        took.append(int(done.stdout.splitlines()[-1]))
    return statistics.median(took)


def recommended(command: list[str], work: Path) -> dict[str, Any]:
    print(" ".join(command), file=sys.stderr)
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=work, check=False)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def as_a_user(command: list[str], work: Path) -> dict[str, Any]:
    """What is recommended without a sweep, how long that took, and what the program took that it prints."""
    started = time.monotonic()
    found = recommended(command, work)
    seconds = time.monotonic() - started
    return {
        "choice": found["choice"],
        "seconds": round(seconds, 1),
        "promised_ns": found["python"].get("program", found["choice"])["median_ns"],
        "pasted_ns": pasted(found["python"]["code"], work),
    }


def shown(choice: dict[str, Any]) -> str:
    return f"{name_of(choice)} {choice['strategy']}"


def row(name: str, found: dict[str, Any]) -> str:
    regret = found["regret"]
    user = found["as_a_user"]
    share = found["python"]["gil_share"]
    contends = found["thread"]["usl_alpha"] > 0 or found["thread"]["usl_beta"] > 0
    threads_pay = found["choice"]["backend"].startswith("cpython_thread") and found["choice"]["workers"] > 1
    # What else slows threads down is not told from the GIL, unless they pay all the same.
    gil = "not told" if share == 0 and contends and not threads_pay else f"{share:.0%}"
    differs = "" if shown(user["choice"]) == shown(found["choice"]) else f" of {shown(user['choice'])}"
    return (
        f"| {name} | {found['waiting_share']:.0%} | {gil} | {shown(found['choice'])} | "
        f"{shown(regret['rival'])} | "
        f"{percent(regret['ratio'])} % [{percent(regret['low'])}, {percent(regret['high'])}] | "
        f"{user['seconds']:.0f} s | {human(user['promised_ns'])}{differs} | "
        f"{human(user['pasted_ns'])} ({percent(user['pasted_ns'] / user['promised_ns'] - 1)} %) |"
    )


def table(directory: Path) -> list[str]:
    columns = ["work", "waits", "holds the GIL", "recommended", "best of all", "regret", "answered in", "promised"]
    columns.append("the program took")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for name in NAMES:
        path = directory / file_of(name)
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if "as_a_user" in found:  # documents of earlier versions do not have it
            lines.append(row(name, found))
    return lines


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poolbench", type=Path)
    parser.add_argument("--programs", action="store_true", help="ask as a user only; the rest is there from before")
    options = parse_cases(parser, argv, NAMES, budget="50s")
    port = start_server()
    for name in options.names or NAMES:
        if name.startswith("numpy") and importlib.util.find_spec("numpy") is None:
            continue
        path = options.output / file_of(name)
        if options.programs and not path.exists():
            parser.error(f"--programs: there is no '{path}'")
        with tempfile.TemporaryDirectory() as directory:
            work = Path(directory)
            (work / "kinds.py").write_text(MODULE, encoding="utf-8")
            function, callback, inputs = case(name, work, port)
            (work / "inputs").write_text("\n".join(inputs) + "\n", encoding="utf-8")
            command = [str(options.poolbench.absolute()), "recommend", "--json", "--budget", options.budget]
            command += ["--python", f"kinds:{function}", "--inputs", "inputs", "--interpreter", sys.executable]
            command += ["--callback", f"kinds:{callback}"] if callback else []
            user = as_a_user(command, work)
            if options.programs:
                found = json.loads(path.read_text(encoding="utf-8"))
            else:
                found = recommended([*command, "--exhaustive"], work)
            found["as_a_user"] = user
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    lines = table(options.output)
    (options.output / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
