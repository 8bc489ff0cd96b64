#pragma once

// poolbench recommend: from flags to what is asked.

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/formats.h"
#include "harness/cli/recommend_python.h"
#include "harness/cli/recommend_rate.h"
#include "harness/recommend/objective.h"
#include "harness/recommend/recommend.h"
#include "harness/sweep/gate.h"
#include "workloads/work.h"

namespace harness {

inline constexpr std::string_view kNoCallback = "0s";

// As given; empty where the flag is absent and has no default.
struct RecommendFlags {
  std::string workload;
  std::string function;
  std::string python;
  std::vector<std::string> interpreters;
  std::string deadline;
  std::vector<std::string> command;
  std::string inputs;
  std::string range;
  std::string tasks;
  std::string task = "20ms";
  std::string callback = std::string(kNoCallback);
  std::string payload;
  std::string budget = "60s";
  std::string most_workers = "64";
  std::string seed = "1";
  std::string hosts;
  RateFlags rate;
  std::string output;
  std::string most_pressure = fmt::format("{}", GateRule{}.most_pressure);
  bool fresh = false;
  bool strict = false;
  bool exhaustive = false;
  FormatFlags format;
};

// What there is to be answered: one question, or of a Python function one for each interpreter. Throws ConfigError.
std::vector<Asked> questions_of(const RecommendFlags& flags);

// All that decides what is measured, as JSON text.
std::string question_text(const recommend::Question& question, const workloads::Subject& subject,
                          const std::optional<recommend::Objective>& objective);

}  // namespace harness
