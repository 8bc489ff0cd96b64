#include "harness/cli/examples.h"

namespace harness {
namespace {

struct Entry {
  std::string_view of;
  std::string_view command;
  std::string_view meaning;
};

constexpr Entry kEntries[] = {
    {"poolbench", "poolbench run quick", "does everything work here? Ten seconds"},
    {"poolbench", "poolbench run", "the answer for five kinds of work: a minute"},
    {"poolbench", "poolbench recommend --inputs files.txt -- gzip -c {}", "the same for your own command"},
    {"poolbench", "poolbench validate", "the tutorial's formulas on trial"},

    {"run", "poolbench run default -o out/mine", "a built-in suite into a directory; the same command again resumes it"},
    {"run", "poolbench run my.toml --dry-run", "the cells of your own suite, and how long it will take"},
    {"run", "poolbench run callbacks --filter strategy=extra --runs 10", "a part of a suite, measured more often"},

    {"case", "poolbench case --backend thread --workers 4 --tasks 100ms,200ms,300ms,400ms --callbacks 100ms --strategy worker",
     "four tasks whose callbacks the workers run, beside the prediction"},
    {"case", "poolbench case --backend thread --workers 8 --strategy none --workload 'command:curl -s {}' --inputs urls.txt",
     "your own work, once per line of the file"},

    {"predict", "poolbench predict --backend process --workers 4 --tasks 4x5s --callbacks 1s --strategy main",
     "the tutorial's third program"},
    {"predict",
     "poolbench predict --backend thread --tasks 2000x10ms --strategy none --arrivals poisson:150/s --sweep workers=1..6",
     "how long clients wait by the number of workers"},

    {"validate", "poolbench validate -o out/validate", "every claim, with its rows kept"},
    {"validate", "poolbench validate --only 'loop_*' --markdown", "those about event loops, as a page"},
    {"validate", "poolbench validate --rules -o out/rules", "cores*5, 2*cores+1, 40, ...: what each rule of thumb costs"},

    {"recommend", "poolbench recommend --workload mixed:9 --task 20ms", "for a workload of the catalogue"},
    {"recommend", "poolbench recommend --inputs files.txt -- gzip -c {}", "for your own command, once per input"},

    {"recommend", "poolbench recommend --callback 'jq .name' --inputs urls.txt -- curl -s {}",
     "and for the command that reads what yours prints"},

    {"recommend", "poolbench recommend --python crawler:fetch --callback crawler:parse --inputs urls.txt",
     "for a Python function and what parses its results"},
    {"recommend", "poolbench recommend --workload mixed:9 --task 20ms --rate 60/s --slo p99=100ms",
     "how many workers for a server, and how much more they hold"},

    {"report", "poolbench report out/default", "one HTML file to hand on: out/default/report.html"},
    {"report", "poolbench report out/before out/after -o changes.html", "two runs side by side"},

    {"trace", "poolbench trace out/default", "out/default/trace.json, for ui.perfetto.dev; the run had --trace"},

    {"show", "poolbench show out/default", "the tables of a run, also of one that still writes"},
    {"show", "poolbench show out/default --json", "the same for a program"},

    {"compare", "poolbench compare out/before out/after --fail-on slower", "a regression is exit code 1"},

    {"merge", "poolbench merge out/default-parts -o out/default", "the parts of a sweep as one directory"},
    {"merge", "poolbench merge --status out/default-parts", "what is there, and what is missing"},

    {"submit", "poolbench submit default --on slurm --nodes 3", "an array job, a shard on each node"},
    {"submit", "poolbench submit default --on parallel --hosts hosts.txt", "the same by GNU parallel over ssh"},

    {"doctor", "poolbench doctor", "what to mend before measuring"},

    {"check-driver", "poolbench check-driver ./my_driver", "each promise of the protocol, tried"},

    {"list", "poolbench list suites", "their names and what each asks"},

    {"completions", "poolbench completions bash > ~/.local/share/bash-completion/completions/poolbench",
     "for you alone; packages install it for all"},

    {"manual", "poolbench manual run | man -l -", "read the page of a command"},
};

}  // namespace

std::vector<Example> examples_of(std::string_view command) {
  std::vector<Example> examples;
  for (const Entry& entry : kEntries) {
    if (entry.of == command) examples.push_back({std::string(entry.command), std::string(entry.meaning)});
  }
  return examples;
}

}  // namespace harness
