"""What a task or callback does: the same works as workloads/work.h has, with the same digests."""

import os
import socket
import struct
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Tuple

    Work = Tuple[Any, ...]  # kind, port, wait_ns, units, bytes, seed
    Outcome = Tuple[int, int, int, int, int, int]  # started, finished, pid, tid, cpu, digest

KINDS = ("sleep", "spin", "gil_spin", "mixed", "tcp_echo")
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


def receive(peer: "socket.socket", size: int) -> bytes:
    pieces = []
    while size > 0:
        piece = peer.recv(min(size, 1 << 20))
        if not piece:
            raise ConnectionError("tcp_echo: the server ended the connection before its answer was complete")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def echo(port: int, wait_ns: int, size: int, seed: int) -> int:
    payload = seeded_bytes(combine_bytes(seed, b"tcp_echo"), size)
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Closed by RST, as workloads/connection.h does and for its reason: no pair of ports is kept for a minute.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sendall(struct.pack("<QQQ", ECHO_MARK, wait_ns, size) + payload)
        answer = receive(peer, size)
    if answer != payload:
        raise ConnectionError("tcp_echo: the answer differs from what was sent")
    return combine_bytes(seed, answer)


def do(work: "Work") -> int:
    """Does the work and returns its digest."""
    kind, port, wait_ns, units, size, seed = work
    if kind == "tcp_echo":
        return echo(port, wait_ns, size, seed)
    if wait_ns > 0:
        time.sleep(wait_ns / 1e9)
    if kind == "sleep":
        return combine_bytes(seed, b"sleep")
    return spin_steps(combine_bytes(seed, kind.encode()), units)


def execute(work: "Work") -> "Outcome":
    """The work, stamped: (started, finished, pid, tid, cpu, digest)."""
    cpu_before = time.thread_time_ns()
    started = time.monotonic_ns()
    digest = do(work)
    finished = time.monotonic_ns()
    return started, finished, os.getpid(), threading.get_native_id(), time.thread_time_ns() - cpu_before, digest


def execute_both(task: "Work", callback: "Work") -> "tuple[Outcome, Outcome]":
    return execute(task), execute(callback)
