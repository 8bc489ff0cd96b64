// A comparison as tables, Markdown and JSON.

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "harness/analysis/comparison.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/report/flat_table.h"
#include "harness/report/report.h"
#include "harness/report/summary_json.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;
using model::Change;

constexpr Change kChanges[] = {Change::slower, Change::faster, Change::same, Change::undecided};

std::string percent(double fraction) { return fmt::format("{:.3g} %", 100 * fraction); }

// As many digits as say something: 0.998, 1.21, 12.3.
std::string ratio_text(double ratio) { return fmt::format("{:.{}f}", ratio, ratio < 9.9995 ? 3 : ratio < 99.95 ? 1 : 0); }

std::string interval_text(const model::Ratio& ratio) {
  return fmt::format("[{}, {}]", ratio_text(ratio.lower), ratio_text(ratio.upper));
}

std::string change_text(Change change, const Look& look) {
  const std::string text(model::name(change));
  switch (change) {
    case Change::slower:
      return painted(text, Paint::bad, look);
    case Change::faster:
      return painted(text, Paint::good, look);
    case Change::undecided:
      return painted(text, Paint::doubtful, look);
    case Change::same:
      break;
  }
  return text;
}

std::string p_text(double p) { return p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", p); }

std::string summary_line(const Comparison& comparison) {
  std::string counts;
  for (const Change change : kChanges) {
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", comparison.count(change), model::name(change));
  }
  const auto cells = [](std::size_t count) { return counted(static_cast<std::int64_t>(count), "cell"); };
  std::string line = fmt::format("{} compared: {}", cells(comparison.cells.size()), counts);
  if (!comparison.unmeasured.empty()) line += fmt::format("; {} without a measurement", cells(comparison.unmeasured.size()));
  if (!comparison.only_in_a.empty()) line += fmt::format("; {} only in A", comparison.only_in_a.size());
  if (!comparison.only_in_b.empty()) line += fmt::format("; {} only in B", comparison.only_in_b.size());
  return line;
}

std::string method_text(const CompareOptions& options, std::size_t width) {
  return hang(
             "B / A is the ratio of the medians; its 95 % interval inverts the Mann-Whitney test (order statistics of all ratios of "
             "a repetition of B to one of A; exact up to 40 repetitions together). p is that test's, after Holm over all cells.",
             0, width) +
         hang(fmt::format("faster, slower: p < {:.2f} and at least {} apart. same: the interval lies within {} either way. Else "
                          "undecided.",
                          kSignificance, percent(options.minimum_effect), percent(options.minimum_effect)),
              0, width);
}

// The scenarios of the compared cells by number, in the order of their first appearance.
class Legend {
 public:
  std::size_t number(const std::string& title) {
    const auto [at, is_new] = numbers_.emplace(title, titles_.size() + 1);
    if (is_new) titles_.push_back(title);
    return at->second;
  }
  std::string text(std::size_t page) const {
    std::string text;
    for (std::size_t i = 0; i < titles_.size(); ++i) text += hang(fmt::format("  [{}] {}", i + 1, titles_[i]), 6, page);
    return text;
  }

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::string> titles_;
};

// "5, 8", or "5" for both
std::string counts_text(const ComparedCell& cell) {
  const std::size_t a = cell.a_ns.size();
  const std::size_t b = cell.b_ns.size();
  return a == b ? fmt::format("{}", a) : fmt::format("{},{}", a, b);
}

std::string compared_name(const ComparedCell& cell) {
  return name_of(*cell.b) + (cell.by_latency ? ", p99 of the sojourns" : "");
}

Json cell_json(const ComparedCell& cell) {
  Json json = factors_json(cell.b->factors);
  json["measure"] = cell.by_latency ? "sojourn_p99" : "makespan";
  json["verdict"] = model::name(cell.change);
  json["ratio"] = cell.ratio.estimate;
  json["ratio_low"] = cell.ratio.lower;
  json["ratio_high"] = cell.ratio.upper;
  json["coverage"] = cell.ratio.coverage;
  json["p"] = cell.p;
  json["p_holm"] = cell.adjusted_p;
  json["a_median_ns"] = cell.a_median_ns;
  json["b_median_ns"] = cell.b_median_ns;
  json["a_n"] = cell.a_ns.size();
  json["b_n"] = cell.b_ns.size();
  return json;
}

Json cells_json(const std::vector<const CellSummary*>& cells) {
  Json list = Json::array();
  for (const CellSummary* const cell : cells) list.push_back(factors_json(cell->factors));
  return list;
}

void append_list(const char* heading, const std::vector<std::string>& lines, std::size_t page, std::string& out) {
  if (lines.empty()) return;
  out += fmt::format("\n{}\n", heading);
  for (const std::string& line : lines) out += hang("  " + line, 6, page);
}

// "process, 4 workers, main (sleep: 40 tasks of 10ms, callbacks of 5ms)" without the title: that is long and known by
// id.
std::vector<std::string> named(const std::vector<const CellSummary*>& cells) {
  std::vector<std::string> lines;
  for (const CellSummary* const cell : cells) {
    const Factors& f = cell->factors;
    lines.push_back(fmt::format("{}; {}, {} tasks {}", name_of(*cell), f.workload, f.tasks,
                                f.inputs.empty() ? "of " + human_ns(f.task_ns) : "over " + f.inputs));
  }
  return lines;
}

}  // namespace

