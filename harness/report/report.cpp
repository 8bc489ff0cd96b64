#include "harness/report/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "harness/analysis/leaving.h"
#include "harness/analysis/over_blocks.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

constexpr std::size_t kIndent = 12;  // of what follows a label

std::string ratio_with_interval(const model::Ratio& ratio) {
  const int digits = ratio.upper < 9.995 ? 2 : ratio.upper < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}x [{:.{}f}, {:.{}f}]", ratio.estimate, digits, ratio.lower, digits, ratio.upper, digits);
}

void print_wrapped(std::ostream& out, const std::string& label, const std::string& text) {
  out << hang(fmt::format("  {:<{}}{}", label, kIndent - 2, text), kIndent);
}

// The scenario's cells that were measured, fastest first; failed ones are not among them.
std::vector<const CellSummary*> ranking(const Analysis& analysis, const Scenario& scenario) {
  std::vector<const CellSummary*> cells;
  for (const std::size_t index : scenario.cells) {
    if (analysis.cells[index].median_ns) cells.push_back(&analysis.cells[index]);
  }
  std::stable_sort(cells.begin(), cells.end(), [](const auto* a, const auto* b) { return *a->median_ns < *b->median_ns; });
  return cells;
}

// The best cell per value of one factor, fastest first.
template <class Value>
std::vector<const CellSummary*> best_per(const std::vector<const CellSummary*>& ranked, Value&& value) {
  std::vector<const CellSummary*> best;
  for (const CellSummary* cell : ranked) {
    const auto same = [&](const CellSummary* other) { return value(other->factors) == value(cell->factors); };
    if (std::none_of(best.begin(), best.end(), same)) best.push_back(cell);
  }
  return best;
}

// "thread: 100 ms; process: 1.01x [1.00, 1.02] (tie)": the best cell of each value against the best of all.
template <class Value, class Name>
void print_comparison(std::ostream& out, const std::string& label, const std::vector<const CellSummary*>& ranked, Value&& value,
                      Name&& named) {
  const std::vector<const CellSummary*> best = best_per(ranked, value);
  if (best.size() < 2) return;
  std::string text = fmt::format("{}: {}", named(best.front()->factors), human_ns(*best.front()->median_ns));
  for (std::size_t i = 1; i < best.size(); ++i) {
    text += fmt::format("; {}: {}", named(best[i]->factors),
                        best[i]->ratio ? ratio_with_interval(*best[i]->ratio) : human_ns(*best[i]->median_ns));
    if (best[i]->tie) text += " (tie)";
  }
  print_wrapped(out, label, text);
}

void print_scenario(std::ostream& out, const Analysis& analysis, const Scenario& scenario) {
  out << '\n' << scenario.title << '\n';
  const std::vector<const CellSummary*> ranked = ranking(analysis, scenario);
  if (!ranked.empty()) {
    const CellSummary& best = *ranked.front();
    print_wrapped(out, "best",
                  fmt::format("{}: {} [{}, {}], n = {}", name_of(best), human_ns(*best.median_ns), human_ns(best.interval.lower),
                              human_ns(best.interval.upper), best.makespans_ns.size()));
    std::string tied;
    const CellSummary* next = nullptr;
    int ties = 0;
    for (const CellSummary* cell : ranked) {
      if (cell->tie) tied += (ties++ == 0 ? "" : "; ") + name_of(*cell);
      if (!next && !cell->best && !cell->tie) next = cell;
    }
    if (ties > 0) print_wrapped(out, ties == 1 ? "tie" : fmt::format("{} ties", ties), tied);
    if (next && next->ratio) {
      print_wrapped(out, "next", fmt::format("{}: takes {} as long", name_of(*next), ratio_with_interval(*next->ratio)));
    }
    print_comparison(
        out, "pools", ranked, [](const Factors& f) { return f.backend; }, [](const Factors& f) { return f.backend; });
    print_comparison(
        out, "workers", ranked, [](const Factors& f) { return f.workers; },
        [](const Factors& f) {
          return f.workers_spec == std::to_string(f.workers) ? f.workers_spec : fmt::format("{} ({})", f.workers, f.workers_spec);
        });
    const auto callback_way = [](const Factors& f) {
      return has_parsers(f.strategy) ? fmt::format("{}({})", f.strategy, f.parsers) : f.strategy;
    };
    print_comparison(out, "callbacks", ranked, callback_way, callback_way);
  }
  for (const std::size_t index : scenario.cells) {
    const CellSummary& cell = analysis.cells[index];
    if (cell.failed == 0) continue;
    print_wrapped(out, "failed",
                  fmt::format("{}: {} of {} repetitions, {}", name_of(cell), cell.failed,
                              cell.failed + static_cast<int>(cell.makespans_ns.size()), cell.failure));
  }
}

void print_claims(std::ostream& out, const Analysis& analysis) {
  const std::vector<ClaimResult> results = evaluate_claims(analysis.rows);
  if (results.empty()) return;
  out << "\nThe tutorial's formulas, where this run has their cells\n";
  for (const ClaimResult& result : results) {
    std::string text =
        fmt::format("{}: {} = {}", result.claim->english, result.prediction.formula, human_ns(result.prediction.claimed_ns));
    if (result.measured_ns)
      text += fmt::format(", measured {} (+-{})", human_ns(*result.measured_ns), human_ns(result.prediction.tolerance_ns));
    if (!result.explanation.empty()) text += "; " + result.explanation;
    if (result.contradicts()) text += "; this contradicts the model";
    print_wrapped(out, result.verdict == model::Verdict::inconclusive ? "open" : std::string(to_string(result.verdict)), text);
  }
}

