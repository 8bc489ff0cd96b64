/* The life of a task of the process pool, with its worker dying at any step: pools/src/process/ipc/claim_board.h, pools/src/process/worker_process.{h,cpp} (give,
   take_back), worker_loop.cpp, supply.cpp (supply, rebalance), answers.cpp (take_answer), clocks.cpp (take_back_unbegun), deaths.cpp (reap,
   end_with_death), backlog.cpp (pop, put_back), future_state.cpp (claim, cancel, offer, recall).

   Workers are given up to DEPTH tasks at a time. A worker may die between any two of its steps, DEATHS times in all; another takes its
   place. Somebody may cancel a task, and the pool may take back what a worker has not begun, at any moment. With STOPPING one worker stops
   before it begins a task, and goes on later or never: the pool takes everything back, and gives it nothing more until it answers. Checked,
   over all interleavings:
     - each task ends exactly once: done, failed by its worker's death, or cancelled; none is left when nobody can go on;
     - only a task that had begun fails by a death, and only when it has no retry left; what was merely prefetched is run elsewhere;
     - a published answer counts, also when the worker died after it, and its task is never run again;
     - a cancelled task does not begin afterwards, and has not begun before, but for tries that ended with their worker and were to be
       followed by another; a task is never at work twice at a time;
     - a worker that does as it should is never found to violate the protocol.

   With LIES the last worker is a liar: LIES times it writes what it likes to the cell of the task at hand, or answers what it likes. Then
   also checked:
     - an answer that is a lie costs the liar; what a worker that does as it should answers is never taken for one;
     - a task ends all the same, exactly once, and after QUARANTINE deaths of workers that had it first; it is not run for ever by what
       the liar's board says of it.

   Sections under the pool's mutex are atomic steps. A message to a worker is in its ring at once and whole, and an answer is when it is
   published: what is written in part nobody sees (channel.pml). */

#ifndef TASKS
#define TASKS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef RETRIES
#define RETRIES 0
#endif
#ifndef LIES
#define LIES 0
#endif
#ifndef QUARANTINE
#define QUARANTINE 2                      /* quarantine_after */
#endif
#define LIAR (LIES > 0 -> WORKERS - 1 : NONE)
#define CELLS (2 * DEPTH)                 /* kCells = 2 kMostGiven */
#define NONE 255

/* --- ClaimBoard: a word per cell, sequence << 2 | state --- */
#define OFFERED 1
#define BEGUN 2
#define TAKEN_BACK 3
#ifdef MUTANT_CELLS_WITHOUT_A_SEQUENCE
#define WORD(sequence, state) (state)
#else
#define WORD(sequence, state) ((sequence) * 4 + (state))
#endif
typedef Board { byte cell[CELLS] };
Board board[WORKERS];
#define CELL(w, sequence) board[w].cell[(sequence) % CELLS]

/* --- the rings --- */
#define RESULT 0
#define SKIPPED 1
chan request[WORKERS] = [CELLS] of { byte, byte };   /* sequence, task */
chan answer[WORKERS] = [CELLS] of { byte, byte };    /* kind, sequence */
bool dead[WORKERS];
bool condemned[WORKERS];                  /* found to violate the protocol: killed, and nothing of it is read any more */

/* --- the pool --- */
chan queue = [TASKS] of { byte };
chan given[WORKERS] = [CELLS] of { byte, byte, bool };     /* task, sequence, taken back: the pool's own account of it */
byte next_sequence[WORKERS];

/* --- FutureState, and where the offer lies --- */
#define PENDING 0
#define RUNNING 1
#define CANCELLED 2
#define FINISHED 3
byte status[TASKS];
bool offered[TASKS];
bool stripe[TASKS];                       /* the lock that cancel(), recall() and await_canceller() take */
byte on_worker[TASKS], on_sequence[TASKS];
byte retries[TASKS];
byte charges[TASKS];                      /* Extras::deaths: of workers that had it first */

/* --- the observer --- */
byte ends[TASKS];
bool at_work[TASKS], published[TASKS];
byte runs[TASKS];
byte deaths;
byte lies;
byte takings = 1;                         /* how often it takes back what is prefetched */
bool halted[WORKERS];
bool unheard[WORKERS];                    /* what it had not begun has been taken back, and it has not answered since */
byte stops = 1;
chan continued = [1] of { bit };

inline finish(task) {                     /* claim() and finish(); claim() fails for a cancelled one */
  atomic {
    if
    :: status[task] == PENDING -> status[task] = FINISHED; offered[task] = false; ends[task]++; assert(ends[task] == 1)
    :: else -> assert(status[task] == CANCELLED)
    fi
  }
}

