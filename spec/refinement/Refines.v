(** The theorems: the index does what the model does, with any packages, whatever limits refuse; what it recorded can be
    taken back; and what an index is built from decides what it holds. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index Memory Edges Lists Graph Names.

(** * The model *)

Lemma lookup_without a p n : lookup (without a p) n = if n =? p then None else lookup a n.
Proof.
  unfold without. induction a as [| [q l] a IH]; cbn; [now destruct (n =? p) |].
  destruct (Nat.eqb_spec q p) as [-> | Hq]; cbn.
  - rewrite IH, (Nat.eqb_sym p n). now destruct (n =? p).
  - rewrite IH. destruct (Nat.eqb_spec q n) as [-> | Hn]; [| reflexivity].
    destruct (Nat.eqb_spec n p); [congruence | reflexivity].
Qed.

Lemma without_keys a p : NoDup (map fst a) -> NoDup (map fst (without a p)) /\ ~ In p (map fst (without a p)).
Proof.
  unfold without. induction a as [| [q l] a IH]; cbn; intros H; [split; [constructor | easy] |].
  inversion_clear H as [| ? ? Hq Ha]. destruct (IH Ha) as [H1 H2].
  destruct (Nat.eqb_spec q p) as [-> | Hne]; cbn; [auto |]. split; [| intuition].
  constructor; [| assumption]. intros H. apply Hq. apply in_map_iff in H as (e & <- & He).
  apply filter_In in He as [He _]. now apply in_map.
Qed.

Lemma lookup_in a p l : NoDup (map fst a) -> (lookup a p = Some l <-> In (p, l) a).
Proof.
  induction a as [| [q k] a IH]; cbn; intros H; [split; [discriminate | easy] |].
  inversion_clear H as [| ? ? Hq Ha]. specialize (IH Ha). destruct (Nat.eqb_spec q p) as [-> | Hne].
  - split; [intros [= ->]; now left |]. intros [[= ->] | H]; [reflexivity |].
    exfalso. apply Hq. exact (in_map fst _ _ H).
  - rewrite IH. split; [now right |]. intros [[= -> ->] | H]; [congruence | assumption].
Qed.

Lemma model_dependent a p :
  NoDup (map fst a) ->
  (Model.has_other_dependent a p = true <-> exists n l, n <> p /\ lookup a n = Some l /\ In p l).
Proof.
  intros H. unfold Model.has_other_dependent. rewrite existsb_exists. split.
  - intros ([n l] & Hin & Hp). cbn in Hp. apply andb_true_iff in Hp as [H1 H2].
    apply negb_true_iff, Nat.eqb_neq in H1. apply existsb_exists in H2 as (x & Hx & E). apply Nat.eqb_eq in E. subst x.
    exists n, l. split; [assumption |]. split; [now apply lookup_in | assumption].
  - intros (n & l & H1 & H2 & H3). apply lookup_in in H2; [| assumption]. exists (n, l). split; [assumption |]. cbn.
    apply andb_true_iff. split; [now apply negb_true_iff, Nat.eqb_neq |]. apply existsb_exists. exists p.
    split; [assumption | apply Nat.eqb_refl].
Qed.

(** * What an index shows *)

Record Shows (s : index) (a : model) : Prop := {
  shows_keys : NoDup (map fst a);
  shows_view : forall n, alike (view s n) (lookup a n)
}.

Lemma empty_good : Good empty.
Proof. split; [apply empty_sound | apply NoDup_nil]. Qed.

Lemma empty_shows : Shows empty [].
Proof. split; [apply NoDup_nil | intros n; exact I]. Qed.

Lemma shows_indexed s a n : Shows s a -> is_indexed a n = match find s n with Some _ => true | None => false end.
Proof.
  intros [_ H]. specialize (H n). unfold is_indexed, view in *.
  destruct (find s n), (lookup a n); cbn in H; easy.
Qed.

Lemma dependent_named s id :
  Good s -> In id (table s) ->
  (has_other_dependent (pool s) id = true <->
    exists n l, n <> name_of s id /\ view s n = Some l /\ In (name_of s id) l).
Proof.
  intros G Hid. rewrite (has_other_dependent_spec _ _ (good_sound s G) id Hid). split.
  - intros (q & Hne & Hq & Hd). exists (name_of s q), (names_of s (dependencies_of (pool s) q)). split; [| split].
    + intros E. apply Hne. now apply (names_inj s).
    + apply view_some. exists q. split; [now apply find_in | reflexivity].
    + now apply in_map.
  - intros (n & l & Hne & Hv & Hl). apply view_some in Hv as (q & Hq & ->). apply find_some in Hq as [Hq Hqn].
    apply in_map_iff in Hl as (x & Hx & Hxl). exists q. split; [intros ->; congruence |]. split; [assumption |].
    assert (x = id); [| congruence]. apply (names_inj s); auto.
    eapply sound_closed; [apply G | exact Hq | exact Hxl].
Qed.

(** No package but itself depends on one that may go. *)
Lemma undisturbed s id :
  Good s -> In id (table s) -> has_other_dependent (pool s) id = false ->
  forall q, In q (table s) -> q <> id -> ~ In id (dependencies_of (pool s) q).
Proof.
  intros G Hid Hf q Hq Hne Hd. assert (has_other_dependent (pool s) id = true); [| congruence].
  apply (has_other_dependent_spec _ _ (good_sound s G) id Hid). eauto.
Qed.

(** * Commands *)

(** What a command does to the index, and what it records of that. *)
Definition recorded (s s' : index) : Prop :=
  (changes s' = changes s /\ forall n, alike (view s' n) (view s n)) \/
  (exists c, changes s' = c :: changes s /\ before c = view s (of c) /\
    forall n, n <> of c -> alike (view s' n) (view s n)).

