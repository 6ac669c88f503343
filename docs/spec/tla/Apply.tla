------------------------------- MODULE Apply -------------------------------
(***************************************************************************)
(* How a change comes into force: scan and plan, two-phase commit over     *)
(* participants, verification by observing, the flip, the way back, and    *)
(* recovery of a coordinator that may crash between any two steps.         *)
(*                                                                         *)
(* host/shared/fabric/apply implements it; phases and requests have the    *)
(* names of machine.ts.  docs/spec/promela/apply.pml is the same model for *)
(* spin, test/conformance/model the same again as a checker of traces.     *)
(*                                                                         *)
(* A generation is named by the transaction that makes it; 0 is nothing.   *)
(* A participant shows one generation, or what its user has made of it.    *)
(* What participants may do wrong: refuse, do nothing, answer too late or  *)
(* not at all, say that they did what they did not.  Requests to one       *)
(* participant may be lost, carried out late, or twice, but never overtake *)
(* each other.  Observing is the one thing that nobody lies about: it is a *)
(* digest of what is there.                                                *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Participants,   \* who takes part
  Transactions,   \* how many changes are planned: 1 .. Transactions
  Faults,         \* how much goes wrong in one behaviour
  Broken          \* names of rules that are left out, to see that they are needed

ASSUME Transactions \in Nat /\ Faults \in Nat

VARIABLES
  log,       \* durable: records, each [type, txn]
  inForce,   \* durable: the generation that readers see
  shows,     \* durable: what each participant shows
  staged,    \* durable: the transaction that each has staged and nobody sees; 0 for none
  queue,     \* requests on their way to each participant, in their order
  plans,     \* what each transaction was planned for; made only once
  co,        \* the coordinator: volatile
  votes,     \* who has agreed to each transaction, as far as the coordinator was told; read by nobody
  faults     \* how much may still go wrong

vars == <<log, inForce, shows, staged, queue, plans, co, votes, faults>>

Txns == 1 .. Transactions
User == Transactions + 1     \* shown by a participant whose user has changed it
NoPlan == [made |-> FALSE, base |-> 0, restores |-> 0, observed |-> [p \in Participants |-> 0]]
Down == [phase |-> "down", txn |-> 0, waiting |-> {}, failed |-> FALSE, stuck |-> FALSE]
Idle == [Down EXCEPT !.phase = "idle"]

Requests == {"prepare", "commit", "observe", "abort", "takeBack"}
Gathering == [preparing |-> "prepare", committing |-> "commit", observing |-> "observe",
              aborting |-> "abort", reverting |-> "takeBack"]
\* The record that a phase waits for; "ending" writes how it ended.
Writing == [beginning |-> "begin", decidingCommit |-> "commit", decidingAbort |-> "abort",
            decidingRevert |-> "revert", endingApplied |-> "applied",
            endingAborted |-> "aborted", endingReverted |-> "reverted"]

Ends == {"applied", "aborted", "reverted"}
Last == log[Len(log)]
IsOpen == log # <<>> /\ Last.type \notin Ends
Has(type, t) == \E i \in 1 .. Len(log) : log[i] = [type |-> type, txn |-> t]

\* The generation that a log says is in force.
RECURSIVE TruthOf(_)
TruthOf(records) ==
  IF records = <<>> THEN 0
  ELSE LET last == records[Len(records)]
       IN IF last.type = "applied" THEN last.txn ELSE TruthOf(SubSeq(records, 1, Len(records) - 1))
Truth == TruthOf(log)

Init ==
  /\ log = <<>>
  /\ inForce = 0
  /\ shows = [p \in Participants |-> 0]
  /\ staged = [p \in Participants |-> 0]
  /\ queue = [p \in Participants |-> <<>>]
  /\ plans = [t \in Txns |-> NoPlan]
  /\ co = Idle
  /\ votes = [t \in Txns |-> {}]
  /\ faults = Faults

Fault == faults > 0 /\ faults' = faults - 1

-----------------------------------------------------------------------------
(* Scan and plan.  A plan remembers what was in force and what was shown.  *)

\* Of a plan that is a rollback, `restores` is the generation that it brings back.
MakePlan(t) ==
  /\ ~plans[t].made
  /\ \E restores \in {0} \cup {r \in Txns : Has("applied", r) \/ "restores" \in Broken} :
       plans' = [plans EXCEPT ![t] =
         [made |-> TRUE, base |-> inForce, restores |-> restores, observed |-> shows]]
  /\ UNCHANGED <<log, inForce, shows, staged, queue, co, faults, votes>>

\* The user changes what a participant shows.
UserEdit(p) ==
  /\ Fault
  /\ shows' = [shows EXCEPT ![p] = User]
  /\ UNCHANGED <<log, inForce, staged, queue, plans, co, votes>>

