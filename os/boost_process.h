#pragma once

// The parts of Boost.Process v1 that are used here: by a process pool to start its workers, by the workload `command` to start one.
// From Boost 1.88 on they live below boost/process/v1: this is the only file that has to know.

// Boost.Process declares its vfork path on every POSIX system, but compiles it only where this is set.
#define BOOST_POSIX_HAS_VFORK 1

#include <boost/version.hpp>

#if BOOST_VERSION >= 108800
#include <boost/process/v1/args.hpp>
#include <boost/process/v1/child.hpp>
#include <boost/process/v1/error.hpp>
#include <boost/process/v1/exe.hpp>
#include <boost/process/v1/extend.hpp>
#include <boost/process/v1/io.hpp>
#include <boost/process/v1/posix.hpp>
namespace os {
namespace boost_process = boost::process::v1;
}
#else
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/posix.hpp>
namespace os {
namespace boost_process = boost::process;
}
#endif
