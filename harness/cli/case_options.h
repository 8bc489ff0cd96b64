#pragma once

// The flags that `case` and `predict` share: one explicit case of `sleep` tasks, or of work of the user's own, turned into a Cell.

#include <optional>
#include <string>
#include <string_view>

#include "harness/core/cell.h"
#include "harness/model/case.h"

namespace CLI {
class App;
}

namespace harness {

// Of tasks that arrive: --queue, --when-full, --deadline.
struct ClientFlags {
  std::optional<std::string> queue, when_full, deadline;
};

struct CaseOptions {
  std::string backend;
  std::string workers;  // empty: not given
  std::string tasks;
  std::string callbacks = "0s";
  std::string strategy;
  std::optional<std::string> parsers;
  std::optional<std::string> chunksize;
  std::optional<std::string> in_flight;
  std::optional<std::string> arrivals, seed;        // of `case`
  ClientFlags clients;                              // likewise
  std::string python;                               // likewise; empty: not given
  std::string workload, callback_workload, inputs;  // likewise, of work of the user's own, which lists no durations
  std::string runs = "5";
  bool json = false;
};

// REQUIRES: `options` outlives `command`.
void add_case_options(CLI::App& command, CaseOptions& options);

// Throws ConfigError where --arrivals or --seed is given and has no meaning for the strategy, or not for these.
void require_arrivals_apply(std::string_view strategy, const std::optional<std::string>& arrivals,
                            const std::optional<std::string>& seed);

// Those into the factors. Throws ConfigError where one has no meaning, or not for a batch (`closed`), and for values that there are none.
void set_clients(const ClientFlags& flags, bool closed, Factors& factors);
void add_client_options(CLI::App& command, ClientFlags& flags);

// Throws ConfigError where a flag is given that event loops have, and the backend is none.
void require_event_loop(const std::string& backend, std::string_view flag);

// What was asked, as it was written, and the formula that is exact for it (null where there is none), as two members of a JSON object:
// "case": {"backend": "thread", ...}, "formula": "max(t + nc, qt + Lc)". `c` is nullptr where nothing can be predicted.
std::string asked_json(const CaseOptions& options, const model::Case* c);

// The value of --runs. Throws ConfigError.
int runs_of(const CaseOptions& options);

// Throws ConfigError: unknown names, quantities that do not parse, a list of workers, a flag that does not apply, a
// strategy that is not defined on the backend, times that sum to more than 2^63-1 ns.
Cell cell_of(const CaseOptions& options, int cores);

}  // namespace harness
