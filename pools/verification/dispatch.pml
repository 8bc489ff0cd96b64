/* The dispatch and parking protocol of the thread pool: pools/src/thread/dispatch.{h,cpp}, the Parker of pools/include/pools/detail/futex.h, and the part of
   pools/src/thread/thread_pool_core.cpp that starts workers when they are needed.

   Checked, over all interleavings:
     - (I) of dispatch.h: a job can be claimed and a worker is parked  =>  a worker is searching;
     - no lost wake-up: when nobody can go on, every accepted job has ended (unless the pool is paused for ever, which is not modelled);
     - no job is run twice, refused after it was accepted, or overtaken by one that was submitted later with the same priority;
     - (II) of dispatch.h: a job is queued  =>  there is a worker;
     - after close() every started worker ends.

   What one line stands for. A section under a lock is one atomic step, since whoever else looks at the same variables needs the lock, too.
   That goes also for next(), which looks at outbox_ and the mode between taking the outbox lock and the inbox lock: both change only under
   the outbox lock, so it might as well have looked later. search() is absent: it looks without a lock, what it saw decides nothing,
   and how long it lasts is what the interleaving of steps leaves open. What a job does while it runs is absent, too, callbacks included.
   Memory orders are not modelled: every shared variable but the Parker's word and the futex is guarded by a lock.

   Options (spin -D):  LAZY       workers are started as they are needed; else all are there
                       FAILING    the start of a thread may fail, SUBMITTERS times in all
                       PAUSING    somebody pauses and resumes
                       RESIZING   somebody shrinks the pool by one and grows it again
                       RANKED     the jobs of submitter 1 have a priority
                       CLOSING    somebody closes the pool at any moment
   and the mutants, each of which must be found wrong; they are marked MUTANT_. */

#ifndef SUBMITTERS
#define SUBMITTERS 2
#endif
#ifndef PER_SUBMITTER
#define PER_SUBMITTER 2
#endif
#ifndef WORKERS
#define WORKERS 3
#endif
#ifdef RESIZING
#define SLOTS (WORKERS + 1)   /* a worker that is about to end still has its slot when the next one is started */
#else
#define SLOTS WORKERS
#endif
#define JOBS (SUBMITTERS * PER_SUBMITTER)
#define NOBODY 255

/* --- Dispatch --- */
chan outbox = [JOBS] of { byte };
chan inbox = [JOBS] of { byte };
chan ranked = [JOBS] of { byte };         /* the heap: one priority, so a queue */
byte idle[SLOTS];                       /* the list idle_, the last one is its head */
byte idle_count;
byte searching_count;                     /* searching_ */
bool searching[SLOTS];                  /* Worker::searching_ */
bool closed, paused;
bool counting;
byte excess;
byte unstarted;
short unclaimed, available_count;
bool available[SLOTS];

#define QUEUED (len(outbox) + len(inbox) + len(ranked) > 0)
#define CLAIMABLE (!paused && QUEUED)                            /* claimable_locked() */
#define MODE (counting || len(ranked) > 0 || paused || excess > 0) /* mode() != 0 */

/* --- Parker: its word, and who sleeps in the kernel on it --- */
#define EMPTY 0
#define PERMIT 1
#define PARKED 2
byte word[SLOTS];
bool asleep[SLOTS];

/* --- ThreadPoolCore --- */
bool pool_lock;                           /* mutex_ */
bool alive[SLOTS];                      /* slots_ that are not ended */
byte alive_count;

/* --- the observer: what has become of each job --- */
#define NEW 0
#define ACCEPTED 1
#define ENDED 2                           /* run, or failed because there is nobody to run it */
#define REFUSED 3                         /* submit() has thrown */
byte fate[JOBS];
byte order;                               /* jobs accepted */
byte number[JOBS];                        /* in the order of acceptance */
byte claimed_up_to;                       /* the number of the last plain job claimed, + 1 */
byte submitters_done;
#ifdef FAILING
byte failures;                            /* threads that could not be started */
#endif

/* List::append_all */
inline move_inbox() {
  do
  :: len(inbox) > 0 -> inbox ? moved; outbox ! moved
  :: else -> break
  od;
  moved = 0
}

