/* How descriptors of shared memory pass between the pool and a worker, beside the messages that they belong to: pools/src/process/ipc/passage.{h,cpp},
   worker_process.cpp (give, receive), worker_loop.cpp (next, answer), answers.cpp (complete) and deaths.cpp.

   A pool gives tasks to one worker. Odd ones take memory along, and bring memory back. What a worker has not begun may be taken back, and
   is given again; a task may be cancelled, refused (its descriptors cannot be sent), or die with the worker, after which there is another one.
   The rings and sockets are queues here: that they are is shown in channel.pml, and the kernel's promise. Checked, over all interleavings:
     - who reads a message that has descriptors finds them, and no others, without waiting;
     - when a task has ended, however, neither its message, nor the worker, nor a socket holds its memory any more;
     - every task ends once. */

#ifndef TASKS
#define TASKS 3
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#define SEQUENCES 12

#define OFFERED 1
#define BEGUN 2
#define TAKEN_BACK 3

#define PENDING 0
#define CANCELLED 1
#define ENDED 2

#define has_memory(task) (task % 2 == 1)

/* --- shared with the worker --- */
chan requests = [3] of { byte, byte };            /* the ring: sequence, task */
chan to_worker = [3] of { byte };                 /* the socket: the sequence of each packet */
chan answers = [3] of { byte, bool };             /* sequence; has the task been run? */
chan to_pool = [3] of { byte };
byte board[SEQUENCES];

/* --- the pool --- */
byte state[TASKS + 1];                            /* FutureState */
bool offered[TASKS + 1];                          /* kOffered: a canceller asks the board */
byte sequence_of[TASKS + 1];
bool attached[TASKS + 1];                         /* the task's message holds its memory */
byte sequence = 1;
byte given, task_given, sequence_given;           /* one task at a time: one with memory travels alone */
bool taken_back_given;                            /* the entry is left until the worker has skipped it */
byte deaths, takes_back;
bool dead;

/* --- the worker --- */
byte holds;                                       /* the task whose arguments it has mapped */
byte holds_packet;                                /* likewise, before it knows whether it may begin it */

#define nobody_holds(task) (!attached[task] && holds != task && holds_packet != task)

inline end(task) {                                /* finish(), dropped() */
  attached[task] = false;
  assert(nobody_holds(task));
  if
  :: state[task] == PENDING -> state[task] = ENDED
  :: else -> assert(state[task] == CANCELLED)
  fi
}

/* send(): to one that is dead it goes nowhere (EPIPE). */
inline send(number) {
  atomic {
    if
    :: dead
    :: else -> to_worker!number
    fi
  }
}

/* Of a task that is nobody's: given to the worker, as give() does it, then its message is made visible. */
inline give(task) {
  board[sequence + 1] = OFFERED;
#ifdef MUTANT_SENDS_BEFORE_IT_OFFERS
  if
  :: has_memory(task) -> send(sequence + 1)
  :: else
  fi;
#endif
  atomic {                                        /* offer() */
    if
    :: state[task] == PENDING -> offered[task] = true; sequence_of[task] = sequence + 1; outcome = 1
    :: else -> outcome = 0
    fi
  };
  if
  :: outcome == 0 -> board[sequence + 1] = TAKEN_BACK; end(task)
  :: else ->
     sequence++;
#if !defined(MUTANT_SENDS_BEFORE_IT_OFFERS) && !defined(MUTANT_PUBLISHES_BEFORE_IT_SENDS)
     if
     :: has_memory(task) -> send(sequence)
     :: has_memory(task) -> outcome = 2           /* the kernel refuses */
     :: !has_memory(task)
     fi;
#endif
     if
     :: outcome == 2 ->
        atomic {                                  /* take_back(), or a canceller has */
          if
          :: board[sequence] == OFFERED -> board[sequence] = TAKEN_BACK
          :: else -> assert(board[sequence] == TAKEN_BACK)
          fi
        };
        atomic { offered[task] = false };         /* recall() waits for a canceller to come to its end */
        end(task)
     :: else ->
        given = 1; task_given = task; sequence_given = sequence; taken_back_given = false;
        requests!sequence, task;
#ifdef MUTANT_PUBLISHES_BEFORE_IT_SENDS
        if
        :: has_memory(task) -> send(sequence)
        :: else
        fi
#endif
     fi
  fi;
  outcome = 0
}

inline hear(number, was_run) {
  assert(given == 1 && number == sequence_given);
  if
  :: was_run ->
     assert(!taken_back_given);
     if
     :: has_memory(task_given) ->
        assert(nempty(to_pool));                  /* receive() does not wait */
        to_pool?packet;
        assert(packet == number)
     :: else
     fi;
     offered[task_given] = false;
     end(task_given)
  :: else ->
     if
     :: taken_back_given                          /* it is nobody's again, and is given once more */
     :: else -> assert(state[task_given] == CANCELLED); end(task_given)
     fi
  fi;
  given = 0
}

