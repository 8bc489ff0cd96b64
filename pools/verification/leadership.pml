/* Who supervises a process pool: its supervisor, or a thread that waits for an answer: pools/src/process/leadership.h, and park(),
   lead_until_done() and hand_over() of pools/src/process/supervisor.cpp.

   WAITERS threads give a worker of their own a task each, TASKS times, and wait for it; somebody pokes (a task that nobody waits for, a
   shutdown), and CANCELLING somebody else cancels what the first waiter waits for last. Checked, over all interleavings:
     - one thread at a time leads: only it takes answers, and arms a worker's bell;
     - when nobody can go on, every waiter has returned, every answer has been taken and the poke has been heard: no wake-up is lost, also
       where an event ends the sleep of a thread that may not do what it is about.

   What one line stands for. A worker's bell is doorbell.h: flag, look, sleep against publish, read the flag, ring; its memory order is
   modelled there (channel.pml). An epoll set with edge-triggered descriptors is `edge`: something has happened since a wait last ended; a wait
   ends one sleeper, whichever. The futex of the word, and that of a future's word, are steps under the kernel's lock. What is
   done in a round is taking the answers; time, deaths and starts are rounds, too. */

#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef TASKS
#define TASKS 2
#endif
#define SUPERVISOR WAITERS
#define NOBODY 255

/* --- the word of Leadership --- */
#define NONE 0
#define BY_SUPERVISOR 1
#define BY_WAITER 2
#define AWAITED 3                      /* by a waiter, and the supervisor sleeps, or is about to, until he has handed over */
byte word = BY_SUPERVISOR;
bool asleep;                           /* the supervisor, on the word */
byte leader = SUPERVISOR;              /* the observer's */

/* --- the epoll set, and the pool's flag --- */
bool edge;
bool poked;

/* --- channels: one per waiter's worker --- */
bool request[WAITERS], answer[WAITERS], armed[WAITERS];

/* --- the future that each waiter waits for --- */
bool done[WAITERS], sleeps_on[WAITERS], has_helper[WAITERS];

byte returned;                         /* waiters that have got all of theirs */
bool heard;                            /* the poke */
bool has_poked;

inline leads(me) { assert(leader == me) }

/* The step to done, by whoever takes it: the waiter's worker by way of the leader, or somebody else. It wakes those who sleep on the word,
   and the leader who is to be told (kHasHelper), which is nothing on his own thread. */
inline complete(who, by) {
  atomic { done[who] = true; sleeps_on[who] = false; pokes = has_helper[who] && by != who };
#ifndef MUTANT_NOBODY_TELLS_THE_LEADER
  if
  :: pokes -> poked = true; edge = true
  :: else
  fi;
#endif
  pokes = false
}

/* look_around() */
inline round(me) {
  leads(me);
  progress = false;
  atomic { if :: poked -> poked = false; progress = true; if :: has_poked -> heard = true :: else fi :: else fi };
  at = 0;
  do
  :: at < WAITERS ->
     if
     :: answer[at] -> leads(me); answer[at] = false; progress = true; complete(at, me)
     :: else
     fi;
     at++
  :: else -> at = 0; break
  od
}

/* The first half of park(): each worker's bell, then a look. */
inline arm(me) {
  leads(me);
#ifdef MUTANT_LOOKS_BEFORE_IT_ARMS
  d_step { found = false; at = 0; do :: at < WAITERS -> found = found || answer[at]; at++ :: else -> at = 0; break od };
#endif
  do
  :: at < WAITERS -> armed[at] = true; at++
  :: else -> at = 0; break
  od;
#ifndef MUTANT_LOOKS_BEFORE_IT_ARMS
  found = false;
  do
  :: at < WAITERS -> found = found || answer[at]; at++
  :: else -> at = 0; break
  od
#endif
}

active proctype supervisor() {
  byte at;
  bool progress, found, pokes;
  do
  :: round(SUPERVISOR);
     if
     :: progress
     :: else ->
        arm(SUPERVISOR);
        if
        :: found
        :: else ->
           atomic { assert(word != NONE); leader = NOBODY; word = NONE };
end_sleeping:
           atomic { edge -> edge = false };             /* epoll_wait */
           /* lead_again() */
#ifdef MUTANT_KEEPS_THE_EVENT
           if
           :: true ->
#else
           if
           :: atomic { word == NONE -> word = BY_SUPERVISOR; leader = SUPERVISOR }
           :: word != NONE ->
              edge = true;                              /* EventPoll::wake(): the event may have been for who leads */
#endif
              do
              :: atomic { word == NONE -> word = BY_SUPERVISOR; leader = SUPERVISOR; break }
              :: atomic { word == BY_WAITER -> word = AWAITED }
              :: atomic { word == AWAITED -> asleep = true };
end_waiting:
                 !asleep
              od
           fi
        fi
     fi;
     progress = false;
     found = false
  od
}

