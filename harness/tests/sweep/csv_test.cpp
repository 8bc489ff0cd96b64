#include "harness/sweep/sinks/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <tuple>

#include "harness/base/errors.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Sample test_sample() {
  Sample sample = sample_of(test_cell("0123456789abcdef"));
  sample.run_id = "20250101T000000.000000Z-1";
  sample.machine_id = "m";
  sample.build_id = "b";
  sample.cell_id = "0123456789abcdef";
  sample.rep = 3;
  sample.run_order = 7;
  sample.started_utc = "2025-01-01T00:00:00.000000Z";
  sample.workers_spec = "cores*5";
  sample.workers = 10;
  sample.cores = 2;
  sample.seed = 18446744073709551615u;
  sample.makespan_ns = 20'123'456;
  sample.load1 = 0.25;
  return sample;
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(Csv, QuotesAsRfc4180Has) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"no\""), "\"say \"\"no\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(csv_field(" x"), "\" x\"");
}

TEST(Csv, ReadsBackWhatItQuoted) {
  for (const std::string text : {"", "plain", "a,b", "\"", "\"\"", ",\"\n\",", "two\r\nlines", " "}) {
    const CsvRecords parsed = parse_csv("x," + csv_field(text) + ",y\n");
    ASSERT_THAT(parsed.records, SizeIs(1)) << text;
    EXPECT_THAT(parsed.records[0], ElementsAre("x", text, "y"));
  }
}

TEST(Csv, KnowsWhereTheLastCompleteRecordEnds) {
  EXPECT_EQ(parse_csv("a,b\nc,d\n").complete, 8u);
  EXPECT_EQ(parse_csv("a,b\nc,d").complete, 4u);
  EXPECT_EQ(parse_csv("a,b\nc,\"d\n").complete, 4u);  // the line end is within quotes
  EXPECT_EQ(parse_csv("").complete, 0u);
  EXPECT_THAT(parse_csv("a\n\"x\ny\"\nb\n").lines, ElementsAre(1, 2, 4));
}

TEST(Csv, IsTheSameInPiecesOfAnySize) {
  const std::string text = "a,\"b \"\"x\"\",\n\",c\n\n\"\",q\"uote,\"two\nlines\"tail\nend,\"torn";
  const CsvRecords whole = parse_csv(text);
  ASSERT_THAT(whole.records, SizeIs(3));
  EXPECT_THAT(whole.records[0], ElementsAre("a", "b \"x\",\n", "c"));
  EXPECT_THAT(whole.records[1], ElementsAre(""));
  EXPECT_THAT(whole.records[2], ElementsAre("", "q\"uote", "two\nlinestail"));
  for (std::size_t size = 1; size <= text.size(); ++size) {
    std::vector<std::vector<std::string>> records;
    std::vector<int> lines;
    CsvParser parser([&](std::span<const std::string> fields, int line) {
      records.emplace_back(fields.begin(), fields.end());
      lines.push_back(line);
    });
    for (std::size_t at = 0; at < text.size(); at += size) parser.feed(std::string_view(text).substr(at, size));
    EXPECT_EQ(records, whole.records) << size;
    EXPECT_EQ(lines, whole.lines) << size;
    EXPECT_EQ(parser.complete(), whole.complete) << size;
  }
}

