#pragma once

// What a recommendation keeps in a directory: like a sweep's run directory (results.csv, cells/, context/), and beside it what was asked
// (question.json), what was seen of a Python function (looks.json), what the first runs said (profile.json), the curve (derived/curve.csv), what the printed program took (program.json) and the
// answer (recommendation.json). A run there goes on where the last one stopped, if it asks the same on the same machine with the same program.
//
// Not thread-safe; one owner.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/cell.h"
#include "harness/core/sample.h"
#include "harness/core/trace.h"
#include "harness/machine/environment.h"
#include "harness/recommend/recommend.h"
#include "harness/sweep/hop_costs.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/sojourns_csv.h"
#include "workloads/work.h"

namespace harness::recommend {

// What comes out of the first runs, and has to be the same when a run goes on.
struct FirstRuns {
  Profile profile;
  std::vector<std::string> notes;
  model::Demand callback = {};   // of every task
  int tasks = 0;                 // how many are run, of those asked for
  bool contenders_only = false;  // whether candidates were left out that would take too long
};

class Records {
 public:
  struct Settings {
    std::filesystem::path directory;
    std::vector<std::string> arguments;  // the command line
    Environment environment;
    std::string question;    // all that decides what is measured, as JSON text
    bool fresh = false;      // what is there is put away first
    std::string looks = {};  // of a Python function (looks.h), kept there; empty: none
  };
  // Opens the directory, or makes it. One of another question, machine or program is put away first. Throws as RunDirectory and OutputError.
  explicit Records(Settings settings);

  // Of the latest run there, so that units of computation mean the same in all rows.
  std::optional<workloads::Calibration> earlier_calibration() const {
    return directory_->earlier_calibration(settings_.environment);
  }
  void set_calibration(const workloads::Calibration& calibration) { calibration_ = calibration; }  // before the first row

  // The rep-th timed repetition of the cell, if it is there and ended well; else nullptr. Until the next keep().
  const Sample* row(const Cell& cell, int rep) const;

  // The sojourns of that repetition, if its row and they are there; else nullptr. Until the next keep().
  const std::vector<std::int64_t>* sojourns(const Cell& cell, int rep) const;

  // A row; of tasks that arrive with its trace, of which the sojourns are kept. Throws OutputError.
  void keep(const Cell& cell, Sample sample, int rep, bool is_warmup, const Trace* trace = nullptr);

  // What the way to the hosts of a backend costs: part of the context, and so before the first row.
  void keep(const std::string& backend, const HopCosts& costs);

  std::optional<FirstRuns> first_runs() const;                          // nothing: not there yet
  void keep(const FirstRuns& first);                                    // throws OutputError
  ProgramRuns program_runs(const std::string& code) const;              // of that program (program.h)
  void keep_program(const std::string& code, const ProgramRuns& runs);  // throws OutputError
  bool complete() const { return complete_; }                           // an answer is there: nothing more is to be run
  int rounds() const;  // that it says were run; 0: it does not say. REQUIRES: complete()

  // Throws OutputError.
  void finish(const Question& question, const Recommendation& recommendation);
  void finish(const std::string& csv_name, const std::string& csv,
              const std::string& json);  // a file of derived/, and the answer

 private:
  void write_down();  // the context, before the first row

  Settings settings_;
  std::string run_id_;
  workloads::Calibration calibration_;
  HostClocksOf clocks_;
  std::optional<RunDirectory> directory_;
  std::map<std::pair<std::string, std::int64_t>, Sample> known_;  // by cell_id, rep
  SojournsOf sojourns_;
  std::optional<SojournsCsvSink> new_sojourns_;  // since the first of this run
  std::map<std::string, int> planned_;           // cell_id -> repetitions written to cells/
  int rows_ = 0;
  bool written_down_ = false;
  bool complete_ = false;
};

// The curve as CSV: a line per point that was predicted or run.
std::string curve_csv(const Recommendation& recommendation);

}  // namespace harness::recommend
