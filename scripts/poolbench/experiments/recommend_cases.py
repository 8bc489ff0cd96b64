"""Puts `poolbench recommend` to the proof: how far is its choice from the best of an exhaustive sweep?

    scripts/python -m poolbench.experiments.recommend_cases POOLBENCH FUNCTION -o DIRECTORY [--budget 60s] [NAME...]

Runs the kinds of work below, each with --exhaustive (afterwards every point of the curve is measured, interleaved, and
the best four of them are run again beside the choice: these fresh runs are compared, round by round), and leaves one
JSON document per kind and table.md in DIRECTORY. POOLBENCH is the program, FUNCTION the shared object made of
workloads/examples/count_primes.c. gzip and curl must be installed; curl fetches from a server in this process that
answers after 40 ms. NAMEs run only these.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

DELAY = 0.04  # seconds
FUNCTION = "function"
Flags = Callable[[Path], list[str]]  # of `poolbench recommend`, given a directory for files


def catalogue(name: str, *flags: str) -> Flags:
    return lambda work: ["--workload", name, *flags]


def gzip(work: Path) -> list[str]:
    """Files of different sizes, half compressible."""
    generator = random.Random(1)
    paths = []
    for number in range(48):
        size = generator.randint(100, 500) << 10
        path = work / f"file{number}"
        path.write_bytes(generator.randbytes(size // 2).hex().encode())
        paths.append(str(path))
    (work / "inputs").write_text("\n".join(paths) + "\n")
    return ["--inputs", str(work / "inputs"), "--", "gzip", "-c", "{}"]


def fetch(work: Path) -> list[str]:
    return ["--range", "1..60", "--", "curl", "--silent", "--fail", f"http://127.0.0.1:{start_server()}/{{}}"]


CASES: dict[str, Flags] = {
    "sleep": catalogue("sleep", "--task", "20ms", "--tasks", "120"),
    "spin": catalogue("spin", "--task", "5ms", "--tasks", "60"),
    "mixed 1": catalogue("mixed:1", "--task", "10ms", "--tasks", "60"),
    "mixed 4": catalogue("mixed:4", "--task", "20ms", "--tasks", "100"),
    "mixed 9": catalogue("mixed:9", "--task", "20ms", "--tasks", "150"),
    "mixed 39": catalogue("mixed:39", "--task", "40ms", "--tasks", "200"),
    "gil_spin": catalogue("gil_spin", "--task", "5ms", "--tasks", "60"),
    "gzip over files": gzip,
    "curl from a slow server": fetch,
    FUNCTION: lambda work: [],  # in main(), which knows the shared object
}


def file_of(name: str) -> str:
    """Where the document of a case is kept."""
    return name.replace(" ", "_").replace("'", "") + ".json"


def start_server() -> int:
    """A port on which every request is answered after DELAY; lives as long as this process."""
    ready = threading.Event()
    port: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(DELAY)
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    ready.wait()
    return port[0]


def human(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e6:.3g} ms"


def name_of(measured: dict[str, Any]) -> str:
    return f"{measured['backend']} x {measured['workers']}"


def percent(ratio: float) -> str:
    return f"{round(100 * ratio, 1) + 0.0:.1f}"  # + 0.0: never -0.0


def row(name: str, found: dict[str, Any]) -> str:
    regret = found["regret"]
    best = regret["rival"]
    choice = next(m for m in found["judged"] if name_of(m) == name_of(found["choice"]))
    ratio = found["wait_to_compute"]
    shown = "never computes" if ratio is None else f"{ratio:.3g}"
    return (
        f"| {name} | {shown} | {name_of(choice)} | {human(choice['median_ns'])} | {name_of(best)} | "
        f"{human(best['median_ns'])} | "
        f"{percent(regret['ratio'])} % [{percent(regret['low'])}, {percent(regret['high'])}] |"
    )


def parse_cases(
    parser: argparse.ArgumentParser, argv: list[str], cases: Collection[str], budget: str
) -> argparse.Namespace:
    """With the arguments that all such experiments have: NAME..., -o, --budget. The directory is there then."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(cases))
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--budget", default=budget)
    options = parser.parse_intermixed_args(argv)
    for name in options.names:
        if name not in cases:
            parser.error(f"no case '{name}'; there are {', '.join(cases)}")
    options.output.mkdir(parents=True, exist_ok=True)
    return options


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("poolbench", type=Path)
    parser.add_argument("function", type=Path)
    options = parse_cases(parser, argv, CASES, budget="60s")
    for name in options.names or CASES:
        with tempfile.TemporaryDirectory() as directory:
            flags = CASES[name](Path(directory))
            if name == FUNCTION:
                flags = ["--function", str(options.function), "--range", "60000..60059"]
            command = [
                str(options.poolbench),
                "recommend",
                "--exhaustive",
                "--json",
                "--budget",
                options.budget,
                *flags,
            ]
            print(" ".join(command), file=sys.stderr)
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False, env={**os.environ, "LC_ALL": "C"})
            if done.returncode != 0:
                return done.returncode
            (options.output / file_of(name)).write_bytes(done.stdout)
    lines = ["| work | W/C | recommended | took | best of all | took | regret |", "|---|---|---|---|---|---|---|"]
    for name in CASES:
        path = options.output / file_of(name)
        if path.exists():
            lines.append(row(name, json.loads(path.read_text())))
    (options.output / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