/* choose_locked(): `chosen` is to be unparked, or NOBODY. */
inline choose(chosen) {
  if
  :: searching_count > 0 || idle_count == 0 -> chosen = NOBODY
  :: else ->
     idle_count--;
     chosen = idle[idle_count];
     idle[idle_count] = 0;
     searching[chosen] = true;
     searching_count++
  fi
}

/* Parker::unpark(): the exchange, then the wake-up of whoever sleeps, which finds him only if he sleeps. */
inline unpark(who) {
  if
  :: who != NOBODY ->
#ifdef MUTANT_PERMIT_ONLY_FOR_A_SLEEPER
     atomic { before = word[who]; if :: before == PARKED -> word[who] = PERMIT :: else fi };
#else
     atomic { before = word[who]; word[who] = PERMIT };
#endif
     if
     :: before == PARKED -> asleep[who] = false       /* futex_wake_one */
     :: else
     fi;
     before = 0;
     who = NOBODY
  :: else
  fi
}

/* Parker::park() */
inline park(me) {
  atomic {                                             /* the compare-and-exchange */
    if
    :: word[me] == EMPTY -> word[me] = PARKED
    :: else
    fi
  };
  do
  :: word[me] == PARKED ->                             /* the load of the loop */
     atomic {                                          /* futex_wait: the kernel compares and sleeps under its own lock */
       if
       :: word[me] == PARKED -> asleep[me] = true
       :: else
       fi
     };
end_parked:
     !asleep[me]
  :: else -> break
  od;
  word[me] = EMPTY
}

/* start_for_submission(): `anyway` if no thread could be started and others are there, `failure` if there are none. */
inline start_for_submission(anyway, failure) {
  atomic { !pool_lock -> pool_lock = true };
  if
  :: atomic {                                          /* lacks_worker(Need::another) */
       !closed && counting && unstarted > 0 && unclaimed + 1 > available_count ->
       skip
#ifdef MUTANT_COUNTS_A_WORKER_BEFORE_IT_IS_THERE
       ;
       unstarted--;
       available_count++
#endif
     };
     if
#ifdef FAILING
     :: atomic { failures < SUBMITTERS -> failures++ };
        atomic {
#ifdef MUTANT_COUNTS_A_WORKER_BEFORE_IT_IS_THERE
          unstarted++;
          available_count--;
#endif
          anyway = (alive_count > 0);
          failure = !anyway
        }
#endif
     :: true ->                                        /* start_worker_locked(): a slot that is not in use */
        d_step {
          slot = 0;
          do
          :: alive[slot] -> slot++
          :: else -> break
          od;
          alive_count++;
          available[slot] = true;
          alive[slot] = true;
          slot = 0
        };
        atomic {                                       /* worker_started() */
#ifndef MUTANT_COUNTS_A_WORKER_BEFORE_IT_IS_THERE
          unstarted--;
          available_count++;
#endif
          counting = counting && unstarted > 0
        }
     fi
  :: else
  fi;
  pool_lock = false
}

proctype submitter(byte me) {
  byte k, job, before, wake = NOBODY, slot;
  bool needs, anyway, failure;
  do
  :: k < PER_SUBMITTER ->
     job = me * PER_SUBMITTER + k;
     k++;
     /* enqueue(): until it is queued or refused */
     do
     :: fate[job] == NEW ->
        /* push(), push_ranked() */
#ifdef MUTANT_WAKE_BEFORE_PUBLISH
        atomic { choose(wake) };
        unpark(wake);
#endif
        atomic {
          if
          :: closed -> fate[job] = REFUSED
          :: !closed && counting && unstarted > 0 && unclaimed + 1 > available_count && !anyway -> needs = true
          :: else ->
             fate[job] = ACCEPTED;
             number[job] = order;
             order++;
             if
#ifdef RANKED
             :: me == 1 -> ranked ! job
             :: me != 1 -> inbox ! job
#else
             :: inbox ! job
#endif
             fi;
             if
             :: counting -> unclaimed++
             :: else
             fi;
#ifndef MUTANT_WAKE_BEFORE_PUBLISH
             if
             :: !paused -> choose(wake)
             :: else
             fi
#endif
          fi
        };
        unpark(wake);
        if
        :: needs ->
           needs = false;
           start_for_submission(anyway, failure);
           if
           :: failure -> failure = false; fate[job] = REFUSED
           :: else
           fi
        :: else
        fi
     :: else -> break
     od;
     anyway = false;
     job = 0
  :: else -> break
  od;
  atomic { submitters_done++; k = 0 }
}

