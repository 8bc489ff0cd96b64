// ZeroMQ, loaded when the first of its functions is called, not with the program.
//
// The workers of a process pool and those on hosts are the program once more, and none of them needs ZeroMQ: with the six libraries that it
// brings along, the dynamic linker would take a millisecond longer for each of them. Defines the functions that remote/ calls, and no more:
// one that is missing here is one line of the linker's. Thread-safe. A function throws Error where the library cannot be loaded.

#include <dlfcn.h>
#include <zmq.h>

#include <string>

#include "pools/errors.h"

static_assert(ZMQ_VERSION_MAJOR == 4, "libzmq.so.5 is what version 4 is called");

namespace pools::detail {
namespace {

constexpr const char* kLibrary = "libzmq.so.5";

// Never closed: its threads may be there until the program ends.
void* library() {
  static void* const handle = [] {
    void* const opened = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) throw Error(std::string("a remote pool needs ZeroMQ: ") + ::dlerror());
    return opened;
  }();
  return handle;
}

template <class Function>
Function* function(const char* name) {
  void* const found = ::dlsym(library(), name);
  if (found == nullptr) throw Error(std::string("a remote pool needs ZeroMQ with ") + name + ": " + ::dlerror());
  return reinterpret_cast<Function*>(found);
}

}  // namespace
}  // namespace pools::detail

#define POOLS_ZMQ(result, name, parameters, arguments)                             \
  result name parameters {                                                         \
    static auto* const loaded = pools::detail::function<result parameters>(#name); \
    return loaded arguments;                                                       \
  }

extern "C" {
POOLS_ZMQ(int, zmq_errno, (), ())
POOLS_ZMQ(const char*, zmq_strerror, (int number), (number))
POOLS_ZMQ(void*, zmq_ctx_new, (), ())
POOLS_ZMQ(int, zmq_ctx_term, (void* context), (context))
POOLS_ZMQ(void*, zmq_socket, (void* context, int type), (context, type))
POOLS_ZMQ(int, zmq_close, (void* socket), (socket))
POOLS_ZMQ(int, zmq_setsockopt, (void* socket, int option, const void* value, size_t size), (socket, option, value, size))
POOLS_ZMQ(int, zmq_getsockopt, (void* socket, int option, void* value, size_t* size), (socket, option, value, size))
POOLS_ZMQ(int, zmq_bind, (void* socket, const char* address), (socket, address))
POOLS_ZMQ(int, zmq_connect, (void* socket, const char* address), (socket, address))
POOLS_ZMQ(int, zmq_send, (void* socket, const void* data, size_t size, int flags), (socket, data, size, flags))
POOLS_ZMQ(int, zmq_socket_monitor, (void* socket, const char* address, int events), (socket, address, events))
POOLS_ZMQ(int, zmq_msg_init, (zmq_msg_t * message), (message))
POOLS_ZMQ(int, zmq_msg_recv, (zmq_msg_t * message, void* socket, int flags), (message, socket, flags))
POOLS_ZMQ(int, zmq_msg_close, (zmq_msg_t * message), (message))
POOLS_ZMQ(void*, zmq_msg_data, (zmq_msg_t * message), (message))
POOLS_ZMQ(size_t, zmq_msg_size, (const zmq_msg_t* message), (message))
POOLS_ZMQ(int, zmq_msg_more, (const zmq_msg_t* message), (message))
POOLS_ZMQ(const char*, zmq_msg_gets, (const zmq_msg_t* message, const char* property), (message, property))
POOLS_ZMQ(uint8_t*, zmq_z85_decode, (uint8_t * bytes, const char* text), (bytes, text))
POOLS_ZMQ(int, zmq_curve_keypair, (char* z85_public_key, char* z85_secret_key), (z85_public_key, z85_secret_key))
}  // extern "C"

#undef POOLS_ZMQ
