----------------------------- MODULE Replicated -----------------------------
(***************************************************************************)
(* Replicas of the index over a log that they share: clients of any of     *)
(* them are answered as if there were one index, whatever crashes, comes   *)
(* late or is deleted.                                                     *)
(*                                                                         *)
(* WHAT IS MODELLED.  A store that is trusted (etcd) keeps a log.  An      *)
(* entry is a command with its place, the number of entries up to it.  A   *)
(* replica appends as a writer of its own: the store takes the append only *)
(* if the writer's number is the one that the replica knows, and raises it *)
(* in the same transaction.  So replicas do not get into each other's way, *)
(* and a request that is repeated takes effect once.  All replicas apply   *)
(* the entries by place, and the one that a command came to answers it     *)
(* then.  QUERY is not logged: its replica reads, after it came, how long  *)
(* the log is, applies that much and answers.                              *)
(*                                                                         *)
(* A request stays in the network, whatever becomes of its sender: it may  *)
(* take effect at any time, or never, or come again.  A replica learns     *)
(* what became of it by repeating it, or by meeting the entry in the log.  *)
(* A writer whose key was deleted is fenced: nothing of it takes effect    *)
(* any more.  Its replica takes a new writer, applies all that is in the   *)
(* log, and appends anew what it has not met.                              *)
(*                                                                         *)
(* A replica saves a snapshot in chunks, moves the pointer to it if that   *)
(* is still where it was before, and then deletes the old chunks and the   *)
(* entries that the snapshot has.  Whoever starts, or needs an entry that  *)
(* was deleted, loads the snapshot chunk by chunk, and starts again if one *)
(* is missing.  What it had requested may be among the entries that it so  *)
(* skips: those clients are answered ERROR, and nothing is appended anew.  *)
(* A crash loses a replica's memory; it starts again, as a new writer.     *)
(*                                                                         *)
(* The store may refuse an append, for want of space.  That client is      *)
(* answered ERROR, though a request before may still take effect, and the  *)
(* replica goes on as a new writer.                                        *)
(*                                                                         *)
(* WHAT IS LEFT OUT.                                                       *)
(*  - Batches, and clients that send ahead: Server.tla has those.  Here an *)
(*    entry is one command, and each command has a client of its own; one  *)
(*    that sends another when it was answered looks like two.              *)
(*  - When clients give up and which writers are fenced.  Here that is at  *)
(*    any time and any of them, so nothing rests on that being well chosen *)
(*    or on clocks.                                                        *)
(*  - Revisions.  The store compares the revision of the writer's key, for *)
(*    which its number stands here.  That is the same while appends alone  *)
(*    change the key, and no id is used twice: the key must be made by a   *)
(*    request that does nothing where there is one already.                *)
(*  - Deletions that come late.  What is deleted is never needed again, so *)
(*    it makes no difference when.                                         *)
(*  - How a replica hears of entries.  It has to notice that one was       *)
(*    deleted which it has not applied; the fault "skips gaps" does not.   *)
(*  - That anything happens in the end.  Who is stuck is found; that a     *)
(*    replica does not start loading over and over is ReplicatedLiveness's.*)
(*                                                                         *)
(* WHY THIS IS LINEARIZABILITY.  Order the commands in the log by place,   *)
(* and behind each the QUERYs that were answered at its place, by time.    *)
(* Every answer is the one that PackageIndex gives in that order           *)
(* (Explained), nothing stands in it twice (Once), and what was sent after *)
(* an answer stands behind what was answered (NoneIsBehind).  Whoever was  *)
(* answered ERROR may stand in it at the place of the entry, or not at all *)
(* if there is none.                                                       *)
(*                                                                         *)
(* FAULTS.  The constant Fault leaves out one part of the design, to show  *)
(* that the checker notices: models/Broken*.cfg say what each one breaks.  *)
(***************************************************************************)
EXTENDS ReplicatedLog

CONSTANTS a, b   \* packages, of which the models offer commands

(***************************************************************************)
(* Snapshots.                                                              *)
(***************************************************************************)

\* A chunk has what is known of one package, and chunks are written and read in this order.
Parts == <<a, b>>

Chunks(id) == {[id |-> id, part |-> i] : i \in 1 .. Len(Parts)}

PlaceOf(id) == IF id = 0 THEN 0 ELSE snapshots[id].place

\* A replica begins to save what it has.
Save(r) ==
    /\ Len(snapshots) < Snapshots
    /\ replicas[r].saving = NoSnapshot
    /\ replicas[r].loading.id = 0
    /\ replicas[r].applied > PlaceOf(pointer)
    /\ snapshots' = Append(snapshots, [place |-> replicas[r].applied, index |-> replicas[r].index])
    /\ replicas' = [replicas EXCEPT ![r].saving =
            [doing |-> "writes", id |-> Len(snapshots) + 1, old |-> pointer, done |-> 0]]
    /\ deleted' = IF Fault = "truncates early" THEN replicas[r].applied ELSE deleted
    /\ UNCHANGED <<commands, network, log, writers, chunks, pointer, seen, counts>>

WriteChunk(r) ==
    LET saving == replicas[r].saving IN
    /\ saving.doing = "writes"
    /\ saving.done < Len(Parts)
    /\ chunks' = chunks \cup {[id |-> saving.id, part |-> saving.done + 1]}
    /\ replicas' = [replicas EXCEPT ![r].saving.done = @ + 1]
    /\ UNCHANGED <<commands, network, log, deleted, writers, snapshots, pointer, seen, counts>>

\* It asks for the pointer to be moved, from where it was before the first chunk was written.
AskMove(r) ==
    LET saving == replicas[r].saving IN
    /\ saving.doing = "writes"
    /\ saving.done = Len(Parts) \/ Fault = "half a snapshot"
    /\ network' = network \cup {[asks |-> "move", from |-> saving.old, to |-> saving.id]}
    /\ replicas' = [replicas EXCEPT ![r].saving.doing = "moves"]
    /\ UNCHANGED <<commands, store, seen, counts>>

Move(q) ==
    /\ q.asks = "move"
    /\ pointer = q.from
    /\ pointer' = q.to
    /\ UNCHANGED <<commands, replicas, network, log, deleted, writers, snapshots, chunks>>
    /\ UNCHANGED <<seen, counts>>

\* It hears whether it was moved, and deletes the chunks of all snapshots that were begun before, its own
\* predecessors as well as those of others: whoever began one before has seen an older pointer, so that it
\* is not moved to theirs. While the pointer is where it was the request may still take effect, and nothing
\* is deleted; if it has gone elsewhere, whoever moved it deletes. The program keeps those of the last
\* pointer but one, for who still reads them: what is here may happen to them, and does no harm.
DeleteChunks(r) ==
    LET saving == replicas[r].saving IN
    /\ saving.doing = "moves"
    /\ pointer # saving.old \/ Fault = "takes back"
    /\ chunks' =
            IF pointer # saving.id THEN IF Fault = "takes back" THEN chunks \ Chunks(saving.id) ELSE chunks
            ELSE IF Fault = "sweeps" THEN chunks \cap Chunks(saving.id)
            ELSE {chunk \in chunks : chunk.id >= saving.id}
    /\ replicas' = [replicas EXCEPT ![r].saving =
            IF pointer = saving.id THEN [saving EXCEPT !.doing = "deletes"] ELSE NoSnapshot]
    /\ UNCHANGED <<commands, network, log, deleted, writers, snapshots, pointer, seen, counts>>

\* It deletes the entries that the snapshot has.
DeleteEntries(r) ==
    LET saving == replicas[r].saving IN
    /\ saving.doing = "deletes"
    /\ deleted' = IF PlaceOf(saving.id) > deleted THEN PlaceOf(saving.id) ELSE deleted
    /\ replicas' = [replicas EXCEPT ![r].saving = NoSnapshot]
    /\ UNCHANGED <<commands, network, log, writers, saved, seen, counts>>

\* Who starts, or needs an entry that was deleted, reads the pointer.
Load(r) ==
    LET replica == replicas[r] IN
    /\ replica.loading.id = 0
    /\ PlaceOf(pointer) > replica.applied
    /\ replica.applied > 0 => deleted > replica.applied
    /\ replicas' = [replicas EXCEPT ![r].loading.id = pointer]
    /\ UNCHANGED <<commands, network, store, seen, counts>>

\* What a replica is when it has loaded some parts of a snapshot.
Loaded(replica, id, got) ==
    LET index == snapshots[id].index IN
    [replica EXCEPT
        !.applied = snapshots[id].place,
        !.index = [indexed |-> index.indexed \cap got,
                   needs |-> [p \in Packages |-> IF p \in got THEN index.needs[p] ELSE {}]],
        !.loading = NotLoading,
        !.appending = IF replica.out THEN @ ELSE 0,
        !.skipped = replica.out]

\* A chunk is read, or is missing. After the last one the replica goes on from the snapshot's place;
\* what it had requested may be among what it skips, and is unknown.
ReadChunk(r) ==
    LET replica == replicas[r]
        loading == replica.loading
        chunk == [id |-> loading.id, part |-> loading.next]
        got == IF chunk \in chunks THEN loading.got \cup {Parts[loading.next]} ELSE loading.got
        again == chunk \notin chunks /\ Fault # "takes half"
        last == ~again /\ loading.next = Len(Parts)
    IN
    /\ loading.id # 0
    /\ replicas' = [replicas EXCEPT ![r] =
            IF again THEN [replica EXCEPT !.loading = NotLoading]
            ELSE IF last THEN Loaded(replica, loading.id, got)
            ELSE [replica EXCEPT !.loading.next = @ + 1, !.loading.got = got]]
    /\ commands' = IF ~last THEN commands
                   ELSE [c \in Ids |->
                        IF Is(c, r, "requested") THEN Dropped(commands[c]) ELSE commands[c]]
    /\ UNCHANGED <<network, store, seen, counts>>

(***************************************************************************)
(* All together.                                                           *)
(***************************************************************************)

\* Everybody was answered, or lost. Whoever stops anywhere else is stuck.
Done ==
    /\ \A c \in Ids : commands[c].status \in {"answered", "unknown", "withdrawn"}
    /\ UNCHANGED vars

Next ==
    \/ \E c \in Ids :
        \/ GiveUp(c)
        \/ \E r \in Replicas : Come(c, r) \/ Ask(r, c) \/ ReadHead(c, r) \/ Read(c, r)
    \/ \E r \in Replicas :
        \/ Hear(r) \/ Renew(r) \/ Refuse(r) \/ Apply(r) \/ Crash(r)
        \/ Save(r) \/ WriteChunk(r) \/ AskMove(r) \/ DeleteChunks(r) \/ DeleteEntries(r)
        \/ Load(r) \/ ReadChunk(r)
        \/ \E writer \in 1 .. Len(writers[r]) : Fence(r, writer)
    \/ \E q \in network : Take(q) \/ Move(q)
    \/ Done

Spec == Init /\ [][Next]_vars

(***************************************************************************)
(* Invariants.                                                             *)
(***************************************************************************)
TypeOK ==
    /\ deleted \in 0 .. Len(log)
    /\ pointer \in 0 .. Len(snapshots)
    /\ seen \in 0 .. Len(log)
    /\ \A r \in Replicas : replicas[r].applied \in 0 .. Len(log)
    /\ \A c \in Ids : commands[c].status \in
        {"new", "waits", "requested", "reads", "answered", "unknown", "withdrawn"}

\* No command takes effect twice.
Once == \A i, j \in 1 .. Len(log) : log[i] = log[j] => i = j

\* What was withdrawn has not taken effect, and no request is left that could make it.
WithdrawnNever ==
    \A c \in Ids : commands[c].status = "withdrawn" =>
        /\ \A i \in 1 .. Len(log) : log[i] # c
        /\ \A q \in network : q.asks = "append" => q.command # c

\* Every answer is what the index replies at its place.
Explained ==
    \A c \in Ids : LET it == commands[c] IN it.status = "answered" =>
        /\ it.place <= Len(log)
        /\ ~Reads(c) => it.place > 0 /\ log[it.place] = c
        /\ it.reply = Reply(Offered[c], Version(IF Reads(c) THEN it.place ELSE it.place - 1))

\* Whoever comes after another was answered stands behind it.
NoneIsBehind ==
    \A c \in Ids : LET it == commands[c] IN it.status = "answered" =>
        it.place >= it.since + (IF Reads(c) THEN 0 ELSE 1)

\* A replica has what the log says up to its place; so any two that have applied as much agree.
Folds == \A r \in Replicas : replicas[r].index = Version(replicas[r].applied)

\* Whoever starts finds a whole snapshot, and every entry behind it.
SnapshotWhole == pointer # 0 => Chunks(pointer) \subseteq chunks
NothingIsMissing == deleted <= PlaceOf(pointer)

(***************************************************************************)
(* Step properties.                                                        *)
(***************************************************************************)

\* The pointer only goes forwards, and what is in the log stays as it is.
Forwards ==
    [][/\ PlaceOf(pointer)' >= PlaceOf(pointer)
       /\ log = SubSeq(log', 1, Len(log))]_vars

\* An entry is a step of the index, and everything else changes nothing. QUERYs are not in the log.
Latest(n) ==
    IF n = 0 THEN [command |-> [verb |-> "none"], reply |-> "none"]
    ELSE [command |-> Offered[log[n]], reply |-> Reply(Offered[log[n]], Version(n - 1))]

Index == INSTANCE PackageIndex WITH
    indexed <- Version(Len(log)).indexed, needs <- Version(Len(log)).needs, last <- Latest(Len(log))

RefinesIndex == Index!Spec

(***************************************************************************)
(* What the models offer.                                                  *)
(***************************************************************************)
IndexA == [verb |-> "INDEX", package |-> a, dependencies |-> {}]
IndexB == [verb |-> "INDEX", package |-> b, dependencies |-> {a}]
RemoveA == [verb |-> "REMOVE", package |-> a, dependencies |-> {}]
QueryA == [verb |-> "QUERY", package |-> a, dependencies |-> {}]

One == <<IndexA>>
OneAndQuery == <<IndexA, QueryA>>
Two == <<IndexA, IndexB>>
TwoAndQuery == <<IndexA, RemoveA, QueryA>>
Three == <<IndexA, IndexB, RemoveA>>

=============================================================================
