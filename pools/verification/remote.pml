/* The life of a task of a remote pool, with agents that are killed, cut off and come back: pools/src/remote/links.{h,cpp} (send_tasks, permit,
   lost, answered), client_loop.cpp (hello), agent_session.{h,cpp} (welcome, take, begin).

   A client and AGENTS agents, each with one worker. The client sends tasks ahead, up to AHEAD per agent, and permits DEPTH of them to begin: a
   task is the agent's only once it is permitted, by an exchange with whoever cancels it. Each hello begins a session; what belongs to another
   session is dropped on both sides. An agent may be KILLED (its process ends, another says hello), BROKEN off (the connection ends and what was
   on its way is gone; the agent notices and says hello again), or merely thought to be lost (LOSSES: a cut, a stop, a slow network; what was
   on its way arrives late, and the agent learns of it from an answer to what it says). Checked, over all interleavings:
     - each task ends exactly once: done, failed with its host, or cancelled; none is left when nobody can go on;
     - a task is begun once, but for retries that were asked for: what moves to another agent was never begun, and will not be;
     - only a task that was permitted fails with its host;
     - a cancelled task does not begin afterwards;
     - an answer completes the task that it belongs to, in the session in which that was sent;
     - with STARTING: who waits for all workers (start_all) is told of those of the process that is in the session now, and is told in the end.

   Not in here: what the agent's own process pool does (task_life.pml). Of the numbers of frames only that a gap in them is found. */

#ifndef AGENTS
#define AGENTS 2
#endif
#ifndef TASKS
#define TASKS 2
#endif
#ifndef AHEAD
#define AHEAD 2
#endif
#ifndef DEPTH
#define DEPTH 1
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef BREAKS
#define BREAKS 0
#endif
#ifndef RETRIES
#define RETRIES 0
#endif
#define NONE 255
#define BEATS 3                              /* in a session at most, so that a search has an end */
#define MOST (TASKS * (1 + RETRIES) + 1)     /* sequence numbers of a session */

mtype = { HELLO, WELCOME, TASK, PERMIT, SKIP, RESULT, BEAT, UNKNOWN, START, STARTED };
chan to_agent[AGENTS] = [6] of { mtype, byte, byte, byte };      /* kind, session, sequence, task */
chan to_client[AGENTS] = [4] of { mtype, byte, byte, byte };     /* kind, session, sequence, and for the observer the task */

/* --- the future --- */
#define PENDING 0
#define OFFERED 1                            /* permitted: cancel() is too late */
#define CANCELLED 2
#define FINISHED 3
byte status[TASKS];
byte retries[TASKS];

/* --- the client --- */
chan queue = [TASKS] of { byte };            /* sorted: by number, also those that come back */
bool up[AGENTS];
byte session[AGENTS];
byte sessions;
byte next[AGENTS], allowed[AGENTS], unanswered[AGENTS], sent[AGENTS];
typedef Flight { byte task[MOST] };
Flight flight[AGENTS];                       /* by sequence number; NONE: answered, skipped, or not sent */

/* --- the agents --- */
byte in_session[AGENTS];
bool says_hello[AGENTS];                     /* it owes the client one */
byte beats[AGENTS];
bool workers_up[AGENTS];                     /* all its workers run */
bool start_asked[AGENTS];                    /* it owes the client an answer to START */

/* --- those who wait for all workers --- */
bool told_to_start[AGENTS], started[AGENTS]; /* as the client sees it, of the session */

/* --- the frames: something of this session was lost on the way --- */
bool gap_to_agent[AGENTS], gap_to_client[AGENTS];
#ifdef MUTANT_FRAMES_ARE_NOT_NUMBERED
#define GAP_TO_AGENT(a) false
#define GAP_TO_CLIENT(a) false
#else
#define GAP_TO_AGENT(a) gap_to_agent[a]
#define GAP_TO_CLIENT(a) gap_to_client[a]
#endif

/* --- the observer --- */
byte ends[TASKS], begun[TASKS];
byte losses, kills, breaks;

inline finish(t) {                           /* claim() and finish() */
  if
  :: status[t] == PENDING || status[t] == OFFERED -> status[t] = FINISHED; ends[t]++; assert(ends[t] == 1)
  :: else -> assert(status[t] == CANCELLED)  /* of a permitted one only a pool would have to know that lets cancel() kill */
  fi
}

