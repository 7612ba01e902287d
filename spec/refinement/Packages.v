(** The index as `src/index` has it, continued: packages, and who depends on whom, of `graph.rs`. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Cells Dependencies.

Definition dependencies_of (g : graph) (package : nat) : list nat :=
  neighbors (bound g) (words g) (words g package FIRST_OUT) NEXT_OUT DEPENDENCY.

Definition dependents_of (g : graph) (package : nat) : list nat :=
  neighbors (bound g) (words g) (words g package FIRST_IN) NEXT_IN PACKAGE.

Definition has_other_dependent (g : graph) (package : nat) : bool :=
  existsb (fun dependent => negb (dependent =? package)) (dependents_of g package).

Definition add_package (g : graph) (name : nat) : graph * nat :=
  let g := count_packages g (packages g + 1) in
  let (g, head) := insert_cell g NONE NONE name 0 0 in
  (mark g head true, head).

Definition remove_package (g : graph) (package : nat) : graph :=
  let g := set_dependencies g package [] in
  let g := mark g package false in
  let g := remove_cell g package in
  count_packages g (packages g - 1).