// The approved output: a change of a column's name, order or form must be a decision.
TEST(Csv, HasItsApprovedHeaderAndRow) {
  EXPECT_EQ(
      csv_header(),
      "schema_version,run_id,machine_id,build_id,cell_id,rep,is_warmup,run_order,started_utc,status,error,backend,"
      "workers,workers_spec,cores,workload,strategy,parsers,tasks,distribution,task_ns,callback_ns,payload_bytes,"
      "chunksize,start_method,seed,in_flight,arrivals,arrivals_spec,queue,when_full,callback_workload,inputs,deadline_ns,makespan_ns,pool_start_ns,submit_ns,pool_stop_ns,longest_task_ns,sum_task_ns,"
      "callback_sum_ns,callback_max_ns,queue_wait_p50_ns,queue_wait_p99_ns,queue_wait_max_ns,callback_lag_p50_ns,"
      "callback_lag_p99_ns,callback_lag_max_ns,cpu_user_ns,cpu_sys_ns,main_cpu_ns,ctx_switches_voluntary,"
      "ctx_switches_involuntary,rss_peak_bytes,cgroup_throttled_ns,load1,sojourn_mean_ns,sojourn_p50_ns,"
      "sojourn_p95_ns,sojourn_p99_ns,sojourn_p999_ns,sojourn_max_ns,release_lag_p99_ns,release_lag_max_ns,rejected,"
      "queue_max,completed_per_s,clients_mean,late_by_deadline\n");
  Sample sample = test_sample();
  EXPECT_EQ(
      csv_row(sample),
      "2,20250101T000000.000000Z-1,m,b,0123456789abcdef,3,0,7,2025-01-01T00:00:00.000000Z,ok,,thread,10,cores*5,2,"
      "sleep,none,0,2,equal,10000000,0,0,1,none,18446744073709551615,0,closed,closed,0,none,,,0,20123456,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
      "0.25,0,0,0,0,0,0,0,0,0,0,0,0,0\n");
  sample.status = "crash";
  sample.error = "killed by signal 11 (Segmentation fault), \"core\"";
  EXPECT_THAT(csv_row(sample), HasSubstr(",crash,\"killed by signal 11 (Segmentation fault), \"\"core\"\"\",thread,"));
}

// What files of users have: the columns of the first layout.
TEST(Results, OfAnEarlierVersionAreReadAndGoneOnWith) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  Sample bounded = test_sample();
  bounded.in_flight = 4;
  const std::string old = csv_header(sample_columns(0)) + csv_row(test_sample(), sample_columns(0));
  EXPECT_THAT(old, Not(HasSubstr("in_flight")));
  write_text(path, old);
  {
    CsvSink sink(path);
    sink.row({}, test_sample(), nullptr);
    EXPECT_THROW(sink.row({}, bounded, nullptr), ConfigError);
  }
  EXPECT_EQ(content(path), old + csv_row(test_sample(), sample_columns(0)));
  const std::vector<Sample> rows = read_results(path);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[1].in_flight, 0);
  EXPECT_EQ(csv_row(rows[1]), csv_row(test_sample()));

  std::filesystem::remove(path);
  { CsvSink(path).row({}, bounded, nullptr); }
  EXPECT_EQ(read_results(path).at(0).in_flight, 4);

  // And the second, which knows no arrivals.
  write_text(path, csv_header(sample_columns(1)) + csv_row(bounded, sample_columns(1)));
  Sample arriving = test_sample();
  arriving.arrivals = arriving.arrivals_spec = "poisson:300/s";
  {
    CsvSink sink(path);
    sink.row({}, bounded, nullptr);
    EXPECT_THAT(refusal([&] { sink.row({}, arriving, nullptr); }), HasSubstr("has no column arrivals;"));
  }
  const std::vector<Sample> second = read_results(path);
  ASSERT_THAT(second, SizeIs(2));
  EXPECT_EQ(second[1].in_flight, 4);
  EXPECT_EQ(second[1].schema_version, 1);
  EXPECT_EQ(second[1].arrivals, "closed");

  std::filesystem::remove(path);
  { CsvSink(path).row({}, arriving, nullptr); }
  EXPECT_EQ(read_results(path).at(0).arrivals, "poisson:300/s");
  EXPECT_EQ(read_results(path).at(0).schema_version, 2);

  // And the third, which knows no work of the user's own.
  write_text(path, csv_header(sample_columns(2)) + csv_row(arriving, sample_columns(2)));
  Sample own = test_sample();
  own.workload = "command:./convert {}";
  own.callback_workload = "command:wc, -c";
  own.inputs = "files.txt";
  EXPECT_THAT(refusal([&] { CsvSink(path).row({}, own, nullptr); }), HasSubstr("has no column callback_workload;"));
  EXPECT_EQ(read_results(path).at(0).inputs, "");
  std::filesystem::remove(path);
  { CsvSink(path).row({}, own, nullptr); }
  EXPECT_EQ(csv_row(read_results(path).at(0)), csv_row(own));

  // And the fourth, which knows no deadline.
  write_text(path, csv_header(sample_columns(3)) + csv_row(own, sample_columns(3)));
  Sample hurried = arriving;
  hurried.deadline_ns = 200'000'000;
  hurried.late_by_deadline = 7;
  EXPECT_THAT(refusal([&] { CsvSink(path).row({}, hurried, nullptr); }), HasSubstr("has no column deadline_ns;"));
  EXPECT_EQ(read_results(path).at(0).deadline_ns, 0);
  EXPECT_EQ(read_results(path).at(0).late_by_deadline, 0);
  std::filesystem::remove(path);
  { CsvSink(path).row({}, hurried, nullptr); }
  EXPECT_EQ(csv_row(read_results(path).at(0)), csv_row(hurried));
}

