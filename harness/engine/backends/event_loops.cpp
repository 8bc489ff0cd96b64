#include "harness/engine/backends/event_loops.h"

#include <algorithm>

#include "harness/engine/backends/missing_backend.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/strategies/executor.h"

namespace harness {

std::vector<const Backend*> event_loop_backends() {
  return backends_of(registered_loops(), [](const RegisteredLoop& loop) { return loop.make(loop.name, loop.summary); });
}

bool is_event_loop(std::string_view backend) {
  if (std::ranges::find(registered_loops(), backend, &RegisteredLoop::name) != registered_loops().end()) return true;
  const drivers::DriverBackend* const driven = drivers::known_backend(backend);
  return driven != nullptr && driven->known().event_loop;
}

std::string_view loop_skip_reason(std::string_view strategy) { return has_chunks(strategy) ? kNoChunksOnLoops : kDefined; }

}  // namespace harness
