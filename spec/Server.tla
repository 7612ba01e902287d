------------------------------- MODULE Server -------------------------------
(***************************************************************************)
(* The order in which a server answers many clients, and what a crash may  *)
(* take back.                                                              *)
(*                                                                         *)
(* WHAT IS MODELLED.  Clients send commands ahead, without waiting for     *)
(* replies.  One at a time takes the lock and has a batch of its commands  *)
(* applied: each is first decided, by looking at the index, and then made, *)
(* two steps that others could come between if it were not for the lock.   *)
(* Replies wait in order.  A durable server has changes written some time  *)
(* after they are made, any number of batches together (group commit), and *)
(* holds a reply back until what it rests on is durable: its own change    *)
(* and all those before it, so that QUERY and FAIL wait as well, for       *)
(* changes that others made.  A crash keeps what is durable and perhaps    *)
(* more: a part of the later changes may have reached the disk, in their   *)
(* order.  It breaks all connections; commands that were not answered are  *)
(* as the crash left them, and nobody was told.                            *)
(*                                                                         *)
(* When a sync fails, any part of what was to be written may be on the     *)
(* disk.  The server first notes from where on changes failed; the note    *)
(* may fail too.  Then it takes back all changes that are not durable.     *)
(* Whoever rests on them is answered ERROR, and so is every command from   *)
(* then on that might change something; QUERY is answered from what is     *)
(* durable.  The next start drops the changes that are noted, in one step  *)
(* with which it begins a session of its own, and clears the note.  It may *)
(* crash before, after or between.  A note names the session that it is    *)
(* about, so that one which outlives its start is harmless.                *)
(*                                                                         *)
(* WHAT IS LEFT OUT.  Bytes and what is malformed (that ERROR needs no     *)
(* place in the order), limits, timeouts, and how a batch is cut from a    *)
(* stream.  A version is one change here, and all changes of a batch in    *)
(* the code, which so has fewer of them to be made durable or kept.  That  *)
(* recovery makes durable whatever it finds, before anybody is told of it, *)
(* is taken for granted: a crash comes before that or after it.  A store   *)
(* that is closed fails for who comes later, and is not modelled.          *)
(*                                                                         *)
(* WHY THIS IS LINEARIZABILITY.  The index goes through versions, one for  *)
(* each change.  Every reply is the one that the index gives at a version  *)
(* (Explained).  That version is no older than any that somebody had been  *)
(* answered from when the command was sent (NoneIsBehind), so commands     *)
(* that do not overlap keep their order; and no version that a client was  *)
(* answered from is ever taken back (NoneSawWhatIsGone).  To order all     *)
(* commands, order them by version, at each version first the one that     *)
(* made it, then those that only looked at it, by time.  A client's own    *)
(* commands, sent ahead, do overlap; that they take effect and are         *)
(* answered in the order in which they were sent, each once, is InOrder.   *)
(*                                                                         *)
(* FAULTS.  The constant Fault leaves out one part of the design, to show  *)
(* that the checker notices: models/Broken*.cfg say what each one breaks.  *)
(***************************************************************************)
EXTENDS Naturals, Sequences, Functions

CONSTANTS
    Clients,
    Offered,     \* the commands that clients send, as records of PackageIndex
    Messages,    \* how many commands each client sends
    Batch,       \* how many of them are applied before others get the lock
    Durable,     \* TRUE if replies wait for the disk
    Fails,       \* TRUE if the disk may fail, once between two starts
    Crashes,     \* how often the server crashes at most
    Fault        \* "none", or what is left out

VARIABLES
    sent,        \* for each client, how many commands it has sent
    owed,        \* for each client, how many replies it can expect on its connection
    inbox,       \* for each client, the commands sent and not yet applied
    batch,       \* for each client, how many more its batch may apply
    decided,     \* for each client, what was decided of the first in its inbox
    outbox,      \* for each client, the replies that it has not received
    versions,    \* the states of the index, one after each change
    durable,     \* how many changes are durable
    lost,        \* the states that were taken back when the disk failed; none while it has not
    up,          \* whether the server serves, or has recovered, or neither
    disk,        \* whether a sync has failed, and whether that is noted
    note,        \* which changes failed, as the next start reads it
    session,     \* the number of the session that wrote last
    promise,     \* 1 and how many changes the next start may find; 0 if nothing was promised
    seen,        \* the latest version that a reply was received from
    crashes,     \* how often the server has crashed
    last         \* the last command applied, with its reply

\* What a failing sync and a start are about.
store == <<up, disk, note, session, promise>>

vars == <<sent, owed, inbox, batch, decided, outbox, versions, durable, lost, store, seen, crashes, last>>

\* All but `last', which decides nothing.
view == <<sent, owed, inbox, batch, decided, outbox, versions, durable, lost, store, seen, crashes>>

Faults ==
    {"none", "no lock", "replies do not wait", "reads do not wait", "replies overtake",
     "changes stay", "no note", "no session"}

ASSUME Fault \in Faults /\ Durable \in BOOLEAN /\ Fails \in BOOLEAN

Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b

Version(n) == IF n = 0 THEN Empty ELSE versions[n]

Current == Version(Len(versions))

(***************************************************************************)
(* Steps.                                                                  *)
(***************************************************************************)
Undecided == [reply |-> "none", from |-> 0]

Nothing == [c \in Clients |-> <<>>]
NoBatch == [c \in Clients |-> 0]
NoneDecided == [c \in Clients |-> Undecided]

\* No session has the number 0.
NoNote == [session |-> 0, from |-> 0]

Init ==
    /\ up = "up"
    /\ disk = "well"
    /\ note = NoNote
    /\ session = 1
    /\ promise = 0
    /\ inbox = Nothing
    /\ batch = NoBatch
    /\ decided = NoneDecided
    /\ outbox = Nothing
    /\ sent = [c \in Clients |-> 0]
    /\ owed = [c \in Clients |-> 0]
    /\ versions = <<>>
    /\ durable = 0
    /\ lost = <<>>
    /\ seen = 0
    /\ crashes = 0
    /\ last = [command |-> [verb |-> "none"], reply |-> "none"]

\* A client sends a command; `since' keeps what had been seen by then.
Send(c) ==
    /\ up = "up"
    /\ sent[c] < Messages
    /\ \E command \in Offered :
        inbox' = [inbox EXCEPT ![c] = Append(@,
            [command |-> command, number |-> sent[c] + 1, since |-> seen])]
    /\ sent' = [sent EXCEPT ![c] = @ + 1]
    /\ owed' = [owed EXCEPT ![c] = @ + 1]
    /\ UNCHANGED <<batch, decided, outbox, versions, durable, lost, store, seen, crashes, last>>

