------------------------- MODULE ReplicatedLiveness -------------------------
(***************************************************************************)
(* That replicas of Replicated.tla answer and catch up.                    *)
(*                                                                         *)
(* WHAT IS ADDED.  A replica that has applied all that it knows of sleeps  *)
(* until it hears of an entry.  It hears from the place on up to which it  *)
(* has read, so that nothing can come unheard between its last look and    *)
(* its sleep.                                                              *)
(*                                                                         *)
(* WHAT IS ASSUMED.  Weak fairness of what replicas and the store do: a    *)
(* replica that can go on goes on, which says that it can reach the log,   *)
(* and a request that can take effect does in the end.  Nobody has to      *)
(* crash, to be fenced or refused, to save a snapshot or to give up; and   *)
(* each of these happens so many times at most.                            *)
(*                                                                         *)
(* FAULTS.  The constant Lapse leaves out one part, to show that the       *)
(* checker notices: models/BrokenReach*.cfg say what.                      *)
(***************************************************************************)
EXTENDS Replicated

CONSTANT Lapse   \* "none", or what is left out

VARIABLES
    asleep,      \* the replicas that sleep until they hear of more
    looked       \* those that have seen that there is no more, and do not sleep yet

live == <<asleep, looked>>
all == <<vars, live>>

ASSUME Lapse \in {"none", "lost wake-up", "keeps to its snapshot", "asks once", "repeats for ever"}

LInit == Init /\ asleep = {} /\ looked = {}

Runs(r) == r \notin asleep /\ r \notin looked

HasMore(r) == replicas[r].applied < Len(log)

Stays == UNCHANGED live

Wakes == asleep' = {} /\ UNCHANGED looked

Sleep(r) ==
    /\ Runs(r)
    /\ ~HasMore(r)
    /\ replicas[r].loading.id = 0
    /\ IF Lapse = "lost wake-up" THEN looked' = looked \cup {r} /\ UNCHANGED asleep
       ELSE asleep' = asleep \cup {r} /\ UNCHANGED looked
    /\ UNCHANGED vars

\* Only where these are two steps.
SleepLate(r) ==
    /\ r \in looked
    /\ looked' = looked \ {r}
    /\ asleep' = asleep \cup {r}
    /\ UNCHANGED vars

LApply(r) == Runs(r) /\ Apply(r) /\ Stays

LLoad(r) == Runs(r) /\ Load(r) /\ Stays

\* Where a chunk is missing the replica starts again from the pointer, or goes on asking for the same.
LReadChunk(r) ==
    LET chunk == [id |-> replicas[r].loading.id, part |-> replicas[r].loading.next] IN
    /\ Runs(r)
    /\ Lapse = "keeps to its snapshot" => chunk \in chunks
    /\ ReadChunk(r)
    /\ Stays

LTake(q) == Take(q) /\ Wakes

LAsk(r, c) ==
    /\ Lapse = "asks once" => commands[c].status = "waits"
    /\ Ask(r, c)
    /\ Stays

\* What became of a request: it has taken effect, or never will. Who does not take a new writer then repeats it.
LHear(r) == (Hear(r) \/ (Lapse # "repeats for ever" /\ Renew(r))) /\ Stays

LCrash(r) == Crash(r) /\ asleep' = asleep \ {r} /\ looked' = looked \ {r}

LNext ==
    \/ \E c \in Ids :
        \/ GiveUp(c) /\ Stays
        \/ \E r \in Replicas :
            \/ Come(c, r) /\ Stays
            \/ LAsk(r, c)
            \/ ReadHead(c, r) /\ Stays
            \/ Read(c, r) /\ Stays
    \/ \E r \in Replicas :
        \/ LHear(r) \/ (Refuse(r) /\ Stays)
        \/ LApply(r) \/ LCrash(r) \/ LLoad(r) \/ LReadChunk(r)
        \/ (Save(r) \/ WriteChunk(r) \/ AskMove(r) \/ DeleteChunks(r) \/ DeleteEntries(r)) /\ Stays
        \/ Sleep(r) \/ SleepLate(r)
        \/ \E writer \in 1 .. Len(writers[r]) : Fence(r, writer) /\ Stays
    \/ \E q \in network : LTake(q) \/ (Move(q) /\ Stays)
    \* Whether anything happens is what is asked here, so to stop anywhere is no error by itself.
    \/ UNCHANGED all

Fairness ==
    /\ \A r \in Replicas :
        /\ WF_all(LApply(r))
        /\ WF_all(LLoad(r))
        /\ WF_all(LReadChunk(r))
        /\ WF_all(LHear(r))
        /\ \A c \in 1 .. Len(Offered) :
            /\ WF_all(LAsk(r, c))
            /\ WF_all(ReadHead(c, r) /\ Stays)
            /\ WF_all(Read(c, r) /\ Stays)
    \* Each time one takes effect, of which there are so many: in the end all that can.
    /\ WF_all(\E q \in network : LTake(q))

LSpec == LInit /\ [][LNext]_all /\ Fairness

(***************************************************************************)
(* What is claimed.                                                        *)
(***************************************************************************)

\* A replica that can reach the log applies each entry, or has it by a snapshot.
CatchesUp ==
    \A r \in Replicas : \A n \in 1 .. Len(Offered) : Len(log) >= n ~> replicas[r].applied >= n

\* Whoever sent a command is answered, if only that what became of it is unknown.
AllAnswered == \A c \in 1 .. Len(Offered) : Open(c) ~> ~Open(c)

=============================================================================