std::string powerless(const Comparison& comparison) {
  if (comparison.cells.empty()) return {};
  double least = 1;
  for (const ComparedCell& cell : comparison.cells) {
    least = std::min(least, model::least_adjusted_p(cell.a_ns.size(), cell.b_ns.size(), comparison.cells.size()));
  }
  if (least < kSignificance) return {};
  const std::size_t needed = model::values_needed(comparison.cells.size(), kSignificance);
  return fmt::format("So few repetitions cannot tell {} cells apart (the least p there is: {:.2g}): it takes {} of each (-r {}).",
                     comparison.cells.size(), least, needed, needed);
}

std::string comparison_text(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options,
                            const Look& look) {
  const std::size_t page = look.columns;
  std::string out = hang("A  " + names.a, 3, page) + hang("B  " + names.b, 3, page);
  out += hang(painted(summary_line(comparison), Paint::strong, look), 0, page) + '\n';
  out += method_text(options, page);
  if (const std::string warning = powerless(comparison); !warning.empty()) out += hang(warning, 0, page);
  Legend legend;
  TextTable table({{"verdict", TextTable::Column::left},
                   {"B / A"},
                   {"95 % interval", TextTable::Column::left},
                   {"p"},
                   {"n"},
                   {"A"},
                   {"B"},
                   {"cell", TextTable::Column::words}});
  for (const ComparedCell& cell : comparison.cells) {
    table.row({change_text(cell.change, look), ratio_text(cell.ratio.estimate), interval_text(cell.ratio),
               p_text(cell.adjusted_p), counts_text(cell), human_ns(cell.a_median_ns), human_ns(cell.b_median_ns),
               fmt::format("[{}] {}", legend.number(cell.scenario), compared_name(cell))});
  }
  if (!comparison.cells.empty()) out += '\n' + table.text(page);
  if (!comparison.cells.empty()) out += '\n' + legend.text(page);
  std::vector<std::string> unmeasured;
  for (const UnmeasuredCell& cell : comparison.unmeasured)
    unmeasured.push_back(fmt::format("{}: {}", name_of(*cell.b), cell.why));
  append_list("Without a measurement", unmeasured, page, out);
  append_list("Only in A", named(comparison.only_in_a), page, out);
  append_list("Only in B", named(comparison.only_in_b), page, out);
  return out;
}

std::string comparison_markdown(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options) {
  std::string out = fmt::format("`{}` (A) and `{}` (B): {}. Minimum effect {}.\n\n", names.a, names.b, summary_line(comparison),
                                percent(options.minimum_effect));
  out += "| verdict | B / A | 95 % interval | p (Holm) | n | A | B | cell | tasks |\n";
  out += "|---|---:|---|---:|---:|---:|---:|---|---|\n";
  for (const ComparedCell& cell : comparison.cells) {
    out +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", model::name(cell.change), ratio_text(cell.ratio.estimate),
                    interval_text(cell.ratio), p_text(cell.adjusted_p), counts_text(cell), human_ns(*cell.a->median_ns),
                    human_ns(*cell.b->median_ns), markdown_cell(compared_name(cell)), markdown_cell(cell.scenario));
  }
  return out;
}

std::string comparison_json(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options) {
  Json document;
  document["a"] = names.a;
  document["b"] = names.b;
  document["minimum_effect"] = options.minimum_effect;
  document["significance"] = kSignificance;
  document["interval"] = "95 %, inverts the Mann-Whitney test";
  for (const Change change : kChanges) document["summary"][std::string(model::name(change))] = comparison.count(change);
  document["cells"] = Json::array();
  for (const ComparedCell& cell : comparison.cells) document["cells"].push_back(cell_json(cell));
  document["unmeasured"] = Json::array();
  for (const UnmeasuredCell& cell : comparison.unmeasured) {
    Json json = factors_json(cell.b->factors);
    json["broke"] = cell.broke;
    json["why"] = cell.why;
    document["unmeasured"].push_back(std::move(json));
  }
  document["only_in_a"] = cells_json(comparison.only_in_a);
  document["only_in_b"] = cells_json(comparison.only_in_b);
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace harness