inline claimed(job) {
  assert(fate[job] == ACCEPTED);
  fate[job] = ENDED;
  if
#ifdef RANKED
  :: job / PER_SUBMITTER == 1
#endif
  :: else -> assert(number[job] >= claimed_up_to); claimed_up_to = number[job] + 1
  fi;
  number[job] = 0
}

proctype worker(byte me) {
  byte job, moved, before, wake = NOBODY;
  bool searched, parks, ends, has_job;
#ifdef MUTANT_PARKS_BY_WHAT_IT_SAW
  bool saw_nothing;
#endif
end_unstarted:
  alive[me];
  do
  :: /* next() */
     if
     :: atomic { len(outbox) > 0 && !searching[me] && !MODE -> outbox ? job; claimed(job); has_job = true }   /* the outbox lock alone */
#ifdef MUTANT_CLAIM_WITHOUT_LOCK
     :: len(outbox) > 0 && !searching[me] && !MODE ->
        outbox ? <job>;
        atomic { claimed(job); if :: outbox ?? [eval(job)] -> outbox ?? eval(job) :: else fi; has_job = true }
#endif
     :: atomic {
          !(len(outbox) > 0 && !searching[me] && !MODE) ->   /* both locks */
          move_inbox();
          if
          :: excess > 0 ->                             /* retire_locked() */
             excess--;
             if
             :: searching[me] ->
                searching[me] = false;
                searching_count--;
#ifndef MUTANT_RETIRES_WITH_ITS_SEARCH
                if
                :: CLAIMABLE -> choose(wake)
                :: else
                fi
#endif
             :: else
             fi;
             ends = true
          :: else ->
             if
#ifdef MUTANT_PARKS_BY_WHAT_IT_SAW
             :: CLAIMABLE && !(searched && saw_nothing) ->
#else
             :: CLAIMABLE ->                           /* claim_locked() */
#endif
                if
                :: len(ranked) > 0 -> ranked ? job
                :: else -> outbox ? job
                fi;
                claimed(job);
                has_job = true;
                if
                :: counting ->
                   unclaimed--;
                   if
                   :: available[me] -> available[me] = false; available_count--
                   :: else
                   fi
                :: else
                fi;
                if
                :: searching[me] -> searching[me] = false; searching_count--
                :: else
                fi;
#ifndef MUTANT_WOKEN_WAKES_NOBODY
                if
                :: CLAIMABLE -> choose(wake)
                :: else
                fi
#endif
             :: else ->
                if
                :: counting && !available[me] -> available[me] = true; available_count++
                :: else
                fi;
                if
                :: closed ->
                   if
                   :: searching[me] -> searching[me] = false; searching_count--
                   :: else
                   fi;
                   ends = true
                :: !closed && !searched ->
                   if
                   :: !searching[me] -> searching[me] = true; searching_count++
                   :: else
                   fi;
#ifdef MUTANT_PARKS_BY_WHAT_IT_SAW
                   saw_nothing = true
#endif
                :: !closed && searched ->
                   searching[me] = false;
                   searching_count--;
                   idle[idle_count] = me;
                   idle_count++;
                   parks = true
                fi
             fi
          fi
        }
     fi;
     unpark(wake);
     if
     :: has_job ->
        /* The job has run; about_to_publish() */
        atomic {
          has_job = false;
          job = 0;
          searched = false;
          if
          :: counting && !available[me] -> available[me] = true; available_count++
          :: else
          fi
        }
     :: ends ->
        /* mutex_: the slot is free again. (A real thread of the slot's next life starts after this.) */
        atomic { !pool_lock -> alive[me] = false; alive_count--; ends = false; searched = false };
end_retired:
        alive[me]
     :: parks ->
        park(me);
        atomic { parks = false; searched = false }
     :: else -> searched = true                        /* after search() */
     fi
  od
}

