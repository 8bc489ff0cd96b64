#pragma once

// A suite on other hosts: what --hosts means.

#include <string>
#include <string_view>
#include <vector>

#include "harness/plan/suite.h"

namespace harness {

// The suite with `remote` followed by one host, two, and so on to all of them: "remote", "remote:a", "remote:a,b". The frozen text stays as it
// is. Empty: the suite as it is. Throws ConfigError: a name that is none, one that is given twice; the suite has no backend `remote`.
Suite on_hosts(Suite suite, std::string_view hosts);

// "a,b" -> "remote:a", "remote:a,b". Throws ConfigError: a name that is none, one that is given twice.
std::vector<std::string> backends_over(std::string_view hosts);

}  // namespace harness
