(** The algorithm run beside the model on commands that are drawn: nothing is proved here. It shows that each broken
    variant is wrong, and not only written in a way that the proofs do not follow. *)

From Coq Require Import List Arith Bool.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index Bulk.

Definition names := [0; 1; 2; 3; 4].

Definition draw (x : nat) : nat := (x * 11) mod 1009.

Definition drawn (x : nat) : command :=
  let chosen := filter (fun n => Nat.testbit (draw x) n) names in
  let p := (x / 7) mod 5 in
  match x mod 7 with
  | 0 | 1 => Index p []
  | 2 | 3 | 4 => Index p (rev chosen ++ chosen)
  | 5 => Remove p
  | _ => if Nat.even x then Remove p else Query p
  end.

(** A package needs itself; a list loses one in its middle, its end, its beginning. *)
Definition begins : list command :=
  [Index 0 [1]; Index 3 []; Index 3 [3]; Remove 3; Index 0 []; Index 1 []; Index 2 []; Index 3 []; Index 0 [1; 2; 3]; Index 0 [1; 3]; Index 0 [1];
   Index 0 [0; 1; 2; 3]; Index 1 [0; 2]; Index 0 [2; 3]].

Fixpoint commands (count x : nat) : list command :=
  match count with 0 => [] | S count => drawn x :: commands count (draw (draw x)) end.

Fixpoint is_same (one other : list nat) : bool :=
  match one, other with
  | [], [] => true
  | x :: one, y :: other => (x =? y) && is_same one other
  | _, _ => false
  end.

Fixpoint free_cells (fuel : nat) (m : memory) (cell : nat) : list nat :=
  match fuel with
  | 0 => []
  | S fuel => if cell =? NONE then [] else cell :: free_cells fuel m (m cell 0)
  end.

(** The index holds what the model holds, also read from the other end; it counts right; and no cell is lost. *)
Definition agrees (s : index) (a : model) : bool :=
  let g := pool s in
  forallb
    (fun n =>
      match find s n, lookup a n with
      | None, None => true
      | Some id, Some l =>
          let depend := filter (fun other =>
            match lookup a other with Some k => existsb (Nat.eqb n) k | None => false end) names in
          is_same (sort (names_of s (dependencies_of g id))) (dedup (sort l)) &&
          is_same (sort (names_of s (dependents_of g id))) depend &&
          is_same (dedup (dependencies_of g id)) (sort (dependencies_of g id)) && marks g id
      | _, _ => false
      end) names &&
  let edges := list_sum (map (fun id => length (dependencies_of g id)) (table s)) in
  (packages g =? length a) && (length (table s) =? length a) && (dependencies g =? edges) &&
  (used g =? length a + edges) &&
  (length (dedup (sort (free_cells (bound g) (words g) (free g)))) =? bound g - 1 - used g).

Definition is_outcome (one : option outcome) (other : outcome) : bool :=
  match one, other with Some Ok, Ok | Some Fail, Fail => true | _, _ => false end.

(** [undone]: takes everything back, in the end and again after each command. *)
Fixpoint trial (kept : nat) (s : index) (a : model) (commands : list command) : bool :=
  match commands with
  | [] => true
  | c :: rest =>
      let (s', o) := apply (fun _ _ _ _ => false) kept s c in
      let (a', p) := Model.apply a c in
      let one := firstn (length (changes s') - length (changes s)) (changes s') in
      if is_outcome o p && agrees s' a' && agrees (undo kept s' one) a then trial kept s' a' rest else false
  end.

(** Takes back whatever came after the beginning, and then that. *)
Definition undone (kept : nat) (begins rest : list command) : bool :=
  let begun := extend (fun _ _ _ _ => false) kept empty begins in
  let s := extend (fun _ _ _ _ => false) kept begun rest in
  let a := fold_left (fun a c => fst (Model.apply a c)) begins [] in
  agrees (undo kept s (firstn (length (changes s) - length (changes begun)) (changes s))) a &&
  agrees (undo kept s (changes s)) [].

(** Two packages go, and undo gives each the cell that the other had. *)
Definition swapped : bool :=
  undone 100
    [Index 0 []; Index 1 []; Index 2 []; Index 3 []; Index 4 []; Index 0 [1; 2]]
    [Index 0 []; Remove 1; Remove 2; Index 3 [0; 3; 4]; Index 3 [0]].

Fixpoint sane_from (seeds : list nat) : bool :=
  match seeds with
  | [] => swapped
  | x :: rest =>
      if trial 4 empty [] (begins ++ commands 16 x)
      then if undone 100 begins (commands 16 x) then sane_from rest else false
      else false
  end.

(** Rows in groups, with lists that name what comes later, what came before, and a package twice. *)
Definition rows : list row := [(3, [1; 3; 1]); (0, [1; 2]); (2, []); (1, [0; 4]); (4, [4])].

Definition builds : bool :=
  let agree groups := match build groups with Some s => agrees s rows | None => false end in
  let refused groups := match build groups with Some _ => false | None => true end in
  agree [rows] && agree (map (fun r => [r]) rows) && agree [firstn 2 rows; skipn 2 rows] &&
  refused [firstn 4 rows] && refused [rows; [(2, [])]].

Definition sane : bool := builds && sane_from [1; 2; 3; 5].

Eval vm_compute in sane.
