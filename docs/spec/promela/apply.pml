/*
 * How a change comes into force: docs/spec/tla/Apply.tla once more, for spin, which every Debian ships. Actions,
 * phases, requests and invariants have the same names there, and its comments say what each means.
 *
 *   spin -a apply.pml && gcc -DSAFETY -DNOCLAIM -o pan pan.c && ./pan     what must hold in every state
 *   spin -a apply.pml && gcc -DNFAIR=3 -o pan pan.c && ./pan -a -f        what was begun ends
 *
 * -DTXNS, -DFAULTS to spin bound the behaviours. -DBROKEN_<RULE> leaves one rule out, and then something must fail:
 * DURABLE, VOTES, OBSERVE, BASE, OBSERVED, ORDER, RECOVERY, FLIPBACK, RESTORES; LIMIT, which only the second run sees.
 */
#ifndef TXNS
#define TXNS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define PARTS 2
#define ALL 3              /* both participants, as bits */
#define USER (TXNS + 1)    /* shown by a participant whose user has changed it */
#define SIZE (TXNS + 1)
#define DEPTH 10
#define RECORDS (TXNS * 4)

mtype = { prepare, commit, observe, abort, takeBack };
mtype = { idle, down, beginning, preparing, decidingCommit, committing, observing, flipping,
          decidingAbort, aborting, decidingRevert, reverting, restoring,
          endingApplied, endingAborted, endingReverted };
mtype = { rBegin, rCommit, rAbort, rRevert, rApplied, rAborted, rReverted };
mtype = { did, refused, left };

/* Durable. */
mtype logType[RECORDS];
byte logTxn[RECORDS];
byte logLength;
byte inForce;
byte shows[PARTS];
byte staged[PARTS];

/* On their way, in their order. */
chan queue[PARTS] = [DEPTH] of { mtype, byte };

/* What each transaction was planned for. */
bool made[SIZE];
byte base[SIZE];
byte restores[SIZE];
byte observed[SIZE * PARTS];
#define observedBy(p, t) observed[PARTS * (t) + (p)]

/* The coordinator. */
mtype phase = idle;
byte txn;
byte waiting;              /* for whom, as bits */
mtype asks = prepare;      /* what it asked of them */
bool failed;
bool stuck;

/* Read by nobody. */
byte votes[SIZE];

byte faults = FAULTS;

#define isWriting (phase == beginning || phase == decidingCommit || phase == decidingAbort || \
  phase == decidingRevert || phase == endingApplied || phase == endingAborted || phase == endingReverted)
#define isGathering (phase == preparing || phase == committing || phase == observing || \
  phase == aborting || phase == reverting)
#define lastType logType[logLength - 1]
#define lastTxn logTxn[logLength - 1]
#define isEnd(type) (type == rApplied || type == rAborted || type == rReverted)
#define isOpen (logLength > 0 && !isEnd(lastType))
#define isOnItsWay(p) (queue[p]??[eval(asks), eval(txn)])

/* The generation that the first `count` records say is in force. */
inline truthOf(count, truth) {
  truth = 0;
  i = 0;
  do
  :: i < count -> if :: logType[i] == rApplied -> truth = logTxn[i] :: else fi; i++
  :: else -> break
  od;
  i = 0
}

inline has(type, t, yes) {
  yes = false;
  i = 0;
  do
  :: i < logLength -> yes = yes || (logType[i] == type && logTxn[i] == t); i++
  :: else -> break
  od;
  i = 0
}

/* ---- what must hold in every state; each is asserted under its name ---- */

#define follows(type) (j > 0 && logType[j - 1] == type && logTxn[j - 1] == logTxn[j])
#define shownBy(p, t) (shows[p] == t || shows[p] == USER)

