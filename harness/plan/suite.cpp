#include "harness/plan/suite.h"

#include <fmt/core.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <type_traits>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"
#include "harness/base/text.h"
#include "harness/engine/own/own_work.h"

namespace harness {
namespace {

using Names = std::vector<std::string>;

const Names kSuiteKeys = {"name", "description", "runs", "warmup", "timeout", "order", "seed", "exclude", "grid", "case"};
const Names kRepetitionKeys = {"runs", "warmup", "timeout"};
const Names kRequiredOfGrid = {"backend", "workload", "tasks", "task"};
const Names kRequiredOfCase = {"backend", "task"};
constexpr std::string_view kOwnInCases = "it lists durations, and work of one's own takes what it takes; allowed: a [[grid]]";

Names axis_names() { return {std::begin(kAxes), std::end(kAxes)}; }

Names case_axis_names() {
  Names names = axis_names();
  for (const std::string_view of_a_grid : {"tasks", "distribution", "callback_workload", "inputs"}) std::erase(names, of_a_grid);
  return names;
}

bool contains(const Names& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a floating-point number";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

// The name of the suite is the name of its output directory.
std::string check_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), allowed)) {
    throw ConfigError(fmt::format("bad suite name '{}'; allowed: letters, digits, '_' and '-'", name));
  }
  return name;
}

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  Suite suite(const toml::table& root) const {
    Suite suite;
    check_keys(root, kSuiteKeys, "of a suite");
    for (const auto& [key, node] : root) {
      const std::string_view name = key.str();
      if (name == "name") suite.name = at(node, text(node, name), check_name);
      if (name == "description") suite.description = text(node, name);
      if (name == "order") suite.order = at(node, text(node, name), parse_order);
      if (name == "seed") suite.seed = at(node, scalar(node, name).text, parse_seed);
      if (name == "exclude") suite.exclusions = exclusions(node);
    }
    const Repetitions repetitions = repetitions_of(root);
    suite.runs = repetitions.runs.value_or(suite.runs);
    suite.warmup = repetitions.warmup.value_or(suite.warmup);
    suite.timeout = repetitions.timeout.value_or(suite.timeout);
    if (suite.name.empty()) fail(1, "the suite has no name; allowed: name = \"...\" at its top");
    tables(root, "grid", suite.tables);
    tables(root, "case", suite.tables);
    if (suite.tables.empty()) fail(1, "the suite has neither a [[grid]] nor a [[case]]");
    std::stable_sort(suite.tables.begin(), suite.tables.end(), [](const Table& a, const Table& b) { return a.line < b.line; });
    return suite;
  }

 private:
  void tables(const toml::table& root, std::string_view key, std::vector<Table>& tables) const {
    const toml::node* const node = root.get(key);
    if (node == nullptr) return;
    const toml::array* const array = node->as_array();
    if (array == nullptr) fail(*node, fmt::format("'{0}' is {1}; allowed: tables [[{0}]]", key, type_name(*node)));
    for (const toml::node& element : *array) {
      const toml::table* const table = element.as_table();
      if (table == nullptr) fail(element, fmt::format("'{0}' holds {1}; allowed: tables [[{0}]]", key, type_name(element)));
      tables.push_back(one_table(*table, key == "case"));
    }
  }

  Table one_table(const toml::table& toml, bool explicit_case) const {
    const std::string_view what = explicit_case ? "[[case]]" : "[[grid]]";
    Table table;
    table.explicit_case = explicit_case;
    table.line = line_of(toml);
    Names allowed = explicit_case ? case_axis_names() : axis_names();
    for (const std::string_view name : {"callback_workload", "inputs"}) {
      const toml::node* const node = toml.get(name);
      if (explicit_case && node != nullptr) fail(*node, fmt::format("a [[case]] has no '{}': {}", name, kOwnInCases));
    }
    for (const std::string_view name : {"tasks", "distribution"}) {
      const toml::node* const node = toml.get(name);
      if (explicit_case && node != nullptr) {
        fail(*node, fmt::format("a [[case]] has no '{}': its `task` lists the duration of every task", name));
      }
    }
    const Names axes = allowed;
    if (!explicit_case) allowed.emplace_back("duration");
    allowed.insert(allowed.end(), kRepetitionKeys.begin(), kRepetitionKeys.end());
    allowed.emplace_back("exclude");
    check_keys(toml, allowed, fmt::format("of a {}", what));
    for (const auto& [key, node] : toml) {
      const std::string name(key.str());
      if (contains(axes, name)) table.axes[name] = values(node, name);
      if (name == "exclude") table.exclusions = exclusions(node);
      if (name == "duration") table.duration = AxisValue{text(node, name), line_of(node)};
    }
    if (table.duration && table.axes.contains("tasks")) {
      fail(table.duration->line, "`tasks` and `duration` both say how many tasks there are; allowed: one of them");
    }
    table.repetitions = repetitions_of(toml);
    for (const std::string& required : explicit_case ? kRequiredOfCase : kRequiredOfGrid) {
      if (!table.axes.contains(required) && !(required == "tasks" && table.duration) &&
          !(of_own_work(table) && is_its_own(required))) {
        fail(table.line, fmt::format("this {} has no '{}'; needed: {}", what, required,
                                     join(explicit_case ? kRequiredOfCase : kRequiredOfGrid)));
      }
    }
    return table;
  }

  // All that it does is the user's own, which takes what it takes, as often as there are inputs.
  static bool of_own_work(const Table& table) {
    const auto workloads = table.axes.find("workload");
    return workloads != table.axes.end() &&
           std::ranges::all_of(workloads->second, [](const AxisValue& value) { return own::is_own(value.text); });
  }
  static bool is_its_own(std::string_view key) { return key == "tasks" || key == "task"; }

  std::vector<Exclusion> exclusions(const toml::node& node) const {
    constexpr std::string_view kForm = "an array of tables, as in [{strategy = \"worker\", backend = \"process\"}]";
    const toml::array* const array = node.as_array();
    if (array == nullptr) fail(node, fmt::format("'exclude' is {}; allowed: {}", type_name(node), kForm));
    std::vector<Exclusion> exclusions;
    for (const toml::node& element : *array) {
      const toml::table* const table = element.as_table();
      if (table == nullptr) fail(element, fmt::format("'exclude' holds {}; allowed: {}", type_name(element), kForm));
      if (table->empty()) fail(element, "an empty exclusion would take out everything");
      check_keys(*table, axis_names(), "of an exclusion");
      Exclusion exclusion;
      exclusion.line = line_of(element);
      for (const auto& [key, value] : *table) exclusion.axes[std::string(key.str())] = values(value, key.str());
      exclusions.push_back(std::move(exclusion));
    }
    return exclusions;
  }

  Repetitions repetitions_of(const toml::table& table) const {
    const auto count = [](std::string_view what, std::int64_t least) {
      return [what, least](const std::string& text) { return static_cast<int>(parse_integer(text, what, least, 1'000'000)); };
    };
    Repetitions repetitions;
    if (const toml::node* const node = table.get("runs")) {
      repetitions.runs = at(*node, integer(*node, "runs"), count("runs", 1));
    }
    if (const toml::node* const node = table.get("warmup")) {
      repetitions.warmup = at(*node, integer(*node, "warmup"), count("warmup", 0));
    }
    if (const toml::node* const node = table.get("timeout")) {
      repetitions.timeout = at(*node, text(*node, "timeout"), parse_duration);
      if (repetitions.timeout->count() == 0) fail(*node, "bad timeout '0s'; allowed: more than 0");
    }
    return repetitions;
  }

  // A value or an array of values.
  std::vector<AxisValue> values(const toml::node& node, std::string_view name) const {
    std::vector<AxisValue> values;
    if (const toml::array* const array = node.as_array()) {
      if (array->empty()) fail(node, fmt::format("'{}' is an empty array; allowed: at least one value", name));
      for (const toml::node& element : *array) values.push_back(scalar(element, name));
    } else {
      values.push_back(scalar(node, name));
    }
    return values;
  }

  AxisValue scalar(const toml::node& node, std::string_view name) const {
    if (const auto value = node.value_exact<std::string>()) return {*value, line_of(node)};
    if (const auto value = node.value_exact<std::int64_t>()) return {fmt::format("{}", *value), line_of(node)};
    fail(node, fmt::format("'{}' is {}; allowed: strings and integers{}", name, type_name(node),
                           node.is_floating_point() ? " (durations are strings, as in \"1.5s\")" : ""));
  }

  std::string text(const toml::node& node, std::string_view name) const {
    if (const auto value = node.value_exact<std::string>()) return *value;
    fail(node, fmt::format("'{}' is {}; allowed: a string", name, type_name(node)));
  }

  std::string integer(const toml::node& node, std::string_view name) const {
    if (const auto value = node.value_exact<std::int64_t>()) return fmt::format("{}", *value);
    fail(node, fmt::format("'{}' is {}; allowed: an integer", name, type_name(node)));
  }

  void check_keys(const toml::table& table, const Names& allowed, std::string_view of_what) const {
    // In file order, so that the first wrong line is the one that is named.
    const toml::key* first = nullptr;
    for (const auto& [key, node] : table) {
      if (!contains(allowed, key.str()) && (first == nullptr || key.source().begin < first->source().begin)) first = &key;
    }
    if (first == nullptr) return;
    fail(static_cast<int>(first->source().begin.line), fmt::format("unknown key '{}' {}{}; allowed: {}", first->str(), of_what,
                                                                   did_you_mean(first->str(), allowed), join(allowed)));
  }

  // Runs a parser of quantities and puts the place in front of what it refuses.
  template <class Parse>
  std::invoke_result_t<Parse, const std::string&> at(const toml::node& node, const std::string& text, Parse parse) const {
    try {
      return parse(text);
    } catch (const ConfigError& error) {
      fail(node, error.what());
    }
  }

  static int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }
  [[noreturn]] void fail(const toml::node& node, std::string_view message) const { fail(line_of(node), message); }
  [[noreturn]] void fail(int line, std::string_view message) const {
    throw ConfigError(fmt::format("{}:{}: {}", source_, line, message));
  }

  std::string source_;
};

