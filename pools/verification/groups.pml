/* The permits of concurrency groups in a thread pool: pools/src/thread/{task_groups,dispatch}.{h,cpp}, and who waits for one: watch.cpp.

   Two submitters, two workers, two groups of LIMIT tasks at a time. Tasks 0 and 1 are of group 0, task 2 of group 1, task 3 of none; 0 and 2
   come from one submitter, 3 and 1 from the other, and in between as they like. Both locks of the Dispatch are taken by whatever has to do
   with groups, so that each visit is one atomic step; between the steps of a worker lies the user's code.

   Checked, over all interleavings: no more than LIMIT tasks of a group are at work (A); what is claimed is the first, by number, of all that
   may run (B); whenever nobody is under the locks, a task may begin and a worker is parked => a worker is searching (C), the invariant (I) of
   dispatch.h; no worker ends while a task is queued (D); each permit is given back once (E), none is out at the end, and all tasks end, so
   no wake-up is lost.

   Options (spin -D):  CANCELLING  somebody cancels task 1 at any time
                       WAITING     task 3 waits for task 1, and runs it on top of itself if its group has a permit; task 2 stands until 3 is done
                       LENDING     task 0 waits for task 1, of its own group, and runs it on top of itself by its own permit
   and the mutants, each of which must be found wrong; they are marked MUTANT_. */

#ifndef LIMIT
#define LIMIT 1
#endif
#define JOBS 4
#define NONE 2
#define GROUP(j) ((j) < 2 -> 0 : ((j) == 2 -> 1 : NONE))

/* the tasks */
bool pending[JOBS];
bool done[JOBS];
bool queued[JOBS];                 /* also what was passed over, since its group was full */
byte number[JOBS];
byte submissions;
bool known;                        /* task 1 has been submitted: one can wait for it */

/* the groups */
byte permits[2];
byte at_work[2];                   /* those of them whose code runs, and does not wait for what runs on top of it */
bool nudge_wanted[2];              /* a worker that waits for a permit, asleep or about to be */

/* the Dispatch; its lists, and those of what was passed over, are one here, from which the first by number is taken */
byte searching;
bool idle[2];
bool unparked[2];
bool looks[2];                     /* it is searching */
bool ended[2];
bool nudged;                       /* the completion queue of the wait; remembered */
bool closed;
byte submitters = 2;

#define FULL(j) (GROUP(j) != NONE && permits[GROUP(j)] >= LIMIT)
/* Only what is pending needs a permit: what was cancelled, or has been run on top of a wait, is only dropped. */
#define MAY_RUN(j) (queued[j] && (!pending[j] || !FULL(j)))
/* What is only to be dropped waits until a worker comes by: of that nobody is told. */
#define MAY_BEGIN(j) (queued[j] && pending[j] && !FULL(j))
#define QUEUED (queued[0] || queued[1] || queued[2] || queued[3])
#define CLAIMABLE (MAY_RUN(0) || MAY_RUN(1) || MAY_RUN(2) || MAY_RUN(3))
#define FIRST(j) (queued[j] && (!queued[0] || number[j] <= number[0]) && (!queued[1] || number[j] <= number[1]) && \
                  (!queued[2] || number[j] <= number[2]) && (!queued[3] || number[j] <= number[3]))
#define BEST(j) (MAY_RUN(j) && (!MAY_RUN(0) || number[j] <= number[0]) && (!MAY_RUN(1) || number[j] <= number[1]) && \
                 (!MAY_RUN(2) || number[j] <= number[2]) && (!MAY_RUN(3) || number[j] <= number[3]))

inline choose() {
  if
  :: searching == 0 && idle[0] -> idle[0] = false; looks[0] = true; searching++; unparked[0] = true
  :: searching == 0 && !idle[0] && idle[1] -> idle[1] = false; looks[1] = true; searching++; unparked[1] = true
  :: else
  fi
}

inline choose_if_claimable() {
  if
  :: CLAIMABLE -> choose()
  :: else
  fi
}

inline stop_searching() {
  if
  :: looks[w] -> looks[w] = false; searching--
  :: else
  fi
}

/* Whoever waits for a permit looks again. */
inline give_back(g) {
  assert(permits[g] > 0);          /* E */
  permits[g]--;
#ifndef MUTANT_NOBODY_HEARS_OF_A_PERMIT
  if
  :: nudge_wanted[g] -> nudge_wanted[g] = false; nudged = true
  :: else
  fi
#endif
}

inline begin(j) {
  pending[j] = false;
  if
  :: GROUP(j) != NONE -> at_work[GROUP(j)]++; assert(at_work[GROUP(j)] <= LIMIT)   /* A */
  :: else
  fi
}

inline finish(j) {
  if
  :: GROUP(j) != NONE -> at_work[GROUP(j)]--
  :: else
  fi;
  done[j] = true
}

proctype submitter(byte first; byte second) {
  byte j = first;
again:
  atomic {
    number[j] = submissions;
    submissions++;
    queued[j] = true;
    known = known || j == 1;
    if
    :: !FULL(j) -> choose()
    :: else
    fi
  }
  if
  :: j == first -> j = second; goto again
  :: else
  fi;
  atomic {
    submitters--;
    if
    :: submitters == 0 ->          /* close(): whoever is parked looks once more */
      closed = true;
      unparked[0] = unparked[0] || idle[0]; idle[0] = false;
      unparked[1] = unparked[1] || idle[1]; idle[1] = false
    :: else
    fi
  }
}

