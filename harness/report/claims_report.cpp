#include "harness/report/claims_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/report/flat_table.h"
#include "harness/validate/translations.h"

namespace harness {
namespace {

std::string number(bool there, std::int64_t value) { return there ? std::to_string(value) : std::string(); }

std::string durations_text(const std::vector<std::int64_t>& durations_ns) {
  const auto ms = [](std::int64_t ns) { return fmt::format("{}", ns / 1'000'000); };
  if (std::count(durations_ns.begin(), durations_ns.end(), durations_ns.front()) ==
      static_cast<std::ptrdiff_t>(durations_ns.size())) {
    return ms(durations_ns.front());
  }
  std::string text;
  for (const std::int64_t ns : durations_ns) text += (text.empty() ? "" : ",") + ms(ns);
  return text;
}

// Of all its cells: "A; against B and C".
std::string case_text(const ClaimResult& result) {
  std::string text;
  std::size_t index = 0;
  for (const Cell& cell : cells_of(*result.claim, result.cores, result.scale)) {
    text += (index == 0 ? "" : index == 1 ? "; against " : " and ") + cell_text(cell);
    ++index;
  }
  return text;
}

std::string scales_text(const ClaimResult& result) {
  std::string text;
  for (const ScaleValues& at : result.scales) {
    text += fmt::format("{}{}x{}", text.empty() ? "" : " ", at.scale, at.values_ns.size());
  }
  return text;
}

Paint paint_of(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::holds:
      return Paint::good;
    case model::Verdict::refuted:
      return Paint::bad;
    case model::Verdict::inconclusive:
      break;
  }
  return Paint::doubtful;
}

bool is_refuted(const ClaimResult& result) { return result.verdict == model::Verdict::refuted; }

std::string verdict_counts_text(std::span<const ClaimResult> results) {
  const auto count = [&](model::Verdict verdict) {
    return std::count_if(results.begin(), results.end(), [verdict](const ClaimResult& r) { return r.verdict == verdict; });
  };
  const auto contradictions =
      std::count_if(results.begin(), results.end(), [](const ClaimResult& result) { return result.contradicts(); });
  return fmt::format("{} claims: {} hold, {} refuted, {} inconclusive; {} contradict{} the model", results.size(),
                     count(model::Verdict::holds), count(model::Verdict::refuted), count(model::Verdict::inconclusive),
                     contradictions, contradictions == 1 ? "s" : "");
}

}  // namespace

std::string cell_text(const Cell& cell) {
  std::string text = fmt::format("{} k={}", cell.backend, cell.workers);
  if (cell.parsers > 0) text += fmt::format(" m={}", cell.parsers);
  if (has_chunks(cell.strategy)) text += fmt::format(" s={}", cell.chunksize);
  if (cell.workload != "sleep") text += " " + cell.workload;
  text += fmt::format(": {} x {} ms", cell.tasks, durations_text(cell.task_durations_ns));
  if (has_callbacks(cell.strategy)) text += fmt::format(", callbacks {} ms", durations_text(cell.callback_durations_ns));
  return text;
}

std::string claims_json(std::span<const ClaimResult> results) {
  using Json = nlohmann::ordered_json;
  Json document;
  document["claims"] = Json::array();
  for (const ClaimResult& result : results) {
    const ClaimPrediction& prediction = result.prediction;
    const bool measured = result.measured_ns.has_value();
    Json claim;
    claim["id"] = result.id();
    claim["verdict"] = to_string(result.verdict);
    claim["expected"] = to_string(prediction.expected);
    claim["predicted_ns"] = prediction.claimed_ns;
    claim["measured_ns"] = measured ? Json(*result.measured_ns) : Json();
    claim["tolerance_ns"] = prediction.tolerance_ns;
    claim["violated"] = is_refuted(result) ? Json(result.explanation) : Json();
    claim["formula"] = prediction.formula;
    claim["domain"] = result.claim->domain;
    claim["case"] = case_text(result);
    claim["model_ns"] = prediction.model_ns;
    claim["interval_ns"] = measured ? Json({result.interval.lower, result.interval.upper}) : Json();
    claim["repetitions"] = result.repetitions;
    claim["cells"] = result.cell_ids;
    claim["failed"] = result.failed;
    claim["rival"] = prediction.rival;
    claim["gap_ns"] = prediction.gap_ns;
    claim["overhead_ns"] = result.overhead_ns;
    if (const auto& line = result.regression) {
      const auto ns = [](double value) { return static_cast<std::int64_t>(value); };
      claim["slope_ns"] = ns(line->line.slope);
      claim["slope_interval_ns"] = {ns(line->slope_low), ns(line->slope_high)};
      claim["intercept_ns"] = ns(line->line.intercept);
      claim["intercept_interval_ns"] = {ns(line->intercept_low), ns(line->intercept_high)};
    }
    claim["open"] = result.verdict == model::Verdict::inconclusive ? Json(result.explanation) : Json();
    claim["facts"] = result.facts;
    claim["claim"] = result.claim->english;
    claim["tutorial"] = result.claim->chinese;
    claim["translation"] = in_english(result.claim->chinese);
    document["claims"].push_back(std::move(claim));
  }
  return document.dump(2) + "\n";
}