// The file is read in pieces of 64 KiB, and a sample is reused from row to row.
TEST(Results, AreReadBackExactlyAcrossThePiecesOfALargeFile) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  std::string text = csv_header();
  std::vector<std::string> written;
  for (int rep = 0; rep < 2'000; ++rep) {
    Sample sample = test_sample();
    sample.rep = rep;
    if (rep % 7 == 0) {
      sample.status = "crash";
      sample.error = std::string(static_cast<std::size_t>(rep), 'e') + ", \"quoted\"";
    }
    written.push_back(csv_row(sample));
    text += written.back();
  }
  write_text(path, text + "1,torn");
  std::size_t rows = 0;
  peek_results(path, [&](const Sample& sample) {
    ASSERT_LT(rows, written.size());
    ASSERT_EQ(csv_row(sample), written[rows]);
    ++rows;
  });
  EXPECT_EQ(rows, written.size());
  EXPECT_EQ(content(path), text + "1,torn");
  EXPECT_THAT(read_results(path), SizeIs(2'000));
  EXPECT_EQ(content(path), text);
  EXPECT_EQ(content(directory / "results.csv.torn-1"), "1,torn");
}

TEST(Results, AreReadBackExactly) {
  const TestDirectory directory;
  Sample failed = test_sample();
  failed.status = "crash";
  failed.error = "a, \"b\"";
  failed.load1 = 0.1;
  {
    CsvSink sink(directory / "results.csv");
    sink.row(test_cell("x"), test_sample(), nullptr);
    sink.row(test_cell("x"), failed, nullptr);
  }
  const std::vector<Sample> read = read_results(directory / "results.csv");
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(csv_row(read[0]), csv_row(test_sample()));
  EXPECT_EQ(csv_row(read[1]), csv_row(failed));
}

TEST(Results, ThatDoNotExistHaveNoRows) {
  const TestDirectory directory;
  EXPECT_THAT(read_results(directory / "results.csv"), IsEmpty());
}

TEST(Results, AreAppendedToNeverOverwritten) {
  const TestDirectory directory;
  for (int run = 0; run < 3; ++run) {
    CsvSink sink(directory / "results.csv");
    sink.row(test_cell("x"), test_sample(), nullptr);
  }
  EXPECT_EQ(content(directory / "results.csv"),
            csv_header() + csv_row(test_sample()) + csv_row(test_sample()) + csv_row(test_sample()));
}

// However much of the last row reached the disk.
TEST(Results, SetATornLastLineAside) {
  const std::string whole = csv_header() + csv_row(test_sample());
  Sample next = test_sample();
  next.error = "two, \"quoted\" words";
  const std::string row = csv_row(next);
  for (std::size_t kept = 1; kept < row.size(); kept += 7) {
    const TestDirectory directory;
    write_text(directory / "results.csv", whole + row.substr(0, kept));
    write_text(directory / "results.csv.torn-1", "an earlier one");
    testing::internal::CaptureStderr();
    EXPECT_THAT(read_results(directory / "results.csv"), SizeIs(1));
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("results.csv.torn-2"));
    EXPECT_EQ(content(directory / "results.csv"), whole);
    EXPECT_EQ(content(directory / "results.csv.torn-1"), "an earlier one");
    EXPECT_EQ(content(directory / "results.csv.torn-2"), row.substr(0, kept));
  }
}

