#include "harness/cli/flag_values.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>

namespace harness {
namespace {

struct Flag {
  std::string_view name;  // of "command flag" before "flag"
  std::string_view word;
};

// In alphabetical order.
constexpr Flag kFlags[] = {
    {"--arrivals", "TIMES"},
    {"--backend", "BACKEND"},
    {"--bandwidth", "BYTES/s"},
    {"--budget", "DURATION"},
    {"--callback", "DURATION"},
    {"--callback-compute", "DURATIONS"},
    {"--callback-workload", "WORK"},
    {"--callbacks", "DURATIONS"},
    {"--cell", "CELL"},
    {"--chunksize", "N"},
    {"--color", "auto|always|never"},
    {"--compute", "DURATIONS"},
    {"--cores", "N"},
    {"--deadline", "DURATION"},
    {"--dispatch-cost", "DURATION"},
    {"--fail-on", "slower|changed|undecided"},
    {"--filter", "AXIS=VALUE"},
    {"--function", "FILE"},
    {"--hop-latency", "DURATION"},
    {"--hosts", "HOST,..."},
    {"--in-flight", "N"},
    {"--inputs", "FILE"},
    {"--interpreter", "PROGRAM"},
    {"--max-pressure", "PERCENT"},
    {"--max-workers", "N"},
    {"--min-effect", "PERCENT"},
    {"--nodes", "N"},
    {"--on", "slurm|parallel"},
    {"--only", "CLAIM"},
    {"--order", "random|round-robin|batch"},
    {"--output", "DIR"},
    {"--parsers", "N"},
    {"--payload", "BYTES"},
    {"--python", "PROGRAM"},
    {"--queue", "N"},
    {"--range", "FIRST..LAST"},
    {"--rate", "RATE"},
    {"--rep", "N"},
    {"--replicate", "I/N"},
    {"--routing-cost", "DURATION"},
    {"--run-id", "ID"},
    {"--rules", "SUITE"},
    {"--runs", "N"},
    {"--seed", "N"},
    {"--shard", "I/N"},
    {"--slo", "PERCENTILE=DURATION"},
    {"--strategy", "STRATEGY"},
    {"--submit-cost", "DURATION"},
    {"--sweep", "AXIS=SIZES"},
    {"--task", "DURATION"},
    {"--tasks", "DURATIONS"},
    {"--time-budget", "DURATION"},
    {"--timeout", "DURATION"},
    {"--wake-cost", "DURATION"},
    {"--warmup", "N"},
    {"--when-full", "block|reject|caller_runs"},
    {"--within", "DURATION"},
    {"--workers", "SIZE"},
    {"--workload", "WORKLOAD"},
    {"case --workload", "WORK"},
    {"check-driver DRIVER", "FILE"},
    {"compare A", "RESULTS"},
    {"compare B", "RESULTS"},
    {"completions SHELL", "bash|zsh|fish"},
    {"list WHAT", "LIST"},
    {"manual PAGE", "PAGE"},
    {"merge DIR", "RESULTS"},
    {"recommend --arrivals", "poisson|constant"},
    {"recommend --callback", "CALLBACK"},
    {"recommend --python", "MODULE:FUNCTION"},
    {"recommend --tasks", "N"},
    {"recommend command", "PROGRAM"},
    {"report --output", "FILE"},
    {"report DIR", "RESULTS"},
    {"run SUITE", "SUITE"},
    {"show DIR", "RESULTS"},
    {"submit --hosts", "FILE"},
    {"submit FLAGS", "FLAG"},
    {"submit SUITE", "SUITE"},
    {"trace --output", "FILE"},
    {"trace DIR", "RESULTS"},
};

std::string_view find_word(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Flag& flag) { return flag.name == name; });
  return found == std::end(kFlags) ? std::string_view() : found->word;
}

}  // namespace

std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name(true) : "--" + option.get_lnames().front();
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

bool takes_a_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string_view value_word(const CLI::App& command, const CLI::Option& option) {
  if (!takes_a_value(option)) return "";
  const std::string name = name_of(option);
  const std::string_view own = find_word(command.get_name() + ' ' + name);
  return own.empty() ? find_word(name) : own;
}

void name_values(CLI::App& app) {
  for (CLI::App* const command : app.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* const option : command->get_options()) {
      if (!takes_a_value(*option)) continue;
      const std::string_view word = value_word(*command, *option);
      if (word.empty())
        throw std::logic_error(fmt::format("no word for the value of {} {}", command->get_name(), name_of(*option)));
      option->type_name(std::string(word));
    }
  }
}

ValueKind value_kind(std::string_view word) {
  if (word == "FILE") return ValueKind::files;
  if (word == "DIR") return ValueKind::directories;
  if (word == "RESULTS") return ValueKind::results;
  if (word == "PROGRAM") return ValueKind::command;
  return words_of(word).empty() ? ValueKind::free : ValueKind::words;
}

std::vector<ListEntry> words_of(std::string_view word) {
  if (word == "BACKEND") return list_of("backends");
  if (word == "CLAIM") return list_of("claims");
  if (word == "STRATEGY") return list_of("strategies");
  if (word == "SUITE") return list_of("suites");
  if (word == "WORKLOAD") return list_of("workloads");
  std::vector<ListEntry> words;
  if (word == "LIST") {
    for (const std::string& name : list_names()) words.push_back({name, ""});
  }
  if (word.find('|') == std::string_view::npos) return words;
  for (std::size_t begin = 0; begin <= word.size();) {
    const std::size_t end = std::min(word.find('|', begin), word.size());
    words.push_back({std::string(word.substr(begin, end - begin)), ""});
    begin = end + 1;
  }
  return words;
}

}  // namespace harness