inline forget_flights(a) {
  n = 0;
  do
  :: n < MOST -> flight[a].task[n] = NONE; n++
  :: else -> break
  od;
  n = 0;
  next[a] = 0; allowed[a] = 0; unanswered[a] = 0; sent[a] = 0;
#ifndef MUTANT_STARTED_ONCE_IS_STARTED
  started[a] = false;
#endif
#ifndef MUTANT_TELLS_AN_AGENT_TO_START_ONCE
  told_to_start[a] = false
#endif
}

/* Links::lost(): what was permitted fails or is retried; the rest goes back to its place in the queue. */
inline lost(a) {
  n = 1;
  do
  :: n <= next[a] ->
     t = flight[a].task[n];
     if
     :: t == NONE
#ifdef MUTANT_MOVES_WHAT_WAS_PERMITTED
     :: t != NONE && status[t] == OFFERED -> status[t] = PENDING; queue !! t
#else
     :: t != NONE && status[t] == OFFERED ->
        if
        :: retries[t] < RETRIES -> retries[t]++; status[t] = PENDING; queue !! t
        :: else -> assert(n <= allowed[a]); finish(t)
        fi
#endif
     :: t != NONE && status[t] == PENDING ->
#ifdef MUTANT_LOSES_WHAT_WAS_SENT_AHEAD
        skip
#else
        queue !! t
#endif
     :: t != NONE && status[t] == CANCELLED
     fi;
     n++
  :: else -> break
  od;
  t = 0;
  forget_flights(a);
  up[a] = false
}

inline client_hears(a) {
  atomic {
    to_client[a] ? kind, s, n, ghost;
    if
    :: kind == HELLO ->
       if
#ifdef MUTANT_HELLO_LEAVES_THE_OLD_SESSION
       :: up[a] -> skip
#else
       :: up[a] -> lost(a)
#endif
       :: else
       fi;
       sessions++;
       session[a] = sessions;
       gap_to_client[a] = false;
       up[a] = true;
       nfull(to_agent[a]);
       to_agent[a] ! WELCOME, session[a], 0, 0
#ifdef MUTANT_LATE_ANSWER_IS_TAKEN
    :: kind == RESULT && up[a] && flight[a].task[n] != NONE && status[flight[a].task[n]] != PENDING ->
#else
    :: kind == RESULT && up[a] && s == session[a] && !GAP_TO_CLIENT(a) ->
       assert(flight[a].task[n] != NONE);
#endif
       t = flight[a].task[n];
       assert(t == ghost && n <= allowed[a]);
       flight[a].task[n] = NONE;
       unanswered[a]--; sent[a]--;
       finish(t)
#ifdef MUTANT_LATE_START_COUNTS
    :: kind == STARTED && up[a] ->
#else
    :: kind == STARTED && up[a] && s == session[a] && !GAP_TO_CLIENT(a) ->
#endif
       started[a] = true;
       assert(in_session[a] != session[a] || workers_up[a])
    :: kind != HELLO && up[a] && s != session[a]   /* (S) */
    :: kind != HELLO && !up[a] ->
#ifdef MUTANT_SAYS_NOTHING_TO_A_STRANGER
       skip
#else
       if
       :: nfull(to_agent[a]) -> to_agent[a] ! UNKNOWN, 0, 0, 0
       :: full(to_agent[a])                  /* a beat follows */
       fi
#endif
    :: kind != HELLO && up[a] && s == session[a] && GAP_TO_CLIENT(a) ->
       lost(a);
       if
       :: nfull(to_agent[a]) -> to_agent[a] ! UNKNOWN, 0, 0, 0
       :: full(to_agent[a])
       fi
    :: else                                  /* a beat */
    fi;
    kind = 0; s = 0; n = 0; t = 0; ghost = 0
  }
}

/* Links::send_tasks() */
inline send_ahead(a) {
  atomic {
    queue ? t;
    if
    :: status[t] == PENDING ->
       next[a]++; sent[a]++;
       flight[a].task[next[a]] = t;
       to_agent[a] ! TASK, session[a], next[a], t
    :: else                                  /* Backlog::pop() drops cancelled ones */
    fi;
    t = 0
  }
}

