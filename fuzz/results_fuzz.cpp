// results.csv, as `run` resumes from it and `show` looks at it (harness/sweep/sinks/csv.h). An input that begins with '#' is read below a
// right header, without its first character.

#include <string>

#include "fuzz/fuzz.h"
#include "harness/base/errors.h"
#include "harness/sweep/sinks/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(fuzz::text_of(data, size));
  if (text.starts_with('#')) text.replace(0, 1, harness::csv_header());

  // Records written anew are read as what they were.
  const harness::CsvRecords parsed = harness::parse_csv(text);
  FUZZ_REQUIRE(parsed.complete <= text.size() && parsed.records.size() == parsed.lines.size());
  std::string again;
  for (const auto& record : parsed.records) {
    FUZZ_REQUIRE(!record.empty());
    for (std::size_t i = 0; i < record.size(); ++i) again.append(i == 0 ? "" : ",").append(harness::csv_field(record[i]));
    again += '\n';
  }
  const harness::CsvRecords reparsed = harness::parse_csv(again);
  FUZZ_REQUIRE(reparsed.records == parsed.records && reparsed.complete == again.size());

  try {
    const fuzz::MemoryFile file(text);
    for (const harness::Sample& sample : harness::peek_results(file.path())) {
      // A row is read back from what it is written as.
      const std::string row = harness::csv_row(sample);
      const fuzz::MemoryFile copy(harness::csv_header() + row);
      const auto read = harness::peek_results(copy.path());
      FUZZ_REQUIRE(read.size() == 1 && harness::csv_row(read.front()) == row);
    }
  } catch (const harness::ConfigError&) {
  }
  return 0;
}
