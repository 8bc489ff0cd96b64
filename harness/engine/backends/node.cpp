#include "harness/engine/backends/node.h"

#include <array>
#include <string>
#include <utility>

#include "harness/base/errors.h"
#include "harness/engine/drivers/programs.h"
#include "harness/engine/strategies/executor.h"

namespace harness {
namespace {

using drivers::Command;
using drivers::Description;
using drivers::DriverBackend;

constexpr const char* kNoNode = "needs node: apt-get install nodejs";

// Throws ConfigError naming what is missing.
Command node_driver_of(const std::string& executor) {
  const auto node = drivers::find_program("node");
  if (!node) throw ConfigError(kNoNode);
  return {node->string(), drivers::require_script("node/driver.mjs").string(), executor};
}

DriverBackend make_node(const std::string& executor, Description known) {
  known.workloads.assign(drivers::protocol_workloads().begin(), drivers::protocol_workloads().end());
  return DriverBackend(
      "node_" + executor, std::move(known), [executor] { return node_driver_of(executor); },
      [] { return std::string(drivers::find_program("node") ? "" : kNoNode); });
}

Description promises() {
  return {.name = "an event loop: promises on Node's event loop",
          .strategies = {"none", "worker", "extra", "fused", "sync", "collect", "as_completed"},
          .skips = {{"main", "there is one thread, which is the loop's: worker, or as_completed"},
                    {"map", std::string(kNoChunksOnLoops)}},
          .event_loop = true,
          .workers = 1};
}

Description worker_threads() {
  return {.name = "a pool of Node's worker_threads",
          .strategies = {"none", "main", "extra", "fused", "sync", "collect", "as_completed"},
          .skips = {{"worker", "the main thread gets a worker's message (main); what a worker parses is fused"},
                    {"map", "the executor has no map"}}};
}

}  // namespace

std::span<const DriverBackend* const> node_backends() {
  static const DriverBackend kPromise = make_node("promise", promises());
  static const DriverBackend kWorker = make_node("worker", worker_threads());
  static const std::array kAll{&kPromise, &kWorker};
  return kAll;
}

}  // namespace harness