HasLock(c) == Fault = "no lock" \/ \A other \in Clients \ {c} : batch[other] = 0

HasFailed == lost # <<>>

\* The first command in a client's inbox is decided, and a batch begun if this is its first.
Decide(c) ==
    /\ inbox[c] # <<>>
    /\ decided[c] = Undecided
    /\ HasLock(c)
    /\ LET command == Head(inbox[c]).command
           refused == HasFailed /\ command.verb # "QUERY"
       IN decided' = [decided EXCEPT ![c] =
            [reply |-> IF refused THEN "ERROR" ELSE Reply(command, Current),
             from |-> Len(versions)]]
    /\ batch' = [batch EXCEPT ![c] = IF @ = 0 THEN Min(Batch, Len(inbox[c])) ELSE @]
    /\ UNCHANGED <<sent, owed, inbox, outbox, versions, durable, lost, store, seen, crashes, last>>

\* What was decided is made, and its reply waits.
Apply(c) ==
    /\ decided[c] # Undecided
    /\ LET command == Head(inbox[c]).command
           reply == decided[c].reply
           made == After(command, reply, Current)
           changed == IF made = Current THEN versions ELSE Append(versions, made)
           answer ==
                [command |-> command, number |-> Head(inbox[c]).number, reply |-> reply,
                 since |-> Head(inbox[c]).since, from |-> decided[c].from, to |-> Len(changed)]
       IN /\ versions' = changed
          /\ outbox' = [outbox EXCEPT ![c] =
                IF Fault = "replies overtake" THEN <<answer>> \o @ ELSE Append(@, answer)]
          /\ last' = [command |-> command, reply |-> reply]
    /\ inbox' = [inbox EXCEPT ![c] = Tail(@)]
    /\ batch' = [batch EXCEPT ![c] = @ - 1]
    /\ decided' = [decided EXCEPT ![c] = Undecided]
    /\ UNCHANGED <<sent, owed, durable, lost, store, seen, crashes>>

\* Whether a reply has to wait for more to be durable.
Waits(answer) ==
    /\ Durable
    /\ durable < answer.to
    /\ Fault # "replies do not wait"
    /\ ~(Fault = "reads do not wait" /\ answer.from = answer.to)