std::string claims_text(std::span<const ClaimResult> results, const Look& look) {
  const std::size_t width = look.columns;
  constexpr std::size_t kWhole = 100;
  const bool whole = width >= kWhole;
  std::string out = fmt::format("The tutorial: {}\n", kTutorial);
  if (!whole) out += hang(fmt::format("slope, intercept and overhead take {} columns: they are left out", kWhole), 0, width);
  out += fmt::format("\n{:<32} {:<12} {:>8} {:>8} {:>8}", "claim", "verdict", "claimed", "measured", "+-");
  out += whole ? fmt::format(" {:>8} {:>9} {:>8}\n", "slope", "intercept", "overhead") : "\n";
  for (const ClaimResult& result : results) {
    out += fmt::format("{:<32} {} {:>8} {:>8} {:>8}", result.id(),
                       painted(fmt::format("{:<12}", to_string(result.verdict)), paint_of(result.verdict), look),
                       human_ns(result.prediction.claimed_ns), result.measured_ns ? human_ns(*result.measured_ns) : "-",
                       human_ns(result.prediction.tolerance_ns));
    if (const auto& r = result.regression; whole && r) {
      out +=
          fmt::format(" {:>8} {:>9} {:>8}", human_ns(r->line.slope), human_ns(r->line.intercept), human_ns(result.overhead_ns));
    }
    out += (result.contradicts() ? painted("  <- contradicts the model", Paint::bad, look) : "") + '\n';
    out += hang(fmt::format("    {}", result.claim->english), 4, width);
    if (const std::string_view words = in_english(result.claim->chinese); !words.empty()) {
      out += hang(fmt::format("    tutorial: {}", words), 4, width);
    }
  }
  for (const ClaimResult& result : results) {
    if (result.explanation.empty()) continue;
    out += '\n' + hang(fmt::format("{} is {}: {}", result.id(), to_string(result.verdict), result.claim->english), 4, width);
    out += hang("    " + case_text(result), 4, width);
    std::string measured = fmt::format("    {} = {}", result.prediction.formula, human_ns(result.prediction.claimed_ns));
    if (result.measured_ns) {
      measured += fmt::format(", measured {} [{}, {}]", human_ns(*result.measured_ns), human_ns(result.interval.lower),
                              human_ns(result.interval.upper));
    }
    out += hang(fmt::format("{}: {}", measured, result.explanation), 4, width);
    if (!result.facts.empty()) out += hang("    " + result.facts, 4, width);
  }
  return out + "\n" + painted(verdict_counts_text(results), Paint::strong, look) + "\n";
}