/* What a task that waits does to have task 1 run, on worker w. `lends`: it is of the same group. */
inline wait_for_1(lends) {
  known;
look:
  atomic {
    nudged = false;
    if
    :: done[1] || !pending[1] -> goto sleep
    :: else
    fi;
    if
    :: lends -> at_work[0]--; begin(1); goto helps
#ifdef MUTANT_HELPS_WITHOUT_A_PERMIT
    :: !lends -> begin(1); permits[0]++; goto helps
#else
    :: !lends && permits[0] < LIMIT -> permits[0]++; begin(1); goto helps
    :: !lends && permits[0] >= LIMIT -> nudge_wanted[0] = true; goto sleep
#endif
    fi
  }
helps:
  skip;                            /* its code */
  atomic {
    finish(1);
    if
    :: lends -> at_work[0]++
    :: else ->
      give_back(0);
#ifndef MUTANT_A_HELPER_WAKES_NOBODY
      choose_if_claimable()
#endif
    fi;
    goto waited
  }
sleep:
  atomic {
    done[1] || nudged ->
    if
    :: done[1] -> goto waited
    :: else -> goto look
    fi
  }
waited:
  skip
}

proctype worker(byte w) {
  byte job;
  byte permit = NONE;
  bool searched;
next:
  atomic {
    if
    :: permit != NONE ->
      give_back(permit);
#ifdef MUTANT_GIVES_BACK_TWICE
      give_back(permit);
#endif
      permit = NONE
    :: else
    fi;
#ifdef MUTANT_A_FULL_GROUP_HOLDS_UP_THE_REST
    if
    :: FIRST(0) && MAY_RUN(0) -> job = 0
    :: FIRST(1) && MAY_RUN(1) -> job = 1
    :: FIRST(2) && MAY_RUN(2) -> job = 2
    :: FIRST(3) && MAY_RUN(3) -> job = 3
    :: else -> job = JOBS
    fi;
#else
    if
    :: BEST(0) -> job = 0
    :: BEST(1) -> job = 1
    :: BEST(2) -> job = 2
    :: BEST(3) -> job = 3
    :: else -> job = JOBS
    fi;
#endif
    if
    :: job == JOBS ->
      if                           /* nothing may run: in the same step it ends, or begins to search, or parks */
#ifdef MUTANT_ENDS_WHILE_TASKS_WAIT_FOR_THEIR_GROUP
      :: closed ->
#else
      :: closed && !QUEUED ->
#endif
        stop_searching();
        ended[w] = true;
        goto over
      :: else ->
        if
        :: !searched ->
          searched = true;
          if
          :: !looks[w] -> looks[w] = true; searching++
          :: else
          fi;
          goto next
        :: else ->
          stop_searching();
          idle[w] = true;
          goto parked
        fi
      fi
    :: else
    fi;
    queued[job] = false;
    if
    :: pending[job] && GROUP(job) != NONE -> permit = GROUP(job); permits[permit]++; assert(permits[permit] <= LIMIT)
    :: else
    fi;
    stop_searching();
    choose_if_claimable();
    if                             /* the last one has gone: who is parked ends */
    :: closed && !QUEUED ->
      unparked[0] = unparked[0] || idle[0]; idle[0] = false;
      unparked[1] = unparked[1] || idle[1]; idle[1] = false
    :: else
    fi
  }
  searched = false;
  /* try_start(): somebody may have been first since the claim */
  atomic {
    if
    :: pending[job] -> begin(job)
    :: else ->
#ifdef MUTANT_WHAT_IS_DROPPED_KEEPS_ITS_PERMIT
      permit = NONE;
#endif
      goto next
    fi
  }
#ifdef WAITING
  if
  :: job == 3 -> wait_for_1(false)
  :: job == 2 -> done[3]           /* keeps this worker from task 1, in a way of which the pool knows nothing */
  :: else
  fi;
#endif
#ifdef LENDING
  if
  :: job == 0 -> wait_for_1(true)
  :: else
  fi;
#endif
  atomic { finish(job) }
  goto next;
parked:
  atomic { unparked[w] -> unparked[w] = false; searched = false }
  goto next;
over:
  skip
}

#ifdef CANCELLING
proctype canceller() {
  atomic {
    if
    :: pending[1] -> pending[1] = false; done[1] = true
    :: else
    fi
  }
}
#endif

active proctype invariant() {
end:
  if
  :: atomic { (MAY_BEGIN(0) || MAY_BEGIN(1) || MAY_BEGIN(2) || MAY_BEGIN(3)) && (idle[0] || idle[1]) && searching == 0 -> assert(false) }   /* C */
  :: atomic { QUEUED && (ended[0] || ended[1]) -> assert(false) }                      /* D */
  fi
}

init {
  atomic {
    pending[0] = true; pending[1] = true; pending[2] = true; pending[3] = true;
    run submitter(0, 2);
    run submitter(3, 1);
    run worker(0);
    run worker(1);
#ifdef CANCELLING
    run canceller();
#endif
  }
  done[0] && done[1] && done[2] && done[3] && ended[0] && ended[1];
  assert(permits[0] == 0 && permits[1] == 0 && !QUEUED)
}
