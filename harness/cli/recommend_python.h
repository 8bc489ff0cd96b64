#pragma once

// poolbench recommend --python: from flags to questions, one for each interpreter. Calls the user's function to see what it does.

#include <chrono>
#include <string>
#include <vector>

#include "harness/recommend/recommend.h"
#include "workloads/work.h"

namespace harness {

struct PythonFlags {
  std::string function;                   // MODULE:FUNCTION
  std::string callback;                   // likewise, or empty
  std::vector<std::string> interpreters;  // paths or names; empty: the python3 on the PATH
  std::string inputs_file;                // "-": standard input; empty: a range
  std::string range;                      // "1..60"
  std::chrono::nanoseconds deadline{0};   // of one call
  std::string earlier;                    // a directory that an earlier answer may be in; empty: none
};

struct Asked {
  recommend::Question question;
  workloads::Subject subject;
  std::string looks = {};  // of a Python function: what was seen of it (recommend/looks.h)
};

// `question` has what is the same for all of them, `inputs` are the lines. Throws ConfigError (of one call that failed: PythonError).
std::vector<Asked> python_questions(const PythonFlags& flags, const std::vector<std::string>& inputs,
                                    const recommend::Question& question);

// What is left of a budget when a function has been called to see what it does, if that took as long as it may.
std::chrono::nanoseconds budget_after_looking(std::chrono::nanoseconds budget);

// What was found on each interpreter as one table: the points of its curve, as recommend --csv has them, each behind its interpreter. REQUIRES: one
// recommendation for each question, all of Python functions.
std::string curves_csv(const std::vector<Asked>& asked, const std::vector<recommend::Recommendation>& found);

// After runs of the question have failed: calls the function with one input after the other, to see which of them it fails for. Throws
// PythonError if it does; returns if it does not within the question's budget.
void blame_input(const Asked& asked, std::chrono::nanoseconds deadline);

}  // namespace harness
