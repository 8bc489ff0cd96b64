#include "harness/report/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "harness/analysis/leaving.h"
#include "harness/analysis/noise.h"
#include "harness/analysis/over_blocks.h"
#include "harness/analysis/predictions.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/report/sentences.h"
#include "harness/report/labelled.h"
#include "harness/report/latency_report.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

// Of another cell to the best, whose median is lower; over all pairs of repetitions the other may be faster nevertheless.
std::string ratio_with_interval(const model::Ratio& ratio) {
  const int digits = ratio.upper < 9.995 ? 2 : ratio.upper < 99.95 ? 1 : 0;
  const std::string estimate = ratio.estimate < 1 ? "no slower" : fmt::format("{:.{}f}x", ratio.estimate, digits);
  return fmt::format("{} [{:.{}f}, {:.{}f}]", estimate, ratio.lower, digits, ratio.upper, digits);
}

// Where the lines of a verdict go, and how they look there.
class Lines {
 public:
  Lines(std::ostream& out, const Look& look) : out_(out), look_(look) {}

  void labelled(std::string_view label, const std::string& text) { print_labelled(out_, label, text, look_); }
  void paragraph(const std::string& text) { out_ << hang(text, 0, look_.columns); }
  void answer(const std::string& text) { paragraph(painted(text, Paint::strong, look_)); }
  void heading(const std::string& text) { out_ << '\n' << hang(painted(text, Paint::strong, look_), 2, look_.columns); }
  std::ostream& stream() { return out_; }
  const Look& look() const { return look_; }

 private:
  std::ostream& out_;
  Look look_;
};

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
void print_comparison(Lines& out, std::string_view label, const std::vector<const CellSummary*>& ranked, Value&& value,
                      Name&& named) {
  const std::vector<const CellSummary*> best = best_per(ranked, value);
  if (best.size() < 2) return;
  std::string text = fmt::format("{}: {}", named(best.front()->factors), human_ns(*best.front()->median_ns));
  for (std::size_t i = 1; i < best.size(); ++i) {
    text += fmt::format("; {}: {}", named(best[i]->factors),
                        best[i]->ratio ? ratio_with_interval(*best[i]->ratio) : human_ns(*best[i]->median_ns));
    if (best[i]->tie && has_enough(*best.front()) && has_enough(*best[i])) text += " (tie)";
  }
  out.labelled(label, text);
}

// The best, what ties with it and the next one. With few repetitions only what was the fastest of them.
void print_best(Lines& out, const std::vector<const CellSummary*>& ranked) {
  const CellSummary& best = *ranked.front();
  const bool enough = has_enough(best);
  out.labelled(enough ? "best" : "lowest",
               fmt::format("{}: {} [{}, {}], n = {}{}", name_of(best), human_ns(*best.median_ns), human_ns(best.interval.lower),
                           human_ns(best.interval.upper), best.makespans_ns.size(),
                           enough ? "" : ": too few repetitions to call it best"));
  std::string tied;
  const CellSummary* next = nullptr;
  int ties = 0;
  for (const CellSummary* cell : ranked) {
    const bool ties_with_it = enough && cell->tie && has_enough(*cell);
    if (ties_with_it) tied += (ties++ == 0 ? "" : "; ") + name_of(*cell);
    if (!next && !cell->best && !ties_with_it) next = cell;
  }
  if (ties > 0) out.labelled(ties == 1 ? "tie" : fmt::format("{} ties", ties), tied);
  if (next && next->ratio) {
    const bool slower = next->ratio->estimate >= 1;
    out.labelled("next", fmt::format("{}: {}{}{}", name_of(*next), slower ? "takes " : "", ratio_with_interval(*next->ratio),
                                     slower ? " as long" : ""));
  }
}