Lemma index_spec refuses s p names s' o :
  Good s -> apply_index refuses s p names = (s', o) ->
  Good s' /\ recorded s s' /\
  match o with
  | None => s' = s
  | Some Fail => s' = s /\ exists n, In n names /\ view s n = None
  | Some Ok => (forall n, In n names -> view s n <> None) /\
      forall n, alike (view s' n) (if n =? p then Some names else view s n)
  end.
Proof.
  intros G. unfold apply_index. destruct (resolve s names) as [ids |] eqn:E.
  - assert (Hall : forall n, In n names -> view s n <> None).
    { intros n Hn Hv. unfold resolve in E. destruct (find_all s names) as [l |] eqn:E'; [| discriminate].
      assert (find_all s names = None) by (apply find_all_none; eauto). congruence. }
    destruct (refuses s p (find s p) ids).
    + intros [= <- <-]. split; [assumption |]. split; [| reflexivity]. left. split; [reflexivity |].
      intros. apply alike_refl.
    + apply resolve_spec in E as (H1 & H2 & H3). destruct (find s p) as [id |] eqn:Ep.
      * apply find_some in Ep as [Hid Hname]. subst p.
        unfold note_list. cbn [negb andb]. destruct (list_eq_dec Nat.eq_dec (dependencies_of (pool s) id) ids) as [Eq | Eq].
        -- intros [= <- <-]. destruct (set_list_spec s id ids) as [G' V]; auto.
           assert (A : forall n, alike (view (set_list s id ids) n) (view s n)).
           { intros n. rewrite V. destruct (Nat.eqb_spec n (name_of s id)) as [-> |]; [| apply alike_refl].
             unfold view. rewrite find_in by assumption. cbn. rewrite Eq. tauto. }
           split; [assumption |]. split; [left; split; [reflexivity | assumption] |]. split; [assumption |].
           intros n. rewrite V. destruct (n =? name_of s id); [exact H3 | apply alike_refl].
        -- set (c := Change (name_of s id) (Some (names_of s (dependencies_of (pool s) id))) (Some (names_of s ids))).
           intros [= <- <-]. destruct (set_list_spec (note s c) id ids) as [G' V]; auto using note_good.
           change (name_of (note s c) id) with (name_of s id) in V.
           change (names_of (note s c) ids) with (names_of s ids) in V.
           split; [assumption |]. split; [right; exists c; split; [reflexivity |]; split |].
           ++ cbn. unfold view. rewrite find_in by assumption. reflexivity.
           ++ intros n Hn. rewrite V. cbn in Hn. destruct (Nat.eqb_spec n (name_of s id)); [tauto | apply alike_refl].
           ++ split; [assumption |]. intros n. rewrite V. destruct (n =? name_of s id); [exact H3 | apply alike_refl].
      * destruct (insert s p) as [s1 id] eqn:Ei. cbn [fst snd].
        destruct (insert_spec s p s1 id G Ep Ei) as (I1 & I2 & I3 & I4 & I5 & I6 & I7 & I8 & I9 & I10).
        unfold note_list. cbn [negb andb].
        set (c := Change (name_of s1 id) None (Some (names_of s1 ids))).
        assert (Hnames : names_of s1 ids = names_of s ids) by (apply map_names; auto).
        intros [= <- <-]. destruct (set_list_spec (note s1 c) id ids) as [G' V]; auto using note_good.
        { intros x Hx. apply I4. auto. }
        change (name_of (note s1 c) id) with (name_of s1 id) in V.
        change (names_of (note s1 c) ids) with (names_of s1 ids) in V.
        rewrite I3, Hnames in V.
        assert (V' : forall n, view (set_list (note s1 c) id ids) n = if n =? p then Some (names_of s ids) else view s n).
        { intros n. rewrite V. change (view (note s1 c) n) with (view s1 n). rewrite I10. now destruct (n =? p). }
        split; [assumption |]. split; [right; exists c; split; [cbn; now rewrite I7 |]; split |].
        -- cbn. rewrite I3. symmetry. now apply view_none.
        -- intros n Hn. rewrite V'. cbn in Hn. rewrite I3 in Hn. destruct (Nat.eqb_spec n p); [tauto | apply alike_refl].
        -- split; [assumption |]. intros n. rewrite V'. destruct (n =? p); [exact H3 | apply alike_refl].
  - intros [= <- <-]. split; [assumption |]. split.
    + left. split; [reflexivity |]. intros. apply alike_refl.
    + split; [reflexivity |]. apply find_all_none. unfold resolve in E. now destruct (find_all s names).
Qed.

Lemma remove_spec k s p s' o :
  Good s -> apply_remove k s p = (s', o) ->
  Good s' /\ recorded s s' /\
  match o with
  | Fail => s' = s /\ exists n l, n <> p /\ view s n = Some l /\ In p l
  | Ok => (forall n l, n <> p -> view s n = Some l -> ~ In p l) /\
      forall n, view s' n = if n =? p then None else view s n
  end.
Proof.
  intros G. unfold apply_remove. destruct (find s p) as [id |] eqn:E.
  - apply find_some in E as [Hid <-]. destruct (has_other_dependent (pool s) id) eqn:Eh.
    + intros [= <- <-]. split; [assumption |]. split; [left; split; [reflexivity | intros; apply alike_refl] |].
      split; [reflexivity |]. now apply dependent_named.
    + intros [= <- <-].
      destruct (forget_spec k (note_removal s id) id) as (G' & C & V); auto.
      { now apply note_good. }
      { intros q. now apply (undisturbed s id). }
      change (name_of (note_removal s id) id) with (name_of s id) in V.
      change (changes (note_removal s id)) with
        (Change (name_of s id) (Some (names_of s (dependencies_of (pool s) id))) None :: changes s) in C.
      split; [assumption |]. split; [right; eexists; split; [exact C |]; cbn; split |].
      * unfold view. rewrite find_in by assumption. reflexivity.
      * intros n Hn. rewrite V. destruct (Nat.eqb_spec n (name_of s id)); [tauto | apply alike_refl].
      * split; [| exact V]. intros n l Hne Hv Hl.
        assert (has_other_dependent (pool s) id = true); [| congruence]. apply dependent_named; eauto.
  - intros [= <- <-]. split; [assumption |]. split; [left; split; [reflexivity | intros; apply alike_refl] |]. split.
    + intros n l Hne Hv Hl. apply (view_closed s n l p G Hv Hl). now apply view_none.
    + intros n. destruct (Nat.eqb_spec n p) as [-> |]; [now apply view_none | reflexivity].
Qed.

(** The index answers as the model does and shows the same after that. What a limit refuses changes nothing. *)
Theorem apply_refines refuses k s a c :
  Good s -> Shows s a ->
  let (s', reply) := apply refuses k s c in
  Good s' /\
  match reply with
  | None => s' = s
  | Some o => o = snd (Model.apply a c) /\ Shows s' (fst (Model.apply a c))
  end.
Proof.
  intros G S. pose proof S as [K V].
  assert (Hd : forall p, (exists n l, n <> p /\ view s n = Some l /\ In p l) <->
      Model.has_other_dependent a p = true).
  { intros p. rewrite model_dependent by assumption.
    split; intros (n & l & H1 & H2 & H3); specialize (V n); rewrite H2 in V.
    - destruct (lookup a n) as [x |] eqn:E; cbn in V; [| easy]. exists n, x. rewrite <- V. auto.
    - destruct (view s n) as [x |] eqn:E; cbn in V; [| easy]. exists n, x. rewrite V. auto. }
  assert (Hv : forall n, view s n <> None <-> is_indexed a n = true).
  { intros n. rewrite (shows_indexed s a n S), view_none. destruct (find s n); split; congruence. }
  destruct c as [p names | p | p]; cbn [apply].
  - destruct (apply_index refuses s p names) as [s' [[] |]] eqn:E;
      apply index_spec in E as (G' & _ & H); auto; (split; [assumption |]); cbn [Model.apply].
    + destruct H as [H1 H2]. assert (Hall : forallb (is_indexed a) names = true).
      { apply forallb_forall. intros n Hn. apply Hv. auto. }
      rewrite Hall. split; [reflexivity |]. cbn [fst]. destruct (without_keys a p K) as [K1 K2]. split.
      * cbn. now constructor.
      * intros n. eapply alike_trans; [apply H2 |]. cbn. rewrite (Nat.eqb_sym p n).
        destruct (n =? p) eqn:En; [apply alike_refl |]. rewrite lookup_without, En. apply V.
    + destruct H as [-> (n & H1 & H2)]. assert (Hall : forallb (is_indexed a) names = false).
      { destruct (forallb (is_indexed a) names) eqn:E; [| reflexivity]. rewrite forallb_forall in E.
        apply E in H1. apply Hv in H1. congruence. }
      rewrite Hall. split; [reflexivity | assumption].
  - destruct (apply_remove k s p) as [s' []] eqn:E; apply remove_spec in E as (G' & _ & H); auto;
      (split; [assumption |]); cbn [Model.apply].
    + destruct H as [H1 H2]. destruct (Model.has_other_dependent a p) eqn:E.
      { apply Hd in E as (n & l & X1 & X2 & X3). exfalso. eapply H1; eauto. }
      split; [reflexivity |]. split; [now apply without_keys |]. intros n. rewrite H2. cbn. rewrite lookup_without.
      destruct (n =? p); [exact I | apply V].
    + destruct H as [-> H]. apply Hd in H. rewrite H. split; [reflexivity | assumption].
  - split; [assumption |]. cbn. rewrite (shows_indexed s a p S). unfold look_up.
    destruct (find s p); split; auto.
Qed.

Lemma apply_recorded refuses k s c : Good s -> recorded s (fst (apply refuses k s c)).
Proof.
  intros G. destruct c as [p names | p | p]; cbn.
  - destruct (apply_index refuses s p names) as [s' o] eqn:E. now apply index_spec in E as (_ & H & _).
  - destruct (apply_remove k s p) as [s' o] eqn:E. now apply remove_spec in E as (_ & H & _).
  - left. split; [reflexivity | intros; apply alike_refl].
Qed.

Lemma apply_good refuses k s c : Good s -> Good (fst (apply refuses k s c)).
Proof.
  intros G. destruct c as [p names | p | p]; cbn; [| | assumption].
  - destruct (apply_index refuses s p names) as [s' o] eqn:E. now apply index_spec in E as (H & _).
  - destruct (apply_remove k s p) as [s' o] eqn:E. now apply remove_spec in E as (H & _).
Qed.

(** * Whole conversations, and building an index *)

(** What the model does with those of the commands that no limit refused; and all replies. *)
Fixpoint follow (refuses : limits) (k : nat) (s : index) (a : model) (commands : list command) : Prop :=
  match commands with
  | [] => Shows s a
  | c :: rest =>
      let (s', reply) := apply refuses k s c in
      match reply with
      | None => s' = s /\ follow refuses k s' a rest
      | Some o => o = snd (Model.apply a c) /\ follow refuses k s' (fst (Model.apply a c)) rest
      end
  end.

Theorem conversations_refine refuses k commands : forall s a,
  Good s -> Shows s a -> follow refuses k s a commands.
Proof.
  induction commands as [| c rest IH]; intros s a G S; cbn; [assumption |].
  pose proof (apply_refines refuses k s a c G S) as H. destruct (apply refuses k s c) as [s' [o |]].
  - destruct H as (G' & H1 & H2). auto.
  - destruct H as (G' & ->). auto.
Qed.

Definition unlimited : limits := fun _ _ _ _ => false.

Lemma unlimited_answers k s c : snd (apply unlimited k s c) <> None.
Proof.
  destruct c as [p names | p | p]; cbn.
  - unfold apply_index. destruct (resolve s names); [| discriminate]. cbn.
    destruct (match find s p with Some id => (s, id, false) | None => (insert s p, true) end) as [[s' id] is_new].
    discriminate.
  - destruct (apply_remove k s p). discriminate.
  - discriminate.
Qed.

(** An index that is built from commands is what the model makes of them one after another. *)
Theorem built_refines k commands : forall s a,
  Good s -> Shows s a ->
  Good (extend unlimited k s commands) /\
  Shows (extend unlimited k s commands) (fold_left (fun a c => fst (Model.apply a c)) commands a).
Proof.
  unfold extend. induction commands as [| c rest IH]; intros s a G S; cbn; [auto |].
  pose proof (apply_refines unlimited k s a c G S) as H. pose proof (unlimited_answers k s c) as U.
  destruct (apply unlimited k s c) as [s' [o |]]; cbn in *; [| congruence]. destruct H as (G' & _ & S'). auto.
Qed.

(** * Undo *)

Lemma filter_find_spec s names :
  (forall n, In n names -> find s n <> None) -> NoDup names ->
  incl (filter_find s names) (table s) /\ NoDup (filter_find s names) /\
  names_of s (filter_find s names) = names.
Proof.
  unfold names_of. induction names as [| n names IH]; cbn; intros H Hd; [repeat split; [easy | constructor] |].
  inversion_clear Hd as [| ? ? Hn Hns]. destruct IH as (H1 & H2 & H3); auto.
  destruct (find s n) as [id |] eqn:E; [| exfalso; apply (H n); auto].
  apply find_some in E as [E1 E2]. repeat split; cbn.
  - intros x [<- | Hx]; auto.
  - constructor; [| assumption]. intros Hx. apply Hn. rewrite <- H3, <- E2. now apply in_map.
  - congruence.
Qed.

Lemma undo_one_spec k s v c :
  Good s ->
  (forall n l d, v n = Some l -> In d l -> v d <> None) ->
  (forall n l, v n = Some l -> NoDup l) ->
  before c = v (of c) -> (forall n, n <> of c -> alike (view s n) (v n)) ->
  Good (undo_one k s c) /\ forall n, alike (view (undo_one k s c) n) (v n).
Proof.
  intros G Hclosed Hnodup Hbefore Hv. unfold undo_one. rewrite Hbefore. destruct (v (of c)) as [l |] eqn:Ev.
  - set (made := match find s (of c) with Some id => (s, id) | None => insert s (of c) end).
    assert (M : Good (fst made) /\ In (snd made) (table (fst made)) /\ name_of (fst made) (snd made) = of c /\
      (forall n, n <> of c -> view (fst made) n = view s n) /\ view (fst made) (of c) <> None).
    { unfold made. destruct (find s (of c)) as [id |] eqn:E.
      - pose proof E as E'. apply find_some in E as [E1 E2]. cbn. repeat split; auto; try apply G.
        intros X. apply view_none in X. congruence.
      - destruct (insert s (of c)) as [s1 id] eqn:Ei.
        destruct (insert_spec s (of c) s1 id G E Ei) as (I1 & I2 & I3 & I4 & I5 & I6 & I7 & I8 & I9 & I10). cbn.
        repeat split; auto; try apply I1.
        + intros n Hn. rewrite I10. destruct (Nat.eqb_spec n (of c)); [tauto | reflexivity].
        + rewrite I10, Nat.eqb_refl. discriminate. }
    destruct made as [s1 id]. cbn [fst snd] in M. destruct M as (M1 & M2 & M3 & M4 & M5).
    assert (Hfound : forall n, In n l -> find s1 n <> None).
    { intros n Hn. rewrite <- view_none. destruct (Nat.eq_dec n (of c)) as [-> | Hne]; [assumption |].
      rewrite M4 by assumption. specialize (Hclosed _ _ _ Ev Hn). specialize (Hv n Hne).
      destruct (v n), (view s n); cbn in Hv; easy. }
    destruct (filter_find_spec s1 l Hfound) as (F1 & F2 & F3); [eauto |].
    destruct (set_list_spec s1 id (sort (filter_find s1 l))) as [G' V]; auto.
    { intros x Hx. apply F1. now rewrite sort_in in Hx. }
    { now apply sort_nodup. }
    split; [assumption |]. intros n. rewrite V, M3. destruct (Nat.eqb_spec n (of c)) as [-> | Hne].
    + rewrite Ev. cbn. intros d. rewrite <- F3 at 2. unfold names_of. rewrite !in_map_iff.
      split; intros (x & X1 & X2); exists x; (split; [assumption |]); [now rewrite sort_in in X2 | now rewrite sort_in].
    + rewrite M4 by assumption. auto.
  - destruct (find s (of c)) as [id |] eqn:E.
    + apply find_some in E as [E1 E2].
      assert (Hfree : has_other_dependent (pool s) id = false).
      { destruct (has_other_dependent (pool s) id) eqn:Eh; [| reflexivity].
        apply dependent_named in Eh as (n & l & X1 & X2 & X3); auto. rewrite E2 in X1, X3.
        specialize (Hv n X1). rewrite X2 in Hv. destruct (v n) as [l' |] eqn:Evn; cbn in Hv; [| easy].
        apply Hv in X3. exfalso. now apply (Hclosed n l' (of c)). }
      destruct (forget_spec k s id) as (G' & _ & V); auto using undisturbed.
      split; [assumption |]. intros n. rewrite V, E2. destruct (Nat.eqb_spec n (of c)) as [-> | Hne]; [| auto].
      rewrite Ev. exact I.
    + split; [assumption |]. intros n. destruct (Nat.eq_dec n (of c)) as [-> | Hne]; [| auto].
      rewrite Ev. assert (X : view s (of c) = None) by now apply view_none. now rewrite X.
Qed.

(** What commands changed can be taken back, however many there were, and whatever limits refused in between. *)
Theorem undo_restores refuses k commands : forall s,
  Good s ->
  exists list, changes (extend refuses k s commands) = list ++ changes s /\
    let s' := undo k (extend refuses k s commands) list in
    Good s' /\ forall n, alike (view s' n) (view s n).
Proof.
  unfold extend. induction commands as [| c rest IH]; intros s G; cbn [fold_left].
  - exists []. cbn. split; [reflexivity |]. split; [assumption |]. intros. apply alike_refl.
  - set (s1 := fst (apply refuses k s c)).
    pose proof (apply_good refuses k s c G) as G1. fold s1 in G1.
    pose proof (apply_recorded refuses k s c G) as R. fold s1 in R.
    destruct (IH s1 G1) as (list & C & U & V). fold (extend refuses k s1 rest) in *.
    destruct R as [[R1 R2] | (ch & R1 & R2 & R3)].
    + exists list. split; [congruence |]. split; [exact U |]. intros n. eapply alike_trans; [apply V | apply R2].
    + exists (list ++ [ch]). split; [rewrite C, R1, <- app_assoc; reflexivity |]. cbv zeta.
      unfold undo in *. rewrite fold_left_app. cbn [fold_left].
      apply undo_one_spec; auto.
      * intros n l d. now apply view_closed.
      * intros n l. now apply view_nodup.
      * intros n Hn. eapply alike_trans; [apply V | now apply R3].
Qed.
