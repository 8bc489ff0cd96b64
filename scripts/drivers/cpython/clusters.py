"""Executors made for many machines, on this one: dask.distributed's and mpi4py's. What they take beside
concurrent.futures is what leaving the machine costs."""

import concurrent.futures
import importlib
import os
import sys
import tempfile

from cpython.pools import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pid_of_worker() -> int:
    return os.getpid()


class DaskPool(Pool):
    """A scheduler and `workers` processes with a thread each, without dashboard; loopback only."""

    def __init__(self, workers: int) -> None:
        from cpython.leftovers import remove_after_the_end

        distributed: "Any" = importlib.import_module("distributed")
        directory = tempfile.mkdtemp(prefix="poolbench-dask-")
        remove_after_the_end("spawn", directory)
        self.cluster: "Any" = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=directory,
            silence_logs=50,
        )
        self.client: "Any" = distributed.Client(self.cluster)
        # Equal calls are one task to dask unless it is told that they are not.
        super().__init__(workers, self.client.get_executor(pure=False))

    def warm_up(self) -> "list[int]":
        self.client.wait_for_workers(self.workers)
        pids = list(self.client.run(pid_of_worker).values())
        concurrent.futures.wait([self.executor.submit(pid_of_worker) for _ in range(self.workers)])
        return pids

    def shutdown(self) -> None:
        self.executor.shutdown(wait=True)
        self.client.close()
        self.cluster.close()


class MpiPool(Pool):
    """MPIPoolExecutor: workers are started by MPI_Comm_spawn, and wait at full speed for what comes."""

    def __init__(self, workers: int) -> None:
        from cpython.leftovers import remove_after_the_end

        # Memory that the processes share, and its other files: where they are found when everybody has been killed.
        directory = tempfile.mkdtemp(prefix="poolbench-mpi-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        remove_after_the_end("spawn", directory)
        os.environ.setdefault("OMPI_MCA_btl_vader_backing_directory", directory)
        os.environ.setdefault("OMPI_MCA_orte_tmpdir_base", directory)
        os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
        os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        # More processes than cores, on no particular ones, which give way to each other; nothing leaves the machine.
        os.environ.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
        os.environ.setdefault("OMPI_MCA_hwloc_base_binding_policy", "none")
        os.environ.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")
        os.environ.setdefault("OMPI_MCA_btl_tcp_if_include", "lo")
        os.environ.setdefault("OMPI_MCA_oob_tcp_if_include", "lo")
        from mpi4py.futures import MPIPoolExecutor

        super().__init__(workers, MPIPoolExecutor(workers, path=sys.path, main=False))

    def warm_up(self) -> "list[int]":
        self.executor.bootup(wait=True)  # type: ignore[attr-defined]
        pids = {future.result() for future in [self.executor.submit(pid_of_worker) for _ in range(8 * self.workers)]}
        return list(pids)
