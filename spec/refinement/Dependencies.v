(** The index as `src/index` has it, continued: how a package gets another list, of `graph.rs`. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Cells.

Fixpoint drop_below (target : nat) (wanted : list nat) : list nat :=
  match wanted with
  | id :: rest => if id <? target then drop_below target rest else wanted
  | [] => []
  end.

Definition first_is (target : nat) (wanted : list nat) : bool :=
  match wanted with id :: _ => id =? target | [] => false end.

(** Removes the edges out of a package, except those to one of these; how many stay. *)
Fixpoint keep_loop (fuel : nat) (g : graph) (package : nat) (wanted : list nat) (edge : nat) (last : option nat)
    (is_torn : bool) (kept removed : nat) : graph * nat :=
  match fuel with
  | 0 => (g, kept)
  | S fuel =>
      if edge =? NONE then
        let g := if is_torn then link_out g package last NONE else g in
        (count_dependencies g (dependencies g - removed), kept)
      else
        let target := words g edge DEPENDENCY in
        let next := words g edge NEXT_OUT in
        let wanted := drop_below target wanted in
        if first_is target wanted then
          let g := if is_torn then link_out g package last edge else g in
          keep_loop fuel g package (tl wanted) next (Some edge) false (S kept) removed
        else
          let g := remove_cell (unlink_in g edge) edge in
          keep_loop fuel g package wanted next last true kept (S removed)
  end.

Definition keep (g : graph) (package : nat) (wanted : list nat) : graph * nat :=
  keep_loop (bound g) g package wanted (words g package FIRST_OUT) None false 0 0.

(** Adds an edge to each of these, the last first. *)
Fixpoint begin_loop (g : graph) (package : nat) (backwards : list nat) (next : nat) : graph * nat :=
  match backwards with
  | [] => (g, next)
  | dependency :: rest =>
      let (g, edge) := insert_edge g package dependency next in
      begin_loop g package rest edge
  end.

Definition begin (g : graph) (package : nat) (ids : list nat) : graph :=
  match ids with
  | [] => g
  | _ =>
      let (g, first) := begin_loop g package (rev ids) NONE in
      let g := store g package FIRST_OUT first in
      count_dependencies g (dependencies g + length ids)
  end.

(** Goes to where an edge to a dependency is, or belongs: the one before, the one after, and whether it is there. *)
Fixpoint advance (fuel : nat) (m : memory) (dependency : nat) (last : option nat) (next : nat)
    : option nat * nat * bool :=
  match fuel with
  | 0 => (last, next, false)
  | S fuel =>
      if next =? NONE then (last, next, false)
      else
        let target := m next DEPENDENCY in
        let after := m next NEXT_OUT in
        if dependency <? target then (last, next, false)
        else if target =? dependency then (Some next, after, true)
        else advance fuel m dependency (Some next) after
  end.

(** Adds an edge to each of these that there is none to yet. *)
Fixpoint complete_loop (g : graph) (package : nat) (ids : list nat) (last : option nat) (next : nat) : graph :=
  match ids with
  | [] => g
  | dependency :: rest =>
      match advance (bound g) (words g) dependency last next with
      | (last, next, true) => complete_loop g package rest last next
      | (last, next, false) =>
          let (g, edge) := insert_edge g package dependency next in
          let g := link_out g package last edge in
          let g := count_dependencies g (dependencies g + 1) in
          complete_loop g package rest (Some edge) next
      end
  end.

Definition complete (g : graph) (package : nat) (ids : list nat) : graph :=
  complete_loop g package ids None (words g package FIRST_OUT).

Definition set_dependencies (g : graph) (package : nat) (ids : list nat) : graph :=
  let (g, kept) := keep g package ids in
  if kept =? 0 then begin g package ids
  else if kept <? length ids then complete g package ids
  else g.