-----------------------------------------------------------------------------
(* The coordinator.                                                        *)

Enter(phase, t) == co' = [phase |-> phase, txn |-> t, waiting |-> {}, failed |-> FALSE,
                          stuck |-> FALSE]

Ask(phase, t) ==
  /\ co' = [phase |-> phase, txn |-> t, waiting |-> Participants, failed |-> FALSE,
            stuck |-> FALSE]
  /\ queue' = [p \in Participants |->
       Append(queue[p], [kind |-> Gathering[phase], txn |-> t])]

Begin(t) ==
  /\ co.phase = "idle"
  /\ plans[t].made
  /\ ~Has("begin", t)
  /\ plans[t].base = inForce \/ "base" \in Broken
  /\ Enter("beginning", t)
  /\ UNCHANGED <<log, inForce, shows, staged, queue, plans, faults, votes>>

\* The record is durable, and only now the coordinator goes on.
Logged ==
  /\ co.phase \in DOMAIN Writing
  /\ log' = Append(log, [type |-> Writing[co.phase], txn |-> co.txn])
  /\ CASE co.phase = "beginning" -> Ask("preparing", co.txn)
       [] co.phase = "decidingCommit" ->
            IF "durable" \in Broken THEN co' = [co EXCEPT !.phase = "committing"] /\ UNCHANGED queue
            ELSE Ask("committing", co.txn)
       [] co.phase = "decidingAbort" -> Ask("aborting", co.txn)
       [] co.phase = "decidingRevert" -> Ask("reverting", co.txn)
       [] OTHER -> co' = Idle /\ UNCHANGED queue
  /\ UNCHANGED <<inForce, shows, staged, plans, faults, votes>>

\* Everybody has answered.
Gathered ==
  /\ co.phase \in DOMAIN Gathering
  /\ co.waiting = {}
  /\ CASE co.phase = "preparing" ->
            IF co.failed /\ "votes" \notin Broken THEN Enter("decidingAbort", co.txn) /\ UNCHANGED queue
            ELSE IF "durable" \in Broken
              THEN /\ co' = [co EXCEPT !.phase = "decidingCommit", !.waiting = Participants]
                   /\ queue' = [p \in Participants |->
                        Append(queue[p], [kind |-> "commit", txn |-> co.txn])]
            ELSE Enter("decidingCommit", co.txn) /\ UNCHANGED queue
       [] co.phase = "committing" ->
            IF co.failed THEN Enter("decidingRevert", co.txn) /\ UNCHANGED queue
            ELSE IF "observe" \in Broken THEN Enter("flipping", co.txn) /\ UNCHANGED queue
            ELSE Ask("observing", co.txn)
       [] co.phase = "observing" ->
            /\ Enter(IF co.failed THEN "decidingRevert" ELSE "flipping", co.txn)
            /\ UNCHANGED queue
       [] co.phase = "aborting" -> Enter("endingAborted", co.txn) /\ UNCHANGED queue
       [] co.phase = "reverting" ->
            \* Who could not go back for want of the machine is asked again after a recovery.
            /\ IF co.stuck THEN co' = Down ELSE Enter("restoring", co.txn)
            /\ UNCHANGED queue
  /\ UNCHANGED <<log, inForce, shows, staged, plans, faults, votes>>

Flip ==
  /\ co.phase = "flipping"
  /\ inForce' = co.txn
  /\ Enter("endingApplied", co.txn)
  /\ UNCHANGED <<log, shows, staged, queue, plans, faults, votes>>

FlipFails ==
  /\ co.phase = "flipping"
  /\ Fault
  /\ Enter("decidingRevert", co.txn)
  /\ UNCHANGED <<log, inForce, shows, staged, queue, plans, votes>>

FlipBack ==
  /\ co.phase = "restoring"
  /\ inForce' = IF inForce = co.txn /\ "flipBack" \notin Broken THEN plans[co.txn].base ELSE inForce
  /\ Enter("endingReverted", co.txn)
  /\ UNCHANGED <<log, shows, staged, queue, plans, faults, votes>>

\* The coordinator stops, or cannot write its log.  Nobody knows whether a record that was being written is there.
Crash ==
  /\ co.phase # "down"
  /\ Fault
  /\ co' = Down
  /\ \/ UNCHANGED log
     \/ /\ co.phase \in DOMAIN Writing
        /\ log' = Append(log, [type |-> Writing[co.phase], txn |-> co.txn])
  /\ UNCHANGED <<inForce, shows, staged, queue, plans, votes>>

