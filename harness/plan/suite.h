#pragma once

// A Suite is intent: what a TOML file asks for, every value as written and with the line it stands on. Keys and types are
// checked here, names, sizes and durations when the Plan is made; both refuse with "file:line: what was found, what is
// allowed".
//
// Thread safety: values; the functions are pure but for reading the named file.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Order of the repetitions of a sweep.
//   random       rounds: one repetition of every cell per round, each round in an order of its own, from the seed
//   round_robin  rounds in plan order
//   batch        all repetitions of a cell, then the next cell
enum class Order { random, round_robin, batch };

// "random", "round-robin", "batch". Throws ConfigError naming the valid ones.
Order parse_order(std::string_view text);
std::string_view to_string(Order order);

// The keys of a [[grid]] that name a factor, in file order of the columns they fill.
inline constexpr std::string_view kAxes[] = {
    "backend", "workers",   "workload", "strategy",          "parsers",      "tasks",     "distribution",
    "task",    "callback",  "payload",  "chunksize",         "start_method", "in_flight", "arrivals",
    "queue",   "when_full", "deadline", "callback_workload", "inputs"};

// A value as written; integers in their decimal form.
struct AxisValue {
  std::string text;
  int line = 0;
};
using Axes = std::map<std::string, std::vector<AxisValue>, std::less<>>;

// How often and how long; absent: inherited from the suite, which has defaults for all.
struct Repetitions {
  std::optional<int> runs;                          // >= 1
  std::optional<int> warmup;                        // >= 0
  std::optional<std::chrono::nanoseconds> timeout;  // of one repetition, > 0
};

// Takes out of a table every cell that agrees with each of its axes (with one of the values, if several are given).
struct Exclusion {
  Axes axes;
  int line = 0;
};

// A [[grid]] (axes crossed; `task` is the distribution's scale; of work of the user's own neither it nor `tasks` need be said) or a [[case]] (`task` and `callback` are lists with one
// duration per task; the other axes crossed; `tasks` and `distribution` not allowed).
struct Table {
  bool explicit_case = false;
  Axes axes;
  std::optional<AxisValue> duration;  // of a grid whose tasks arrive, instead of `tasks`: as many as come within it
  std::vector<Exclusion> exclusions;
  Repetitions repetitions;
  int line = 0;
};

struct Suite {
  std::string name;
  std::string description;
  int runs = 5;
  int warmup = 1;
  std::chrono::nanoseconds timeout = std::chrono::seconds(60);
  Order order = Order::random;
  std::uint64_t seed = 1;
  std::vector<Exclusion> exclusions;  // of the whole suite
  std::vector<Table> tables;          // in file order
  std::string source;                 // for messages: the file's path, or "default.toml (built in)"
  std::string text;                   // the TOML as read: the frozen copy
};

// Throws ConfigError; `source` is the name used in messages.
Suite parse_suite(std::string_view toml, std::string_view source);

// A built-in name, or a path (anything that contains a '/' or ends in .toml, or that names an existing file).
// Throws ConfigError naming the built-in suites.
Suite load_suite(const std::string& name_or_path);

struct BuiltinSuite {
  std::string_view name;
  std::string_view toml;
};
// Embedded from harness/suites/*.toml, in alphabetical order.
std::span<const BuiltinSuite> builtin_suites();

}  // namespace harness
