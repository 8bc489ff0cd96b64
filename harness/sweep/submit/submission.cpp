#include "harness/sweep/submit/submission.h"

#include <fmt/core.h>

#include "harness/base/shell_words.h"
#include "harness/plan/part.h"

namespace harness {

std::vector<std::string> command_of(const Submission& submission, int index) {
  std::vector<std::string> command = submission.run;
  const int count = submission.first.count;
  command.emplace_back(submission.first.kind == PartKind::shard ? "--shard" : "--replicate");
  command.push_back(fmt::format("{}/{}", index, count));
  command.emplace_back("--run-id");
  command.push_back(submission.sweep);
  command.emplace_back("-o");
  command.push_back((submission.directory / short_name({submission.first.kind, index, count})).string());
  return command;
}

std::string part_script(const Submission& submission) {
  const int count = submission.first.count;
  std::string command;
  for (const std::string& argument : submission.run) command += shell_quoted(argument) + ' ';
  return fmt::format(
      "#!/bin/sh\n"
      "# Measures a part of the sweep {}: `sh part.sh 2` the second of {}.\n"
      "cd {} || exit 2\n"
      "exec {}{} \"$1/{}\" --run-id {} -o {}/\"${{1}}of{}\"\n",
      submission.sweep, count, shell_quoted(std::filesystem::current_path().string()), command,
      submission.first.kind == PartKind::shard ? "--shard" : "--replicate", count, submission.sweep,
      shell_quoted(submission.directory.string()), count);
}

}  // namespace harness
