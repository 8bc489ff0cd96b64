#pragma once

// Appending to files of the output directory: what is written is whole records, or nothing.
//
// Not thread-safe; one owner per file.

#include <filesystem>
#include <string_view>

namespace harness {

// A file opened for appending.
class AppendFile {
 public:
  // Opens or creates it. Throws ConfigError with the reason.
  explicit AppendFile(std::filesystem::path path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // One write(2) with O_APPEND. When it cannot be written whole (full disk, limit), what was written of it is taken back and
  // OutputError is thrown: the file ends as it did before.
  void append(std::string_view record);

  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_; }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

// Makes the directory and checks that a file can be created in it. Throws ConfigError "cannot write to 'out/x': reason".
void require_writable_directory(const std::filesystem::path& directory);

// Locks the file for as long as it is open. Throws ConfigError when another process, or another descriptor of this one, has it locked.
void lock_for_writing(int fd, const std::filesystem::path& path);

// `run_directory`/`kind`/`run_id`.csv, its directory made as by require_writable_directory.
std::filesystem::path made_path_of_run(const std::filesystem::path& run_directory, std::string_view kind,
                                       const std::string& run_id);

// Creates a file that must not exist yet, with this text. Throws OutputError.
void write_new_file(const std::filesystem::path& path, std::string_view text);

// Writes the file anew, under another name first: a reader sees the old text or the new one, never a part. Throws OutputError.
void replace_file(const std::filesystem::path& path, std::string_view text);

// `path` followed by a suffix and the first number from 1 that is free: "results.csv" + ".torn-" -> "results.csv.torn-1".
std::filesystem::path first_free(const std::filesystem::path& path, std::string_view suffix);

}  // namespace harness
