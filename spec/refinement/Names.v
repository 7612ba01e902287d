(** The index said by names: what the table finds, and what each change does to it. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index Memory Edges Lists Graph.

(** The invariant of an index: that of its graph, and that each name is there once. *)
Record Good (s : index) : Prop := {
  good_sound : Sound (pool s) (table s);
  good_names : NoDup (names_of s (table s))
}.

(** What is held of a name, in a way that does not show where. *)
Definition view (s : index) (n : name) : option (list name) :=
  option_map (fun id => names_of s (dependencies_of (pool s) id)) (find s n).

(** The same packages, whatever their order. *)
Definition alike (one other : option (list name)) : Prop :=
  match one, other with
  | Some l, Some k => forall d, In d l <-> In d k
  | None, None => True
  | _, _ => False
  end.

Lemma alike_refl x : alike x x.
Proof. destruct x; cbn; tauto. Qed.

Lemma alike_sym x y : alike x y -> alike y x.
Proof. destruct x, y; cbn; firstorder. Qed.

Lemma alike_trans x y z : alike x y -> alike y z -> alike x z.
Proof. destruct x, y, z; cbn; firstorder. Qed.

(** * What is found *)

Lemma find_some s n id : find s n = Some id -> In id (table s) /\ name_of s id = n.
Proof. intros H. apply List.find_some in H as [H1 H2]. apply Nat.eqb_eq in H2. auto. Qed.

Lemma find_none s n : find s n = None -> forall id, In id (table s) -> name_of s id <> n.
Proof. intros H id Hid. apply List.find_none with (x := id) in H; [| assumption]. now apply Nat.eqb_neq. Qed.

Lemma names_inj s one other :
  Good s -> In one (table s) -> In other (table s) -> name_of s one = name_of s other -> one = other.
Proof.
  intros [_ Hn]. unfold names_of in Hn. induction (table s) as [| id l IH]; cbn in *; [easy |].
  inversion_clear Hn as [| ? ? Hid Hl].
  intros [<- | H1] [<- | H2] E; auto; exfalso; apply Hid; [rewrite E | rewrite <- E]; now apply in_map.
Qed.

Lemma find_in s id : Good s -> In id (table s) -> find s (name_of s id) = Some id.
Proof.
  intros G H. destruct (find s (name_of s id)) as [other |] eqn:E.
  - apply find_some in E as [H1 H2]. f_equal. now apply (names_inj s).
  - now apply find_none with (id := id) in E.
Qed.

Lemma view_some s n l :
  view s n = Some l <-> exists id, find s n = Some id /\ l = names_of s (dependencies_of (pool s) id).
Proof.
  unfold view. destruct (find s n) as [id |]; cbn; split.
  - intros [= <-]. eauto.
  - intros (? & [= <-] & ->). reflexivity.
  - discriminate.
  - intros (? & ? & _). discriminate.
Qed.

Lemma view_none s n : view s n = None <-> find s n = None.
Proof. unfold view. destruct (find s n); cbn; split; congruence. Qed.

(** Nothing dangles. *)
Lemma view_closed s n l d : Good s -> view s n = Some l -> In d l -> view s d <> None.
Proof.
  intros G H Hd. apply view_some in H as (id & Hid & ->). apply find_some in Hid as [Hid _].
  apply in_map_iff in Hd as (t & <- & Ht). rewrite view_none.
  rewrite find_in; [discriminate | assumption |]. eapply sound_closed; [apply G | exact Hid | exact Ht].
Qed.

Lemma names_nodup s ids : Good s -> incl ids (table s) -> NoDup ids -> NoDup (names_of s ids).
Proof.
  intros G Hi Hd. induction Hd as [| id l Hid Hl IH]; cbn; constructor.
  - intros H. apply in_map_iff in H as (x & Hx & Hxl). assert (x = id); [| congruence].
    apply (names_inj s); auto; apply Hi; [now right | now left].
  - apply IH. intros x Hx. apply Hi. now right.
Qed.

Lemma view_nodup s n l : Good s -> view s n = Some l -> NoDup l.
Proof.
  intros G H. apply view_some in H as (id & Hid & ->). apply find_some in Hid as [Hid _]. apply names_nodup; auto.
  - intros d Hd. eapply sound_closed; [apply G | exact Hid | exact Hd].
  - apply sorted_nodup. eapply sound_sorted; [apply G | assumption].
Qed.

(** * What is changed *)

Lemma find_ext (f g : nat -> bool) l : (forall x, In x l -> f x = g x) -> List.find f l = List.find g l.
Proof.
  induction l as [| x l IH]; cbn; intros H; [reflexivity |]. rewrite H by now left. rewrite IH; auto.
Qed.

Lemma find_map s s' n :
  table s' = table s -> (forall q, In q (table s) -> name_of s' q = name_of s q) -> find s' n = find s n.
