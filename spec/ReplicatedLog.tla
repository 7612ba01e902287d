---------------------------- MODULE ReplicatedLog ----------------------------
(***************************************************************************)
(* What is in the store and in the memory of a replica; how commands come  *)
(* to replicas, are appended to the log and are answered; and how replicas *)
(* crash.  Snapshots, what is claimed and what is left out are in          *)
(* Replicated.tla, which begins with all of it in words.                   *)
(***************************************************************************)
EXTENDS Naturals, Sequences, Functions

CONSTANTS
    Replicas,
    Offered,     \* the commands, a sequence; each may come to any replica, at any time, or never
    GivesUp,     \* TRUE if clients may be answered ERROR because they have waited too long
    Crashes,     \* how often replicas crash at most
    Fences,      \* how many writers are fenced at most
    Refusals,    \* how often the store refuses an append at most
    Snapshots,   \* how many snapshots are begun at most
    Fault        \* "none", or what is left out

VARIABLES
    commands,    \* what became of each command
    replicas,    \* what each replica has in memory
    network,     \* the requests that were sent, each of which may take effect, or again
    log,         \* the command of each entry that there ever was, by place
    deleted,     \* how many of them were deleted, from the start
    writers,     \* for each replica, the number of the last entry of each of its writers
    snapshots,   \* all snapshots that were ever begun, by id
    chunks,      \* the chunks that there are
    pointer,     \* the id of the snapshot to start from; 0 for none
    seen,        \* the latest place that a client was answered from
    crashes,     \* how often replicas have crashed
    fences,      \* how many writers were fenced
    refusals     \* how often the store has refused an append

saved == <<snapshots, chunks, pointer>>
store == <<log, deleted, writers, saved>>
counts == <<crashes, fences, refusals>>

vars == <<commands, replicas, network, store, seen, counts>>

Faults ==
    {"none", "applies early", "repeats", "abandons", "does not look", "reads locally",
     "forgets skipping", "withdraws", "half a snapshot", "takes back", "truncates early",
     "sweeps", "skips gaps", "takes half", "tries again", "keeps its writer"}

ASSUME Fault \in Faults /\ GivesUp \in BOOLEAN

Ids == 1 .. Len(Offered)

Reads(c) == Offered[c].verb = "QUERY"

\* The index after so many entries: what every replica has to come to.
Version(n) ==
    LET after[i \in 0 .. n] ==
            IF i = 0 THEN Empty
            ELSE LET command == Offered[log[i]] IN
                 After(command, Reply(command, after[i - 1]), after[i - 1])
    IN after[n]

(***************************************************************************)
(* At first.                                                               *)
(***************************************************************************)

\* In place of the number of a writer that was fenced; no writer gets that far.
Gone == 1000

NoSnapshot == [doing |-> "none", id |-> 0, old |-> 0, done |-> 0]
NotLoading == [id |-> 0, next |-> 1, got |-> {}]

\* `number': of the last entry of this writer that is known to be in the log; `appending': the
\* command that is being appended, or 0; `out': whether that was requested of this writer;
\* `skipped': whether entries that it may be among were; `upto': what to apply before appending.
Started ==
    [applied |-> 0, index |-> Empty, number |-> 0, appending |-> 0, out |-> FALSE,
     skipped |-> FALSE, upto |-> 0, loading |-> NotLoading, saving |-> NoSnapshot]

Init ==
    /\ commands = [c \in Ids |->
            [status |-> "new", at |-> "nobody", since |-> 0, from |-> 0,
             reply |-> "none", place |-> 0]]
    /\ replicas = [r \in Replicas |-> Started]
    /\ network = {}
    /\ log = <<>>
    /\ deleted = 0
    /\ writers = [r \in Replicas |-> <<0>>]
    /\ snapshots = <<>>
    /\ chunks = {}
    /\ pointer = 0
    /\ seen = 0
    /\ crashes = 0
    /\ fences = 0
    /\ refusals = 0

(***************************************************************************)
(* Clients.                                                                *)
(***************************************************************************)
Is(c, r, status) == commands[c].status = status /\ commands[c].at = r