void print_scenario(Lines& out, const Analysis& analysis, const std::vector<CellPrediction>& predictions,
                    const Scenario& scenario) {
  out.heading(scenario.title);
  const std::vector<const CellSummary*> ranked = ranking(analysis, scenario);
  print_latencies(out.stream(), analysis, predictions, scenario, out.look());
  if (scenario.best) {
    print_best(out, ranked);
    print_comparison(
        out, "by pool", ranked, [](const Factors& f) { return f.backend; }, [](const Factors& f) { return f.backend; });
    print_comparison(
        out, "by workers", ranked, [](const Factors& f) { return f.workers; },
        [](const Factors& f) {
          return f.workers_spec == std::to_string(f.workers) ? f.workers_spec : fmt::format("{} ({})", f.workers, f.workers_spec);
        });
    print_comparison(out, "callbacks", ranked, way_of_callbacks, way_of_callbacks);
  }
  for (const std::size_t index : scenario.cells) {
    const CellSummary& cell = analysis.cells[index];
    if (cell.failed == 0) continue;
    out.labelled("failed", fmt::format("{}: {} of {} repetitions, {}", name_of(cell), cell.failed,
                                       cell.failed + static_cast<int>(cell.makespans_ns.size()), cell.failure));
  }
}

void print_claims(Lines& out, const Analysis& analysis) {
  const std::vector<ClaimResult> results = evaluate_claims(analysis.rows);
  if (results.empty()) return;
  out.heading("The tutorial's formulas, where this run has their cells");
  for (const ClaimResult& result : results) {
    std::string text =
        fmt::format("{}: {} = {}", result.claim->english, result.prediction.formula, human_ns(result.prediction.claimed_ns));
    if (result.measured_ns)
      text += fmt::format(", measured {} (+-{})", human_ns(*result.measured_ns), human_ns(result.prediction.tolerance_ns));
    if (!result.explanation.empty()) text += "; " + result.explanation;
    if (result.contradicts()) text += "; this contradicts the model";
    out.labelled(result.verdict == model::Verdict::inconclusive ? "open" : std::string(to_string(result.verdict)), text);
  }
}

std::string percent_slower(double ratio) {
  const double percent = 100 * (ratio - 1);
  return fmt::format("{:.1f} % {}", std::abs(percent), percent < 0 ? "faster" : "slower");
}

// What the machines of a merged directory differ in, and whether they agree.
void print_machines(Lines& out, const Analysis& analysis) {
  const std::vector<NodeEffect> effects = node_effects(analysis);
  if (effects.empty()) return;
  out.heading("Machines, each against the geometric mean of all");
  for (const NodeEffect& effect : effects) {
    out.labelled(effect.computing ? "computing" : "waiting",
                 fmt::format("{}: {} [{}, {}] over {} cell{}", analysis.blocks[effect.block].name,
                             percent_slower(effect.ratio.estimate), percent_slower(effect.ratio.lower),
                             percent_slower(effect.ratio.upper), effect.cells, effect.cells == 1 ? "" : "s"));
  }
  const std::vector<Disagreement> found = disagreements(analysis);
  if (found.empty()) {
    out.paragraph("  On each machine the best over all is the best, or ties with it.");
  }
  for (const Disagreement& one : found) {
    out.labelled("but", fmt::format("{}: on {} the best is {}", analysis.scenarios[one.scenario].title,
                                    analysis.blocks[one.block].name, name_of(analysis.cells[one.best])));
  }
}

// "remote:b,c takes 0.62x as long as process"
std::string compared_text(const Analysis& analysis, const Leaving::At& at) {
  return fmt::format("{} takes {:.2f}x as long as {}", analysis.cells[at.away].factors.backend, at.ratio,
                     analysis.cells[at.here].factors.backend);
}

// Whether workers on other hosts are worth the way, and from which task size on.
void print_leaving(Lines& out, const Analysis& analysis) {
  const std::vector<Leaving> all = leaving_pays(analysis);
  if (all.empty()) return;
  out.heading("Does leaving the machine pay?");
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
    out.labelled(leaving.workload, text);
  }
}

bool has_replicates(const Analysis& analysis) {
  return std::any_of(analysis.cells.begin(), analysis.cells.end(), [](const CellSummary& cell) { return !cell.blocks.empty(); });
}

// Who runs callbacks by each of the strategies that are compared, in words.
std::string strategies_text(const Analysis& analysis) {
  std::string text;
  for (const StrategyInfo& strategy : strategies()) {
    const auto has_it = [&](const CellSummary& cell) { return cell.factors.strategy == strategy.name; };
    if (!has_callbacks(strategy.name) || std::ranges::none_of(analysis.cells, has_it)) continue;
    text += fmt::format("{}{}{} = {}", text.empty() ? "" : "; ", strategy.name,
                        strategy.parsers  ? "(number of them)"
                        : strategy.chunks ? "(chunksize)"
                                          : "",
                        strategy.summary);
  }
  return text;
}

