#pragma once

// The engine's test program as a child of itself: an owner of what has to vanish when its owner is killed.

#include <string_view>

namespace harness::testing_engine {

inline constexpr std::string_view kOwnerEntry = "--test-owner";

// Started as `--test-owner scratch DIR`: makes a Scratch in DIR with a tree in it and sends its path over descriptor 3;
// as
// `--test-owner servers`: starts both servers and sends their ports; as `--test-owner nothing`: leads a process group,
// gives up the signal on its parent's death and says so. Then it waits to be killed. Returns if started otherwise.
void owner_entry(int argc, char** argv);

}  // namespace harness::testing_engine
