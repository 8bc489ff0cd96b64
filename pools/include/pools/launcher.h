#pragma once

// How a RemotePool starts its agents: this program once more on each host. A value; pools/remote_pool.h takes it.

#include <string>
#include <utility>
#include <vector>

namespace pools {

// A shell command per host. In it {host} is the host's name and {agent} what is to be run there: this program, --pool-agent and the
// pool's address; {quoted agent} is the same as one word. The agent's key goes to the command's standard input, and never on a command line;
// when that comes to its end, so does the agent. A command that ends is started again, five times in a row at most; not with exit code 2:
// the agent has said then what cannot be mended.
struct Launcher {
  std::string command = {};  // empty: agents are started by hand
  std::vector<std::string> hosts = {};
  std::string program = {};  // this program, as the hosts find it; empty: where it lies here
  int agents = 0;            // that come of it; 0: one per host
};

// Nobody starts agents but the user: POOLS_AGENT_KEY=... prog --pool-agent tcp://head:port (RemotePool::agent_key()).
inline Launcher by_hand() { return {}; }

inline Launcher command(std::string line, std::vector<std::string> hosts) {
  return {.command = std::move(line), .hosts = std::move(hosts)};
}

struct SshOptions {
  std::vector<std::string> hosts = {};  // a host may be user@host
  std::string program = {};
  std::string flags = {};  // further words for ssh, such as "-p 2222"
};
// Nobody is asked for a password: keys have to be in place.
Launcher ssh(const SshOptions& options);
inline Launcher ssh(std::vector<std::string> hosts) { return ssh(SshOptions{.hosts = std::move(hosts)}); }

struct SlurmOptions {
  int nodes = 1;
  std::string program = {};
  std::string flags = {};  // further words for srun or sbatch, such as "--partition=all"
};
// Within an allocation (SLURM_JOB_ID) one srun with a task per node, which outlives the loss of a node. Else a job per node, by
// sbatch --requeue --exclusive: Slurm starts the agent of a node that has failed once more, elsewhere. Throws std::invalid_argument.
Launcher slurm(const SlurmOptions& options);

}  // namespace pools
