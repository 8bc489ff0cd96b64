"""What is done to each pool, one line each. How, says each language's acts (hosts/acts.py, hosts/acts.mjs, and
pools/tests/faults/contender_acts.cpp); what the host does before and after, its scenes (hosts/python_host.py, ...)."""

from typing import NamedTuple


class Fault(NamedTuple):
    name: str
    title: str


FAULTS = (
    # A task beside two that are running and six that are queued.
    Fault("killed", "a task's worker is killed (SIGKILL)"),
    Fault("segfault", "a task segfaults"),
    Fault("aborts", "a task calls `abort()`"),
    Fault("exits", "a task calls the language's `exit()`"),
    Fault("exits_at_once", "a task calls `_exit()`"),
    Fault("recursion", "a task recurses for ever"),
    Fault("out_of_memory", "a task wants more memory than it may have"),
    Fault("crash_loop", "twenty tasks, each of which kills its worker"),
    Fault("stopped", "a task's worker is stopped (SIGSTOP); time limit, where there is one"),
    Fault("endless", "a task that never ends, deaf to SIGTERM; time limit, where there is one"),
    Fault("forks", "a task forks, and both return"),
    Fault("closes_descriptors", "a task closes all descriptors from 3 on"),
    Fault("closes_standard", "a task closes descriptors 0 to 2 and prints"),
    Fault("never_ending_thread", "a task leaves a thread (C++: an exit handler) that never ends"),
    # What travels.
    Fault("unencodable_argument", "an argument that cannot be encoded"),
    Fault("undecodable_argument", "an argument that cannot be decoded"),
    Fault("killed_by_argument", "an argument whose decoding kills the worker"),
    Fault("unencodable_result", "a result that cannot be encoded"),
    Fault("undecodable_result", "a result that cannot be decoded"),
    Fault("unencodable_exception", "an exception that cannot be encoded"),
    Fault("undecodable_exception", "an exception that cannot be decoded"),
    Fault("large_result", "a result of 256 MiB"),
    Fault("nested_result", "a result nested 100,000 deep"),
    Fault("killed_mid_result", "killed in the middle of writing a result of 256 MiB"),
    Fault("killed_after_result", "killed just after it has written its result"),
    Fault("callback_raises", "a callback raises"),
    Fault("callback_blocks", "a callback blocks"),
    # What tasks leave behind.
    Fault("grandchild", "a task leaves a child process behind"),
    Fault("grandchild_in_session", "the same, in a session of its own"),
    Fault("killed_with_grandchild", "a worker is killed that has started a child process"),
    # Workers, from outside.
    Fault("idle_killed", "an idle worker is killed"),
    Fault("all_killed_idle", "all workers are killed while idle"),
    Fault("all_killed_at_work", "all workers are killed in a task"),
    Fault("idle_stopped", "an idle worker is stopped (SIGSTOP)"),
    # Their start.
    Fault("initializer_raises", "the initializer raises"),
    Fault("initializer_dies", "the initializer ends its worker"),
    Fault("initializer_hangs", "the initializer never returns"),
    Fault("descriptors_limited", "twelve descriptors left when the pool is made"),
    # The host.
    Fault("interrupted", "Ctrl-C, which the host takes no notice of"),
    Fault("sigchld_ignored", "the host ignores SIGCHLD; a worker is killed"),
    Fault("foreign_waitpid", "the host reaps every child; a worker is killed"),
    Fault("stdio_closed", "the host is started without descriptors 0 to 2"),
    Fault("fork_of_host", "a fork of the host submits a task"),
    Fault("not_shut_down", "the host's main ends without shutting the pool down"),
    Fault("host_killed_idle", "the host is killed, its workers idle"),
    Fault("host_killed_at_work", "the host is killed, its workers in tasks"),
    Fault("host_killed_with_grandchild", "the host is killed, a worker has started a child process"),
)
NAMES = tuple(fault.name for fault in FAULTS)