#ifdef CLOSING
/* close(): from now on nothing is accepted; a pause ends. */
proctype closer() {
  byte before, who = NOBODY, woken[SLOTS], left, at;
  atomic {
    closed = true;
    paused = false;
    left = idle_count;
    at = 0;
    do
    :: at < left -> woken[at] = idle[at]; idle[at] = 0; at++
    :: else -> break
    od;
    at = 0;
    idle_count = 0
  };
  do
  :: left > 0 -> left--; who = woken[left]; woken[left] = 0; unpark(who)
  :: else -> break
  od
}
#endif

#ifdef PAUSING
proctype pauser() {
  byte before, wake = NOBODY;
  atomic { if :: !closed -> paused = true :: else fi };
  atomic {                                             /* resume() */
    paused = false;
#ifndef MUTANT_RESUME_WAKES_NOBODY
    if
    :: CLAIMABLE -> choose(wake)
    :: else
    fi
#endif
  };
  unpark(wake)
}
#endif

#ifdef RESIZING
proctype resizer() {
  byte before, who = NOBODY, slot;
  byte never_started;
  /* shrink(1) */
  atomic { !pool_lock -> pool_lock = true };
  atomic {
    never_started = (unstarted > 0 -> 1 : 0);
    unstarted = unstarted - never_started;
    if
    :: unstarted == 0 -> counting = false
    :: else
    fi;
    excess = excess + 1 - never_started;
    if
    :: excess > 0 && idle_count > 0 -> idle_count--; who = idle[idle_count]; idle[idle_count] = 0
    :: else
    fi
  };
  unpark(who);
  pool_lock = false;
  /* grow(1), then the start of the worker unless they are started as needed */
  atomic { !pool_lock -> pool_lock = true };
  atomic {
    if
    :: excess > 0 -> excess--
    :: else -> unstarted++
    fi
  };
  if
  :: !counting && unstarted > 0 ->
     atomic {
       if
       :: !closed ->
          unstarted--;
          available_count++;
          slot = 0;
          do
          :: slot < SLOTS && alive[slot] -> slot++
          :: else -> break
          od;
          assert(slot < SLOTS);
          alive_count++;
          available[slot] = true;
          alive[slot] = true;
          slot = 0
       :: else
       fi
     }
  :: else
  fi;
  pool_lock = false
}
#endif

/* Executable only where the invariant is broken. */
proctype invariant() {
end_holds:
  atomic {
    if
    :: CLAIMABLE && idle_count > 0 && searching_count == 0 -> assert(false)   /* (I) */
    :: QUEUED && alive_count == 0 -> assert(false)                            /* (II) */
    fi
  }
}

/* Nobody can go on: what is not done now never will be. */
proctype nothing_lost() {
  byte at;
end_waiting:
  timeout ->
  assert(submitters_done == SUBMITTERS);
  do
  :: at < JOBS -> assert(fate[at] == ENDED || fate[at] == REFUSED); at++
  :: else -> break
  od;
  assert(unstarted + available_count >= 0);
#ifdef CLOSING
  assert(closed && alive_count == 0);
#else
  assert(alive_count >= 0);
#endif
}

init {
  byte at;
  atomic {
    at = 0;
    do
    :: at < SLOTS ->
#ifndef LAZY
       if
       :: at < WORKERS -> alive[at] = true; alive_count++
       :: else
       fi;
#endif
       run worker(at);
       at++
    :: else -> break
    od;
#ifdef LAZY
    counting = true;
    unstarted = WORKERS;
#endif
    at = 0;
    do
    :: at < SUBMITTERS -> run submitter(at); at++
    :: else -> break
    od;
    at = 0;
#ifdef CLOSING
    run closer();
#endif
#ifdef PAUSING
    run pauser();
#endif
#ifdef RESIZING
    run resizer();
#endif
    run invariant();
    run nothing_lost()
  }
}