inline check() {
  d_step {
    /* LogIsWellFormed, BaseWasChecked, RollbackIsToApplied */
    j = 0;
    do
    :: j < logLength ->
      if
      :: logType[j] == rBegin ->
        logIsWellFormed = (j == 0 || isEnd(logType[j - 1]));
        truthOf(j, k);
        baseWasChecked = (base[logTxn[j]] == k);
        if
        :: restores[logTxn[j]] != 0 ->
          k = 0; i = 0;
          do
          :: i < j ->
            if :: logType[i] == rApplied && logTxn[i] == restores[logTxn[j]] -> k = 1 :: else fi;
            i++
          :: else -> break
          od;
          i = 0;
          rollbackIsToApplied = (k == 1)
        :: else
        fi
      :: logType[j] == rCommit || logType[j] == rAbort -> logIsWellFormed = follows(rBegin)
      :: logType[j] == rRevert || logType[j] == rApplied -> logIsWellFormed = follows(rCommit)
      :: logType[j] == rAborted -> logIsWellFormed = follows(rAbort)
      :: logType[j] == rReverted -> logIsWellFormed = follows(rRevert)
      fi;
      assert(logIsWellFormed);
      assert(baseWasChecked);
      assert(rollbackIsToApplied);
      commitHasAllVotes = (logType[j] != rCommit || votes[logTxn[j]] == ALL);
      assert(commitHasAllVotes);
      j++
    :: else -> break
    od;
    j = 0;
    truthOf(logLength, k);
    logIsTruth = (inForce == k);
    if
    :: isOpen && (lastType == rCommit || lastType == rRevert) -> logIsTruth = logIsTruth || inForce == lastTxn
    :: else
    fi;
    assert(logIsTruth);
    do
    :: j < PARTS ->
      if
      :: shows[j] != 0 && shows[j] != USER -> has(rCommit, shows[j], shownWasDecided)
      :: else
      fi;
      assert(shownWasDecided);
      if
      :: logLength > 0 ->
        allOrNothing = (lastType != rApplied || shownBy(j, lastTxn)) &&
          ((lastType != rAborted && lastType != rReverted) || shows[j] != lastTxn);
        flipIsLast = (lastType != rCommit || inForce != lastTxn || shownBy(j, lastTxn))
      :: else
      fi;
      assert(allOrNothing);
      assert(flipIsLast);
      j++
    :: else -> break
    od;
    j = 0; k = 0
  }
}

/* Scratch of the checks: the same in every state, so that it makes no states. */
byte i, j, k;
bool logIsWellFormed = true, baseWasChecked = true, rollbackIsToApplied = true, commitHasAllVotes = true;
bool logIsTruth = true, shownWasDecided = true, allOrNothing = true, flipIsLast = true, nothingIsClobbered = true;

/* ---- the coordinator ---- */

inline enter(next) { phase = next; waiting = 0; failed = false; stuck = false }

inline ask(request, next, t) {
  enter(next);
  txn = t;
  waiting = ALL;
  asks = request;
  queue[0]!request, t;
  queue[1]!request, t
}

inline append(type, t) { logType[logLength] = type; logTxn[logLength] = t; logLength++ }

inline write() {
  if
  :: phase == beginning -> append(rBegin, txn)
  :: phase == decidingCommit -> append(rCommit, txn)
  :: phase == decidingAbort -> append(rAbort, txn)
  :: phase == decidingRevert -> append(rRevert, txn)
  :: phase == endingApplied -> append(rApplied, txn)
  :: phase == endingAborted -> append(rAborted, txn)
  :: phase == endingReverted -> append(rReverted, txn)
  fi
}

inline rest(next) { enter(next); txn = 0 }

inline logged() {
  write();
  if
  :: phase == beginning -> ask(prepare, preparing, txn)
#ifdef BROKEN_DURABLE
  :: phase == decidingCommit -> phase = committing
#else
  :: phase == decidingCommit -> ask(commit, committing, txn)
#endif
  :: phase == decidingAbort -> ask(abort, aborting, txn)
  :: phase == decidingRevert -> ask(takeBack, reverting, txn)
  :: phase == endingApplied || phase == endingAborted || phase == endingReverted -> rest(idle)
  fi
}