proctype pool() {
  byte next = 1, number, packet, outcome;
  bool was_run;
  do
  :: given == 0 && next <= TASKS && !dead ->
     give(next);
     if
     :: given == 0 -> next++                      /* it has ended */
     :: else
     fi
  :: given == 1 && !taken_back_given && takes_back < 1 ->
     takes_back++;
     atomic {                                     /* take_back() */
       if
       :: board[sequence_given] == OFFERED && state[task_given] == PENDING ->
          board[sequence_given] = TAKEN_BACK; offered[task_given] = false; taken_back_given = true
       :: else
       fi
     }
  :: nempty(answers) ->
     answers?number, was_run;
     outcome = (taken_back_given && !was_run -> 1 : 0);
     hear(number, was_run);
     if
     :: outcome == 0 -> next++
     :: else
     fi;
     outcome = 0
  :: dead && empty(answers) ->                    /* reap(): what it had published counts, and has been heard */
     if
     :: given == 1 && !taken_back_given ->
        outcome = (board[sequence_given] == BEGUN -> 1 : 0);
        offered[task_given] = false;
        if
        :: outcome == 1 || state[task_given] == CANCELLED -> end(task_given); next++   /* WorkerDied */
        :: else                                   /* it goes back to its place */
        fi;
        outcome = 0
     :: else
     fi;
     given = 0;
     atomic {                                     /* another channel, another worker */
       do :: requests?number, packet :: empty(requests) -> break od;
       do :: to_pool?packet :: empty(to_pool) -> break od;
       dead = false;
       run worker()
     }
  :: given == 0 && next > TASKS && empty(answers) && !dead -> break
  od;
end_done:
  skip
}

proctype worker() {
  byte number, task, packet;
  bool may;
end_idle:
  do
  :: deaths < DEATHS -> goto die
  :: atomic { requests?number, task -> skip };
     if
     :: has_memory(task) ->
#ifdef MUTANT_A_SKIPPED_MESSAGE_LEAVES_THEM
        if
        :: board[number] == OFFERED
        :: else -> goto claim
        fi;
#endif
        assert(nempty(to_worker));                /* receive() does not wait */
        atomic { to_worker?packet; holds_packet = task };
        assert(packet == number)
     :: else
     fi;
claim:
     atomic {                                     /* begin() */
       may = (board[number] == OFFERED);
       if
       :: may -> board[number] = BEGUN
       :: else
       fi
     };
     if
     :: may ->
        atomic { holds = (has_memory(task) -> task : 0); holds_packet = 0 };
        if
        :: deaths < DEATHS -> goto die            /* while it has it mapped */
        :: true
        fi;
#ifndef MUTANT_HOLDS_THEM_UNTIL_IT_HAS_ANSWERED
        holds = 0;
#endif
#ifdef MUTANT_ANSWERS_BEFORE_IT_SENDS
        answers!number, true;
        if
        :: has_memory(task) -> to_pool!number
        :: else
        fi;
#else
        if
        :: has_memory(task) -> to_pool!number
        :: else
        fi;
        if
        :: deaths < DEATHS -> goto die            /* with its result on the way, and no answer */
        :: true
        fi;
        answers!number, true;
#endif
        holds = 0
     :: else ->
        holds_packet = 0;
        answers!number, false
     fi
  od;
die:
  atomic {                                        /* the kernel closes what it had, and what was on the way to it */
    deaths++;
    holds = 0;
    holds_packet = 0;
    do :: to_worker?packet :: empty(to_worker) -> break od;
    dead = true
  }
}

#ifdef CANCELLING
proctype canceller() {
  byte task;
  select(task : 1 .. TASKS);
  atomic {                                        /* cancel(), under the stripe's lock that recall() takes */
    if
    :: state[task] == PENDING && !offered[task] -> state[task] = CANCELLED
    :: state[task] == PENDING && offered[task] && board[sequence_of[task]] == OFFERED ->
       board[sequence_of[task]] = TAKEN_BACK;
       state[task] = CANCELLED
    :: else
    fi
  }
}
#endif

proctype nothing_left() {
end_waiting:
  timeout ->
  byte task;
  assert(empty(to_worker) && empty(to_pool) && empty(requests) && given == 0);
  for (task : 1 .. TASKS) {
    assert(state[task] != PENDING && nobody_holds(task))
  }
}

init {
  byte task;
  atomic {
    for (task : 1 .. TASKS) { attached[task] = has_memory(task) };
    run pool();
    run worker();
#ifdef CANCELLING
    run canceller();
#endif
    run nothing_left()
  }
}