/* Links::permit(): the next in its order; one that was cancelled meanwhile is skipped instead. */
inline permit(a) {
  atomic {
    allowed[a]++;
    n = allowed[a];
    t = flight[a].task[n];
    if
#ifdef MUTANT_PERMITS_WITHOUT_AN_EXCHANGE
    :: true ->
#else
    :: status[t] == PENDING ->               /* FutureState::offer() */
#endif
       if
       :: status[t] == PENDING -> status[t] = OFFERED
       :: else
       fi;
       unanswered[a]++;
       to_agent[a] ! PERMIT, session[a], n, 0
#ifndef MUTANT_PERMITS_WITHOUT_AN_EXCHANGE
    :: else ->
       flight[a].task[n] = NONE; sent[a]--;
       to_agent[a] ! SKIP, session[a], n, 0
#endif
    fi;
    n = 0; t = 0
  }
}

/* ClientLoop::look_at_links(), once somebody waits for all workers */
inline tell_to_start(a) {
  atomic { told_to_start[a] = true; to_agent[a] ! START, session[a], 0, 0 }
}

#define MAY_SEND(a) (up[a] && len(queue) > 0 && sent[a] < AHEAD && next[a] < MOST - 1 && nfull(to_agent[a]))
#ifdef STARTING
#define MAY_TELL_TO_START(a) (up[a] && !told_to_start[a] && nfull(to_agent[a]))
#else
#define MAY_TELL_TO_START(a) false
#endif
#define MAY_PERMIT(a) (up[a] && allowed[a] < next[a] && unanswered[a] < DEPTH && nfull(to_agent[a]))

proctype client() {
  byte n, t, s, ghost;
  mtype kind;
end_idle:
  do
  :: len(to_client[0]) > 0 && nfull(to_agent[0]) -> client_hears(0)
  :: MAY_SEND(0) -> send_ahead(0)
  :: MAY_PERMIT(0) -> permit(0)
  :: MAY_TELL_TO_START(0) -> tell_to_start(0)
  :: up[0] && losses < LOSSES -> atomic { losses++; lost(0) }
#if AGENTS > 1
  :: len(to_client[1]) > 0 && nfull(to_agent[1]) -> client_hears(1)
  :: MAY_SEND(1) -> send_ahead(1)
  :: MAY_PERMIT(1) -> permit(1)
  :: MAY_TELL_TO_START(1) -> tell_to_start(1)
  :: up[1] && losses < LOSSES -> atomic { losses++; lost(1) }
#endif
  od
}

inline forget_held() {
  n = 0;
  do
  :: n < MOST -> held[n] = NONE; n++
  :: else -> break
  od;
  n = 0;
  may_begin = 0; first = 1
}

inline drop_what_is_on_its_way() {
  do
  :: len(to_agent[me]) > 0 -> to_agent[me] ? _, _, _, _; gap_to_agent[me] = true
  :: len(to_client[me]) > 0 -> to_client[me] ? _, _, _, _; gap_to_client[me] = true
  :: empty(to_agent[me]) && empty(to_client[me]) -> break
  od
}