TEST(Results, SetATornHeaderAsideAndStartAnew) {
  const TestDirectory directory;
  write_text(directory / "results.csv", csv_header().substr(0, 30));
  testing::internal::CaptureStderr();
  {
    CsvSink sink(directory / "results.csv");
    sink.row(test_cell("x"), test_sample(), nullptr);
  }
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(content(directory / "results.csv"), csv_header() + csv_row(test_sample()));
}

TEST(Results, RefuseAForeignHeaderAndLeaveTheFileAlone) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  std::string other_version = csv_header();
  other_version.insert(other_version.size() - 1, ",one_more");
  for (const std::string& text : {std::string("name,age\njo,5"), other_version, std::string("no line end")}) {
    write_text(path, text);
    EXPECT_THAT(refusal([&] { read_results(path); }), HasSubstr("has a foreign header"));
    EXPECT_THAT(refusal([&] { CsvSink sink(path); }), HasSubstr("has a foreign header"));
    EXPECT_EQ(content(path), text);
  }
}

TEST(Results, NameTheLineAndColumnOfARowThatCannotBeRead) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  std::string bad = csv_row(test_sample());
  bad.replace(bad.find("20123456"), 8, "20.5");
  write_text(path, csv_header() + csv_row(test_sample()) + bad);
  EXPECT_THAT(refusal([&] { read_results(path); }),
              HasSubstr("results.csv:3: '20.5' in column makespan_ns; allowed: a number, 0 or more"));
  write_text(path, csv_header() + "1,2,3\n");
  EXPECT_THAT(refusal([&] { read_results(path); }), HasSubstr("results.csv:2: 3 fields"));
}

// The row of test_sample() with one column's text replaced.
std::string row_with(std::string_view column, const std::string& text) {
  std::string row;
  const CsvRecords parsed = parse_csv(csv_row(test_sample()));
  for (std::size_t i = 0; i < sample_columns().size(); ++i) {
    row += (i > 0 ? "," : "") + csv_field(sample_columns()[i].name == column ? text : parsed.records[0][i]);
  }
  return row + '\n';
}

TEST(Results, ThatNoRunCanHaveWrittenAreRefusedWithFileLineColumnAndValue) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"schema_version", "3", "allowed: 2"},
      {"schema_version", "1", "allowed: 2"},
      {"schema_version", "-1", "allowed: 2"},
      {"makespan_ns", "-5", "allowed: a number, 0 or more"},
      {"queue_wait_p50_ns", "-1", "allowed: a number, 0 or more"},
      {"makespan_ns", "9223372036854775808", "allowed: a number, 0 or more"},
      {"makespan_ns", "1e9", "allowed: a number, 0 or more"},
      {"makespan_ns", "", "allowed: a number, 0 or more"},
      {"rep", "-1", "allowed: a number, 0 or more"},
      {"is_warmup", "2", "allowed: a number from 0 to 1"},
      {"workers", "4294967297", "allowed: a number from 0 to 2147483647"},
      {"load1", "nan", "allowed: a number, 0 or more"},
      {"load1", "inf", "allowed: a number, 0 or more"},
      {"seed", "-1", "allowed: a number from 0 to 2^64-1"},
      {"status", "fine", "allowed: ok, timeout, crash, invalid"},
      {"workload", "\x1b[31msleep", "allowed: text without control characters"}};
  for (const auto& [column, text, allowed] : cases) {
    write_text(path, csv_header() + csv_row(test_sample()) + row_with(column, text));
    const std::string shown = text[0] == '\x1b' ? "\\x1b[31msleep" : text;
    const std::string said = refusal([&] { peek_results(path); });
    EXPECT_EQ(said, path.string() + ":3: '" + shown + "' in column " + column + "; " + allowed);
    EXPECT_EQ(refusal([&] { read_results(path); }), said);
  }
}

