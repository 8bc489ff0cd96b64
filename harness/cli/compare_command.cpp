// poolbench compare A B: is the second result directory faster, slower or the same, cell by cell?

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "harness/analysis/comparison.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/times_output.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

struct CompareFlags {
  std::string a;
  std::string b;
  std::string min_effect = "5%";
  std::string fail_on;
  bool across_machines = false;
  FormatFlags format;
};

double parse_percent(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool ends_right = end != text.data() + text.size() && std::string_view(end) == "%";
  if (error != std::errc{} || !ends_right || !(value >= 0 && value <= 1000)) {
    throw ConfigError(fmt::format("bad --min-effect '{}'; allowed: a percentage from 0% to 1000%, such as 5%", text));
  }
  return value / 100;
}

// The verdicts that `--fail-on` names; empty without the flag.
std::vector<model::Change> parse_fail_on(const std::string& text) {
  if (text.empty()) return {};
  if (text == "slower") return {model::Change::slower};
  if (text == "changed") return {model::Change::slower, model::Change::faster};
  if (text == "undecided") return {model::Change::slower, model::Change::undecided};
  throw ConfigError(fmt::format("bad --fail-on '{}'; allowed: slower, changed (slower or faster), undecided (or slower)", text));
}

std::string described(const std::string& directory, const Analysis& analysis) {
  const RowKind& last = *analysis.rows.back().kind;
  return fmt::format("{}  (build {}, machine {}, last row of {})", directory, last.build_id, last.machine_id,
                     analysis.last_started_utc);
}

int run_compare(const CompareFlags& flags) {
  CompareOptions options;
  options.minimum_effect = parse_percent(flags.min_effect);
  options.across_machines = flags.across_machines;
  const std::vector<model::Change> failing = parse_fail_on(flags.fail_on);
  const Analysis a = look_at(flags.a, cells_of_all_claims);
  const Analysis b = look_at(flags.b, cells_of_all_claims);
  const Comparison comparison = compare(a, b, options);
  if (flags.format.markdown) {
    write_stdout(comparison_markdown(comparison, {flags.a, flags.b}, options));
  } else if (!flags.format.text()) {
    write_stdout(in_format(flags.format, comparison_json(comparison, {flags.a, flags.b}, options), "cells"));
  } else {
    write_stdout(comparison_text(comparison, {described(flags.a, a), described(flags.b, b)}, options, text_look()));
  }
  if (failing.empty()) return kExitOk;
  // A gate that cannot close must not look like one that found nothing.
  if (const std::string warning = powerless(comparison); !warning.empty()) say(fmt::format("warning: --fail-on: {}\n", warning));
  std::size_t count = 0;
  for (const model::Change change : failing) count += comparison.count(change);
  for (const UnmeasuredCell& cell : comparison.unmeasured) count += cell.broke ? 1 : 0;  // slower than any measurement
  if (count > 0) say(fmt::format("poolbench: --fail-on {}: {} cell{}\n", flags.fail_on, count, count == 1 ? "" : "s"));
  return count > 0 ? kExitCheckFailed : kExitOk;
}

}  // namespace

void add_compare_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("compare", "Two result directories: which cells became faster or slower");
  const auto flags = std::make_shared<CompareFlags>();
  command->add_option("A", flags->a, "The result directory before")->check(not_empty())->required();
  command->add_option("B", flags->b, "The result directory after")->check(not_empty())->required();
  command->add_option("--min-effect", flags->min_effect, "Differences of the medians below it are none")->capture_default_str();
  command
      ->add_option("--fail-on", flags->fail_on,
                   "Exit with 1 if a cell is slower (or broke), changed (slower or faster), or undecided (or slower)")
      ->check(not_empty());
  command->add_flag("--across-machines", flags->across_machines, "Compare although the machines differ; cores need not match");
  add_format_flags(*command, flags->format);
  add_colour_flag(*command, context);
  command->callback([flags, &context] { context.action = [flags] { return run_compare(*flags); }; });
}

}  // namespace harness
