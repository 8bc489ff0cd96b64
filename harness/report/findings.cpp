#include "harness/report/findings.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <system_error>

#include "harness/analysis/analysis.h"
#include "harness/analysis/comparison.h"
#include "harness/analysis/noise.h"
#include "harness/base/errors.h"
#include "harness/report/sentences.h"
#include "harness/report/claims_report.h"
#include "harness/report/report.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

using FindingsJson = nlohmann::ordered_json;

struct ReportedRun {
  std::string directory;
  Analysis analysis;
};

void refuse_one_directory_twice(const std::vector<std::string>& directories) {
  for (std::size_t i = 0; i < directories.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      std::error_code error;
      if (std::filesystem::equivalent(directories[i], directories[j], error)) {
        throw ConfigError(fmt::format("'{}' is named twice; allowed: each directory once", directories[i]));
      }
    }
  }
}

FindingsJson run_json(const ReportedRun& run) {
  std::ostringstream verdict;
  print_verdict(run.analysis, verdict);
  const Noise noise = noise_of(run.analysis);
  FindingsJson disturbed = FindingsJson::array();
  for (const std::size_t cell : disturbed_cells(noise)) disturbed.push_back(run.analysis.cells[cell].factors.cell_id);
  const std::vector<ClaimResult> claims = evaluate_claims(run.analysis.rows, read_evidence(run.directory));
  return {{"directory", run.directory},
          {"last_started_utc", run.analysis.last_started_utc},
          {"other_rows", run.analysis.other_rows},
          {"answers", answers(run.analysis)},
          {"noise", noise_text(run.analysis, noise)},
          {"disturbed", disturbed},
          {"verdict", verdict.str()},
          {"claims", FindingsJson::parse(claims_json(claims))["claims"]}};
}

FindingsJson comparison_of(const ReportedRun& a, const ReportedRun& b) {
  CompareOptions options;
  options.across_machines = a.analysis.rows.back().kind->machine_id != b.analysis.rows.back().kind->machine_id;
  try {
    const Comparison comparison = compare(a.analysis, b.analysis, options);
    FindingsJson json = FindingsJson::parse(comparison_json(comparison, {a.directory, b.directory}, options));
    json["across_machines"] = options.across_machines;
    json["powerless"] = powerless(comparison);
    return json;
  } catch (const ConfigError& nothing_in_common) {
    return {{"a", a.directory}, {"b", b.directory}, {"refused", nothing_in_common.what()}};
  }
}

}  // namespace

std::string findings_json(const std::vector<std::string>& directories) {
  refuse_one_directory_twice(directories);
  std::vector<ReportedRun> runs;
  for (const std::string& directory : directories) runs.push_back({directory, look_at(directory, cells_of_all_claims)});
  const bool by_time = runs.size() > 2;
  if (by_time) {
    std::stable_sort(runs.begin(), runs.end(), [](const ReportedRun& a, const ReportedRun& b) {
      return a.analysis.last_started_utc < b.analysis.last_started_utc;
    });
  }
  FindingsJson document{{"runs", FindingsJson::array()}, {"comparisons", FindingsJson::array()}, {"by_time", by_time}};
  for (const ReportedRun& run : runs) document["runs"].push_back(run_json(run));
  for (std::size_t i = 0; i + 1 < runs.size(); ++i) document["comparisons"].push_back(comparison_of(runs[i], runs[i + 1]));
  // An error message of a row may hold bytes that are no UTF-8, which JSON cannot.
  return document.dump(1, ' ', false, FindingsJson::error_handler_t::replace) + '\n';
}

}  // namespace harness
