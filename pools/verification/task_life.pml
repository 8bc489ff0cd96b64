/* The life of a task of the process pool, with its worker dying at any step: pools/process/claim_board.h, worker_process.{h,cpp} (give,
   take_back), worker_loop.cpp, supervisor.cpp (supply, take_answer), stalls.cpp (rebalance, take_back_unbegun), deaths.cpp (bury,
   end_with_death), future_state.cpp (claim, cancel, offer, recall).

   Workers are given up to DEPTH tasks at a time. A worker may die between any two of its steps, DEATHS times in all; another takes its
   place. Somebody may cancel a task, and the pool may take back what a worker has not begun, at any moment. With STOPPING one worker stops
   before it begins a task, and goes on later or never: the pool takes everything back, and gives it nothing more until it answers. Checked,
   over all interleavings:
     - each task ends exactly once: done, failed by its worker's death, or cancelled; none is left when nobody can go on;
     - only a task that had begun fails by a death, and only when it has no retry left; what was merely prefetched is run elsewhere;
     - a published answer counts, also when the worker died after it, and its task is never run again;
     - a cancelled task does not begin afterwards; a task is never at work twice at a time;
     - a worker that does as it should is never found to violate the protocol.

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

/* --- the pool --- */
chan queue = [TASKS] of { byte };
chan given[WORKERS] = [CELLS] of { byte, byte };     /* task or NONE (taken back), sequence */
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

/* --- the observer --- */
byte ends[TASKS];
bool at_work[TASKS], published[TASKS];
byte runs[TASKS];
byte deaths;
byte takings = 1;                         /* how often it takes back what is prefetched */
bool stopped[WORKERS];
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

/* put_back_locked(): a cancelled one is dropped. */
inline put_back(task) {
  atomic {
    if
    :: status[task] == PENDING -> queue ! task
    :: else -> assert(status[task] == CANCELLED)
    fi
  }
}

/* WorkerProcess::take_back(). (In turn; the code goes backwards, which only the order in the queue would show.) */
inline take_back(w) {
  n = len(given[w]);
  do
  :: n > 0 ->
     n--;
     atomic {
       given[w] ? task, sequence;
       if                                 /* ClaimBoard::take_back() */
       :: task != NONE && CELL(w, sequence) == WORD(sequence, OFFERED) ->
#ifndef MUTANT_REQUEUED_WITHOUT_EXCHANGE
          CELL(w, sequence) = WORD(sequence, TAKEN_BACK);
#endif
          given[w] ! NONE, sequence
       :: task != NONE && CELL(w, sequence) == WORD(sequence, TAKEN_BACK) -> given[w] ! NONE, sequence   /* a canceller was first */
       :: else -> given[w] ! task, sequence; task = NONE
       fi
     };
     if
     :: task != NONE ->
        atomic { !stripe[task] -> offered[task] = false };   /* recall() */
        put_back(task)
     :: else
     fi
  :: else -> break
  od;
  task = 0;
  sequence = 0
}

