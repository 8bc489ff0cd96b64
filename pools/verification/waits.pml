/* Waits of the workers of several thread pools, and who helps whom: pools/src/thread/waits_for.{h,cpp}, Watch::next_on_runner in watch.cpp.

   Four tasks. 0 runs on the only worker of pool a, 1 and 2 on workers of pools b and c, and 3 is queued in a. Task 0 waits for 1, 1 for 2
   and 2 for 3, each from when it likes: so 3 can only run on top of 0, and which of the edges of that chain comes last is left open.

   Checked, over all interleavings: all tasks end, so no wake-up is lost; (H) of waits_for.h; task 3 is started once, and never while
   pool a is paused.

   What one line stands for. A record is put into the table, nudges and looks under the table's lock, which is one atomic step; so is the
   completion queue, which has a lock of its own: an arrival or a nudge is remembered there, and next() takes it or sleeps. Records that only
   help, cycles and the stack are absent.

   Options (spin -D):  PAUSING   somebody pauses pool a and resumes it
                       RESIZING  pool a gets a second worker, which takes 3 from the queue if it is still there
   and the mutants, each of which must be found wrong; they are marked MUTANT_. */

#define TASKS 4
#define LAST 3
#define NOBODY 255

/* the tasks */
bool done[TASKS];
bool pending = true;               /* LAST */
byte starts;

/* Dispatch of pool a */
bool paused;
bool resume_waits;                 /* resume_waiters_: the completion queue of task 0's wait */

/* the table: task t waits for t + 1 */
bool on_record[TASKS];
bool sleeper[TASKS];               /* with a completion queue, and so to be nudged */

/* a completion queue for each wait */
bool arrived[TASKS];
bool nudged[TASKS];
bool asleep[TASKS];                /* in the kernel; only for the mutant that does not remember */

#define REACHES_LAST(t) (on_record[t] && (t == 2 || (on_record[1 + t] && (t == 1 || on_record[2]))))
#define TO_HELP (REACHES_LAST(0) && pending)   /* seen from task 0: the only one on a worker of the pool of LAST */

inline nudge(t) {
#ifdef MUTANT_NUDGE_IS_NOT_REMEMBERED
  if
  :: asleep[t] -> nudged[t] = true
  :: else
  fi
#else
  nudged[t] = true
#endif
}

/* nudge_others_locked(): the sleeper in a that reaches, through this record, what is pending in a */
inline nudge_others(t) {
#ifdef MUTANT_LOOKS_NO_FURTHER_THAN_WHAT_IT_WAITS_FOR
  if
  :: t == 2 && pending && sleeper[0] && REACHES_LAST(0) -> nudge(0)
  :: else
  fi
#else
  if
  :: t != 0 && pending && sleeper[0] && REACHES_LAST(0) -> nudge(0)
  :: else
  fi
#endif
}

/* finish(): the continuations of those that watch it */
inline finish(t) {
  done[t] = true;
  if
  :: t > 0 -> arrived[t - 1] = true
  :: else
  fi
}

/* begin_helping() and try_start(), or a claim by another worker */
inline start_last(ok) {
  if
  :: paused -> ok = false
  :: else ->
    ok = true;
    if
    :: pending ->
      pending = false;
      starts++;
      assert(starts == 1);
      finish(LAST)
    :: else
    fi
  fi
}

/* Tasks 1 and 2. */
proctype task(byte t) {
  atomic { on_record[t] = true; sleeper[t] = true; nudge_others(t) }
  atomic {
    arrived[t] || done[t + 1] ->
    on_record[t] = false;
    sleeper[t] = false
  }
  atomic { finish(t) }
}

/* Task 0, whose worker can help. */
proctype helper() {
  bool was_paused, started, help;
next:
  atomic {
    if
    :: arrived[0] || done[1] -> goto over
    :: else -> nudged[0] = false
    fi
  }
  if
  :: was_paused ->
#ifdef MUTANT_SLEEPS_THROUGH_THE_RESUME
    skip
#else
    atomic {                       /* notify_on_resume() */
      if
      :: paused -> resume_waits = true
      :: else -> was_paused = false; goto next
      fi
    }
#endif
  :: else
  fi;
#ifdef MUTANT_LOOKS_BEFORE_IT_IS_ON_RECORD
  atomic { on_record[0] = true; help = TO_HELP; on_record[0] = false }
  atomic { on_record[0] = true; sleeper[0] = true; nudge_others(0) }
#else
  atomic { on_record[0] = true; sleeper[0] = true; nudge_others(0); help = TO_HELP }
#endif
  if
  :: was_paused || !help ->
    was_paused = false;
    atomic {
      if
      :: arrived[0] || nudged[0] -> skip
      :: else -> asleep[0] = true
      fi
    }
    atomic {
      arrived[0] || nudged[0] ->
      asleep[0] = false;
      on_record[0] = false;
      sleeper[0] = false
    }
  :: else ->
    atomic { on_record[0] = false; sleeper[0] = false }
    atomic {
      start_last(started);
      was_paused = !started
    }
  fi;
  goto next;
over:
  atomic { finish(0) }
}

#ifdef PAUSING
proctype pauser() {
  paused = true;
  atomic {
    paused = false;
    if
    :: resume_waits -> resume_waits = false; nudge(0)
    :: else
    fi
  }
}
#endif

#ifdef RESIZING
proctype another_worker() {
  bool started;
  if
  :: atomic { !paused && pending -> start_last(started) }
  :: skip                          /* it never gets there */
  fi
}
#endif

/* (H), where nothing is on its way: task 0 sleeps and could help  =>  it has a nudge, or waits for the end of the pause. */
active proctype invariant() {
end:
  atomic { asleep[0] && on_record[0] && TO_HELP && !nudged[0] && !arrived[0] && !paused -> assert(false) }
}

init {
  atomic {
    run helper();
    run task(1);
    run task(2);
#ifdef PAUSING
    run pauser();
#endif
#ifdef RESIZING
    run another_worker();
#endif
  }
  done[0] && done[1] && done[2] && done[3]
}