std::string claims_markdown(std::span<const ClaimResult> results) {
  std::string out =
      "| claim | the tutorial's words | in English | formula | holds where | case | claimed | measured, 95 % interval | "
      "slope; intercept | verdict |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const ClaimResult& result : results) {
    std::string measured = "-";
    if (result.measured_ns) {
      measured = fmt::format("{} [{}, {}]", human_ns(*result.measured_ns), human_ns(result.interval.lower),
                             human_ns(result.interval.upper));
    }
    std::string line;
    if (const auto& r = result.regression) {
      line = fmt::format("{} [{}, {}]; {} [{}, {}]", human_ns(r->line.slope), human_ns(r->slope_low), human_ns(r->slope_high),
                         human_ns(r->line.intercept), human_ns(r->intercept_low), human_ns(r->intercept_high));
    }
    std::string verdict(to_string(result.verdict));
    if (is_refuted(result)) verdict = "**" + verdict + "**";
    if (!result.explanation.empty()) verdict += ": " + markdown_cell(result.explanation);
    if (!result.facts.empty()) verdict += " (" + markdown_cell(result.facts) + ")";
    if (result.contradicts()) verdict += " - this contradicts the model";
    out += fmt::format("| `{}`: {} | {} | {} | {} | {} | {} | {} +- {} | {} | {} | {} |\n", result.id(),
                       markdown_cell(result.claim->english), markdown_cell(result.claim->chinese),
                       markdown_cell(in_english(result.claim->chinese)), markdown_cell(result.prediction.formula),
                       markdown_cell(result.claim->domain), markdown_cell(case_text(result)),
                       human_ns(result.prediction.claimed_ns), human_ns(result.prediction.tolerance_ns), measured, line, verdict);
  }
  return out + "\n" + verdict_counts_text(results) + "\n";
}

std::string claims_csv(std::span<const ClaimResult> results) {
  std::string out =
      "id,verdict,expected,predicted_ns,measured_ns,tolerance_ns,violated,formula,model_ns,ci_low_ns,ci_high_ns,n,"
      "failed,rival,gap_ns,claim,tutorial,domain,case,scales,overhead_ns,slope_ns,slope_low_ns,slope_high_ns,intercept_ns,"
      "intercept_low_ns,intercept_high_ns,open,facts\n";
  for (const ClaimResult& result : results) {
    const ClaimPrediction& prediction = result.prediction;
    const bool measured = result.measured_ns.has_value();
    const bool open = result.verdict == model::Verdict::inconclusive;
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},", result.id(), to_string(result.verdict),
                       to_string(prediction.expected), prediction.claimed_ns, number(measured, result.measured_ns.value_or(0)),
                       prediction.tolerance_ns, csv_field(is_refuted(result) ? result.explanation : ""),
                       csv_field(prediction.formula), prediction.model_ns, number(measured, result.interval.lower),
                       number(measured, result.interval.upper), result.repetitions, result.failed, csv_field(prediction.rival),
                       prediction.gap_ns, csv_field(result.claim->english), csv_field(result.claim->chinese));
    out += fmt::format("{},{},{},{},", csv_field(result.claim->domain), csv_field(case_text(result)),
                       csv_field(scales_text(result)), result.overhead_ns);
    if (const auto& r = result.regression) {
      for (const double ns :
           {r->line.slope, r->slope_low, r->slope_high, r->line.intercept, r->intercept_low, r->intercept_high}) {
        out += fmt::format("{},", static_cast<std::int64_t>(ns));
      }
    } else {
      out += ",,,,,,";
    }
    out += fmt::format("{},{}\n", csv_field(open ? result.explanation : ""), csv_field(result.facts));
  }
  return out;
}

std::string undecided_text(std::span<const ClaimResult> results, const std::string& command) {
  const auto busy = std::ranges::count_if(results, [](const ClaimResult& result) {
    const auto gated = [](const ScaleValues& at) { return at.gated > 0; };
    return result.verdict == model::Verdict::inconclusive && std::ranges::any_of(result.scales, gated);
  });
  if (busy == 0) return {};
  return fmt::format("{} claim{} {} open because the machine was not quiet, not because of what was measured: {}\n", busy,
                     busy == 1 ? "" : "s", busy == 1 ? "is" : "are",
                     command.empty() ? "the same command decides them when it is (with -o DIR it measures only what is missing)"
                                     : "the same command measures what is missing and decides them: " + command);
}

std::string overheads_text(const Overheads& overheads) {
  if (overheads.empty()) return {};
  std::string out = "overheads, calibrated on tasks and callbacks of 0 s (a + n * b for n tasks):\n";
  for (const auto& [key, line] : overheads) {
    out += fmt::format("  {} {}: {} + n * {}\n", key.first, key.second, human_ns(line.intercept), human_ns(line.slope));
  }
  return out;
}

}  // namespace harness