// The parser nests a table for every part of a dotted key, and tables are read and freed recursively: of a key with 100,000 parts the
// stack would run over. What is in quotes does not count.
void require_short_keys(std::string_view text, std::string_view source) {
  constexpr int kMostParts = 100;
  int line = 1;
  int dots = 0;  // since a character that is part of no key
  char quote = '\0';
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '\n' || c == ',' || c == '=' || c == '#' || c == '[' || c == ']' || c == '{' || c == '}') dots = 0;
    if (c == '\n') quote = '\0';
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '.' && ++dots >= kMostParts) {
      throw ConfigError(
          fmt::format("{}:{}: a key with more than {} parts; no key of a suite has a '.'", source, line, kMostParts));
    }
  }
}

}  // namespace

Order parse_order(std::string_view text) {
  for (const Order order : {Order::random, Order::round_robin, Order::batch}) {
    if (text == to_string(order)) return order;
  }
  throw ConfigError(fmt::format("bad order '{}'; allowed: random, round-robin, batch", text));
}

std::string_view to_string(Order order) {
  switch (order) {
    case Order::random:
      return "random";
    case Order::round_robin:
      return "round-robin";
    case Order::batch:
      break;
  }
  return "batch";
}

Suite parse_suite(std::string_view text, std::string_view source) {
  require_short_keys(text, source);
  try {
    Suite suite = Reader(source).suite(toml::parse(text, source));
    suite.source = source;
    suite.text = text;
    return suite;
  } catch (const toml::parse_error& error) {
    throw ConfigError(fmt::format("{}:{}: {}", source, error.source().begin.line, error.description()));
  }
}

Suite load_suite(const std::string& name_or_path) {
  Names names;
  for (const BuiltinSuite& builtin : builtin_suites()) {
    if (builtin.name == name_or_path) return parse_suite(builtin.toml, fmt::format("{}.toml (built in)", builtin.name));
    names.emplace_back(builtin.name);
  }
  std::error_code error;
  const bool is_path = name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml") ||
                       std::filesystem::exists(name_or_path, error);
  if (!is_path) {
    throw ConfigError(fmt::format("unknown suite '{}'{}; allowed: {}, or the path of a .toml file", name_or_path,
                                  did_you_mean(name_or_path, names), join(names)));
  }
  return parse_suite(read_file(name_or_path, "suite", kMostSuiteBytes), name_or_path);
}

}  // namespace harness
