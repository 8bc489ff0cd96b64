#pragma once

// The first exchange between pool and worker: the descriptors of the channel and of the passage, and the proof that both run the same program.

#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

inline constexpr int kWorkerSocket = 3;                           // the worker's end of the socket it is started with
inline constexpr const char* kWorkerArgument = "--pools-worker";  // argv[1] of a worker; its name follows

struct ChannelDescriptors {
  FileDescriptor memory;
  FileDescriptor event;
  FileDescriptor passage;
};

// Throws std::system_error.
void send_handshake(int socket, int memory, int event, int passage);
// Throws std::system_error, WireError when the peer is another program.
ChannelDescriptors receive_handshake(int socket);

}  // namespace pools::detail
