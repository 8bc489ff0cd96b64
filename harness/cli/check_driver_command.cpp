// poolbench check-driver DRIVER: whether a driver keeps what docs/drivers.md promises.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/conformance.h"

namespace harness {
namespace {

using drivers::Check;

// Of a backend's name, else of a path.
drivers::Command command_of(const std::string& driver) {
  if (const drivers::DriverBackend* const backend = drivers::known_backend(driver)) {
    if (!backend->missing().empty()) throw ConfigError(fmt::format("{}: {}", driver, backend->missing()));
    return backend->command();
  }
  return {driver.starts_with(drivers::kPrefix) ? driver.substr(drivers::kPrefix.size()) : driver};
}

int check_driver(const std::string& driver, const std::string& within, bool json) {
  const auto most = std::chrono::ceil<std::chrono::milliseconds>(parse_duration(within));
  if (most.count() == 0) throw ConfigError(fmt::format("bad --within '{}'; allowed: more than 0", within));
  std::vector<Check> checks;
  try {
    checks = drivers::check_conformance(command_of(driver), most, [&](const Check& check) {
      if (json) return;
      const std::string why = check.why.empty() ? "" : ": " + printable(check.why);
      write_stdout(hang(fmt::format("{}  {}{}", to_string(check.result), check.promise, why), 6, line_columns()));
    });
  } catch (const drivers::NoDriverError& error) {
    throw ConfigError(error.what());
  }
  const auto count = [&](Check::Result result) { return std::ranges::count(checks, result, &Check::result); };
  const auto failed = count(Check::Result::fail);
  if (json) {
    nlohmann::ordered_json document{{"driver", driver}, {"failed", failed}, {"checks", nlohmann::ordered_json::array()}};
    for (const Check& check : checks) {
      document["checks"].push_back({{"promise", check.promise}, {"result", to_string(check.result)}, {"why", check.why}});
    }
    write_stdout(document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n');
  } else {
    write_stdout(fmt::format("{} pass, {} fail, {} skip\n", count(Check::Result::pass), failed, count(Check::Result::skip)));
  }
  return failed > 0 ? kExitCheckFailed : kExitOk;
}

}  // namespace

void add_check_driver_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("check-driver", "Whether a program can be --backend driver:PATH: every promise, tried");
  const auto driver = std::make_shared<std::string>();
  const auto within = std::make_shared<std::string>("20s");
  const auto json = std::make_shared<bool>(false);
  command->add_option("DRIVER", *driver, "The path of a driver, or a backend that one runs, such as cpython_thread")
      ->required()
      ->check(not_empty());
  command->add_option("--within", *within, "How long it may take for an answer, and to leave")->capture_default_str();
  command->add_flag("--json", *json, "One JSON document instead of a line per promise");
  command->callback([driver, within, json, &context] {
    context.action = [driver, within, json] { return check_driver(*driver, *within, *json); };
  });
}

}  // namespace harness