Proof. unfold find. intros -> H. apply find_ext. intros q Hq. now rewrite H. Qed.

Lemma map_names s s' ids :
  (forall q, In q ids -> name_of s' q = name_of s q) -> names_of s' ids = names_of s ids.
Proof. intros H. now apply map_ext_in. Qed.

Lemma set_list_spec s id ids :
  Good s -> In id (table s) -> incl ids (table s) -> StronglySorted lt ids ->
  let s' := set_list s id ids in
  Good s' /\
  forall n, view s' n = if n =? name_of s id then Some (names_of s ids) else view s n.
Proof.
  intros G Hid Hids Hs s'.
  destruct (set_dependencies_spec (pool s) (table s) id ids) as (H1 & H2 & H3 & H4); auto; [apply G |].
  assert (Hn : forall q, In q (table s) -> name_of s' q = name_of s q) by exact H4.
  assert (G' : Good s').
  { split; [exact H1 |]. change (table s') with (table s). rewrite (map_names s); [apply G | assumption]. }
  split; [assumption |]. intros n. unfold view at 1. rewrite (find_map s s') by auto.
  destruct (Nat.eqb_spec n (name_of s id)) as [-> | Hne].
  - rewrite find_in by assumption. cbn. rewrite H2. f_equal. apply map_names. auto.
  - unfold view. destruct (find s n) as [q |] eqn:E; cbn; [| reflexivity]. apply find_some in E as [Hq Hqn].
    rewrite H3; [| assumption | congruence]. f_equal. apply map_names. intros t Ht. apply Hn.
    eapply sound_closed; [apply G | exact Hq | exact Ht].
Qed.

Lemma insert_spec s n s' id :
  Good s -> find s n = None -> insert s n = (s', id) ->
  Good s' /\ In id (table s') /\ name_of s' id = n /\ incl (table s) (table s') /\ ~ In id (table s) /\
  dependencies_of (pool s') id = [] /\ changes s' = changes s /\
  (forall q, In q (table s) -> name_of s' q = name_of s q) /\
  (forall m, find s' m = if m =? n then Some id else find s m) /\
  (forall m, view s' m = if m =? n then Some [] else view s m).
Proof.
  unfold insert. destruct (add_package (pool s) n) as [g e] eqn:E. intros G Hf [= <- <-].
  destruct (add_package_spec _ _ _ _ _ (good_sound s G) E) as (H1 & H2 & H3 & H4 & H5 & H6).
  set (s' := PackageIndex g (e :: table s) (changes s)).
  assert (Hn : forall q, In q (table s) -> name_of s' q = name_of s q) by exact H6.
  assert (He : name_of s' e = n) by exact H4.
  assert (Hfind : forall m, find s' m = if m =? n then Some e else find s m).
  { intros m. unfold find. cbn [table s' List.find]. rewrite He, Nat.eqb_sym. destruct (m =? n); [reflexivity |].
    apply find_ext. intros q Hq. now rewrite Hn. }
  split; [split; [exact H2 |] |].
  - unfold names_of in *. cbn [table s' map]. fold s'. rewrite He. constructor.
    + intros H. apply in_map_iff in H as (q & Hq & Hqt). rewrite Hn in Hq by assumption.
      now apply find_none with (id := q) in Hf.
    + rewrite (map_ext_in _ (name_of s)) by assumption. apply G.
  - repeat split; auto; try exact H3; cbn; try (now left); [intros x; now right |].
    intros m. unfold view. fold s'. rewrite Hfind. destruct (m =? n); cbn; [now rewrite H3 |].
    destruct (find s m) as [q |] eqn:Eq; cbn; [| reflexivity]. apply find_some in Eq as [Hq _].
    rewrite H5 by assumption. f_equal. apply map_names. intros t Ht. apply Hn.
    eapply sound_closed; [apply G | exact Hq | exact Ht].
Qed.

Lemma forget_spec k s id :
  Good s -> In id (table s) ->
  (forall q, In q (table s) -> q <> id -> ~ In id (dependencies_of (pool s) q)) ->
  let s' := forget k s id in
  Good s' /\ changes s' = changes s /\
  forall n, view s' n = if n =? name_of s id then None else view s n.
Proof.
  intros G Hid Hnone. cbv zeta.
  destruct (remove_package_spec (pool s) (table s) id) as (H1 & H2 & H3); auto; [apply G |].
  set (rest := List.remove Nat.eq_dec id (table s)) in *.
  assert (Hrest : forall q, In q rest <-> In q (table s) /\ q <> id).
  { intros q. split; [apply in_remove | intros [X Y]; now apply in_in_remove]. }
  set (s1 := PackageIndex (remove_package (pool s) id) rest (changes s)).
  assert (Hn : forall q, In q rest -> name_of s1 q = name_of s q).
  { intros q Hq. apply Hrest in Hq as [Hq Hne]. now apply H3. }
  assert (G1 : Good s1).
  { split; [exact H1 |]. change (table s1) with rest. rewrite (map_names s) by assumption. apply names_nodup; auto.
    - intros q Hq. now apply Hrest in Hq.
    - eapply sound_nodup. exact H1. }
  assert (V1 : forall n, view s1 n = if n =? name_of s id then None else view s n).
  { intros n. destruct (Nat.eqb_spec n (name_of s id)) as [-> | Hne].
    - apply view_none. destruct (find s1 (name_of s id)) as [q |] eqn:E; [| reflexivity].
      apply find_some in E as [Hq Hqn]. cbn in Hq. rewrite Hn in Hqn by assumption. apply Hrest in Hq as [Hq Hne].
      exfalso. apply Hne. now apply (names_inj s).
    - destruct (find s n) as [q |] eqn:E.
      + apply find_some in E as [Hq Hqn]. assert (Hqi : q <> id) by congruence.
        assert (Hqr : In q rest) by now apply Hrest.
        assert (E1 : find s n = Some q) by (rewrite <- Hqn; now apply find_in).
        assert (E2 : find s1 n = Some q) by (rewrite <- Hqn, <- (Hn q Hqr); now apply find_in).
        unfold view. rewrite E1, E2. cbn [option_map]. change (pool s1) with (remove_package (pool s) id). rewrite H2 by assumption. f_equal. apply map_names. intros t Ht. apply Hn, Hrest.
        split; [eapply sound_closed; [apply G | exact Hq | exact Ht] |]. intros ->. now apply (Hnone q).
      + assert (V : view s n = None) by now apply view_none. rewrite V. apply view_none.
        destruct (find s1 n) as [q |] eqn:E1; [| reflexivity]. apply find_some in E1 as [Hq Hqn]. cbn in Hq.
        rewrite Hn in Hqn by assumption. apply Hrest in Hq as [Hq _]. now apply find_none with (id := q) in E. }
  unfold forget. fold rest.
  destruct ((packages (remove_package (pool s) id) =? 0) && (k <? bound (remove_package (pool s) id))) eqn:Eb.
  - apply andb_true_iff in Eb as [Eb _]. apply Nat.eqb_eq in Eb.
    destruct (sound_counts _ _ H1) as (C & _). rewrite Eb in C.
    assert (Er : rest = []) by (destruct rest; [reflexivity | discriminate]).
    split; [split; [apply empty_sound | apply NoDup_nil] |]. split; [reflexivity |].
    intros n. rewrite <- V1. transitivity (@None (list name)); [reflexivity |]. symmetry. apply view_none.
    unfold find. cbn. now rewrite Er.
  - split; [exact G1 |]. split; [reflexivity |]. exact V1.
Qed.

Lemma note_view s c n : view (note s c) n = view s n.
Proof. reflexivity. Qed.

Lemma note_good s c : Good s -> Good (note s c).
Proof. intros [H1 H2]. split; assumption. Qed.

(** A list of names, looked up and put in order. *)

Lemma place_in id l x : In x (place id l) <-> x = id \/ In x l.
Proof.
  induction l as [| y l IH]; cbn; [intuition |].
  destruct (id <=? y); cbn; rewrite ?IH; intuition.
Qed.

Lemma sort_in l x : In x (sort l) <-> In x l.
Proof. induction l as [| y l IH]; cbn; [tauto |]. rewrite place_in, IH. intuition. Qed.

Lemma place_sorted id l : StronglySorted le l -> StronglySorted le (place id l).
Proof.
  induction l as [| y l IH]; cbn; intros H; [repeat constructor |].
  apply StronglySorted_inv in H as [H1 H2]. rewrite Forall_forall in H2. destruct (Nat.leb_spec id y).
  - constructor; [constructor; [assumption | now apply Forall_forall] |].
    constructor; [assumption |]. apply Forall_forall. intros x Hx. specialize (H2 x Hx). lia.
  - constructor; [auto |]. apply Forall_forall. intros x Hx. apply place_in in Hx as [-> | Hx]; [lia | auto].
Qed.

Lemma sort_sorted l : StronglySorted le (sort l).
Proof. induction l; cbn; [constructor | now apply place_sorted]. Qed.

Lemma dedup_in l x : In x (dedup l) <-> In x l.
Proof.
  induction l as [| y l IH]; cbn; [tauto |]. destruct (first_is y l) eqn:E.
  - rewrite IH. destruct l as [| z l]; cbn in E; [discriminate |]. apply Nat.eqb_eq in E. subst z. cbn. tauto.
  - cbn. rewrite IH. tauto.
Qed.

Lemma dedup_sorted l : StronglySorted le l -> StronglySorted lt (dedup l).
Proof.
  induction l as [| y l IH]; cbn; intros H; [constructor |]. apply StronglySorted_inv in H as [H1 H2].
  destruct (first_is y l) eqn:E; [auto |]. constructor; [auto |]. apply Forall_forall. intros x Hx.
  rewrite dedup_in in Hx. rewrite Forall_forall in H2. pose proof (H2 x Hx).
  destruct l as [| z l]; [easy |]. cbn in E. apply Nat.eqb_neq in E. apply StronglySorted_inv in H1 as [_ H1].
  rewrite Forall_forall in H1. destruct Hx as [<- | Hx]; [lia |]. specialize (H1 x Hx).
  specialize (H2 z (or_introl eq_refl)). lia.
Qed.

Lemma sort_nodup l : NoDup l -> StronglySorted lt (sort l).
Proof.
  induction 1 as [| y l Hy Hl IH]; cbn; [constructor |]. rewrite <- sort_in in Hy.
  revert Hy IH. generalize (sort l) as k. clear. induction k as [| z k IH]; cbn; intros Hy Hs; [repeat constructor |].
  apply StronglySorted_inv in Hs as [H1 H2]. rewrite Forall_forall in H2.
  destruct (Nat.leb_spec y z).
  - assert (y < z) by (assert (y <> z) by (intros ->; tauto); lia).
    constructor; [constructor; [assumption | now apply Forall_forall] |].
    constructor; [assumption |]. apply Forall_forall. intros x Hx. specialize (H2 x Hx). lia.
  - constructor; [apply IH; tauto |]. apply Forall_forall. intros x Hx. apply place_in in Hx as [-> | Hx]; [lia | auto].
Qed.

Lemma find_all_spec s names ids :
  find_all s names = Some ids ->
  incl ids (table s) /\ names_of s ids = names.
Proof.
  revert ids. induction names as [| n names IH]; cbn; intros ids; [intros [= <-]; split; [easy | reflexivity] |].
  destruct (find s n) as [id |] eqn:E; [| discriminate]. destruct (find_all s names) as [l |]; [| discriminate].
  intros [= <-]. destruct (IH l eq_refl) as [H1 H2]. apply find_some in E as [H3 H4]. split.
  - intros x [<- | Hx]; auto.
  - unfold names_of in *. cbn. congruence.
Qed.

Lemma find_all_none s names : find_all s names = None <-> exists n, In n names /\ view s n = None.
Proof.
  induction names as [| n names IH]; cbn; [split; [discriminate | intros (? & [] & _)] |].
  destruct (find s n) as [id |] eqn:E.
  - destruct (find_all s names) as [l |].
    + split; [discriminate |]. intros (m & [<- | Hm] & H).
      * apply view_none in H. congruence.
      * destruct IH as [_ IH]. discriminate IH. eauto.
    + split; [| reflexivity]. intros _. destruct IH as [IH _]. destruct (IH eq_refl) as (m & Hm & H). eauto.
  - split; [| reflexivity]. intros _. exists n. split; [now left |]. now apply view_none.
Qed.

Lemma resolve_spec s names ids :
  resolve s names = Some ids ->
  incl ids (table s) /\ StronglySorted lt ids /\ forall d, In d (names_of s ids) <-> In d names.
Proof.
  unfold resolve. destruct (find_all s names) as [l |] eqn:E; [| discriminate]. intros [= <-].
  apply find_all_spec in E as [H1 H2]. split; [| split].
  - intros x Hx. apply H1. now rewrite dedup_in, sort_in in Hx.
  - apply dedup_sorted, sort_sorted.
  - intros d. rewrite <- H2. unfold names_of. rewrite !in_map_iff.
    split; intros (x & Hx & Hin); exists x; (split; [assumption |]).
    + now rewrite dedup_in, sort_in in Hin.
    + now rewrite dedup_in, sort_in.
Qed.