proctype agent(byte me) {
  byte held[MOST];
  byte may_begin, first = 1, n, t, s;
  byte at_work = NONE, work_session, work_sequence;
  mtype kind;
  atomic { forget_held(); says_hello[me] = true }
end_idle:
  do
  :: atomic { says_hello[me] && nfull(to_client[me]) -> says_hello[me] = false; to_client[me] ! HELLO, 0, 0, 0 }
  :: atomic {
       to_agent[me] ? kind, s, n, t;
       if
       :: kind == WELCOME ->
          in_session[me] = s;
          gap_to_agent[me] = false;
          beats[me] = 0;
#ifndef MUTANT_KEEPS_WHAT_THE_OLD_SESSION_SENT
          forget_held();
#endif
          /* What is at work for the old session is killed, or goes on to its end, which nobody wants to hear of. */
          if
          :: at_work != NONE -> at_work = NONE; workers_up[me] = false
          :: true
          fi;
          start_asked[me] = false;
          assert(session[me] != s || !started[me] || workers_up[me])
       :: kind == UNKNOWN -> says_hello[me] = true
       :: kind != WELCOME && kind != UNKNOWN && s == in_session[me] ->
          if
          :: GAP_TO_AGENT(me) -> forget_held(); says_hello[me] = true; in_session[me] = 0
          :: kind == TASK && !GAP_TO_AGENT(me) -> held[n] = t
          :: kind == PERMIT && !GAP_TO_AGENT(me) -> may_begin = n
          :: kind == SKIP && !GAP_TO_AGENT(me) -> held[n] = NONE; may_begin = n
          :: kind == START && !GAP_TO_AGENT(me) -> start_asked[me] = true
          fi
       :: else
       fi;
       kind = 0; s = 0; n = 0; t = 0
     }
     /* AgentSession::begin(): in the order in which they were sent */
#ifdef MUTANT_BEGINS_WHAT_IS_NOT_PERMITTED
  :: atomic { at_work == NONE && first < MOST && (first <= may_begin || held[first] != NONE) ->
#else
  :: atomic { at_work == NONE && first < MOST && first <= may_begin ->
#endif
       t = held[first];
       if
       :: t != NONE ->
          held[first] = NONE;
          at_work = t; work_session = in_session[me]; work_sequence = first;
          begun[t]++;
          assert(begun[t] <= 1 + RETRIES);
          assert(status[t] != CANCELLED)
       :: else
       fi;
       first++; t = 0
     }
  :: atomic { at_work != NONE && nfull(to_client[me]) ->
       to_client[me] ! RESULT, work_session, work_sequence, at_work;
       at_work = NONE; work_session = 0; work_sequence = 0
     }
#ifdef STARTING
  :: atomic { start_asked[me] && !workers_up[me] -> workers_up[me] = true }   /* the thread of AgentWorkers */
#ifdef MUTANT_SAYS_STARTED_BEFORE_THEY_ARE
  :: atomic { start_asked[me] && nfull(to_client[me]) ->
#else
  :: atomic { start_asked[me] && workers_up[me] && nfull(to_client[me]) ->
#endif
       start_asked[me] = false;
       to_client[me] ! STARTED, in_session[me], 0, 0
     }
#endif
     /* What it says now and then; left out where it would tell the client nothing. */
  :: atomic { in_session[me] != 0 && !says_hello[me] && empty(to_client[me]) && empty(to_agent[me]) && beats[me] < BEATS &&
       (!up[me] || session[me] != in_session[me]) ->
       beats[me]++;
       to_client[me] ! BEAT, in_session[me], 0, 0
     }
  :: atomic { kills < KILLS ->               /* another process in its place; what it had said may still arrive, or not */
       kills++;
       do
       :: len(to_agent[me]) > 0 -> to_agent[me] ? _, _, _, _
       :: else -> break
       od;
       if
       :: drop_what_is_on_its_way()
       :: true
       fi;
       forget_held();
       workers_up[me] = false; start_asked[me] = false;
       in_session[me] = 0; beats[me] = 0; at_work = NONE; work_session = 0; work_sequence = 0;
       says_hello[me] = true
     }
  :: atomic { breaks < BREAKS ->
       breaks++;
       drop_what_is_on_its_way();
#ifndef MUTANT_SAYS_NO_HELLO_AFTER_A_BREAK
       says_hello[me] = true
#endif
     }
  od
}

#ifdef CANCELLING
proctype canceller() {
  atomic {
    if
    :: status[0] == PENDING -> status[0] = CANCELLED; ends[0]++; assert(ends[0] == 1)
    :: else                                  /* too late */
    fi
  }
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
#ifdef STARTING
  ;
  at = 0;
  do
  :: at < AGENTS -> assert(!up[at] || started[at]); at++
  :: else -> break
  od
#endif
}

init {
  byte at, n;
  atomic {
    do
    :: at < AGENTS -> forget_flights(at); at++
    :: else -> break
    od;
    at = 0;
    do
    :: at < TASKS -> queue ! at; at++
    :: else -> break
    od;
    at = 0;
    do
    :: at < AGENTS -> run agent(at); at++
    :: else -> break
    od;
    at = 0;
    run client();
#ifdef CANCELLING
    run canceller();
#endif
    run nothing_lost()
  }
}
