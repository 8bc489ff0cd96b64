// A pool over several hosts that does what it is told, line by line on standard input, so that a test may do something to its hosts meanwhile:
//
//   remote_launchers ssh ADDRESS HOST...
//   remote_launchers slurm ADDRESS NODES
//
//   work       computes something on all hosts                                       worked N
//   hosts      which there are                                                       hosts NAME:PID...
//   await N    waits until so many are there                                         there N
//   lost N     waits until so many have been lost                                    lost N
//
// At the end of its input it shuts the pool down. Exit code 1: something was wrong, and standard error says what.

#include <chrono>
#include <exception>
#include <iostream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/remote_pool.h"

namespace {

constexpr int kTasks = 400;

int square(int n) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return n * n;
}

pools::Launcher launcher_of(const std::string& name, std::vector<std::string> words) {
  if (name == "ssh") return pools::ssh(std::move(words));
  if (name == "slurm") return pools::slurm({.nodes = std::stoi(words.at(0))});
  throw std::invalid_argument("bad launcher '" + name + "'; allowed: ssh, slurm");
}

void work(pools::RemotePool& pool) {
  std::vector<int> numbers(kTasks);
  std::iota(numbers.begin(), numbers.end(), 0);
  long long sum = 0;
  for (const int value : pool.map<&square>(numbers)) sum += value;
  long long expected = 0;
  for (const int n : numbers) expected += n * n;
  if (sum != expected) throw std::logic_error("the sum is " + std::to_string(sum));
  std::cout << "worked " << kTasks << std::endl;
}

void obey(pools::RemotePool& pool, const std::string& line) {
  std::istringstream words(line);
  std::string order;
  int number = 0;
  words >> order >> number;
  if (order == "work") {
    work(pool);
  } else if (order == "hosts") {
    std::cout << "hosts";
    for (const pools::HostInfo& host : pool.hosts()) std::cout << ' ' << host.name << ':' << host.pid;
    std::cout << std::endl;
  } else if (order == "await") {
    pool.await_hosts(number, std::chrono::minutes(2));
    std::cout << "there " << pool.hosts().size() << std::endl;
  } else if (order == "lost") {
    while (pool.incidents().hosts_lost < static_cast<std::uint64_t>(number)) std::this_thread::yield();
    std::cout << "lost " << pool.incidents().hosts_lost << std::endl;
  } else {
    throw std::invalid_argument("bad order '" + line + "'; allowed: work, hosts, await N, lost N");
  }
}

}  // namespace

int main(int argc, char** argv) {
  pools::init(argc, argv);
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    pools::RemotePool pool({.address = words.at(1),
                            .launcher = launcher_of(words.at(0), {words.begin() + 2, words.end()}),
                            .retry = {.retries = 5},
                            .workers = 2});
    pool.start_all();
    std::cout << "there " << pool.hosts().size() << std::endl;
    for (std::string line; std::getline(std::cin, line);) obey(pool, line);
    pool.shutdown();
  } catch (const std::exception& error) {
    std::cerr << "remote_launchers: " << error.what() << '\n';
    return 1;
  }
}