inline gathered() {
  if
#ifdef BROKEN_VOTES
  :: phase == preparing -> enter(decidingCommit)
#else
  :: phase == preparing && failed -> enter(decidingAbort)
#ifdef BROKEN_DURABLE
  :: phase == preparing && !failed -> ask(commit, committing, txn); phase = decidingCommit
#else
  :: phase == preparing && !failed -> enter(decidingCommit)
#endif
#endif
  :: phase == committing && failed -> enter(decidingRevert)
#ifdef BROKEN_OBSERVE
  :: phase == committing && !failed -> enter(flipping)
#else
  :: phase == committing && !failed -> ask(observe, observing, txn)
#endif
  :: phase == observing && failed -> enter(decidingRevert)
  :: phase == observing && !failed -> enter(flipping)
  :: phase == aborting -> enter(endingAborted)
  :: phase == reverting && stuck -> rest(down)
  :: phase == reverting && !stuck -> enter(restoring)
  fi
}

inline recover() {
  if
  :: !isOpen -> rest(idle)
#ifdef BROKEN_RECOVERY
  :: isOpen && lastType == rBegin -> enter(decidingCommit); txn = lastTxn
#else
  :: isOpen && lastType == rBegin -> enter(decidingAbort); txn = lastTxn
#endif
  :: isOpen && lastType == rCommit -> ask(commit, committing, lastTxn)
  :: isOpen && lastType == rAbort -> ask(abort, aborting, lastTxn)
  :: isOpen && lastType == rRevert -> ask(takeBack, reverting, lastTxn)
  fi
}

inline flipBack() {
#ifndef BROKEN_FLIPBACK
  if :: inForce == txn -> inForce = base[txn] :: else fi;
#endif
  enter(endingReverted)
}

/* ---- participants ---- */

inline answer(p, kind, t, how) {
  if
  :: isGathering && asks == kind && txn == t && (waiting & (1 << p)) ->
    waiting = waiting & ~(1 << p);
    failed = failed || how != did;
    stuck = stuck || how == refused;
    if :: kind == prepare && how == did -> votes[t] = votes[t] | (1 << p) :: else fi
  :: else
  fi
}

#ifdef BROKEN_OBSERVED
#define isAsSeen(p, t) true
#else
#define isAsSeen(p, t) (shows[p] == observedBy(p, t))
#endif

inline put(p, its, shown) {
  nothingIsClobbered = (shows[p] != USER || shown == USER || observedBy(p, its) == USER);
  assert(nothingIsClobbered);
  shows[p] = shown
}

inline unstage(p, its) {
  if
  :: staged[p] == its -> staged[p] = 0
  :: else
  fi
}

/* What a request does; `how` is its answer. */
inline carry(p, kind, t, how) {
  if
  :: kind == prepare && isAsSeen(p, t) -> staged[p] = t; how = did
  :: kind == prepare && !isAsSeen(p, t) -> how = refused
  :: kind == commit && shows[p] == t -> unstage(p, t); how = did
  :: kind == commit && shows[p] != t && staged[p] == t && isAsSeen(p, t) ->
    put(p, t, t); staged[p] = 0; how = did
  :: kind == commit && shows[p] != t && !(staged[p] == t && isAsSeen(p, t)) -> how = refused
  :: kind == observe && shows[p] == t -> how = did
  :: kind == observe && shows[p] != t -> how = refused
  :: kind == abort -> unstage(p, t); how = did
  :: kind == takeBack && (shows[p] == t || shows[p] == observedBy(p, t)) ->
    put(p, t, observedBy(p, t)); unstage(p, t); how = did
  :: kind == takeBack && shows[p] != t && shows[p] != observedBy(p, t) -> unstage(p, t); how = left
  fi
}

#ifdef BROKEN_ORDER
#define next(p) \
  if \
  :: queue[p]??prepare, t -> kind = prepare \
  :: queue[p]??commit, t -> kind = commit \
  :: queue[p]??observe, t -> kind = observe \
  :: queue[p]??abort, t -> kind = abort \
  :: queue[p]??takeBack, t -> kind = takeBack \
  fi
#else
#define next(p) queue[p]?kind, t
#endif

#define forget kind = prepare; t = 0; how = did

/* ---- who does what, when ---- */