\* A client receives the first of its replies.
Receive(c) ==
    /\ outbox[c] # <<>>
    /\ ~Waits(Head(outbox[c]))
    /\ seen' = Max(seen, Head(outbox[c]).to)
    /\ outbox' = [outbox EXCEPT ![c] = Tail(@)]
    /\ owed' = [owed EXCEPT ![c] = @ - 1]
    /\ UNCHANGED <<sent, inbox, batch, decided, versions, durable, lost, store, crashes, last>>

\* Some of the changes that are not durable become so, in their order.
Sync ==
    /\ Durable
    /\ up = "up"
    /\ disk = "well"
    /\ \E upto \in (durable + 1) .. Len(versions) : durable' = upto
    /\ UNCHANGED <<sent, owed, inbox, batch, decided, outbox, versions, lost, store, seen, crashes, last>>

\* The replies that wait when all that is not durable is taken back: what rests on that is ERROR, and
\* with `batches' so is what only looked, which may have come in a batch with a change.
TakenBack(batches) ==
    [c \in Clients |-> [i \in 1 .. Len(outbox[c]) |->
        LET answer == outbox[c][i] IN
        IF answer.to > durable \/ (batches /\ answer.from = answer.to)
        THEN [answer EXCEPT !.reply = "ERROR", !.from = durable, !.to = durable]
        ELSE answer]]

\* A sync fails: of what was to be written, anything may be on the disk. That is noted, or the note fails
\* too, which a crash before it also comes to.
SyncFails ==
    /\ Fails
    /\ Durable
    /\ up = "up"
    /\ disk = "well"
    /\ durable < Len(versions)
    /\ \/ disk' = "noted" /\ note' = [session |-> session, from |-> durable]
       \/ disk' = "not noted" /\ UNCHANGED note
    /\ UNCHANGED <<sent, owed, inbox, batch, decided, outbox, versions, durable, lost, up, session,
                   promise, seen, crashes, last>>

\* What is not durable is taken back, between two batches.
Fail ==
    /\ disk # "well"
    /\ ~HasFailed
    /\ batch = NoBatch
    /\ lost' = SubSeq(versions, durable + 1, Len(versions))
    /\ versions' = IF Fault = "changes stay" THEN versions ELSE SubSeq(versions, 1, durable)
    /\ outbox' \in {TakenBack(FALSE), TakenBack(TRUE)}
    /\ promise' = IF disk = "noted" THEN durable + 1 ELSE 0
    /\ UNCHANGED <<sent, owed, inbox, batch, decided, durable, up, disk, note, session, seen, crashes, last>>

\* The disk has what is durable, and perhaps more of what was to become so.
Crash ==
    /\ crashes < Crashes
    /\ crashes' = crashes + 1
    /\ LET written == versions \o lost IN
        \E kept \in durable .. Len(written) : versions' = SubSeq(written, 1, kept)
    /\ lost' = <<>>
    /\ inbox' = Nothing
    /\ batch' = NoBatch
    /\ decided' = NoneDecided
    /\ outbox' = Nothing
    /\ owed' = [c \in Clients |-> 0]
    /\ up' = "down"
    /\ disk' = "well"
    /\ UNCHANGED <<sent, durable, note, session, promise, seen, last>>

\* Whether a start believes the note.
IsAboutThis == Fault # "no note" /\ (note.session = session \/ (Fault = "no session" /\ note # NoNote))

\* A start makes durable what it finds, but for what is noted, and begins a session.
Recover ==
    /\ up = "down"
    /\ LET kept == IF IsAboutThis THEN Min(note.from, Len(versions)) ELSE Len(versions) IN
        /\ versions' = SubSeq(versions, 1, kept)
        /\ durable' = kept
    /\ session' = session + 1
    /\ up' = "recovered"
    /\ UNCHANGED <<sent, owed, inbox, batch, decided, outbox, lost, disk, note, promise, seen, crashes, last>>

\* It clears the note, which may be lost, and serves. Nobody would see that after the last crash.
Serve ==
    /\ up = "recovered"
    /\ note' \in {NoNote} \cup (IF crashes < Crashes THEN {note} ELSE {})
    /\ up' = "up"
    /\ promise' = 0
    /\ UNCHANGED <<sent, owed, inbox, batch, decided, outbox, versions, durable, lost, disk, session, seen,
                   crashes, last>>

\* All that was sent is answered or lost. Whoever stops anywhere else is stuck.
Done ==
    /\ \A c \in Clients : sent[c] = Messages
    /\ owed = [c \in Clients |-> 0]
    /\ UNCHANGED vars

Next ==
    \/ \E c \in Clients : Send(c) \/ Decide(c) \/ Apply(c) \/ Receive(c)
    \/ Sync
    \/ SyncFails
    \/ Fail
    \/ Crash
    \/ Recover
    \/ Serve
    \/ Done

Spec == Init /\ [][Next]_vars

(***************************************************************************)
(* Invariants.                                                             *)
(***************************************************************************)
TypeOK ==
    /\ sent \in [Clients -> 0 .. Messages]
    /\ batch \in [Clients -> 0 .. Batch]
    /\ \A c \in Clients : batch[c] <= Len(inbox[c])
    /\ \A c \in Clients : decided[c].reply \in {"none", "OK", "FAIL", "ERROR"}
    /\ durable \in 0 .. Len(versions)
    /\ seen \in Nat
    /\ crashes \in 0 .. Crashes
    /\ up \in {"up", "down", "recovered"}
    /\ disk \in {"well", "noted", "not noted"}

\* No two clients are in a batch at once.
OneAtATime == \A c, other \in Clients : batch[c] > 0 /\ batch[other] > 0 => c = other

\* What a client can expect is what it sent on this connection and has not been answered: first
\* what waits for it, then what is to be applied, in the order in which it sent it.
InOrder ==
    \A c \in Clients : LET due == outbox[c] \o inbox[c] IN
        /\ Len(due) = owed[c]
        /\ \A i \in 1 .. Len(due) : due[i].number = sent[c] - Len(due) + i

\* Every reply is what the index replies at its version, or ERROR when the disk has failed; and the
\* next version, if the reply made one, is what the command makes of that.
Explained ==
    \A c \in Clients : \A i \in 1 .. Len(outbox[c]) :
        LET answer == outbox[c][i] IN
        /\ answer.to <= Len(versions)
        /\ \/ answer.reply = Reply(answer.command, Version(answer.from))
           \/ answer.reply = "ERROR" /\ HasFailed
        /\ Version(answer.to) = After(answer.command, answer.reply, Version(answer.from))
        /\ answer.to <= answer.from + 1

\* Whoever sends after another was answered finds what that one found, or later.
NoneIsBehind ==
    \A c \in Clients : \A i \in 1 .. Len(outbox[c]) : outbox[c][i].from >= outbox[c][i].since

\* No reply is received before what it rests on is durable.
SeenIsDurable == Durable => seen <= durable

\* What a client has seen is still there, crash or no crash.
NoneSawWhatIsGone == seen <= Len(versions)

\* After the disk has failed there is only what is durable, and nobody waits for more.
FailureLeavesDurable == HasFailed =>
    /\ Len(versions) = durable
    /\ \A c \in Clients : \A i \in 1 .. Len(outbox[c]) : ~Waits(outbox[c][i])

(***************************************************************************)
(* Step properties.                                                        *)
(***************************************************************************)

\* Whatever changes the index is a command with its reply, as the functions above have them;
\* but for a crash, a start, and a disk that fails.
ChangesAreCommands == [][crashes' = crashes /\ lost' = lost /\ up' = up =>
    \/ last' = last /\ Current' = Current
    \/ last'.reply = "ERROR" /\ Current' = Current
    \/ /\ last'.reply = Reply(last'.command, Current)
       /\ Current' = After(last'.command, last'.reply, Current)]_vars

\* Without crashes the server is the index: each command is one of its steps, between being
\* sent and being answered, and everything else changes nothing.
Index == INSTANCE PackageIndex WITH
    indexed <- Current.indexed, needs <- Current.needs, last <- last

RefinesIndex == Index!Spec

\* A crash takes back the latest changes, and none of the middle, and so do a disk that fails and a
\* start; those that somebody has seen stay by NoneSawWhatIsGone.
CrashKeepsPrefix ==
    [][crashes' # crashes \/ lost' # lost \/ up' # up =>
        versions' = SubSeq(versions \o lost, 1, Len(versions'))]_vars

\* What was answered ERROR is not there when the server serves again, if the note could be written.
ErrorStaysAway == [][up # "up" /\ up' = "up" /\ promise > 0 => Len(versions') < promise]_vars

(***************************************************************************)
(* What the models offer: enough for every reply, with two packages.       *)
(***************************************************************************)
CONSTANTS a, b

Every ==
    [verb : {"INDEX"}, package : {a, b}, dependencies : SUBSET {a, b}]
        \cup [verb : {"REMOVE", "QUERY"}, package : {a, b}, dependencies : {{}}]

Few == {
    [verb |-> "INDEX", package |-> a, dependencies |-> {}],
    [verb |-> "INDEX", package |-> b, dependencies |-> {a}],
    [verb |-> "REMOVE", package |-> a, dependencies |-> {}],
    [verb |-> "QUERY", package |-> a, dependencies |-> {}]}

=============================================================================