\* What remains to be done is read from the log, and from nothing else.
Recover ==
  /\ co.phase = "down"
  /\ IF ~IsOpen THEN co' = Idle /\ UNCHANGED queue
     ELSE CASE Last.type = "begin" ->
                 IF "recovery" \in Broken THEN Enter("decidingCommit", Last.txn) /\ UNCHANGED queue
                 ELSE Enter("decidingAbort", Last.txn) /\ UNCHANGED queue
            [] Last.type = "commit" -> Ask("committing", Last.txn)
            [] Last.type = "abort" -> Ask("aborting", Last.txn)
            [] Last.type = "revert" -> Ask("reverting", Last.txn)
  /\ UNCHANGED <<log, inForce, shows, staged, plans, faults, votes>>

-----------------------------------------------------------------------------
(* Participants.                                                           *)

IsWaiting(p, request) ==
  /\ co.phase \in DOMAIN Gathering
  /\ Gathering[co.phase] = request.kind
  /\ co.txn = request.txn
  /\ p \in co.waiting

\* The answer reaches the coordinator if it still waits for it.  "left" is a refusal of going back for a good reason.
Answer(p, request, answer) ==
  /\ co' = IF ~IsWaiting(p, request) THEN co
           ELSE [co EXCEPT !.waiting = @ \ {p},
                           !.failed = @ \/ answer # "did",
                           !.stuck = @ \/ answer = "refused"]
  /\ votes' = IF IsWaiting(p, request) /\ request.kind = "prepare" /\ answer = "did"
                THEN [votes EXCEPT ![request.txn] = @ \cup {p}] ELSE votes

\* What a participant shows and has staged after a request, and its answer, when nothing goes wrong.
Honest(p, request) ==
  LET t == request.txn
      before == plans[t].observed[p]
      Now(shown, kept, answer) == [shown |-> shown, kept |-> kept, answer |-> answer]
      IsAsSeen == shows[p] = before \/ "observed" \in Broken
      Unstaged == IF staged[p] = t THEN 0 ELSE staged[p]
  IN CASE request.kind = "prepare" ->
            IF IsAsSeen THEN Now(shows[p], t, "did") ELSE Now(shows[p], staged[p], "refused")
       [] request.kind = "commit" ->
            IF shows[p] = t THEN Now(t, Unstaged, "did")
            ELSE IF staged[p] = t /\ IsAsSeen THEN Now(t, 0, "did")
            ELSE Now(shows[p], staged[p], "refused")
       [] request.kind = "observe" ->
            Now(shows[p], staged[p], IF shows[p] = t THEN "did" ELSE "refused")
       [] request.kind = "abort" -> Now(shows[p], Unstaged, "did")
       [] request.kind = "takeBack" ->
            IF shows[p] \in {t, before} THEN Now(before, Unstaged, "did")
            ELSE Now(shows[p], Unstaged, "left")

Take(p, now) ==
  /\ shows' = [shows EXCEPT ![p] = now.shown]
  /\ staged' = [staged EXCEPT ![p] = now.kept]

\* Requests come in their order, unless that rule is left out.
NextOf(p) == IF "order" \in Broken THEN 1 .. Len(queue[p]) ELSE IF queue[p] = <<>> THEN {} ELSE {1}

Remove(p, at) == queue' = [queue EXCEPT ![p] =
  SubSeq(queue[p], 1, at - 1) \o SubSeq(queue[p], at + 1, Len(queue[p]))]

Carry(p) == \E at \in NextOf(p) :
  LET request == queue[p][at] IN
    /\ Take(p, Honest(p, request))
    /\ Answer(p, request, Honest(p, request).answer)
    /\ Remove(p, at)
    /\ UNCHANGED <<log, inForce, plans, faults>>

Refuse(p) == \E at \in NextOf(p) :
    /\ Fault
    /\ Answer(p, queue[p][at], "refused")
    /\ Remove(p, at)
    /\ UNCHANGED <<log, inForce, shows, staged, plans>>

\* It says that it did.  Nobody lies about what is observed, or takes back by doing nothing and being believed:
\* going back is observed too.
Lie(p) == \E at \in NextOf(p) :
    /\ queue[p][at].kind \in {"prepare", "commit", "abort"}
    /\ Fault
    /\ Answer(p, queue[p][at], "did")
    /\ Remove(p, at)
    /\ UNCHANGED <<log, inForce, shows, staged, plans>>

\* The request is lost, or the answer to it is, or it is carried out once more.
Lose(p) == \E at \in NextOf(p) :
    /\ Fault
    /\ Remove(p, at)
    /\ UNCHANGED <<log, inForce, shows, staged, plans, co, votes>>

