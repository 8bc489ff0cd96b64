// The sleep of the thread of a pool that sizes itself (src/base/sizer.h), against workers that begin and end tasks and against its stop.
//
// runs            WorkClock::runs() of some worker, or a task in the backlog: has_task()
// asleep, calls   Signals; `calls` is a word that the thread compares before it sleeps (futex)
// Each step is sequentially consistent, as the code has them.
//
// What has to hold: the thread does not sleep for good while a task runs, or after it was stopped. Mutants:
//   MUTANT_LOOKS_BEFORE_IT_SAYS_SO   the thread looks for a task, then says that it sleeps
//   MUTANT_WAKES_BEFORE_IT_BEGINS    the worker looks whether the thread sleeps, then says that a task runs
//   MUTANT_STOPS_WITHOUT_A_CALL      stop() does not change the word

#ifndef TASKS
#define TASKS 2
#endif

byte runs = 0;
bool asleep = false;
byte calls = 0;
bool stopped = false;
byte ended = 0;  // workers

active proctype sizer() {
  byte seen;
  do
  :: stopped -> break
  :: else ->
    if
    :: runs > 0 -> skip  // it looks at what they do, and comes again
    :: else ->
      seen = calls;
#ifndef MUTANT_LOOKS_BEFORE_IT_SAYS_SO
      asleep = true;
#endif
      if
      :: stopped -> skip
      :: else ->
        if
        :: runs > 0 -> skip
        :: else ->
#ifdef MUTANT_LOOKS_BEFORE_IT_SAYS_SO
          asleep = true;
#endif
          (calls != seen)  // FUTEX_WAIT: returns at once if the word has changed
        fi
      fi;
      asleep = false
    fi
  od
}

inline wake() {
  if
  :: asleep ->
    bool was;
    atomic { was = asleep; asleep = false };
    if
    :: was -> calls++
    :: else -> skip
    fi
  :: else -> skip
  fi
}

active [2] proctype worker() {
  byte task;
  for (task : 1 .. TASKS) {
#ifdef MUTANT_WAKES_BEFORE_IT_BEGINS
    wake();
    runs++;
#else
    runs++;
    wake();
#endif
    !asleep;  // it runs for long: if it did for ever, the thread has to be awake then
    runs--
  }
  ended++
}

active proctype stopper() {
#ifndef STOPS_EARLY
  ended == 2;
#endif
  stopped = true;
#ifndef MUTANT_STOPS_WITHOUT_A_CALL
  calls++
#endif
}
