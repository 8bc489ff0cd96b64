// --filter axis=value: which cells of a plan to keep.

#include <fmt/core.h>

#include <algorithm>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/core/factors.h"
#include "harness/plan/plan_table.h"

namespace harness {
namespace {

// Whether `written` is another way to write what the column holds: "10ms" for 10000000, "cores*5" for 10.
bool means(std::string_view axis, const std::string& column, const std::string& written, int cores) {
  if (column == written) return true;
  try {
    if (axis.ends_with("_ns")) return fmt::format("{}", parse_duration(written).count()) == column;
    if (axis.ends_with("_bytes")) return fmt::format("{}", parse_bytes(written)) == column;
    if (axis == "workers" || axis == "parsers" || axis == "tasks" || axis == "chunksize" || axis == "in_flight" ||
        axis == "queue") {
      const std::vector<Size> sizes = parse_sizes(written, cores);
      return sizes.size() == 1 && fmt::format("{}", sizes.front().value) == column;
    }
  } catch (const ConfigError&) {
    // Not written like that either; the caller says which values there are.
  }
  return false;
}

}  // namespace

std::vector<std::string> factor_columns() {
  std::vector<std::string> names;
  for (const Factor& factor : all_factors()) names.emplace_back(factor.name);
  return names;
}

std::string factor_text(const Factors& factors, std::string_view axis) {
  std::string text;
  for_each_factor(factors, [&](const Factor& factor, const auto& value) {
    if (factor.name == axis) text = fmt::format("{}", value);
  });
  return text;
}

Filter parse_filter(std::string_view text) {
  const std::vector<std::string> axes = factor_columns();
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    throw ConfigError(fmt::format("bad filter '{}'; allowed: axis=value with the axes {}", text, join(axes)));
  }
  Filter filter{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  if (std::find(axes.begin(), axes.end(), filter.axis) == axes.end()) {
    throw ConfigError(
        fmt::format("unknown filter axis '{}'{}; allowed: {}", filter.axis, did_you_mean(filter.axis, axes), join(axes)));
  }
  return filter;
}

void apply_filters(std::vector<PlannedCell>& cells, const std::vector<Filter>& filters, int cores) {
  std::string so_far;
  for (const Filter& filter : filters) {
    std::vector<std::string> values;
    for (const PlannedCell& planned : cells) {
      std::string value = factor_text(planned.cell, filter.axis);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(std::move(value));
    }
    std::erase_if(cells, [&](const PlannedCell& planned) {
      return !means(filter.axis, factor_text(planned.cell, filter.axis), filter.value, cores);
    });
    if (cells.empty()) {
      throw ConfigError(fmt::format("the filter {}={} matches nothing{}; {} is one of: {}", filter.axis, filter.value,
                                    so_far.empty() ? "" : fmt::format(" together with {}", so_far), filter.axis, join(values)));
    }
    so_far += fmt::format("{}{}={}", so_far.empty() ? "" : " ", filter.axis, filter.value);
  }
}

}  // namespace harness
