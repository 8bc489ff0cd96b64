/* How the pool and a worker put each other to sleep and wake each other: pools/src/process/ipc/{doorbell,channel}.{h,cpp}, byte_ring.h,
   and the sending side of pools/src/process/supervisor.cpp (park), answers.cpp (serve) and process_pool_core.cpp (submit).

   One worker, two rings, a supervisor that takes answers and sends the rest of what did not fit, a submitter that writes straight into
   the ring of an idle worker. Requests and answers that fit a ring are read in place, and their space is given back only when the reader
   looks for the next; longer ones are taken out as they come. Checked, over all interleavings:
     - no lost wake-up: when nobody can go on, every request has been answered;
     - each ring gives out the bytes that were written, in order, each once (they carry their position);
     - no index passes the other by more than the capacity.

   The four accesses of the protocol are sequentially consistent, and so are the steps here. A weaker order would let one side's look
   pass its own announcement: that is what the mutants LOOK_BEFORE_ANNOUNCING and RING_BEFORE_PUBLISHING do.

   A yield before sleeping is absent: it is a step that looks at nothing. A death of the worker is in task_life.pml. */

#ifndef CAPACITY
#define CAPACITY 2                        /* of a ring, in pieces */
#endif
#ifndef REQUESTS
#define REQUESTS 3
#endif
#ifndef REQUEST_SIZE
#define REQUEST_SIZE 1
#endif
#ifndef ANSWER_SIZE
#define ANSWER_SIZE 1
#endif
#define MODULUS 8                         /* of the positions that the pieces carry; more than two rings */

#define AWAKE 0
#define FOR_DATA 1                        /* kAsleepForData; kHasWritten */
#define FOR_ROOM 2                        /* kAsleepForRoom; kHasRead */

/* --- ChannelLayout --- */
byte request_ring[CAPACITY], response_ring[CAPACITY];
byte requests_written, requests_consumed;       /* RingIndices, as published */
byte responses_written, responses_consumed;
byte worker_asleep, parent_asleep;              /* SleepFlags */

/* --- the kernel --- */
bool worker_in_futex;                     /* sleeps on worker_asleep */
bool event;                               /* an edge on a descriptor of the supervisor's epoll that it has not seen */

/* --- the pool; guarded by its mutex --- */
bool mutex;
byte queued = 0;                          /* requests that nobody has given to the worker */
byte given;                               /* requests with the worker, not answered: 0 or 1 (no prefetching) */
byte unsent;                              /* pieces of the given request that are not in the ring */
bool handed_over;                         /* unsent_: the sending is the supervisor's */
byte sent;                                /* RingProducer::written_, the parent's own index */
bool poked;
byte answered;

/* futex_ring() of the parent: `done` is what it has done. */
inline ring_worker(done) {
  if
  :: worker_asleep >= done ->                     /* the load */
     atomic { was = worker_asleep; worker_asleep = AWAKE };   /* the exchange */
     if
     :: was != AWAKE -> worker_in_futex = false   /* futex_wake: of one that sleeps */
     :: else
     fi;
     was = 0
  :: else
  fi
}

/* event_ring() of the worker. */
inline ring_parent(done) {
  if
  :: parent_asleep >= done ->
     atomic { was = parent_asleep; parent_asleep = AWAKE };
     if
     :: was != AWAKE -> event = true              /* write(event_fd) */
     :: else
     fi;
     was = 0
  :: else
  fi
}

/* send_some(): as much as fits, published at the end. `pieces` is how many. */
inline send_some() {
  atomic {
    pieces = 0;
    /* room(): the load of the consumer's index */
    assert(sent - requests_consumed <= CAPACITY);
    do
    :: unsent > 0 && sent - requests_consumed < CAPACITY ->
       request_ring[sent % CAPACITY] = sent % MODULUS;
       sent++;
       unsent--;
       pieces++
    :: else -> break
    od;
    handed_over = (unsent > 0)
  };
  requests_written = sent                         /* publish() */
}

/* give() and send_some() by whoever holds the mutex. */
inline give() {
  assert(given == 0 && unsent == 0);
  queued--;
  given++;
  unsent = REQUEST_SIZE
}

proctype submitter() {
  byte k, was, pieces;
  bool rings;
  do
  :: k < REQUESTS ->
     k++;
     atomic { !mutex -> mutex = true; queued++ };
     if
     :: given == 0 && queued == 1 ->              /* an idle worker */
        give();
        if
        :: REQUEST_SIZE <= CAPACITY ->            /* kSentBySubmitter */
           send_some();
           rings = true;
#ifndef MUTANT_SUBMITTER_LEAVES_THE_REST
           if
           :: handed_over -> poked = true; event = true   /* poke(): the last request may still lie there */
           :: else
           fi
#endif
        :: handed_over = true; rings = true;      /* too large for the submitting thread: hand_over(), poke() */
           poked = true;
           event = true
        fi
     :: else
     fi;
     mutex = false;
     if
     :: rings -> ring_worker(FOR_DATA)            /* ring(), with the mutex released */
     :: else
     fi;
     rings = false;
     pieces = 0
  :: else -> break
  od
}