/* Backlog::put_back(): a cancelled one is dropped, one that is in quarantine goes no further. */
inline put_back(task) {
  atomic {
    if
    :: status[task] == PENDING && charges[task] >= QUARANTINE -> finish(task)
    :: status[task] == PENDING && charges[task] < QUARANTINE -> queue ! task
    :: else -> assert(status[task] == CANCELLED)
    fi
  }
}

/* The pool kills the worker. One that does as it should is never found here. */
#define VIOLATION(w) assert(w == LIAR); condemned[w] = true

/* WorkerProcess::take_back(). (In turn; the code goes backwards, which only the order in the queue would show.) The one that is
   charged, if any, is what the worker had first. */
inline take_back(w, charged) {
  n = len(given[w]);
  do
  :: n > 0 ->
     n--;
     atomic {
       given[w] ? task, sequence, taken;
       if                                 /* ClaimBoard::take_back() */
       :: !taken && CELL(w, sequence) == WORD(sequence, OFFERED) ->
#ifndef MUTANT_REQUEUED_WITHOUT_EXCHANGE
          CELL(w, sequence) = WORD(sequence, TAKEN_BACK);
#endif
          given[w] ! task, sequence, true
       :: !taken && CELL(w, sequence) == WORD(sequence, TAKEN_BACK) ->
          /* A canceller was first, or it is a lie: that it has begun is the one that costs the liar. */
          if
          :: stripe[task] || status[task] == CANCELLED -> given[w] ! task, sequence, true
          :: else -> VIOLATION(w); given[w] ! task, sequence, false; task = NONE
          fi
       :: else -> given[w] ! task, sequence, taken; task = NONE
       fi
     };
     if
     :: task != NONE ->
        atomic { !stripe[task] -> offered[task] = false };   /* recall() */
        atomic {
          if
#ifndef MUTANT_BOARD_DECIDES_WHO_IS_GUILTY
          :: task == charged && status[task] == PENDING -> charges[task]++
#endif
          :: else
          fi
        };
        put_back(task)
     :: else
     fi
  :: else -> break
  od;
  task = 0;
  sequence = 0;
  taken = false
}

/* supply(), submit(): the next of the queue to a worker with room */
inline supply(w) {
  queue ? task;
  if
  :: status[task] == PENDING ->           /* pop() drops cancelled ones */
     sequence = next_sequence[w] + 1;
     CELL(w, sequence) = WORD(sequence, OFFERED);            /* give(): board().offer() */
     on_worker[task] = w;
     on_sequence[task] = sequence;
     atomic {                             /* state().offer() */
       if
       :: status[task] == PENDING -> offered[task] = true; next_sequence[w] = sequence; given[w] ! task, sequence, false
       :: else -> CELL(w, sequence) = WORD(sequence, TAKEN_BACK); sequence = NONE
       fi
     };
     if
     :: sequence != NONE -> request[w] ! sequence, task      /* send_some() */
     :: else
     fi
  :: else
  fi;
  task = 0;
  sequence = 0
}

#ifdef MUTANT_AN_ANSWER_TO_WHAT_WAS_TAKEN_BACK
#define TAKEN(taken) false
#else
#define TAKEN(taken) taken
#endif

inline take_answer(w) {
  atomic {
    answer[w] ? kind, sequence;
    unheard[w] = false;
    task = NONE;
    if
    :: len(given[w]) > 0 -> given[w] ? <task, n, taken>
    :: else
    fi
  };
  if
  :: kind == SKIPPED && task != NONE && n == sequence && !taken ->
#ifndef MUTANT_SKIP_BELIEVED_TOO_EARLY
     !stripe[task]                        /* await_canceller() */
#endif
  :: else
  fi;
  atomic {
    if
    :: task == NONE || n != sequence -> VIOLATION(w)                               /* an answer that nobody asked for */
    :: task != NONE && n == sequence && kind == SKIPPED && !taken && status[task] != CANCELLED -> VIOLATION(w)   /* skipped, and not taken back */
    :: task != NONE && n == sequence && kind == RESULT && (TAKEN(taken) || CELL(w, sequence) != WORD(sequence, BEGUN)) ->
       VIOLATION(w)                                                                /* not begun, or taken back */
    :: else ->
       given[w] ? _, _, _;
       if
       :: kind == RESULT -> finish(task)
       :: else
       fi
    fi;
    task = 0; sequence = 0; kind = 0; n = 0; taken = false
  }
}

/* What it has first: the oldest that the pool has not taken back. Only that can have begun and not been answered. What the pool had
   taken back and it has not skipped is charged, too: a worker at work that called its cell its own, for instance. Behind such a one it has
   begun nothing, if all that it has said was heard. */
