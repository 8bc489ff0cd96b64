"""What a task or callback does: the same works as workloads/work.h has, with the same digests."""

import os
import socket
import struct
import threading
import time

from cpython import user_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Tuple

    Work = Tuple[Any, ...]  # kind, port (of the user's functions: which input), wait_ns, units, bytes, seed
    Outcome = Tuple[Any, ...]  # started, finished, pid, tid, cpu, digest; of a function of the user's its result, too

KINDS = ("sleep", "blocking_sleep", "spin", "gil_spin", "mixed", "tcp_echo")
MASK = (1 << 64) - 1
ECHO_MARK = 0x6F686365706F6F6C  # "loopecho"


def splitmix64(state: int) -> "tuple[int, int]":
    """One number from the generator at `state`, and its next state."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    value = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31), state


def combine(digest: int, value: int) -> int:
    return splitmix64((((digest << 23) & MASK) | (digest >> 41)) ^ value)[0]


def combine_bytes(digest: int, text: bytes) -> int:
    digest = combine(digest, len(text))
    whole = len(text) // 8 * 8
    for (word,) in struct.iter_unpack("=Q", text[:whole]):
        digest = combine(digest, word)
    if whole == len(text):
        return digest
    return combine(digest, struct.unpack("=Q", text[whole:].ljust(8, b"\0"))[0])


def seeded_bytes(seed: int, size: int) -> bytes:
    words = []
    for _ in range((size + 7) // 8):
        word, seed = splitmix64(seed)
        words.append(word)
    return struct.pack("=%dQ" % len(words), *words)[:size]


def spin_steps(state: int, steps: int) -> int:
    for _ in range(steps):
        state = ((state ^ (state >> 29)) * 0xD6E8FEB86659FD93 + 0x9E3779B97F4A7C15) & MASK
    return state


class Echo:
    """One task of tcp_echo, for whoever moves its bytes: send `request`, feed what comes until nothing is `missing`."""

    def __init__(self, work: "Work") -> None:
        _kind, self.port, wait_ns, _units, size, self.seed = work
        self.payload = seeded_bytes(combine_bytes(self.seed, b"tcp_echo"), size)
        self.request = struct.pack("<QQQ", ECHO_MARK, wait_ns, size) + self.payload
        self.pieces: "list[bytes]" = []
        self.missing: int = size

    @staticmethod
    def prepare(peer: "socket.socket") -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closed by RST, as workloads/connection.h does and for its reason: no pair of ports is kept for a minute.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def at_most(self) -> int:
        return min(self.missing, 1 << 20)

    def feed(self, piece: bytes) -> None:
        if not piece:
            raise ConnectionError("tcp_echo: the server ended the connection before its answer was complete")
        self.pieces.append(piece)
        self.missing -= len(piece)

    def digest(self) -> int:
        answer = b"".join(self.pieces)
        if answer != self.payload:
            raise ConnectionError("tcp_echo: the answer differs from what was sent")
        return combine_bytes(self.seed, answer)


def echo(work: "Work") -> int:
    exchange = Echo(work)
    with socket.create_connection(("127.0.0.1", exchange.port)) as peer:
        exchange.prepare(peer)
        peer.sendall(exchange.request)
        while exchange.missing > 0:
            exchange.feed(peer.recv(exchange.at_most()))
    return exchange.digest()


def work_of(written: "list[Any]") -> "Work":
    """As it comes in a question: its seed is written as text."""
    kind, port, wait_ns, units, size, seed = written
    return kind, port, wait_ns, units, size, int(seed)


def compute(work: "Work") -> int:
    """What a work does after its wait: its digest. Not of tcp_echo."""
    kind, _port, _wait_ns, units, _size, seed = work
    if kind in ("sleep", "blocking_sleep"):
        return combine_bytes(seed, kind.encode())
    return spin_steps(combine_bytes(seed, kind.encode()), units)


def do(work: "Work") -> int:
    """Does the work and returns its digest."""
    if work[0] == "tcp_echo":
        return echo(work)
    if work[2] > 0:
        time.sleep(work[2] / 1e9)
    return compute(work)


def execute(work: "Work") -> "Outcome":
    """The work, stamped: (started, finished, pid, tid, cpu, digest), and what a function of the user's returned."""
    if work[0] in user_code.KINDS:
        return user_code.execute(work)
    cpu_before = time.thread_time_ns()
    started = time.monotonic_ns()
    digest = do(work)
    finished = time.monotonic_ns()
    return started, finished, os.getpid(), threading.get_native_id(), time.thread_time_ns() - cpu_before, digest


def execute_both(task: "Work", callback: "Work") -> "tuple[Outcome, Outcome]":
    done = execute(task)
    return done[:6], execute(with_result(callback, done))


def with_result(callback: "Work", done: "Outcome") -> "Work":
    """A callback of the user's is called with what his task returned; others need nothing."""
    return (*callback, *done[6:])


def outcome(started: int, cpu: int, digest: int) -> "Outcome":
    """Of a work that ends now, on this thread."""
    return started, time.monotonic_ns(), os.getpid(), threading.get_native_id(), cpu, digest