proctype supervisor() {
  byte was, pieces, received;
  byte from_answer;                               /* pieces in the view */
  byte of_answer;
  bool progress;
  do
  :: /* look_around() */
     progress = false;
     if
     :: poked -> poked = false; progress = true
     :: else
     fi;
     /* serve(): the rest of a message, then what has arrived */
     if
     :: handed_over ->
        send_some();
        if
        :: pieces > 0 -> pieces = 0; progress = true; ring_worker(FOR_DATA)
        :: else
        fi
     :: else
     fi;
     do
     :: responses_written - received > from_answer ->   /* view(): more than it has seen */
        atomic {
          assert(responses_written - received <= CAPACITY);
          do
          :: responses_written - received > from_answer ->
             assert(response_ring[(received + from_answer) % CAPACITY] == (received + from_answer) % MODULUS);
             from_answer++
          :: else -> break
          od
        };
        progress = true;
#if ANSWER_SIZE > CAPACITY
        /* read_some(): it is given back as it comes */
        received = received + from_answer;
        of_answer = of_answer + from_answer;
        from_answer = 0;
        responses_consumed = received;
#ifndef MUTANT_READING_RINGS_NOBODY
        ring_worker(FOR_ROOM);
#endif
#else
        of_answer = from_answer;
#endif
        if
        :: of_answer == ANSWER_SIZE ->            /* take_answer(), supply() */
           atomic { !mutex -> mutex = true };
           assert(given == 1 && unsent == 0);
           given--;
           answered++;
           if
           :: queued > 0 ->
              give();
              send_some();
              mutex = false;
              pieces = 0;
              ring_worker(FOR_DATA)
           :: else -> mutex = false
           fi;
           of_answer = 0;
#if ANSWER_SIZE <= CAPACITY
           /* the next view() gives it back */
           received = received + ANSWER_SIZE;
           from_answer = 0;
           responses_consumed = received;
#ifndef MUTANT_READING_RINGS_NOBODY
           ring_worker(FOR_ROOM)
#endif
#endif
        :: else -> assert(of_answer < ANSWER_SIZE)
        fi
     :: else -> break
     od;
     if
     :: progress
     :: else ->
        /* park(): announce, look once more, sleep */
#ifdef MUTANT_PARENT_LOOKS_BEFORE_ANNOUNCING
        if
        :: responses_written - received > from_answer || (handed_over && sent - requests_consumed < CAPACITY) -> goto again
        :: else
        fi;
#endif
#ifdef MUTANT_ANNOUNCES_DATA_ONLY
        parent_asleep = FOR_DATA;
#else
        parent_asleep = (handed_over -> FOR_ROOM : FOR_DATA);
#endif
#ifndef MUTANT_PARENT_LOOKS_BEFORE_ANNOUNCING
        if
        :: responses_written - received > from_answer || (handed_over && sent - requests_consumed < CAPACITY) -> goto again   /* actionable() */
        :: else
        fi;
#endif
end_parked:
        atomic { event -> event = false }         /* epoll_wait, edge-triggered: an event before it ends it, too */
     fi;
again:
     skip
  od
}

/* futex_sleep(): the kernel compares and sleeps under its own lock. */
inline futex_sleep(value) {
#ifdef MUTANT_SLEEPS_WITHOUT_COMPARING
  worker_in_futex = true;
#else
  atomic {
    if
    :: worker_asleep == value -> worker_in_futex = true
    :: else
    fi
  };
#endif
}

proctype worker() {
  byte was, consumed, written, left;
  byte seen;                                      /* pieces of the last view that are no complete message */
  byte of_request;
  do
  :: /* view(): futex_await(kAsleepForData) */
     do
     :: requests_written - consumed > seen -> break
     :: else ->
#ifdef MUTANT_WORKER_LOOKS_BEFORE_ANNOUNCING
        if
        :: requests_written - consumed > seen -> break
        :: else
        fi;
        worker_asleep = FOR_DATA;
#else
        worker_asleep = FOR_DATA;
        if
        :: requests_written - consumed > seen -> worker_asleep = AWAKE; break
        :: else
        fi;
#endif
        futex_sleep(FOR_DATA);
end_idle:
        !worker_in_futex
     od;
     atomic {
       assert(requests_written - consumed <= CAPACITY);
       do
       :: requests_written - consumed > seen ->
          assert(request_ring[(consumed + seen) % CAPACITY] == (consumed + seen) % MODULUS);
          seen++
       :: else -> break
       od
     };
#if REQUEST_SIZE > CAPACITY
     /* read_some(): it is given back as it comes */
     consumed = consumed + seen;
     of_request = of_request + seen;
     seen = 0;
     requests_consumed = consumed;
     ring_parent(FOR_ROOM);
#else
     of_request = seen;
#endif
     assert(of_request <= REQUEST_SIZE);
     if
     :: of_request < REQUEST_SIZE
     :: else ->
        of_request = 0;
        left = ANSWER_SIZE;
        /* write() */
        do
        :: left == 0 -> break
        :: left > 0 && written - responses_consumed < CAPACITY ->
           atomic {
             do
             :: left > 0 && written - responses_consumed < CAPACITY ->
                response_ring[written % CAPACITY] = written % MODULUS;
                written++;
                left--
             :: else -> break
             od
           };
#ifdef MUTANT_RING_BEFORE_PUBLISHING
           ring_parent(FOR_DATA);
           responses_written = written
#else
           responses_written = written;           /* publish() */
           ring_parent(FOR_DATA)
#endif
        :: else ->                                /* futex_await(kAsleepForRoom) */
           worker_asleep = FOR_ROOM;
           if
           :: written - responses_consumed < CAPACITY -> worker_asleep = AWAKE
           :: else -> futex_sleep(FOR_ROOM); !worker_in_futex
           fi
        od;
#if REQUEST_SIZE <= CAPACITY
        /* the next view() gives it back */
        consumed = consumed + REQUEST_SIZE;
        seen = 0;
        requests_consumed = consumed;
        ring_parent(FOR_ROOM)
#endif
     fi
  od
}

proctype nothing_lost() {
end_waiting:
  timeout ->
  assert(answered == REQUESTS && given == 0 && queued == 0)
}

init {
  atomic { run submitter(); run supervisor(); run worker(); run nothing_lost() }
}
