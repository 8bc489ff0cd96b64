// Findings as text and JSON.

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/machine/doctor/doctor.h"

namespace harness::doctor {
namespace {

constexpr Verdict kOrder[] = {Verdict::spoils, Verdict::caution, Verdict::unknown, Verdict::fine};

std::size_t count(const std::vector<Finding>& findings, Verdict verdict) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.verdict == verdict; }));
}

Paint paint_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::spoils:
      return Paint::bad;
    case Verdict::caution:
      return Paint::doubtful;
    case Verdict::fine:
      return Paint::good;
    case Verdict::unknown:
      break;
  }
  return Paint::faint;
}

}  // namespace

std::string findings_text(const std::vector<Finding>& findings, const Look& look) {
  constexpr std::size_t kIndent = 24;
  const auto line = [&look](const std::string& first, std::string_view second, const std::string& words) {
    return hang(fmt::format("{} {:<14} {}", first, second, words), kIndent, look.columns);
  };
  std::string out;
  const std::string counts = fmt::format("{} spoil{} measurements here, {} ask{} for caution, {} fine, {} unknown",
                                         count(findings, Verdict::spoils), count(findings, Verdict::spoils) == 1 ? "s" : "",
                                         count(findings, Verdict::caution), count(findings, Verdict::caution) == 1 ? "s" : "",
                                         count(findings, Verdict::fine), count(findings, Verdict::unknown));
  out += hang(painted(counts, Paint::strong, look), 0, look.columns) + '\n';
  for (const Verdict verdict : kOrder) {
    for (const Finding& finding : findings) {
      if (finding.verdict != verdict) continue;
      out += line(painted(fmt::format("{:<8}", name(verdict)), paint_of(verdict), look), finding.id, finding.found);
      if (verdict == Verdict::fine) continue;
      const std::string blanks(8, ' ');
      out += line(blanks, "  why", finding.why);
      if (!finding.remedy.empty())
        out += fmt::format("{} {:<14} {}\n", blanks, "  remedy", finding.remedy);  // to be pasted whole
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