LoseAnswer(p) == \E at \in NextOf(p) :
    /\ Fault
    /\ Take(p, Honest(p, queue[p][at]))
    /\ Remove(p, at)
    /\ UNCHANGED <<log, inForce, plans, co, votes>>

Duplicate(p) == \E at \in NextOf(p) :
    /\ Fault
    /\ Take(p, Honest(p, queue[p][at]))
    /\ Answer(p, queue[p][at], Honest(p, queue[p][at]).answer)
    /\ UNCHANGED <<log, inForce, plans, queue>>

\* The coordinator waits no longer.  What it asked for may still be carried out, when nobody waits for it.
TimeOut(p) ==
  /\ "limit" \notin Broken
  /\ p \in co.waiting
  /\ LET request == [kind |-> Gathering[co.phase], txn |-> co.txn]
         isOnItsWay == \E at \in 1 .. Len(queue[p]) : queue[p][at] = request
     IN /\ IF isOnItsWay THEN Fault ELSE UNCHANGED faults
        /\ Answer(p, request, "refused")
  /\ UNCHANGED <<log, inForce, shows, staged, queue, plans>>

-----------------------------------------------------------------------------

Progress ==
  \/ Logged \/ Gathered \/ Flip \/ FlipBack \/ Recover
  \/ \E p \in Participants : Carry(p) \/ TimeOut(p)

Trouble ==
  \/ Crash \/ FlipFails
  \/ \E p \in Participants :
       Refuse(p) \/ Lie(p) \/ Lose(p) \/ LoseAnswer(p) \/ Duplicate(p) \/ UserEdit(p)

Step ==
  \/ Progress \/ Trouble
  \/ \E t \in Txns : MakePlan(t) \/ Begin(t)

Spec == Init /\ [][Step]_vars /\ WF_vars(Progress)

-----------------------------------------------------------------------------
(* What must hold.                                                         *)

TypeOK ==
  /\ inForce \in 0 .. Transactions
  /\ shows \in [Participants -> 0 .. User]
  /\ staged \in [Participants -> 0 .. Transactions]
  /\ faults \in 0 .. Faults

\* The log is one story after the other, each begun, decided once, and ended.
LogIsWellFormed ==
  \A i \in 1 .. Len(log) :
    LET record == log[i]
        Follows(type) == i > 1 /\ log[i - 1] = [type |-> type, txn |-> record.txn]
    IN CASE record.type = "begin" -> i = 1 \/ log[i - 1].type \in Ends
         [] record.type \in {"commit", "abort"} -> Follows("begin")
         [] record.type \in {"revert", "applied"} -> Follows("commit")
         [] record.type = "aborted" -> Follows("abort")
         [] record.type = "reverted" -> Follows("revert")

\* At most one generation is in force, and the log says which: the last one that was applied, or while a change is
\* open and committed, possibly the one that it makes.
LogIsTruth ==
  \/ inForce = Truth
  \/ IsOpen /\ inForce = Last.txn /\ Last.type \in {"commit", "revert"}

\* What was decided, everybody had agreed to.
CommitHasAllVotes == \A t \in Txns : Has("commit", t) => votes[t] = Participants

\* Nobody shows what was not decided.
ShownWasDecided == \A p \in Participants : shows[p] \in Txns => Has("commit", shows[p])

\* When a change is over, everybody shows it or nobody does, but for those whose user has changed it.
AllOrNothing ==
  log # <<>> =>
    /\ Last.type = "applied" => \A p \in Participants : shows[p] \in {Last.txn, User}
    /\ Last.type \in {"aborted", "reverted"} => \A p \in Participants : shows[p] # Last.txn

\* Readers see a generation only while everybody shows it.
FlipIsLast ==
  IsOpen /\ Last.type = "commit" /\ inForce = Last.txn =>
    \A p \in Participants : shows[p] \in {Last.txn, User}

\* Every change began from what was in force.
BaseWasChecked ==
  \A i \in 1 .. Len(log) :
    log[i].type = "begin" => plans[log[i].txn].base = TruthOf(SubSeq(log, 1, i - 1))

\* A rollback brings back something that was in force once.
RollbackIsToApplied ==
  \A i \in 1 .. Len(log) :
    LET restored == plans[log[i].txn].restores
    IN log[i].type = "begin" /\ restored # 0 =>
         \E j \in 1 .. i - 1 : log[j] = [type |-> "applied", txn |-> restored]

\* What a user made is replaced only by a plan that has seen it.
NothingIsClobbered ==
  [][\A p \in Participants : shows[p] = User /\ shows'[p] # User =>
       \E t \in Txns : plans[t].observed[p] = User]_vars

\* What was begun ends.
EveryChangeEnds == \A t \in Txns : Has("begin", t) ~> \E end \in Ends : Has(end, t)
=============================================================================
