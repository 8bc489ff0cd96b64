// In place of remote.cpp where ZeroMQ is not installed.

#include "harness/engine/backends/missing_backend.h"
#include "harness/engine/backends/remote.h"

namespace harness {

const Backend& remote_backend() {
  static const MissingBackend kBackend("remote",
                                       "pools::RemotePool: worker processes of an agent on this machine, or on each of HOSTS",
                                       "apt-get install libzmq3-dev cppzmq-dev, then build again");
  return kBackend;
}

const Backend& remote_backend_at(std::string_view name) {
  hosts_of(name);
  return remote_backend();
}

}  // namespace harness