/* supply(), submit(): the next of the queue to a worker with room */
inline supply(w) {
  queue ? task;
  if
  :: status[task] == PENDING ->           /* pop_locked() drops cancelled ones */
     sequence = next_sequence[w] + 1;
     CELL(w, sequence) = WORD(sequence, OFFERED);            /* give(): board().offer() */
     on_worker[task] = w;
     on_sequence[task] = sequence;
     atomic {                             /* state().offer() */
       if
       :: status[task] == PENDING -> offered[task] = true; next_sequence[w] = sequence; given[w] ! task, sequence
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

inline take_answer(w) {
  atomic { answer[w] ? kind, sequence; given[w] ? <task, _>; unheard[w] = false };
  if
  :: kind == SKIPPED && task != NONE ->
#ifndef MUTANT_SKIP_BELIEVED_TOO_EARLY
     !stripe[task];                       /* await_canceller() */
#endif
     assert(status[task] == CANCELLED)    /* or: a task was skipped that nobody has taken back */
  :: else
  fi;
  atomic {
    given[w] ? task, eval(sequence);      /* or: an answer that nobody asked for */
    if
    :: kind == RESULT ->
       assert(CELL(w, sequence) == WORD(sequence, BEGUN));   /* or: an answer to a task that it has not begun */
       assert(task != NONE);                                 /* or: an answer to a task that was taken back */
       finish(task)
    :: else
    fi;
    task = 0; sequence = 0; kind = 0
  }
}

inline bury(w) {
#ifndef MUTANT_DEATH_TAKES_THE_PREFETCHED_ALONG
  take_back(w);
#endif
  culprit = NONE;
  do
  :: len(given[w]) > 0 ->
     given[w] ? task, sequence;
     if
     :: task == NONE
     :: else ->
        atomic { !stripe[task] -> offered[task] = false };   /* recall() */
        assert(culprit == NONE);          /* what had begun and was not answered is one task */
        culprit = task
     fi
  :: else -> break
  od;
  /* end_with_death() */
  if
  :: culprit == NONE
  :: else ->
     assert(!published[culprit]);
     assert(runs[culprit] > 0);
     if
     :: retries[culprit] < RETRIES -> retries[culprit]++; put_back(culprit)
     :: else -> finish(culprit)
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
    culprit = 0; task = 0; sequence = 0;
    dead[w] = false
  }
}

#define MAY_DIE if :: deaths < DEATHS -> goto dies :: true fi

proctype worker_process(byte me) {
  byte task, sequence;
  bool mine;
lives:
  do
  :: MAY_DIE;
end_idle:
     request[me] ? sequence, task;
     MAY_DIE;
#ifdef STOPPING
     if
     :: me == 0 && stops > 0 ->
        stops--;
        stopped[me] = true;
end_stopped:
        continued ? _;
        stopped[me] = false
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
          assert(!at_work[task] && !published[task] && status[task] == PENDING);
          at_work[task] = true;
          runs[task]++;
          assert(runs[task] <= 1 + RETRIES)
#ifndef MUTANT_BEGINS_WITHOUT_CLAIMING
       :: else
#endif
       fi
     };
     MAY_DIE;
     atomic {
       if
       :: mine -> at_work[task] = false; published[task] = true; mine = false; answer[me] ! RESULT, sequence
       :: else -> answer[me] ! SKIPPED, sequence
       fi;
       task = 0;
       sequence = 0
     }
  od;
dies:
  atomic {
    deaths++;
    if
    :: mine -> at_work[task] = false
    :: else
    fi;
    mine = false; task = 0; sequence = 0;
    dead[me] = true
  };
  atomic { !dead[me] -> goto lives }      /* another in its place */
}

#ifdef MUTANT_BURIED_BEFORE_IT_WAS_READ
#define BURIABLE(w) (dead[w])
#else
#define BURIABLE(w) (dead[w] && len(answer[w]) == 0)         /* serve(), then bury() */
#endif

proctype supervisor() {
  byte n, task, sequence, kind, culprit;
end_idle:
  do
#ifdef MUTANT_A_SILENT_WORKER_IS_GIVEN_MORE
  :: len(queue) > 0 && len(given[0]) < DEPTH && !dead[0] -> supply(0)
#else
  :: len(queue) > 0 && len(given[0]) < DEPTH && !dead[0] && !unheard[0] -> supply(0)
#endif
  :: len(answer[0]) > 0 -> take_answer(0)
  :: len(given[0]) > 1 && len(queue) == 0 && takings > 0 -> takings--; take_back(0)   /* rebalance(), pause() */
#ifdef STOPPING
#ifdef MUTANT_A_SOLE_TASK_IS_LEFT
  :: stopped[0] && len(given[0]) > 1 && !unheard[0] -> unheard[0] = true; take_back(0)
#else
  :: stopped[0] && len(given[0]) > 0 && !unheard[0] -> unheard[0] = true; take_back(0)   /* take_back_unbegun() */
#endif
#endif
  :: BURIABLE(0) -> bury(0)
#if WORKERS > 1
  :: len(queue) > 0 && len(given[1]) < DEPTH && !dead[1] -> supply(1)
  :: len(answer[1]) > 0 -> take_answer(1)
  :: BURIABLE(1) -> bury(1)
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
