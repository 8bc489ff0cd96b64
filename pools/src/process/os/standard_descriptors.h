#pragma once

// Descriptors 0 to 2 of a process that was started without some of them.

namespace pools::detail {

// Opens those of them that are closed on /dev/null, so that no file that is opened later becomes the program's standard input,
// output or error: a message would land in it, and a child would inherit it. Input then is at its end, errors go nowhere; output
// still fails with EBADF, since what was to be printed there would be lost without a word. To be called before anything is opened
// and before there is a second thread. Async-signal-safe.
void open_standard_descriptors() noexcept;

}  // namespace pools::detail
