// poolbench doctor: what on this machine spoils measurements. Reads, and changes nothing.

#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/machine/doctor/doctor.h"

namespace harness {

void add_doctor_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("doctor", "What on this machine spoils measurements, and what mends it");
  const auto format = std::make_shared<FormatFlags>();
  add_format_flags(*command, *format);
  add_colour_flag(*command, context);
  command->callback([format, &context] {
    context.action = [format] {
      const std::vector<doctor::Finding> findings = doctor::examine(doctor::measure_patient());
      write_stdout(format->text() ? doctor::findings_text(findings, text_look())
                                  : in_format(*format, doctor::findings_json(findings), "findings"));
      return kExitOk;
    };
  });
}

}  // namespace harness
