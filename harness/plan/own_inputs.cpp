#include "harness/plan/own_inputs.h"

#include <fmt/core.h>

#include <vector>

#include "harness/base/errors.h"
#include "harness/base/hash.h"
#include "harness/engine/own/inputs.h"
#include "harness/engine/own/own_work.h"

namespace harness {

const Inputs& KnownInputs::of(const Factors& factors, bool grid) {
  if (!grid) throw ConfigError("a [[case]] lists durations, and work of one's own takes what it takes; allowed: a [[grid]]");
  if (factors.inputs.empty()) {
    throw ConfigError(
        fmt::format("'{}' has no inputs; needed: inputs = \"FILE\" (one per line), or \"1..60\"", factors.workload));
  }
  const bool python = factors.workload.starts_with(own::kPython);
  const auto [known, is_new] = known_.try_emplace({factors.inputs, python});
  if (!is_new) return known->second;
  const std::vector<std::string> lines = own::suite_inputs(factors.inputs);
  if (python) own::inputs_json(lines, factors.inputs.ends_with(".jsonl"), factors.inputs);  // for what it throws
  Fnv1a hash;
  for (const std::string& line : lines) hash.add(line + '\n');
  known->second = {static_cast<int>(lines.size()), hash.value()};
  return known->second;
}

}  // namespace harness
