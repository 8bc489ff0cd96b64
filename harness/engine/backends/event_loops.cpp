#include "harness/engine/backends/event_loops.h"

#include <algorithm>

#include "harness/engine/backends/missing_backend.h"
#include "harness/engine/strategies/executor.h"

namespace harness {

std::vector<const Backend*> event_loop_backends() {
  static const std::vector<std::unique_ptr<Backend>> kAll = [] {
    std::vector<std::unique_ptr<Backend>> all;
    for (const RegisteredLoop& loop : registered_loops()) {
      all.push_back(loop.make != nullptr ? loop.make(loop.name, loop.summary)
                                         : std::make_unique<MissingBackend>(loop.name, loop.summary, loop.missing));
    }
    return all;
  }();
  std::vector<const Backend*> backends;
  for (const auto& backend : kAll) backends.push_back(backend.get());
  return backends;
}

bool is_event_loop(std::string_view backend) {
  return std::ranges::find(registered_loops(), backend, &RegisteredLoop::name) != registered_loops().end();
}

std::string_view loop_skip_reason(std::string_view strategy) { return has_chunks(strategy) ? kNoChunksOnLoops : kDefined; }

}  // namespace harness
