// Findings as text and JSON.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/machine/doctor/doctor.h"

namespace harness::doctor {
namespace {

constexpr Verdict kOrder[] = {Verdict::spoils, Verdict::caution, Verdict::unknown, Verdict::fine};

std::size_t count(const std::vector<Finding>& findings, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.verdict == verdict; }));
}

}  // namespace

std::string findings_text(const std::vector<Finding>& findings) {
  std::string out = fmt::format("{} spoil{} measurements here, {} ask{} for caution, {} fine, {} unknown\n\n",
                                count(findings, Verdict::spoils), count(findings, Verdict::spoils) == 1 ? "s" : "",
                                count(findings, Verdict::caution), count(findings, Verdict::caution) == 1 ? "s" : "",
                                count(findings, Verdict::fine), count(findings, Verdict::unknown));
  for (const Verdict verdict : kOrder) {
    for (const Finding& finding : findings) {
      if (finding.verdict != verdict) continue;
      out += fmt::format("{:<8} {:<14} {}\n", name(verdict), finding.id, finding.found);
      if (verdict == Verdict::fine) continue;
      out += fmt::format("{:<8} {:<14} {}\n", "", "  why", finding.why);
      if (!finding.remedy.empty()) out += fmt::format("{:<8} {:<14} {}\n", "", "  remedy", finding.remedy);
    }
  }
  return out;
}

std::string findings_json(const std::vector<Finding>& findings) {
  nlohmann::ordered_json document;
  for (const Verdict verdict : kOrder) document[std::string(name(verdict))] = count(findings, verdict);
  document["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    document["findings"].push_back({{"id", finding.id},
                                    {"verdict", name(finding.verdict)},
                                    {"found", finding.found},
                                    {"why", finding.why},
                                    {"remedy", finding.remedy}});
  }
  // What a file of the kernel says may be anything.
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace harness::doctor