\* A command comes to a replica; `since' keeps what had been seen by then.
Come(c, r) ==
    /\ commands[c].status = "new"
    /\ commands' = [commands EXCEPT ![c].status = "waits", ![c].at = r, ![c].since = seen]
    /\ UNCHANGED <<replicas, network, store, seen, counts>>

\* What was not yet part of an append never will be; of anything else the outcome is unknown.
Dropped(command) ==
    [command EXCEPT !.status =
        IF @ = "waits" \/ Fault = "withdraws" THEN "withdrawn" ELSE "unknown"]

Open(c) == commands[c].status \in {"waits", "requested", "reads"}

\* A client is answered ERROR. What was requested is appended all the same.
GiveUp(c) ==
    /\ GivesUp
    /\ Open(c)
    /\ commands' = [commands EXCEPT ![c] = Dropped(@)]
    /\ UNCHANGED <<replicas, network, store, seen, counts>>

Answered(c, reply, place) ==
    /\ commands' =
        [commands EXCEPT ![c].status = "answered", ![c].reply = reply, ![c].place = place]
    /\ seen' = IF place > seen THEN place ELSE seen

(***************************************************************************)
(* Appending.                                                              *)
(***************************************************************************)
Current(r) == writers[r][Len(writers[r])]

Request(r, c, number) ==
    [asks |-> "append", by |-> r, writer |-> Len(writers[r]), number |-> number, command |-> c]

\* A replica asks for an append: of what waits, or once more of what a writer before this one did
\* not append.
Ask(r, c) ==
    LET replica == replicas[r] IN
    /\ ~replica.out
    /\ \/ replica.appending = 0 /\ Is(c, r, "waits") /\ ~Reads(c)
       \/ replica.appending = c /\ (replica.applied >= replica.upto \/ Fault = "does not look")
    /\ network' = network \cup {Request(r, c, replica.number + 1)}
    /\ IF Fault = "applies early"
       THEN LET reply == Reply(Offered[c], replica.index) IN
            /\ Answered(c, reply, replica.applied + 1)
            /\ replicas' = [replicas EXCEPT ![r].appending = c, ![r].out = TRUE,
                    ![r].index = After(Offered[c], reply, @)]
       ELSE /\ replicas' = [replicas EXCEPT ![r].appending = c, ![r].out = TRUE]
            /\ commands' = [commands EXCEPT ![c].status = IF @ = "waits" THEN "requested" ELSE @]
            /\ UNCHANGED seen
    /\ UNCHANGED <<store, counts>>

\* An append takes effect, if its writer is where the replica thought.
Take(q) ==
    /\ q.asks = "append"
    /\ writers[q.by][q.writer] = q.number - 1 \/ Fault = "repeats"
    /\ log' = Append(log, q.command)
    /\ writers' = [writers EXCEPT ![q.by][q.writer] = q.number]
    /\ UNCHANGED <<commands, replicas, network, deleted, saved, seen, counts>>

\* What a replica knows when an append of its writer has taken effect.
Appended(replica) ==
    [replica EXCEPT !.number = IF replica.out THEN @ + 1 ELSE @,
        !.appending = 0, !.out = FALSE, !.skipped = FALSE]

\* A replica hears that it has, by this try or one before.
Hear(r) ==
    /\ replicas[r].out
    /\ Current(r) = replicas[r].number + 1
    /\ replicas' = [replicas EXCEPT ![r] = Appended(@)]
    /\ UNCHANGED <<commands, network, store, seen, counts>>

\* The key of a writer is deleted.
Fence(r, writer) ==
    /\ fences < Fences
    /\ writer <= Len(writers[r])
    /\ writers[r][writer] # Gone
    /\ writers' = [writers EXCEPT ![r][writer] = Gone]
    /\ fences' = fences + 1
    /\ UNCHANGED <<commands, replicas, network, log, deleted, saved, seen, crashes, refusals>>

\* A replica hears that its writer was fenced, takes a new one and then reads the head of the log.
\* What may be among entries that it skipped is not appended anew.
Renew(r) ==
    /\ replicas[r].out
    /\ Current(r) = Gone \/ (Fault = "abandons" /\ Len(writers[r]) = 1)
    /\ writers' = [writers EXCEPT ![r] = Append(@, 0)]
    /\ replicas' = [replicas EXCEPT ![r].number = 0, ![r].out = FALSE, ![r].skipped = FALSE,
            ![r].upto = Len(log),
            ![r].appending = IF replicas[r].skipped /\ Fault # "forgets skipping" THEN 0 ELSE @]
    /\ UNCHANGED <<commands, network, log, deleted, saved, seen, counts>>

\* The store refuses an append: it has no space left, or this replica may not write.  A request before
\* this one may still take effect, so its client is answered ERROR, and the command is not appended
\* anew; nor is its writer used again, whose next entry would have the same number.  All that waits to
\* change something is answered ERROR, and has no effect.
Refuse(r) ==
    LET refused == replicas[r].appending IN
    /\ refusals < Refusals
    /\ replicas[r].out
    /\ refusals' = refusals + 1
    /\ writers' = IF Fault = "keeps its writer" THEN writers ELSE [writers EXCEPT ![r] = Append(@, 0)]
    /\ replicas' = [replicas EXCEPT ![r].out = FALSE, ![r].skipped = FALSE,
            ![r].number = IF Fault = "keeps its writer" THEN @ ELSE 0,
            ![r].appending = IF Fault = "tries again" THEN @ ELSE 0]
    /\ commands' = [c \in Ids |->
            IF (Is(c, r, "requested") /\ c = refused) \/ (Is(c, r, "waits") /\ ~Reads(c))
            THEN Dropped(commands[c]) ELSE commands[c]]
    /\ UNCHANGED <<network, log, deleted, saved, seen, crashes, fences>>

(***************************************************************************)
(* Following the log, and reading.                                         *)
(***************************************************************************)

\* A replica applies the next entry, and answers the client if there is one that waits for it here.
Apply(r) ==
    LET replica == replicas[r]
        place == IF Fault = "skips gaps" /\ replica.applied < deleted THEN deleted + 1
                 ELSE replica.applied + 1
    IN
    /\ place \in (deleted + 1) .. Len(log)
    /\ replica.loading.id = 0
    /\ LET c == log[place]
           reply == Reply(Offered[c], replica.index)
           applied == [replica EXCEPT !.applied = place, !.index = After(Offered[c], reply, @)]
       IN /\ replicas' = [replicas EXCEPT ![r] =
                IF c = replica.appending THEN Appended(applied) ELSE applied]
          /\ IF Is(c, r, "requested") THEN Answered(c, reply, place)
             ELSE UNCHANGED <<commands, seen>>
    /\ UNCHANGED <<network, store, counts>>

\* For a QUERY that waits, a replica reads the head of the log.
ReadHead(c, r) ==
    /\ Reads(c)
    /\ Is(c, r, "waits")
    /\ commands' = [commands EXCEPT ![c].status = "reads",
            ![c].from = IF Fault = "reads locally" THEN 0 ELSE Len(log)]
    /\ UNCHANGED <<replicas, network, store, seen, counts>>

\* When it has applied that much, it answers.
Read(c, r) ==
    /\ Is(c, r, "reads")
    /\ replicas[r].applied >= commands[c].from
    /\ Answered(c, Reply(Offered[c], replicas[r].index), replicas[r].applied)
    /\ UNCHANGED <<replicas, network, store, counts>>

\* A replica loses its memory and its clients, and starts again.
Crash(r) ==
    /\ crashes < Crashes
    /\ crashes' = crashes + 1
    /\ replicas' = [replicas EXCEPT ![r] = Started]
    /\ writers' = [writers EXCEPT ![r] = Append(@, 0)]
    /\ commands' = [c \in Ids |->
            IF Open(c) /\ commands[c].at = r THEN Dropped(commands[c]) ELSE commands[c]]
    /\ UNCHANGED <<network, log, deleted, saved, seen, fences, refusals>>

=============================================================================
