-------------------------------- MODULE Gate --------------------------------
(***************************************************************************)
(* Who gets the index next, and that whoever waits for it gets it.         *)
(*                                                                         *)
(* WHAT IS MODELLED.  The gate of src/engine/gate.rs, step by step.  Who   *)
(* comes goes in at once if the gate is free and nobody waits, or if not   *)
(* too many names went out of turn since a waiter was last admitted.       *)
(* Others wait in queues by size.  The queues take turns by deficit round  *)
(* robin: each has a credit of Quantum names a round, and saves what it    *)
(* does not use.  Who leaves wakes the next waiter, who then looks: others *)
(* may have gone in before it.  When as many went out of turn as may, who  *)
(* leaves admits the next waiter instead.  Clients come again and again,   *)
(* for ever, so that one of them can starve.                               *)
(*                                                                         *)
(* WHAT IS LEFT OUT.  Those that share the index because they only read,   *)
(* and the few tries of a batch before it stands in a queue: one that      *)
(* fails changes nothing.  Of the sizes of batches there are two, and of   *)
(* the queues, so that one batch is longer than a round's credit.          *)
(*                                                                         *)
(* WHAT IS ASSUMED.  Who is inside leaves, and a thread that was woken     *)
(* runs: weak fairness of both.  Nobody has to come.                       *)
(*                                                                         *)
(* FAULTS.  The constant Fault leaves out one part of the design, to show  *)
(* that the checker notices: models/BrokenGate*.cfg say what.              *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
    Short, Long,  \* the clients, by the size of their batches
    Quantum,      \* how many names a queue may apply in a round
    Ahead,        \* how many names go out of turn at most between two waiters
    Fault         \* "none", or what is left out

VARIABLES
    inside,       \* who has the index, or nobody
    queues,       \* who waits, by size
    credit,       \* how many names each queue may apply before its turn is over
    turns,        \* the queues that are not empty, in the order of their turns
    ahead,        \* how many names went out of turn since a waiter was admitted
    woken,        \* whether the next waiter has been woken to find the gate free, and has not looked yet
    notified      \* whose threads were woken and have not run yet

vars == <<inside, queues, credit, turns, ahead, woken, notified>>

Faults == {"none", "unfair gate", "short first", "wakes nobody", "looks once"}

ASSUME Fault \in Faults

Clients == Short \cup Long

Nobody == "nobody"

Names(c) == IF c \in Short THEN 1 ELSE 3
QueueOf(c) == IF c \in Short THEN 1 ELSE 2
Queues == {1, 2}

Least == 1

Waits(c) == \E i \in 1 .. Len(queues[QueueOf(c)]) : queues[QueueOf(c)][i] = c

Next1 == Head(queues[Head(turns)])

(***************************************************************************)
(* Whose turn it is.                                                       *)
(***************************************************************************)

\* The turn goes on until the first of the first queue has the credit that it needs. `current' has the
\* turn already, and gets no more.
RECURSIVE Rotated(_, _, _, _)
Rotated(order, waiting, left, current) ==
    IF order = <<>> THEN [turns |-> order, credit |-> left]
    ELSE LET q == Head(order)
             more == IF q = current THEN left ELSE [left EXCEPT ![q] = @ + Quantum]
         IN IF Names(Head(waiting[q])) <= more[q] THEN [turns |-> order, credit |-> more]
            ELSE Rotated(Append(Tail(order), q), waiting, more, 0)

TurnGiven(order, waiting, left, current) ==
    LET isWaiting(q) == waiting[q] # <<>>
        some == SelectSeq(IF Fault = "short first" THEN <<1, 2>> ELSE order, isWaiting)
        kept == [q \in Queues |-> IF waiting[q] = <<>> THEN 0 ELSE left[q]]
    IN IF Fault = "short first" THEN [turns |-> some, credit |-> [q \in Queues |-> 3]]
       ELSE Rotated(some, waiting, kept, current)

(***************************************************************************)
(* Steps.                                                                  *)
(***************************************************************************)
Init ==
    /\ inside = Nobody
    /\ queues = [q \in Queues |-> <<>>]
    /\ credit = [q \in Queues |-> 0]
    /\ turns = <<>>
    /\ ahead = 0
    /\ woken = FALSE
    /\ notified = {}

IsIdle(c) == inside # c /\ ~Waits(c)

MayGoFirst(c) == turns = <<>> \/ ahead + Names(c) <= Ahead \/ Fault = "unfair gate"

\* A batch comes, and goes in at once.
GoIn(c) ==
    /\ IsIdle(c)
    /\ inside = Nobody
    /\ MayGoFirst(c)
    /\ inside' = c
    \* Not counted where nothing comes of it.
    /\ ahead' = IF turns = <<>> \/ Fault = "unfair gate" THEN ahead ELSE ahead + Names(c)
    /\ UNCHANGED <<queues, credit, turns, woken, notified>>

\* A batch comes, and has to wait.
Join(c) ==
    /\ IsIdle(c)
    /\ inside # Nobody \/ ~MayGoFirst(c)
    /\ LET q == QueueOf(c)
           waiting == [queues EXCEPT ![q] = Append(@, c)]
           order == IF Len(waiting[q]) = 1 THEN Append(turns, q) ELSE turns
           given == IF turns = <<>> \/ Fault = "short first" THEN TurnGiven(order, waiting, credit, 0)
                    ELSE [turns |-> order, credit |-> credit]
       IN /\ queues' = waiting
          /\ turns' = given.turns
          /\ credit' = given.credit
    /\ UNCHANGED <<inside, ahead, woken, notified>>

\* The next waiter goes in, and its thread is woken if it sleeps.
Admit(others) ==
    LET q == Head(turns)
        c == Next1
        waiting == [queues EXCEPT ![q] = Tail(@)]
        given == TurnGiven(turns, waiting, [credit EXCEPT ![q] = @ - Names(c)], q)
    IN /\ inside' = c
       /\ queues' = waiting
       /\ turns' = given.turns
       /\ credit' = given.credit
       /\ ahead' = 0
       /\ woken' = FALSE
       /\ notified' = others \cup {c}

\* A batch is done: the next waiter is admitted, or woken to look.
Leave(c) ==
    /\ inside = c
    /\ c \notin notified
    /\ IF turns # <<>> /\ ahead + Least > Ahead /\ Fault # "unfair gate" THEN Admit(notified)
       ELSE /\ inside' = Nobody
            /\ LET wakes == turns # <<>> /\ ~woken /\ Fault # "wakes nobody" IN
                /\ woken' = (woken \/ wakes)
                /\ notified' = IF wakes THEN notified \cup {Next1} ELSE notified
            /\ UNCHANGED <<queues, credit, turns, ahead>>

\* A thread that was woken runs: it is inside, or looks whether it may go in.
Wake(c) ==
    /\ c \in notified
    /\ IF inside = Nobody /\ turns # <<>> /\ Next1 = c THEN Admit(notified)
       ELSE /\ woken' = IF turns # <<>> /\ Next1 = c /\ Fault # "looks once" THEN FALSE ELSE woken
            /\ notified' = notified \ {c}
            /\ UNCHANGED <<inside, queues, credit, turns, ahead>>

Next == \E c \in Clients : GoIn(c) \/ Join(c) \/ Leave(c) \/ Wake(c)

Fairness == \A c \in Clients : WF_vars(Leave(c)) /\ WF_vars(Wake(c))

Spec == Init /\ [][Next]_vars /\ Fairness

(***************************************************************************)
(* What is claimed.                                                        *)
(***************************************************************************)

\* Whoever waits is in one queue once, and nobody waits who is inside.
TypeOK ==
    /\ inside \in Clients \cup {Nobody}
    /\ \A q \in Queues : \A i, j \in 1 .. Len(queues[q]) : queues[q][i] = queues[q][j] => i = j
    /\ inside # Nobody => ~Waits(inside)
    /\ \A q \in Queues : (\E i \in 1 .. Len(turns) : turns[i] = q) <=> queues[q] # <<>>

\* The first of the first has the credit that it needs, and no queue saves more than a batch and a round.
CreditBounded ==
    /\ turns # <<>> => Names(Next1) <= credit[Head(turns)]
    /\ \A q \in Queues : credit[q] < 3 + Quantum

AheadBounded == ahead <= Ahead

\* Whoever waits for the index gets it.
Admitted == \A c \in Clients : Waits(c) ~> inside = c

=============================================================================
