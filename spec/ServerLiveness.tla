--------------------------- MODULE ServerLiveness ---------------------------
(***************************************************************************)
(* That the server of Server.tla answers, and that it ends when it is told *)
(* to.                                                                     *)
(*                                                                         *)
(* WHAT IS ADDED.  A thread whose first reply has to wait for the disk     *)
(* sleeps until it is woken.  A client that does not read is cut off (the  *)
(* write timeout).  A server that is told to end drains: it takes no more  *)
(* messages, answers those that it has, and ends each connection when that *)
(* is done, or when the grace is over, whichever comes first; but never in *)
(* the midst of a batch, or of a wait for the disk.                        *)
(*                                                                         *)
(* WHAT IS ASSUMED.  Weak fairness of what the server does: a thread that  *)
(* can go on goes on, a sync that can be made is made or fails, timeouts   *)
(* come.  Of clients nothing: they need neither send nor read.  That who   *)
(* wants the index gets it, however many others want it, is Gate.tla's;    *)
(* here clients send so many commands and no more.                         *)
(*                                                                         *)
(* FAULTS.  The constant Lapse leaves out one part, to show that the       *)
(* checker notices: models/BrokenLive*.cfg say what.                       *)
(***************************************************************************)
EXTENDS Server

CONSTANTS
    Drains,      \* TRUE if the server may be told to end
    Lapse        \* "none", or what is left out

VARIABLES
    phase,       \* the server serves, drains or has ended
    open,        \* whose connections are open
    grace,       \* whether the grace is over
    looked,      \* whose threads have seen that they have to wait for the disk, and do not sleep yet
    asleep       \* whose threads sleep until the disk has it

live == <<phase, open, grace, looked, asleep>>
all == <<vars, live>>
liveView == <<view, live>>

ASSUME Drains \in BOOLEAN
ASSUME Lapse \in {"none", "lost wake-up", "failure wakes nobody", "waits for readers", "holds the lock"}

LInit ==
    /\ Init
    /\ phase = "serves"
    /\ open = Clients
    /\ grace = FALSE
    /\ looked = {}
    /\ asleep = {}

(***************************************************************************)
(* What Server.tla has, where it can still happen.                         *)
(***************************************************************************)
Runs(c) == c \in open /\ c \notin asleep /\ c \notin looked

LSend(c) == phase = "serves" /\ c \in open /\ Send(c) /\ UNCHANGED live

LDecide(c) == Runs(c) /\ Decide(c) /\ UNCHANGED live

LApply(c) == Runs(c) /\ Apply(c) /\ UNCHANGED live

LReceive(c) == Runs(c) /\ Receive(c) /\ UNCHANGED live

\* Whoever sleeps is woken by what becomes durable, or by the failure.
LSync == Sync /\ asleep' = {} /\ UNCHANGED <<phase, open, grace, looked>>

LSyncFails == SyncFails /\ UNCHANGED live

LFail ==
    /\ Fail
    /\ asleep' = IF Lapse = "failure wakes nobody" THEN asleep ELSE {}
    /\ UNCHANGED <<phase, open, grace, looked>>

\* All connections end with the process, and clients connect again.
LCrash ==
    /\ Crash
    /\ open' = Clients
    /\ looked' = {}
    /\ asleep' = {}
    /\ UNCHANGED <<phase, grace>>

LRecover == Recover /\ UNCHANGED live

LServe == Serve /\ UNCHANGED live

(***************************************************************************)
(* What is added.                                                          *)
(***************************************************************************)

\* Between two batches a thread finds that its first reply has to wait. It sees that and falls asleep in one
\* step, because both happen under the lock that whoever wakes it takes.
FallAsleep(c) ==
    /\ Runs(c)
    /\ batch[c] = 0
    /\ outbox[c] # <<>>
    /\ Waits(Head(outbox[c]))
    /\ IF Lapse = "lost wake-up" THEN looked' = looked \cup {c} /\ UNCHANGED asleep
       ELSE asleep' = asleep \cup {c} /\ UNCHANGED looked
    /\ UNCHANGED <<vars, phase, open, grace>>

\* Only where these are two steps.
FallAsleepLate(c) ==
    /\ c \in looked
    /\ looked' = looked \ {c}
    /\ asleep' = asleep \cup {c}
    /\ UNCHANGED <<vars, phase, open, grace>>

\* A connection ends, and with it all that its client could still expect. Whoever leaves in the midst of a batch
\* would leave with the lock.
Ended(c) ==
    /\ open' = open \ {c}
    /\ inbox' = [inbox EXCEPT ![c] = <<>>]
    /\ outbox' = [outbox EXCEPT ![c] = <<>>]
    /\ owed' = [owed EXCEPT ![c] = 0]
    /\ decided' = [decided EXCEPT ![c] = Undecided]
    /\ UNCHANGED <<sent, batch, versions, durable, lost, store, seen, crashes, last>>
    /\ UNCHANGED <<phase, grace, looked, asleep>>

IsBetweenBatches(c) == batch[c] = 0 \/ Lapse = "holds the lock"

\* The client does not read: its connection is broken off after a time.
CutOff(c) ==
    /\ Lapse # "waits for readers"
    /\ up = "up"
    /\ Runs(c)
    /\ IsBetweenBatches(c)
    /\ outbox[c] # <<>>
    /\ ~Waits(Head(outbox[c]))
    /\ Ended(c)

\* The server is told to end.
Drain ==
    /\ Drains
    /\ up = "up"
    /\ phase = "serves"
    /\ phase' = "drains"
    /\ UNCHANGED <<vars, open, grace, looked, asleep>>

GraceEnds ==
    /\ phase = "drains"
    /\ ~grace
    /\ grace' = TRUE
    /\ UNCHANGED <<vars, phase, open, looked, asleep>>

\* A connection on which nothing is owed ends; after the grace, one on which something is.
Close(c) ==
    /\ phase = "drains"
    /\ Runs(c)
    /\ batch[c] = 0
    /\ \/ owed[c] = 0
       \/ grace /\ Lapse # "waits for readers" /\ (outbox[c] # <<>> => ~Waits(Head(outbox[c])))
    /\ Ended(c)

End ==
    /\ phase = "drains"
    /\ open = {}
    /\ phase' = "ended"
    /\ UNCHANGED <<vars, open, grace, looked, asleep>>

LNext ==
    \/ \E c \in Clients :
        \/ LSend(c) \/ LDecide(c) \/ LApply(c) \/ LReceive(c)
        \/ FallAsleep(c) \/ FallAsleepLate(c) \/ CutOff(c) \/ Close(c)
    \/ LSync \/ LSyncFails \/ LFail \/ LCrash \/ LRecover \/ LServe
    \/ Drain \/ GraceEnds \/ End
    \* Whether anything happens is what is asked here, so to stop anywhere is no error by itself.
    \/ UNCHANGED all

\* A reply is received, or its client is cut off: one of the two comes.
Fairness ==
    /\ \A c \in Clients :
        /\ WF_all(LDecide(c))
        /\ WF_all(LApply(c))
        /\ WF_all(LReceive(c) \/ CutOff(c))
        /\ WF_all(Close(c))
    /\ WF_all(LSync)
    /\ WF_all(LFail)
    /\ WF_all(LRecover)
    /\ WF_all(LServe)
    /\ WF_all(GraceEnds)
    /\ WF_all(End)

LSpec == LInit /\ [][LNext]_all /\ Fairness

\* Without any fairness of clients: whoever does not read is not made to.
UnreadFairness ==
    /\ \A c \in Clients : WF_all(LDecide(c)) /\ WF_all(LApply(c)) /\ WF_all(CutOff(c)) /\ WF_all(Close(c))
    /\ WF_all(LSync)
    /\ WF_all(LFail)
    /\ WF_all(GraceEnds)
    /\ WF_all(End)

LSpecUnread == LInit /\ [][LNext]_all /\ UnreadFairness

(***************************************************************************)
(* What the models offer: little, so that there can be more clients.       *)
(***************************************************************************)
Little == {
    [verb |-> "INDEX", package |-> a, dependencies |-> {}],
    [verb |-> "QUERY", package |-> a, dependencies |-> {}]}

Least == {[verb |-> "QUERY", package |-> a, dependencies |-> {}]}

(***************************************************************************)
(* What is claimed.                                                        *)
(***************************************************************************)

\* Every complete message is answered, or its connection ends.
AllAnswered == \A c \in Clients : \A n \in 1 .. Messages : sent[c] >= n ~> sent[c] - owed[c] >= n

\* Whoever waits for the index gets it, or its connection ends.
Admitted == \A c \in Clients : inbox[c] # <<>> ~> (decided[c] # Undecided \/ inbox[c] = <<>>)

\* A drain ends, whether or not clients read.
DrainEnds == phase = "drains" ~> phase = "ended"

=============================================================================
