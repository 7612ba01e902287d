------------------------------ MODULE Functions ------------------------------
(***************************************************************************)
(* The index as functions of its state, for modules that are about who     *)
(* sees which state when: what a command is answered in a state, and which *)
(* state it leaves.  PackageIndex says the same as steps, and those who    *)
(* use this module refine it, so that the two cannot differ unnoticed.     *)
(***************************************************************************)

CONSTANT Packages

Empty == [indexed |-> {}, needs |-> [p \in Packages |-> {}]]

Reply(c, at) ==
    IF \/ c.verb = "INDEX" /\ c.dependencies \subseteq at.indexed
       \/ c.verb = "REMOVE"
            /\ \A q \in at.indexed \ {c.package} : c.package \notin at.needs[q]
       \/ c.verb = "QUERY" /\ c.package \in at.indexed
    THEN "OK"
    ELSE "FAIL"

After(c, reply, at) ==
    IF reply # "OK" \/ c.verb = "QUERY" THEN at
    ELSE [indexed |-> IF c.verb = "INDEX" THEN at.indexed \cup {c.package}
                                          ELSE at.indexed \ {c.package},
          needs |-> [at.needs EXCEPT ![c.package] = c.dependencies]]

=============================================================================
