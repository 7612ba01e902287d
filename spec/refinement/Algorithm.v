(** The index as `src/index` has it: function by function, loop by loop, under the names of the code.

    Memory is what `cells.rs` gives: cells of five words, a list of free ones, a mark for each. A word is a number, and
    what it means is known to the code alone, so that a wrong link reads whatever lies there. Three things are simpler
    than in the code. A name takes one word of its head. The table of names is a list that is searched by comparing.
    Numbers have no largest one. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Model.

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

(** * graph.rs *)

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

Definition dependencies_of (g : graph) (package : nat) : list nat :=
  neighbors (bound g) (words g) (words g package FIRST_OUT) NEXT_OUT DEPENDENCY.

Definition dependents_of (g : graph) (package : nat) : list nat :=
  neighbors (bound g) (words g) (words g package FIRST_IN) NEXT_IN PACKAGE.

Definition has_other_dependent (g : graph) (package : nat) : bool :=
  existsb (fun dependent => negb (dependent =? package)) (dependents_of g package).

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

Definition add_package (g : graph) (name : nat) : graph * nat :=
  let g := count_packages g (packages g + 1) in
  let (g, head) := insert_cell g NONE NONE name 0 0 in
  (mark g head true, head).

Definition remove_package (g : graph) (package : nat) : graph :=
  let g := set_dependencies g package [] in
  let g := mark g package false in
  let g := remove_cell g package in
  count_packages g (packages g - 1).

(** * index.rs, changes.rs *)

Record change := Change { of : name; before : option (list name); after : option (list name) }.

(** [table] finds a package by its name, which is in the graph. Of [changes], the last comes first. *)
Record index := PackageIndex { pool : graph; table : list nat; changes : list change }.

Definition empty := PackageIndex empty_graph [] [].

Definition name_of (s : index) (id : nat) : name := words (pool s) id NAME.

Definition find (s : index) (n : name) : option nat := List.find (fun id => name_of s id =? n) (table s).

Fixpoint place (id : nat) (ids : list nat) : list nat :=
  match ids with
  | [] => [id]
  | other :: rest => if id <=? other then id :: ids else other :: place id rest
  end.

Fixpoint sort (ids : list nat) : list nat :=
  match ids with [] => [] | id :: rest => place id (sort rest) end.

Fixpoint dedup (ids : list nat) : list nat :=
  match ids with
  | [] => []
  | id :: rest => if first_is id rest then dedup rest else id :: dedup rest
  end.

Fixpoint find_all (s : index) (names : list name) : option (list nat) :=
  match names with
  | [] => Some []
  | n :: rest =>
      match find s n, find_all s rest with
      | Some id, Some ids => Some (id :: ids)
      | _, _ => None
      end
  end.

(** The packages of a list, each once; none if one is not indexed. *)
Definition resolve (s : index) (names : list name) : option (list nat) :=
  option_map (fun ids => dedup (sort ids)) (find_all s names).

Definition insert (s : index) (n : name) : index * nat :=
  let (g, id) := add_package (pool s) n in
  (PackageIndex g (id :: table s) (changes s), id).

(** How many cells an empty index keeps: whatever it may be. *)
Definition forget (kept_cells : nat) (s : index) (id : nat) : index :=
  let table := List.remove Nat.eq_dec id (table s) in
  let g := remove_package (pool s) id in
  if (packages g =? 0) && (kept_cells <? bound g) then PackageIndex empty_graph [] (changes s)
  else PackageIndex g table (changes s).

Definition names_of (s : index) (ids : list nat) : list name := map (name_of s) ids.

Definition note (s : index) (change : change) : index := PackageIndex (pool s) (table s) (change :: changes s).

(** Records that a package, new or not, is about to get a list. *)
Definition note_list (s : index) (id : nat) (ids : list nat) (is_new : bool) : index :=
  let old := dependencies_of (pool s) id in
  if negb is_new && (if list_eq_dec Nat.eq_dec old ids then true else false) then s
  else
    let before := if is_new then None else Some (names_of s old) in
    note s (Change (name_of s id) before (Some (names_of s ids))).

Definition note_removal (s : index) (id : nat) : index :=
  let old := dependencies_of (pool s) id in
  note s (Change (name_of s id) (Some (names_of s old)) None).

Definition set_list (s : index) (id : nat) (ids : list nat) : index :=
  PackageIndex (set_dependencies (pool s) id ids) (table s) (changes s).

(** What limits refuse: a package, where it is if it is indexed, and the list that it would get. *)
Definition limits := index -> name -> option nat -> list nat -> bool.

Definition apply_index (refuses : limits) (s : index) (package : name) (names : list name) : index * option outcome :=
  match resolve s names with
  | None => (s, Some Fail)
  | Some list =>
      let indexed := find s package in
      if refuses s package indexed list then (s, None)
      else
        let '(s, id, is_new) :=
          match indexed with
          | Some id => (s, id, false)
          | None => (insert s package, true)
          end in
        let s := note_list s id list is_new in
        (set_list s id list, Some Ok)
  end.

Definition apply_remove (kept_cells : nat) (s : index) (package : name) : index * outcome :=
  match find s package with
  | None => (s, Ok)
  | Some id =>
      if has_other_dependent (pool s) id then (s, Fail)
      else (forget kept_cells (note_removal s id) id, Ok)
  end.

Definition look_up (s : index) (package : name) : outcome :=
  match find s package with Some _ => Ok | None => Fail end.

(** Applies one command and answers it: nothing, if a limit refuses it. *)
Definition apply (refuses : limits) (kept_cells : nat) (s : index) (c : command) : index * option outcome :=
  match c with
  | Index package names => apply_index refuses s package names
  | Remove package => let (s, outcome) := apply_remove kept_cells s package in (s, Some outcome)
  | Query package => (s, Some (look_up s package))
  end.

Fixpoint filter_find (s : index) (names : list name) : list nat :=
  match names with
  | [] => []
  | n :: rest =>
      match find s n with
      | Some id => id :: filter_find s rest
      | None => filter_find s rest
      end
  end.

Definition undo_one (kept_cells : nat) (s : index) (change : change) : index :=
  match before change, find s (of change) with
  | None, None => s
  | None, Some id => forget kept_cells s id
  | Some list, indexed =>
      let (s, id) := match indexed with Some id => (s, id) | None => insert s (of change) end in
      set_list s id (sort (filter_find s list))
  end.

(** Takes back these changes, of which the last comes first. *)
Definition undo (kept_cells : nat) (s : index) (list : list change) : index :=
  fold_left (undo_one kept_cells) list s.

(** Applies commands in order, as an index is built: what is refused changes nothing. *)
Definition extend (refuses : limits) (kept_cells : nat) (s : index) (commands : list command) : index :=
  fold_left (fun s c => fst (apply refuses kept_cells s c)) commands s.