TEST(Results, SayWhatIsForeignAboutAHeaderOnceAndEscaped) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  const std::string header = csv_header();
  const auto without = [&](const std::string& part) { return std::string(header).erase(header.find(part), part.size()); };
  const auto replaced = [&](const std::string& part, const std::string& by) {
    return std::string(header).replace(header.find(part), part.size(), by);
  };
  std::string crlf = header;
  crlf.insert(crlf.size() - 1, "\r");
  std::string more = header;
  more.insert(more.size() - 1, ",one\x1b[2Jmore");
  std::string twice = header;
  twice.insert(twice.size() - 1, ",load1");
  const std::pair<std::string, std::string> cases[] = {
      {crlf + "1,2\r\n", "its lines end in CR LF instead of LF"},
      {"\xEF\xBB\xBF" + header, "it begins with a byte order mark"},
      {without("workers_spec,"), "it has no column 'workers_spec'"},
      {without(",load1"), "it has no column 'load1'"},
      {replaced("workers_spec", "worker_spec"), "it has no column 'workers_spec'"},
      {more, "its column 70, 'one\\x1b[2Jmore', is unknown"},
      {replaced("run_id", "\"run_id\""), "its names are in quotes"},
      {twice, "its column 70, 'load1', is there twice"},
      {replaced("run_id,machine_id", "machine_id,run_id"), "its column 2 is 'machine_id' and not 'run_id'"},
      {"name,age\n1,2\n", "it begins with 'name,age'"},
      {"\x1b]0;owned\a" + std::string(200, 'x') + header, "it has no column 'schema_version'"},
      {"\x1b]0;owned\a" + std::string(200, 'x') + "\n", "it begins with '\\x1b]0;owned\\x07" + std::string(50, 'x') + "...'"},
      {std::string(100, '\0'), "it begins with '"}};
  for (const auto& [text, why] : cases) {
    write_text(path, text);
    const std::string said = refusal([&] { peek_results(path); });
    EXPECT_THAT(said, HasSubstr("has a foreign header: " + why)) << text;
    EXPECT_THAT(said, HasSubstr("schema version 2"));
    EXPECT_TRUE(std::all_of(said.begin(), said.end(), [](char c) { return c >= ' ' && c < 0x7f; })) << said;
    const std::string first = text.substr(0, std::min<std::size_t>(20, text.find('\n')));
    EXPECT_EQ(said.find(first, said.find(first) + 1), std::string::npos) << "said twice: " << said;
  }
}

TEST(Results, AreWrittenByOneRunAtATime) {
  const TestDirectory directory;
  const CsvSink sink(directory / "results.csv");
  EXPECT_THAT(refusal([&] { CsvSink second(directory / "results.csv"); }), HasSubstr("another run is writing"));
}

// A disk that is full, played by a file size limit in a child process: every limit from none of the row to almost all of it.
TEST(Results, KeepEveryWholeRowWhenTheDiskIsFull) {
  const TestDirectory directory;
  const std::filesystem::path path = directory / "results.csv";
  const std::string whole = csv_header() + csv_row(test_sample());
  for (const std::size_t room : {std::size_t{0}, std::size_t{1}, csv_row(test_sample()).size() - 1}) {
    std::filesystem::remove(path);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{whole.size() + room, whole.size() + room};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      CsvSink sink(path);
      sink.row(test_cell("x"), test_sample(), nullptr);
      try {
        sink.row(test_cell("x"), test_sample(), nullptr);
      } catch (const OutputError& error) {
        const bool clear =
            std::string(error.what()).find("File too large; everything written before is kept") != std::string::npos;
        ::_exit(clear ? 3 : 4);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 3) << room;
    EXPECT_EQ(content(path), whole) << room;
  }
}

TEST(OutputDirectories, ThatCannotBeWrittenAreRefused) {
  const TestDirectory directory;
  write_text(directory / "file", "");
  EXPECT_THAT(refusal([&] { require_writable_directory(directory / "file/below"); }),
              HasSubstr("cannot write to the output directory"));
  EXPECT_THAT(refusal([&] { require_writable_directory(directory / "file"); }), HasSubstr("file"));
  EXPECT_THAT(refusal([&] { require_writable_directory("/proc/poolbench"); }), HasSubstr("/proc/poolbench"));
  require_writable_directory(directory / "a/b/c");
  EXPECT_TRUE(std::filesystem::is_directory(directory / "a/b/c"));
  EXPECT_TRUE(std::filesystem::is_empty(directory / "a/b/c"));
}

}  // namespace
}  // namespace harness
