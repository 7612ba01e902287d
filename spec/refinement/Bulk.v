(** An index that is built of rows, as [bulk.rs] does it: packages with their lists, in groups. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index.

Definition row : Set := name * list name.

(** The package of a name, which is added with an empty list if it is new. *)
Definition name_one (s : index) (n : name) : index * nat :=
  match find s n with Some id => (s, id) | None => insert s n end.

Fixpoint name_all (s : index) (names : list name) : index * list nat :=
  match names with
  | [] => (s, [])
  | n :: rest =>
      let (s, id) := name_one s n in
      let (s, ids) := name_all s rest in
      (s, id :: ids)
  end.

(** The packages of some rows: those of a list, and then the one that has the list. *)
Fixpoint name_rows (s : index) (rows : list row) : index * list (nat * list nat) :=
  match rows with
  | [] => (s, [])
  | (p, l) :: rest =>
      let (s, ids) := name_all s l in
      let (s, id) := name_one s p in
      let (s, named) := name_rows s rest in
      (s, (id, dedup (sort ids)) :: named)
  end.

Definition add (s : index) (rows : list row) : index :=
  let (s, named) := name_rows s rows in
  fold_left (fun s entry => set_list s (fst entry) (snd entry)) named s.

Definition is_complete (s : index) (come : list name) : bool :=
  forallb (fun id => existsb (Nat.eqb (name_of s id)) come) (table s).

(** No package has two rows, and none that is named lacks one. *)
Definition build (groups : list (list row)) : option index :=
  let s := fold_left add groups empty in
  let packages := map fst (concat groups) in
  if (length (nodup Nat.eq_dec packages) =? length packages) && is_complete s packages then Some s else None.
