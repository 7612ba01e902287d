(** What the index should answer: `src/model.rs`, rule by rule.

    A state is a finite map from the name of a package to the names that it depends on. A name is a number here:
    nothing is asked of names but whether two are the same. *)

From Coq Require Import List Arith Bool.
Import ListNotations.

Definition name := nat.

Definition model := list (name * list name).

Inductive command :=
| Index (package : name) (dependencies : list name)
| Remove (package : name)
| Query (package : name).

Inductive outcome := Ok | Fail.

Fixpoint lookup (a : model) (p : name) : option (list name) :=
  match a with
  | [] => None
  | (q, l) :: rest => if q =? p then Some l else lookup rest p
  end.

Definition is_indexed (a : model) (p : name) : bool :=
  match lookup a p with Some _ => true | None => false end.

Definition has_other_dependent (a : model) (p : name) : bool :=
  existsb (fun entry => negb (fst entry =? p) && existsb (Nat.eqb p) (snd entry)) a.

Definition without (a : model) (p : name) : model :=
  filter (fun entry => negb (fst entry =? p)) a.

Definition apply (a : model) (c : command) : model * outcome :=
  match c with
  | Index p l => if forallb (is_indexed a) l then ((p, l) :: without a p, Ok) else (a, Fail)
  | Remove p => if has_other_dependent a p then (a, Fail) else (without a p, Ok)
  | Query p => if is_indexed a p then (a, Ok) else (a, Fail)
  end.