std::string percent_slower(double ratio) {
  const double percent = 100 * (ratio - 1);
  return fmt::format("{:.1f} % {}", std::abs(percent), percent < 0 ? "faster" : "slower");
}

// What the machines of a merged directory differ in, and whether they agree.
void print_machines(std::ostream& out, const Analysis& analysis) {
  const std::vector<NodeEffect> effects = node_effects(analysis);
  if (effects.empty()) return;
  out << "\nMachines, each against the geometric mean of all\n";
  for (const NodeEffect& effect : effects) {
    print_wrapped(out, effect.computing ? "computing" : "waiting",
                  fmt::format("{}: {} [{}, {}] over {} cell{}", analysis.blocks[effect.block].name,
                              percent_slower(effect.ratio.estimate), percent_slower(effect.ratio.lower),
                              percent_slower(effect.ratio.upper), effect.cells, effect.cells == 1 ? "" : "s"));
  }
  const std::vector<Disagreement> found = disagreements(analysis);
  if (found.empty()) {
    out << "  On each machine the best over all is the best, or ties with it.\n";
  }
  for (const Disagreement& one : found) {
    print_wrapped(out, "but",
                  fmt::format("{}: on {} the best is {}", analysis.scenarios[one.scenario].title, analysis.blocks[one.block].name,
                              name_of(analysis.cells[one.best])));
  }
}

// "remote:b,c takes 0.62x as long as process"
std::string compared_text(const Analysis& analysis, const Leaving::At& at) {
  return fmt::format("{} takes {:.2f}x as long as {}", analysis.cells[at.away].factors.backend, at.ratio,
                     analysis.cells[at.here].factors.backend);
}

// Whether workers on other hosts are worth the way, and from which task size on.
void print_leaving(std::ostream& out, const Analysis& analysis) {
  const std::vector<Leaving> all = leaving_pays(analysis);
  if (all.empty()) return;
  out << "\nDoes leaving the machine pay?\n";
  for (const Leaving& leaving : all) {
    std::string text = leaving.payload_bytes > 0 ? fmt::format("{} bytes each: ", leaving.payload_bytes) : "";
    const auto pays = std::find_if(leaving.sizes.begin(), leaving.sizes.end(),
                                   [&](const Leaving::At& at) { return leaving.pays_ns && at.task_ns == *leaving.pays_ns; });
    if (pays == leaving.sizes.end()) {
      const Leaving::At& longest = leaving.sizes.back();
      text += fmt::format("no, not up to tasks of {}: there {}", human_ns(longest.task_ns), compared_text(analysis, longest));
      if (longest.better == Leaving::Better::neither) text += ", a tie";
    } else {
      text += fmt::format("from tasks of {} on: {}", human_ns(pays->task_ns), compared_text(analysis, *pays));
      if (pays != leaving.sizes.begin())
        text += fmt::format(", with {} {:.2f}x", human_ns((pays - 1)->task_ns), (pays - 1)->ratio);
    }
    if (leaving.model_known) {
      text += leaving.model_ns ? fmt::format("; by what the way costs, from {} on", human_ns(*leaving.model_ns))
                               : "; by what the way costs, never: it takes more workers there than here";
    }
    print_wrapped(out, leaving.workload, text);
  }
}

bool has_replicates(const Analysis& analysis) {
  return std::any_of(analysis.cells.begin(), analysis.cells.end(), [](const CellSummary& cell) { return !cell.blocks.empty(); });
}

}  // namespace

std::string name_of(const CellSummary& cell) {
  const Factors& f = cell.factors;
  std::string strategy = f.strategy;
  if (has_parsers(f.strategy)) strategy += fmt::format("({})", f.parsers);
  if (has_chunks(f.strategy)) strategy += fmt::format("({})", f.chunksize);
  std::string workers = f.workers == 1 ? "1 worker" : fmt::format("{} workers", f.workers);
  if (f.workers_spec != std::to_string(f.workers)) workers += fmt::format(" ({})", f.workers_spec);
  if (f.in_flight != 0) workers += fmt::format(", {} in flight", f.in_flight);
  return fmt::format("{}, {}{}", f.backend, workers, has_callbacks(f.strategy) ? ", " + strategy : "");
}

void print_verdict(const Analysis& analysis, std::ostream& out) {
  out << "Verdict. Medians with 95 % intervals (below 6 repetitions: the range), ratios to the best likewise.\n"
      << fmt::format("A tie: Mann-Whitney p >= {:.2f}, or less than {:.0f} % apart.\n", kSignificance, 100 * kMinimumEffect);
  // The test's least p is 2 / C(2n, n): 0.1 for 3 and 3 repetitions.
  const auto too_few = [&analysis](const Scenario& scenario) {
    return scenario.best && scenario.cells.size() > 1 && analysis.cells[*scenario.best].makespans_ns.size() < 4;
  };
  if (std::any_of(analysis.scenarios.begin(), analysis.scenarios.end(), too_few)) {
    out << "Fewer than 4 repetitions (-r) cannot tell cells apart: where n is less, nearly everything ties.\n";
  }
  const bool replicates = has_replicates(analysis);
  if (replicates) {
    out << hang(
        fmt::format(
            "Several machines measured the same cells: a median is the geometric mean of the machines' medians, an interval is "
            "for machines at large (Student's t over them), and so is a tie."),
        0);
  }
  for (const Scenario& scenario : analysis.scenarios) print_scenario(out, analysis, scenario);
  print_leaving(out, analysis);
  if (replicates) {
    print_machines(out, analysis);
  } else {
    print_claims(out, analysis);
  }
  out << '\n';
}

void print_verdict(const std::filesystem::path& run_directory, std::ostream& out) {
  print_verdict(analyse(run_directory, cells_of_all_claims), out);
}

}  // namespace harness
