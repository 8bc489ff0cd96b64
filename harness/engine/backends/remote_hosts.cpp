#include <fmt/core.h>

#include <algorithm>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/engine/backends/remote.h"

namespace harness {

bool is_remote(std::string_view backend) { return backend == "remote" || backend.starts_with(kRemotePrefix); }

int machines_of(std::string_view backend) { return std::max(1, static_cast<int>(hosts_of(backend).size())); }

std::vector<std::string> hosts_of(std::string_view backend) {
  std::vector<std::string> hosts;
  if (!backend.starts_with(kRemotePrefix)) return hosts;
  std::string_view rest = backend.substr(kRemotePrefix.size());
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view host = rest.substr(0, comma);
    const bool plain = !host.empty() && host.front() != '-' &&
                       host.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789_-.:@[]") == std::string_view::npos;
    if (!plain) {
      throw ConfigError(fmt::format("bad host '{}' in '{}'; allowed: remote:HOST,HOST,... as ssh takes them", printable(host, 60),
                                    printable(backend, 60)));
    }
    hosts.emplace_back(host);
    if (comma == std::string_view::npos) return hosts;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace harness
