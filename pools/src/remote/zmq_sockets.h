#pragma once

// What both ends of a remote pool's network ask of ZeroMQ.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include <zmq.hpp>

#include "pools/errors.h"
#include "pools/src/remote/curve_keys.h"

namespace pools::detail {

inline void set_option(zmq::socket_t& socket, int option, const void* value, std::size_t size) {
  if (::zmq_setsockopt(socket.handle(), option, value, size) != 0) throw zmq::error_t();
}
inline void set_option(zmq::socket_t& socket, int option, int value) { set_option(socket, option, &value, sizeof value); }
inline void set_key(zmq::socket_t& socket, int option, const CurveKey& key) {
  set_option(socket, option, key.data(), key.size());
}

// Nothing is bounded by a number of messages, nothing waits at the end, and no frame is longer than one may be.
inline void set_common_options(zmq::socket_t& socket, std::int64_t largest_frame) {
  largest_frame += 1024;  // for what encryption adds
  set_option(socket, ZMQ_SNDHWM, 0);
  set_option(socket, ZMQ_RCVHWM, 0);
  set_option(socket, ZMQ_LINGER, 0);
  set_option(socket, ZMQ_MAXMSGSIZE, &largest_frame, sizeof largest_frame);
  set_option(socket, ZMQ_HANDSHAKE_IVL, 5000);  // ms; who connects and says nothing is dropped
}

// Has the socket's events told at `name` ("inproc://..."), and returns the socket that hears of them.
inline zmq::socket_t monitor_of(zmq::context_t& context, zmq::socket_t& socket, const char* name) {
  if (::zmq_socket_monitor(socket.handle(), name, ZMQ_EVENT_ALL) != 0) throw zmq::error_t();
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  set_option(monitor, ZMQ_LINGER, 0);
  set_option(monitor, ZMQ_RCVHWM, 0);  // else whoever tells would wait for a reader
  monitor.connect(name);
  return monitor;
}

// The next part that is there already. False: none is.
inline bool receive_part(zmq::socket_t& socket, zmq::message_t& part) {
  while (::zmq_msg_recv(part.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
    if (::zmq_errno() == EINTR) continue;
    if (::zmq_errno() == EAGAIN) return false;
    throw zmq::error_t();
  }
  return true;
}

// To wait by poll() itself: zmq_poll() asks each of its sockets twice, a handful of system calls each.
//
// The descriptor becomes readable when there may be something new, and stays so until the socket is asked. A socket that was asked and had
// nothing may be waited for; one that has sent or received since has to be asked first.
inline int descriptor_of(zmq::socket_t& socket) {
  int descriptor = -1;
  std::size_t size = sizeof descriptor;
  if (::zmq_getsockopt(socket.handle(), ZMQ_FD, &descriptor, &size) != 0) throw zmq::error_t();
  return descriptor;
}
inline bool has_input(zmq::socket_t& socket) {
  int events = 0;
  std::size_t size = sizeof events;
  if (::zmq_getsockopt(socket.handle(), ZMQ_EVENTS, &events, &size) != 0) throw zmq::error_t();
  return (events & ZMQ_POLLIN) != 0;
}

struct MonitorEvent {
  int event = 0;
  std::uint32_t value = 0;
  std::string address;
};
inline std::optional<MonitorEvent> next_event(zmq::socket_t& monitor) {
  zmq::message_t what;
  if (!receive_part(monitor, what)) return std::nullopt;
  zmq::message_t address;
  if (what.more() && !receive_part(monitor, address)) return std::nullopt;
  MonitorEvent event;
  std::uint16_t number = 0;
  if (what.size() < sizeof number + sizeof event.value) return std::nullopt;
  std::memcpy(&number, what.data(), sizeof number);
  std::memcpy(&event.value, static_cast<const char*>(what.data()) + sizeof number, sizeof event.value);
  event.event = number;
  event.address.assign(static_cast<const char*>(address.data()), address.size());
  return event;
}

}  // namespace pools::detail
