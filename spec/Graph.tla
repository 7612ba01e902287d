------------------------------- MODULE Graph --------------------------------
(***************************************************************************)
(* PackageIndex, telling every step that it takes: how the state graph     *)
(* gets out of the model checker.  What is printed is reduced to           *)
(* `graph.txt', and that is what the code is held to.                      *)
(***************************************************************************)
EXTENDS PackageIndex, TLC

Step == Next /\ PrintT(<<"step", indexed, needs, last', indexed', needs'>>)

GraphSpec == Init /\ [][Step]_vars

=============================================================================