// In sentences: what failed, what disturbed the run and which cells suffered.
void print_what_went_wrong(Lines& out, const Analysis& analysis) {
  int failed = 0;
  for (const CellSummary& cell : analysis.cells) failed += cell.failed;
  if (failed > 0)
    out.paragraph(fmt::format("{} repetition{} failed: below, \"failed\" says how.", failed, failed == 1 ? "" : "s"));
  const Noise noise = noise_of(analysis);
  const std::string text = noise_text(analysis, noise);
  if (text.empty()) return;
  out.paragraph(text);
  constexpr std::size_t kMost = 5;
  const std::vector<std::size_t> cells = disturbed_cells(noise);
  for (std::size_t i = 0; i < std::min(kMost, cells.size()); ++i) {
    const CellSummary& cell = analysis.cells[cells[i]];
    out.labelled("disturbed", fmt::format("{}: {}, {} of {} repetitions", analysis.scenarios[cell.scenario].title, name_of(cell),
                                          noise.disturbed[cells[i]], cell.ok.size()));
  }
  if (cells.size() > kMost) out.labelled("", fmt::format("and {} more cells", cells.size() - kMost));
}

// What the lines of the tables mean.
void print_legend(Lines& out, const Analysis& analysis) {
  const bool compared = std::ranges::any_of(analysis.scenarios, [](const Scenario& one) { return one.best.has_value(); });
  out.heading("How to read the tables");
  if (compared) {
    out.labelled("best", "median [95 % interval] of the repetitions; below 6 of them the interval is their range");
    out.labelled("tie", fmt::format("cannot be told from the best: Mann-Whitney p >= {:.2f}, or less than {:.0f} % apart",
                                    kSignificance, 100 * kMinimumEffect));
    out.labelled("next", "the fastest that does not tie; 1.50x: it takes half as long again, over all pairs of repetitions");
    out.labelled("by pool", "the best cell of each pool against the best of all");
    out.labelled("by workers", "of each number of workers");
    const std::string ways = strategies_text(analysis);
    if (!ways.empty()) out.labelled("callbacks", "of each way to run them: " + ways);
  }
  if (has_replicates(analysis)) {
    out.labelled(
        "machines",
        "several measured the same cells: a median is the geometric mean of theirs, an interval is for machines at large "
        "(Student's t over them), and so is a tie");
  }
  if (has_latencies(analysis)) {
    out.labelled(
        "latency",
        "where tasks arrive: percentiles of the sojourns (intended arrival to the end of the callback) over those that were "
        "served, the first tenth of each repetition left out, with 95 % intervals of order statistics");
  }
}

}  // namespace

std::string name_of(const CellSummary& cell) {
  const Factors& f = cell.factors;
  std::string workers = f.workers == 1 ? "1 worker" : fmt::format("{} workers", f.workers);
  if (f.workers_spec != std::to_string(f.workers)) workers += fmt::format(" ({})", f.workers_spec);
  if (f.in_flight != 0) workers += fmt::format(", {} in flight", f.in_flight);
  return fmt::format("{}, {}{}", f.backend, workers, has_callbacks(f.strategy) ? ", " + way_of_callbacks(f) : "");
}

std::string way_of_callbacks(const Factors& f) {
  if (has_parsers(f.strategy)) return fmt::format("{}({})", f.strategy, f.parsers);
  return has_chunks(f.strategy) ? fmt::format("{}({})", f.strategy, f.chunksize) : f.strategy;
}

void print_verdict(const Analysis& analysis, std::ostream& stream, const Look& look) {
  Lines out(stream, look);
  for (const std::string& sentence : answers(analysis)) out.answer(sentence);
  print_what_went_wrong(out, analysis);
  print_legend(out, analysis);
  const bool replicates = has_replicates(analysis);
  std::vector<CellPrediction> predictions;
  if (has_latencies(analysis)) predictions = predict_cells(analysis);
  for (const Scenario& scenario : analysis.scenarios) print_scenario(out, analysis, predictions, scenario);
  print_leaving(out, analysis);
  if (replicates) {
    print_machines(out, analysis);
  } else {
    print_claims(out, analysis);
  }
  stream << '\n';
}

void print_verdict(const std::filesystem::path& run_directory, std::ostream& out, const Look& look) {
  print_verdict(analyse(run_directory, cells_of_all_claims), out, look);
}

}  // namespace harness
