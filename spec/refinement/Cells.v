(** The index as `src/index` has it, function by function and loop by loop, under the names of the code. Here: the cells,
    and the edges in them. `Dependencies.v`, `Packages.v` and `Index.v` go on.

    Memory is what `cells.rs` gives: cells of five words, a list of free ones, a mark for each. A word is a number, and
    what it means is known to the code alone, so that a wrong link reads whatever lies there. Three things are simpler
    than in the code. A name takes one word of its head. The table of names is a list that is searched by comparing.
    Numbers have no largest one. *)

From Coq Require Import List Arith Bool.
Import ListNotations.

(** * cells.rs *)

Definition memory := nat -> nat -> nat.

(** The id of no cell. *)
Definition NONE := 0.

Definition put (m : memory) (cell word value : nat) : memory :=
  fun c w => if (c =? cell) && (w =? word) then value else m c w.

Definition put_cell (m : memory) (cell a b c d e : nat) : memory :=
  put (put (put (put (put m cell 0 a) cell 1 b) cell 2 c) cell 3 d) cell 4 e.

(** [bound] is the id of the cell that is appended next. *)
Record graph := Graph {
  words : memory;
  marks : nat -> bool;
  free : nat;
  bound : nat;
  used : nat;
  packages : nat;
  dependencies : nat
}.

Definition empty_graph := Graph (fun _ _ => 0) (fun _ => false) NONE 1 0 0 0.

Definition store (g : graph) (cell word value : nat) : graph :=
  Graph (put (words g) cell word value) (marks g) (free g) (bound g) (used g) (packages g) (dependencies g).

(** Takes a free cell, or else a new one. *)
Definition insert_cell (g : graph) (a b c d e : nat) : graph * nat :=
  let id := free g in
  if id =? NONE then
    let new := bound g in
    (Graph (put_cell (words g) new a b c d e) (marks g) NONE (S new) (S (used g)) (packages g) (dependencies g), new)
  else
    let next := words g id 0 in
    (Graph (put_cell (words g) id a b c d e) (marks g) next (bound g) (S (used g)) (packages g) (dependencies g), id).

Definition remove_cell (g : graph) (id : nat) : graph :=
  let next := free g in
  Graph (put (words g) id 0 next) (marks g) id (bound g) (used g - 1) (packages g) (dependencies g).

Definition mark (g : graph) (id : nat) (marked : bool) : graph :=
  Graph (words g) (fun c => if c =? id then marked else marks g c) (free g) (bound g) (used g) (packages g)
    (dependencies g).

(** * graph.rs: its edges *)

Definition count_packages (g : graph) (count : nat) : graph :=
  Graph (words g) (marks g) (free g) (bound g) (used g) count (dependencies g).

Definition count_dependencies (g : graph) (count : nat) : graph :=
  Graph (words g) (marks g) (free g) (bound g) (used g) (packages g) count.

(** The words of a head. *)
Definition FIRST_OUT := 0.
Definition FIRST_IN := 1.
Definition NAME := 2.

(** The words of an edge. *)
Definition PACKAGE := 0.
Definition DEPENDENCY := 1.
Definition NEXT_OUT := 2.
Definition NEXT_IN := 3.
Definition PREVIOUS_IN := 4.

(** What is at the other ends of a list of edges. Loops over lists are given the number of cells as the most steps that
    they may take: that it is enough is part of the proof. *)
Fixpoint neighbors (fuel : nat) (m : memory) (edge link other_end : nat) : list nat :=
  match fuel with
  | 0 => []
  | S fuel =>
      if edge =? NONE then []
      else m edge other_end :: neighbors fuel m (m edge link) link other_end
  end.

(** Sets what comes after this edge out of a package, or first. *)
Definition link_out (g : graph) (package : nat) (last : option nat) (edge : nat) : graph :=
  match last with
  | Some last => store g last NEXT_OUT edge
  | None => store g package FIRST_OUT edge
  end.

Definition insert_edge (g : graph) (package dependency next_out : nat) : graph * nat :=
  let next_in := words g dependency FIRST_IN in
  let (g, edge) := insert_cell g package dependency next_out next_in NONE in
  let g := store g dependency FIRST_IN edge in
  let g := if next_in =? NONE then g else store g next_in PREVIOUS_IN edge in
  (g, edge).

Definition unlink_in (g : graph) (edge : nat) : graph :=
  let target := words g edge DEPENDENCY in
  let next := words g edge NEXT_IN in
  let previous := words g edge PREVIOUS_IN in
  let g := if previous =? NONE then store g target FIRST_IN next else store g previous NEXT_IN next in
  if next =? NONE then g else store g next PREVIOUS_IN previous.
