// poolbench doctor: what on this machine spoils measurements. Reads, and changes nothing.

#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/cli.h"
#include "harness/machine/doctor/doctor.h"

namespace harness {

void add_doctor_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("doctor", "What on this machine spoils measurements, and what mends it");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "One JSON document instead of the list");
  command->callback([json, &context] {
    context.action = [json] {
      const std::vector<doctor::Finding> findings = doctor::examine(doctor::measure_patient());
      write_stdout(*json ? doctor::findings_json(findings) : doctor::findings_text(findings));
      return kExitOk;
    };
  });
}

}  // namespace harness
