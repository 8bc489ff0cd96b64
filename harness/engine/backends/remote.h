#pragma once

// The backends of pools::RemotePool: `remote`, with one agent on this machine, shows what the way costs; `remote:a,b` has an agent on each host.
//
// Thread safety: any thread.

#include <string>
#include <string_view>
#include <vector>

#include "harness/engine/backends/backend.h"

namespace harness {

inline constexpr std::string_view kRemotePrefix = "remote:";

// One of these two.
bool is_remote(std::string_view backend);
// How many machines the workers of a backend, of any, are on. Throws as hosts_of.
int machines_of(std::string_view backend);

const Backend& remote_backend();

// Of "remote:a,b". Throws ConfigError: no host, a name that ssh would take for a flag.
const Backend& remote_backend_at(std::string_view name);

// "remote:a,b" -> a, b; of `remote` none. Throws as above.
std::vector<std::string> hosts_of(std::string_view backend);

}  // namespace harness
