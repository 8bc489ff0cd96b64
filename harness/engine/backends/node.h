#pragma once

// Executors of Node, of the node on the PATH, each a backend that scripts/drivers/node/driver.mjs runs. Without a node they are skipped.

#include <span>

#include "harness/engine/drivers/driver_backend.h"

namespace harness {

// In a fixed order. Constant; any thread.
std::span<const drivers::DriverBackend* const> node_backends();

}  // namespace harness
