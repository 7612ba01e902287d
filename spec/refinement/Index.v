(** The index as `src/index` has it, continued: commands, of `index.rs`, and what they changed, of `changes.rs`. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Model Cells Dependencies Packages.

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