active proctype progress() {
  mtype kind = prepare;
  byte t = 0;
  mtype how = did;
end:
  do
  :: atomic { isWriting -> logged(); check() }
  :: atomic { isGathering && waiting == 0 -> gathered(); check() }
  :: atomic { phase == flipping -> inForce = txn; enter(endingApplied); check() }
  :: atomic { phase == restoring -> flipBack(); check() }
  :: atomic { phase == down -> recover(); check() }
  :: atomic { len(queue[0]) > 0 -> next(0); carry(0, kind, t, how); answer(0, kind, t, how); forget; check() }
  :: atomic { len(queue[1]) > 0 -> next(1); carry(1, kind, t, how); answer(1, kind, t, how); forget; check() }
#ifndef BROKEN_LIMIT
  :: atomic { isGathering && (waiting & 1) && !isOnItsWay(0) -> kind = asks; answer(0, kind, txn, refused); forget }
  :: atomic { isGathering && (waiting & 2) && !isOnItsWay(1) -> kind = asks; answer(1, kind, txn, refused); forget }
#endif
  od
}

#define fault faults > 0
#define canLie(p) (queue[p]?[prepare, _] || queue[p]?[commit, _] || queue[p]?[abort, _])

#define troubles(p) \
  :: atomic { fault && len(queue[p]) > 0 -> faults--; next(p); answer(p, kind, t, refused); forget; check() } \
  :: atomic { fault && canLie(p) -> faults--; queue[p]?kind, t; answer(p, kind, t, did); forget; check() } \
  :: atomic { fault && len(queue[p]) > 0 -> faults--; next(p); forget } \
  :: atomic { fault && len(queue[p]) > 0 -> faults--; next(p); carry(p, kind, t, how); forget; check() } \
  :: atomic { fault && len(queue[p]) > 0 -> faults--; queue[p]?<kind, t>; carry(p, kind, t, how); \
              answer(p, kind, t, how); forget; check() } \
  :: atomic { fault && isGathering && (waiting & (1 << p)) && isOnItsWay(p) -> faults--; \
              kind = asks; answer(p, kind, txn, refused); forget } \
  :: atomic { fault && shows[p] != USER -> faults--; shows[p] = USER; check() }

/* Refusals, lies, lost requests, lost answers, duplicates, time limits, users, crashes, failures to flip. */
active proctype trouble() {
  mtype kind = prepare;
  byte t = 0;
  mtype how = did;
end:
  do
  troubles(0)
  troubles(1)
  :: atomic { fault && phase == flipping -> faults--; enter(decidingRevert) }
  :: atomic { fault && phase != down -> faults--; rest(down) }
  :: atomic { fault && isWriting -> faults--; write(); rest(down); check() }
  od
}

inline makePlan(t, brings) {
  made[t] = true;
  base[t] = inForce;
  restores[t] = brings;
  observedBy(0, t) = shows[0];
  observedBy(1, t) = shows[1]
}

#ifdef BROKEN_BASE
#define isCurrent(t) true
#else
#define isCurrent(t) (base[t] == inForce)
#endif
#ifdef BROKEN_RESTORES
#define mayRestore(r) true
#else
#define mayRestore(r) wasApplied
#endif

active proctype user() {
  byte t = 0;
  byte r = 0;
  bool wasApplied = false;
  bool hasBegun = false;
end:
  do
  :: atomic { phase == idle || phase == down || !isOpen || isOpen ->
      select(t : 1 .. TXNS);
      if
      :: !made[t] ->
        select(r : 0 .. TXNS);
        has(rApplied, r, wasApplied);
        if :: r == 0 || mayRestore(r) -> makePlan(t, r) :: else fi
      :: else
      fi;
      t = 0; r = 0; wasApplied = false
    }
  :: atomic { phase == idle ->
      select(t : 1 .. TXNS);
      has(rBegin, t, hasBegun);
      if
      :: made[t] && !hasBegun && isCurrent(t) -> enter(beginning); txn = t
      :: else
      fi;
      t = 0; hasBegun = false
    }
  od
}

ltl everyChangeEnds { [] (isOpen -> <> !isOpen) }