inline reap(w) {
  victim = NONE;
  first = NONE;
  behind = false;
  n = len(given[w]);
  do
  :: n > 0 ->
     n--;
     atomic {
       given[w] ? task, sequence, taken;
       given[w] ! task, sequence, taken;
#ifndef MUTANT_BOARD_DECIDES_WHO_IS_GUILTY
       if
       :: taken && first == NONE -> charges[task]++; behind = true
       :: else
       fi;
#endif
       if
       :: !taken && first == NONE -> first = task
       :: else
       fi
     }
  :: else -> break
  od;
  if
  :: behind && !condemned[w] -> first = NONE
  :: else
  fi;
#ifndef MUTANT_DEATH_TAKES_THE_PREFETCHED_ALONG
  take_back(w, first);
#endif
  do
  :: len(given[w]) > 0 ->
     given[w] ? task, sequence, taken;
     if
     :: taken
     :: else ->
#ifdef MUTANT_RECALLED_BEFORE_IT_HAS_FAILED
        atomic { !stripe[task] -> offered[task] = false };
#endif
        if
#ifndef MUTANT_DEATH_TAKES_THE_PREFETCHED_ALONG
        :: task != first ->
           atomic { !stripe[task] -> offered[task] = false };   /* recall() */
           assert(w == LIAR); put_back(task)   /* it had no business to begin that */
#endif
        :: else -> assert(victim == NONE); victim = task
        fi
     fi
  :: else -> break
  od;
  /* end_with_death() */
  if
  :: victim == NONE
  :: else ->
     assert(w == LIAR || (!published[victim] && runs[victim] > 0));
     if
     :: retries[victim] < RETRIES ->
        atomic { !stripe[victim] -> offered[victim] = false; retries[victim]++ };   /* recall(): from here on it can be cancelled */
        put_back(victim)
     :: else -> finish(victim)
     fi
  fi;
  /* The one in its place has a channel of its own; the old one goes once no canceller looks at it (await_all_cancellers()). */
  atomic {
#ifndef MUTANT_BOARD_GONE_UNDER_A_CANCELLER
    !stripe[0];                           /* the only one that is ever taken */
#endif
    do
    :: len(request[w]) > 0 -> request[w] ? _, _
    :: len(answer[w]) > 0 -> answer[w] ? _, _
    :: empty(request[w]) && empty(answer[w]) -> break
    od;
    n = 0;
    do
    :: n < CELLS -> board[w].cell[n] = 0; n++
    :: else -> break
    od;
    n = 0;
    next_sequence[w] = 0;
    unheard[w] = false;
    victim = 0; first = 0; task = 0; sequence = 0; taken = false; behind = false;
    condemned[w] = false;
    dead[w] = false
  }
}

#define MAY_DIE if :: condemned[me] || deaths < DEATHS -> deaths = (condemned[me] -> deaths : deaths + 1); goto dies :: !condemned[me] fi;
#if LIES > 0
#define MAY_LIE if :: me == LIAR && lies < LIES -> lie() :: true fi;
#else
#define MAY_LIE
#endif

/* To the cell of the task at hand, or of the one it had before; or an answer to that. */
inline lie() {
  atomic {
    lies++;
    if
    :: CELL(me, sequence) = WORD(sequence, OFFERED)
    :: CELL(me, sequence) = WORD(sequence, BEGUN)
    :: CELL(me, sequence) = WORD(sequence, TAKEN_BACK)
    :: nfull(answer[me]) -> answer[me] ! RESULT, sequence
    :: nfull(answer[me]) -> answer[me] ! SKIPPED, sequence
    fi
  }
}

proctype worker_process(byte me) {
  byte task, sequence;
  bool mine;
lives:
  do
  :: MAY_DIE
end_idle:
     if
     :: request[me] ? sequence, task
     :: condemned[me] -> goto dies
     fi;
     MAY_LIE
     MAY_DIE
#ifdef STOPPING
     if
     :: me == 0 && stops > 0 ->
        stops--;
        halted[me] = true;
end_stopped:
        continued ? _;
        halted[me] = false
     :: true
     fi;
#endif
     atomic {                             /* begin() */
       if
#ifdef MUTANT_BEGINS_WITHOUT_CLAIMING
       :: true ->
#else
       :: CELL(me, sequence) == WORD(sequence, OFFERED) ->
#endif
          CELL(me, sequence) = WORD(sequence, BEGUN);
          mine = true;
          runs[task]++;
          if
          :: me == LIAR
          :: else ->
             assert(!at_work[task] && !published[task] && status[task] == PENDING);
             at_work[task] = true
          fi;
          assert(runs[task] <= (LIES > 0 -> QUARANTINE + 1 : 1 + RETRIES))
#ifndef MUTANT_BEGINS_WITHOUT_CLAIMING
       :: else
#endif
       fi
     };
     MAY_LIE
     MAY_DIE
     atomic {
       nfull(answer[me]) || condemned[me];
       if
       :: condemned[me]
       :: !condemned[me] && mine -> answer[me] ! RESULT, sequence;
          if
          :: me == LIAR
          :: else -> at_work[task] = false; published[task] = true
          fi;
          mine = false
       :: else -> answer[me] ! SKIPPED, sequence
       fi
     };
     MAY_LIE
     task = 0;
     sequence = 0
  od;
dies:
  atomic {
    if
    :: mine && me != LIAR -> at_work[task] = false
    :: else
    fi;
    mine = false; task = 0; sequence = 0;
    dead[me] = true
  };
  atomic { !dead[me] -> goto lives }      /* another in its place */
}