proctype waiter(byte me) {
  byte at, k;
  bool progress, found, pokes, led, was_awaited;
  do
  :: k < TASKS ->
     k++;
     atomic { done[me] = false; has_helper[me] = false };
     request[me] = true;                                /* give_to_idle(), ring() */
     /* FutureState::wait() */
     if
     :: done[me]
     :: else ->
        if
        :: atomic { word == NONE -> word = BY_WAITER; leader = me; led = true };
#ifndef MUTANT_LEAVES_THE_BELLS
           do                                           /* nobody rings for one who is awake */
           :: at < WAITERS -> armed[at] = false; at++
           :: else -> at = 0; break
           od
#endif
        :: word != NONE
        fi;
        do
        :: led ->
           if
           :: done[me] -> break
           :: else
           fi;
           round(me);
           if
           :: progress
           :: else ->
#ifdef MUTANT_LISTENS_WITHOUT_A_LOOK
              if
              :: done[me] -> break
              :: else
              fi;
              has_helper[me] = true;
#else
              /* expect_helper() */
              atomic { has_helper[me] = !done[me] };
              if
              :: done[me] -> break
              :: else
              fi;
#endif
              arm(me);
              if
              :: found
              :: else ->
end_sleeping:    atomic { edge -> edge = false }        /* epoll_wait */
              fi;
              found = false
           fi
        :: !led -> break
        od;
        if
        :: led ->
           /* hand_over() */
           progress = false;
           has_helper[me] = false;
#ifndef MUTANT_HANDS_OVER_WITHOUT_ARMING
           arm(me);
#endif
#ifdef MUTANT_HANDS_OVER_WITHOUT_A_LOOK
           found = false;
#endif
           if
#ifdef MUTANT_FORGETS_A_POKE
           :: found -> edge = true
#else
           :: found || poked -> edge = true             /* the poke's edge may have ended this one's last sleep */
#endif
           :: else
           fi;
           found = false;
           atomic { was_awaited = (word == AWAITED); word = NONE; leader = NOBODY; led = false };
#ifndef MUTANT_LEAVES_THE_SUPERVISOR_ASLEEP
           if
           :: was_awaited -> asleep = false
           :: else
           fi;
#endif
           was_awaited = false
        :: else ->
           /* sleep(): flag, compare, sleep */
           atomic { if :: !done[me] -> sleeps_on[me] = true :: else fi };
end_asleep:
           !sleeps_on[me]
        fi
     fi;
     assert(done[me])
  :: else -> break
  od;
  returned++
}

proctype worker(byte me) {
  bool rings;
end_idle:
  do
  :: atomic { request[me] -> request[me] = false };
     answer[me] = true;
     atomic { rings = armed[me]; armed[me] = false };   /* event_ring() */
     if
     :: rings -> edge = true
     :: else
     fi;
     rings = false
  od
}

proctype poker() {
  atomic { has_poked = true; poked = true };
  edge = true
}

#ifdef CANCELLING
/* Cancels what the first waiter waits for before it is begun: nobody answers. */
proctype canceller() {
  bool pokes;
  if
  :: atomic { request[0] -> request[0] = false }; complete(0, NOBODY)
  :: true
  fi
}
#endif

/* Nobody can go on: what is not done now never will be. */
proctype nothing_lost() {
  byte at;
end_waiting:
  timeout ->
  assert(returned == WAITERS);
  assert(!poked && heard);
  do
  :: at < WAITERS -> assert(!answer[at]); at++
  :: else -> break
  od;
  assert(word == NONE && leader == NOBODY && !asleep)
}

init {
  byte at;
  atomic {
    do
    :: at < WAITERS -> run waiter(at); run worker(at); at++
    :: else -> at = 0; break
    od;
    run poker();
#ifdef CANCELLING
    run canceller();
#endif
    run nothing_lost()
  }
}
