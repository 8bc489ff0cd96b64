/* The size of a pool that is asked for by several threads while it may follow the cores: pools/src/base/cores_follower.{h,cpp}.

   One thread calls resize(n), another resize(automatic) once or twice, a third shutdown(); the cores change meanwhile. Checked, over all
   interleavings:
     - when all is quiet, a pool that follows the cores has their size, and one that does not has what it was made last;
     - after an explicit size that came last nothing changes it, and after shutdown nobody follows;
     - nobody waits for ever: also a thread that is ended waits for the mutex that whoever ends it has held. */

#define THREADS 3
#define EXPLICIT 9

bool held;                        /* CoresFollower::mutex_ */
bool closed;                      /* closed_ */
byte cores = 1, size;
byte following;                   /* following_: the thread's number; 0: none */
byte last;                        /* what was asked last, in the mutex's order: EXPLICIT, or 1: automatic */
byte threads;                     /* made so far */
bool stopped[THREADS + 1];
bool ended[THREADS + 1];
byte known[THREADS + 1];          /* Following::cores */
byte busy = 3;                    /* callers that have not returned */
bool shut;

#define lock() atomic { !held -> held = true }
#define unlock() held = false

proctype thread(byte me) {
  byte seen;
end_sleeping:
  do
  :: stopped[me] -> break
  :: !stopped[me] && cores != known[me] ->
     seen = cores;
#ifdef MUTANT_CHANGES_WITHOUT_THE_MUTEX
     if
     :: stopped[me] -> break
     :: else
     fi;
     size = seen;
#else
     lock();
#ifndef MUTANT_DOES_NOT_LOOK_AGAIN
     if
     :: stopped[me] -> unlock(); break
     :: else
     fi;
#endif
     size = seen;
     unlock();
#endif
     known[me] = seen
  od;
  ended[me] = true
}

/* end(), and Ended: the mutex is released in between. */
inline end() {
  old = following;
  if
  :: old != 0 -> stopped[old] = true; following = 0
  :: else
  fi
}
inline await() {
  if
  :: old != 0 -> ended[old]
  :: else
  fi
}

proctype resizes() {
  byte old;
#ifdef MUTANT_STOPS_BEFORE_IT_RESIZES
  lock(); end(); unlock();
  await();
  old = 0;
  lock(); size = EXPLICIT; last = EXPLICIT; unlock();
#else
  lock();
  end();
  size = EXPLICIT;
  last = EXPLICIT;
#ifdef MUTANT_WAITS_WITH_THE_MUTEX
  await();
#endif
  unlock();
#endif
  await();
  busy--
}

proctype follows() {
  byte old, next, times;
  do
  :: times < 2 ->
     times++;
     lock();
     end();
     next = threads + 1;
     known[next] = cores;
     size = known[next];
     last = 1;
     if
#ifndef MUTANT_FOLLOWS_THOUGH_IT_IS_CLOSED
     :: closed
#endif
     :: !closed -> threads = next; following = next; run thread(next)
#ifdef MUTANT_FOLLOWS_THOUGH_IT_IS_CLOSED
     :: closed -> threads = next; following = next; run thread(next)
#endif
     fi;
     unlock();
     await()
  :: break
  od;
  busy--
}

proctype shuts_down() {
  byte old;
  lock();
  closed = true;
  end();
  unlock();
  await();
  shut = true;
  busy--
}

proctype machine() {
  cores = 2;
  cores = 1;
  cores = 2
}

proctype nothing_left() {
end_waiting:
  timeout ->
  assert(busy == 0 && !held);
  assert(!shut || following == 0);
  if
  :: following != 0 -> assert(last == 1 && size == cores)
  :: else -> assert(last != EXPLICIT || size == EXPLICIT)
  fi
}

init {
  atomic {
    run resizes();
    run follows();
#ifdef SHUTDOWN
    run shuts_down();
#else
    busy--;
#endif
    run machine();
    run nothing_left()
  }
}