#ifdef MUTANT_REAPED_BEFORE_IT_WAS_READ
#define REAPABLE(w) (dead[w])
#else
#define REAPABLE(w) (dead[w] && (condemned[w] || len(answer[w]) == 0))         /* serve(), then reap() */
#endif

proctype supervisor() {
  byte n, task, sequence, kind, victim, first;
  bool taken, behind;
end_idle:
  do
#ifdef MUTANT_A_SILENT_WORKER_IS_GIVEN_MORE
  :: len(queue) > 0 && len(given[0]) < DEPTH && !dead[0] && !condemned[0] -> supply(0)
#else
  :: len(queue) > 0 && len(given[0]) < DEPTH && !dead[0] && !condemned[0] && !unheard[0] -> supply(0)
#endif
  :: len(answer[0]) > 0 && !condemned[0] -> take_answer(0)
  :: len(given[0]) > 1 && len(queue) == 0 && takings > 0 -> takings--; take_back(0, NONE)   /* rebalance(), pause() */
#ifdef STOPPING
#ifdef MUTANT_A_SOLE_TASK_IS_LEFT
  :: halted[0] && len(given[0]) > 1 && !unheard[0] -> unheard[0] = true; take_back(0, NONE)
#else
  :: halted[0] && len(given[0]) > 0 && !unheard[0] -> unheard[0] = true; take_back(0, NONE)   /* take_back_unbegun() */
#endif
#endif
  :: REAPABLE(0) -> reap(0)
#if WORKERS > 1
  :: len(queue) > 0 && len(given[1]) < DEPTH && !dead[1] && !condemned[1] -> supply(1)
  :: len(answer[1]) > 0 && !condemned[1] -> take_answer(1)
  :: LIAR == 1 && len(given[1]) > 0 && takings > 0 -> takings--; take_back(1, NONE)
  :: REAPABLE(1) -> reap(1)
#endif
  od
}

#ifdef CANCELLING
/* FutureState::cancel() of the first task. */
proctype canceller() {
  bool saw_offer, withdrawn;
  atomic { !stripe[0] -> stripe[0] = true };
  do
  :: atomic { saw_offer = offered[0]; withdrawn = true };
     if
     :: status[0] != PENDING -> break
     :: else
     fi;
     if
     :: saw_offer ->
        atomic {                          /* withdraw_offer(): ClaimBoard::take_back() */
          if
          :: CELL(on_worker[0], on_sequence[0]) == WORD(on_sequence[0], OFFERED) ->
             CELL(on_worker[0], on_sequence[0]) = WORD(on_sequence[0], TAKEN_BACK)
          :: CELL(on_worker[0], on_sequence[0]) == WORD(on_sequence[0], TAKEN_BACK)
          :: else -> withdrawn = false
          fi
        }
     :: else
     fi;
     if
     :: !withdrawn -> break               /* it has begun: not to be cancelled */
     :: else ->
        atomic {                          /* the compare-and-exchange of the whole word */
          if
          :: status[0] == PENDING && offered[0] == saw_offer ->
             status[0] = CANCELLED;
             ends[0]++;
             assert(ends[0] == 1 && !at_work[0]);
             assert(LIES > 0 || runs[0] <= retries[0]);   /* what had begun has died, and waited for another try */
             break
          :: else
          fi
        }
     fi
  od;
  stripe[0] = false
}
#endif

#ifdef STOPPING
proctype continuer() {
  if
  :: continued ! 0
  :: true
  fi
}
#endif

proctype nothing_lost() {
  byte at;
end_waiting:
  timeout ->
  do
  :: at < TASKS -> assert(ends[at] == 1 && (status[at] == FINISHED || status[at] == CANCELLED)); at++
  :: else -> break
  od
}

init {
  byte at;
  atomic {
    do
    :: at < TASKS -> queue ! at; at++     /* in the order of submission */
    :: else -> break
    od;
    at = 0;
    do
    :: at < WORKERS -> run worker_process(at); at++
    :: else -> break
    od;
    at = 0;
    run supervisor();
#ifdef CANCELLING
    run canceller();
#endif
#ifdef STOPPING
    run continuer();
#endif
    run nothing_lost()
  }
}
