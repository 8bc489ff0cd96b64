#pragma once

// The agent of a remote pool: this program on another host, with a process pool of its own there.
//
//   prog --pool-agent tcp://head:port [--workers N]
//
// Its key (RemotePool::agent_key()) is in the environment variable POOLS_AGENT_KEY, in the file that POOLS_AGENT_KEY_FILE names, or else the
// first line of its standard input, which then has to stay open: it ends with that. Exit code 0: the pool has ended, or asked for it; 2, with
// a line on standard error: it cannot be this pool's agent, or its process pool is broken; 1: anything else.

namespace pools::detail {

[[noreturn]] void run_agent(int argc, char** argv);

}  // namespace pools::detail
