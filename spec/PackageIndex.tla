---------------------------- MODULE PackageIndex ----------------------------
(***************************************************************************)
(* The package index as a state machine: which packages are indexed, what  *)
(* each of them depends on, and how the last command was answered.         *)
(*                                                                         *)
(* WHAT IS MODELLED.  The rules I, X and Q of protocol.md, whole: INDEX    *)
(* with any list of dependencies, REMOVE and QUERY, of any package, in any *)
(* order.  A command and its reply are one step.  Cycles and packages that *)
(* depend on themselves are allowed, as in the protocol: a cycle can be    *)
(* made by indexing a package anew, and holds its members in place.        *)
(*                                                                         *)
(* WHAT IS LEFT OUT.                                                       *)
(*  - The wire.  Here a command is a value; how it is spelt, what is       *)
(*    malformed (ERROR), and how bytes are split is for the grammar and    *)
(*    its properties.  A list of dependencies is a set here: that          *)
(*    duplicates count once (rule D5) is thereby assumed, not checked.     *)
(*  - Dependencies given with REMOVE and QUERY, which mean nothing.        *)
(*  - Limits.  A limit that is hit answers ERROR and changes nothing,      *)
(*    which looks from here as if nothing had been sent.                   *)
(*  - Clients, threads, batches and crashes.  Server.tla has those, and    *)
(*    without crashes refines this module.                                 *)
(*  - Liveness.  Nothing has to happen; whatever happens is right.         *)
(*                                                                         *)
(* HOW IT IS WRITTEN.  The actions say what the machine does.  The         *)
(* invariants and the step properties say what clients may rely on, in     *)
(* other words: they look at a step from outside, at what was asked, what  *)
(* was answered and what became of the state, so that an action which is   *)
(* wrong breaks one of them by name.                                       *)
(*                                                                         *)
(* HOW MUCH IS CHECKED.  `spec/check' has a model checker visit every      *)
(* state of 3 and of 4 packages: as many as there are sets of k packages   *)
(* and relations on them,                                                  *)
(*                                                                         *)
(*    the sum over k of C(n,k) * 2^(k^2)      567 for 3, 67,689 for 4,     *)
(*                                                                         *)
(* each with n * 2^n + 2n commands.  `last' tells what a step was and      *)
(* decides nothing, so states that differ by it alone count once: the      *)
(* VIEW in the configurations.  Two things follow.                         *)
(*  - Invariants see `last' once for each state, by whichever step came    *)
(*    there first.  What is claimed of replies is therefore claimed of     *)
(*    steps, all of which are looked at.                                   *)
(*  - Except one: a step that changes nothing at all, `last' included, is  *)
(*    stuttering, and passed over.  That is the command which led to the   *)
(*    state, given once more, with the same reply.  As it changed          *)
(*    something the first time it was an INDEX or a REMOVE that got OK     *)
(*    (FailChangesNothing, QueryReads), and what those may rely on then    *)
(*    follows from Closure and from what they left.                        *)
(*                                                                         *)
(* For any number of packages see PackageIndex.smt2; for the code, which   *)
(* is held to the state graph of this module, Graph.tla.                   *)
(***************************************************************************)

CONSTANT Packages

VARIABLES
    indexed,  \* the set of packages that are indexed
    needs,    \* for each package, the set of those that it depends on
    last      \* the last command and its reply

vars == <<indexed, needs, last>>

state == <<indexed, needs>>

(***************************************************************************)
(* Commands.  A record has the same fields whatever the command, so that   *)
(* any two can be compared; REMOVE and QUERY give no dependencies.         *)
(***************************************************************************)
Commands ==
    [verb : {"INDEX"}, package : Packages, dependencies : SUBSET Packages]
        \cup [verb : {"REMOVE", "QUERY"}, package : Packages, dependencies : {{}}]

Replies == {"OK", "FAIL"}

NothingYet == [command |-> [verb |-> "none"], reply |-> "none"]

(***************************************************************************)
(* What there is at first: nothing.                                        *)
(***************************************************************************)
Init ==
    /\ indexed = {}
    /\ needs = [p \in Packages |-> {}]
    /\ last = NothingYet

(***************************************************************************)
(* The three commands.  Each holds in every state, for every package.      *)
(***************************************************************************)
Answer(verb, p, list, reply) ==
    last' = [command |-> [verb |-> verb, package |-> p, dependencies |-> list],
             reply |-> reply]

OthersNeed(p) == \E q \in indexed \ {p} : p \in needs[q]

Index(p, list) ==
    IF list \subseteq indexed
    THEN /\ indexed' = indexed \cup {p}
         /\ needs' = [needs EXCEPT ![p] = list]
         /\ Answer("INDEX", p, list, "OK")
    ELSE /\ UNCHANGED <<indexed, needs>>
         /\ Answer("INDEX", p, list, "FAIL")

Remove(p) ==
    IF OthersNeed(p)
    THEN /\ UNCHANGED <<indexed, needs>>
         /\ Answer("REMOVE", p, {}, "FAIL")
    ELSE /\ indexed' = indexed \ {p}
         /\ needs' = [needs EXCEPT ![p] = {}]
         /\ Answer("REMOVE", p, {}, "OK")

Query(p) ==
    /\ UNCHANGED <<indexed, needs>>
    /\ Answer("QUERY", p, {}, IF p \in indexed THEN "OK" ELSE "FAIL")

Next ==
    \E p \in Packages :
        \/ \E list \in SUBSET Packages : Index(p, list)
        \/ Remove(p)
        \/ Query(p)

Spec == Init /\ [][Next]_vars

(***************************************************************************)
(* Invariants: what holds in every state.                                  *)
(***************************************************************************)
TypeOK ==
    /\ indexed \in SUBSET Packages
    /\ needs \in [Packages -> SUBSET Packages]
    /\ last = NothingYet \/ (last.command \in Commands /\ last.reply \in Replies)

\* Nothing is indexed without what it depends on.
Closure == \A p \in indexed : needs[p] \subseteq indexed

\* Of what is not indexed nothing is kept.
NoLeftovers == \A p \in Packages \ indexed : needs[p] = {}

(***************************************************************************)
(* Step properties: what every step keeps to, told from outside.  The      *)
(* command and the reply of a step are what `last' says after it.          *)
(***************************************************************************)
Answered(verb, reply) == last'.command.verb = verb /\ last'.reply = reply

\* The package that the command was about, and the list that it gave.
Subject == last'.command.package
Given == last'.command.dependencies

\* The packages whose lists hold p, p itself aside, in the state before.
Dependents(p) == {q \in Packages : q # p /\ p \in needs[q]}

\* Every step is a command, and is answered with one of the two words.
Answers == last'.command \in Commands /\ last'.reply \in Replies

\* Rule I1: OK to INDEX means that the list was indexed before, that the
\* package is indexed now, and that it depends on this list and no other.
IndexOk == Answered("INDEX", "OK") =>
    /\ \A d \in Given : d \in indexed
    /\ Subject \in indexed'
    /\ needs'[Subject] = Given

\* Rule I2: FAIL means that something of the list was not indexed.
IndexFail == Answered("INDEX", "FAIL") => \E d \in Given : d \notin indexed

\* Rule X1: OK to REMOVE means that nobody else depended on the package, and
\* that it is gone, its list with it.
RemoveOk == Answered("REMOVE", "OK") =>
    /\ Dependents(Subject) = {}
    /\ Subject \notin indexed'
    /\ needs'[Subject] = {}

\* Rule X3: FAIL means that somebody else did.
RemoveFail == Answered("REMOVE", "FAIL") => Dependents(Subject) # {}

\* Rules Q: QUERY tells what is indexed, and only reads.
QueryReads == last'.command.verb = "QUERY" =>
    /\ (last'.reply = "OK") <=> (Subject \in indexed)
    /\ UNCHANGED <<indexed, needs>>

\* FAIL changes nothing.
FailChangesNothing == last'.reply = "FAIL" => UNCHANGED <<indexed, needs>>

\* A command touches no other package and no other package's list.
OthersUntouched == \A q \in Packages \ {Subject} :
    /\ q \in indexed' <=> q \in indexed
    /\ needs'[q] = needs[q]

\* As the properties of a behaviour, which is how a model checker takes them.
AnswersHolds == [][Answers]_vars
IndexOkHolds == [][IndexOk]_vars
IndexFailHolds == [][IndexFail]_vars
RemoveOkHolds == [][RemoveOk]_vars
RemoveFailHolds == [][RemoveFail]_vars
QueryReadsHolds == [][QueryReads]_vars
FailChangesNothingHolds == [][FailChangesNothing]_vars
OthersUntouchedHolds == [][OthersUntouched]_vars

=============================================================================
