#pragma once

// A repetition's processes, as one thing that can be ended. The child makes itself leader of a session of its own, so
// that whatever it starts - also workers in process groups of their own - carries its session id and can be found.

#include <sys/types.h>

#include <vector>

namespace harness {

// Called first thing in a child: leads a session from now on; the terminal's Ctrl-C no longer reaches it or what it
// starts.
void lead_session();

// Live members of the session, zombies not counted. A process that calls setsid itself has left.
std::vector<pid_t> session_members(pid_t session);

// Kills every process of the session and returns when none is alive any more; the leader becomes a zombie for its
// parent to reap, orphans that this process adopted (see adopt_orphans) are reaped. REQUIRES: the leader is an unreaped
// child of this process, so that its id cannot have been given to somebody else.
void kill_session(pid_t leader);

// Whether the session has left this process orphans, the leader itself not counted: a quick look at this process's own
// children. REQUIRES: adopt_orphans() was called before the session was started.
bool has_orphans(pid_t leader);

// Makes this process the one that inherits the orphans of its descendants, so that kill_session can reap them instead
// of leaving that to a process 1 that may not.
void adopt_orphans();

}  // namespace harness
