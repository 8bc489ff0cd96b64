#pragma once

// Files that users name, read whole: regular ones up to a bound, so that no device, pipe or huge file makes the program wait for
// ever or take all memory.
//
// Thread safety: any thread.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

inline constexpr std::size_t kMostSuiteBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMostContextBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMostTableBytes = std::size_t{512} << 20;  // results.csv, evidence: a million rows
inline constexpr std::size_t kMostInputBytes = std::size_t{64} << 20;   // --inputs

// `what` names the file in messages: "suite". Throws ConfigError: it cannot be opened or read, is no regular file, holds more than
// `most` bytes.
std::string read_file(const std::filesystem::path& path, std::string_view what, std::size_t most);

// The same; nothing where there is no such file.
std::optional<std::string> read_file_if_there(const std::filesystem::path& path, std::string_view what, std::size_t most);

// Piece by piece, for what need not be in memory at once; false where there is no such file. Throws as above, and what `piece`
// throws.
bool read_pieces_if_there(const std::filesystem::path& path, std::string_view what, std::size_t most,
                          const std::function<void(std::string_view)>& piece);

// Standard input up to its end, whatever it is. Throws ConfigError as above.
std::string read_stdin(std::string_view what, std::size_t most);

}  // namespace harness
