(** What is built of rows is good and shows just these rows. It is built if, and only if, the rows make a state. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index Bulk Memory Edges Lists Graph Names Refines.

(** The names of rows: of packages and of lists. *)
Definition named (rows : list row) : list name := concat (map (fun r => snd r ++ [fst r]) rows).

Lemma name_one_spec s n s' id :
  Good s -> name_one s n = (s', id) ->
  Good s' /\ In id (table s') /\ name_of s' id = n /\ incl (table s) (table s') /\
  (forall q, In q (table s) -> name_of s' q = name_of s q) /\
  (forall m, view s' m = if m =? n then Some (match view s n with Some l => l | None => [] end) else view s m).
Proof.
  intros G. unfold name_one. destruct (find s n) as [e |] eqn:E.
  - intros [= <- <-]. pose proof (find_some _ _ _ E) as [H1 H2].
    do 3 (split; [assumption |]). split; [apply incl_refl |]. split; [reflexivity |].
    intros m. destruct (Nat.eqb_spec m n) as [-> |]; [| reflexivity].
    destruct (view s n) eqn:V; [reflexivity |]. apply view_none in V. congruence.
  - intros Ei. destruct (insert_spec s n s' id G E Ei) as (I1 & I2 & I3 & I4 & I5 & I6 & I7 & I8 & I9 & I10).
    repeat (split; [assumption |]). intros m. rewrite I10. destruct (m =? n); [| reflexivity].
    apply view_none in E. now rewrite E.
Qed.

(** Adds to what is held the names that are new, with empty lists. *)
Definition extends (s s' : index) (names : list name) : Prop :=
  Good s' /\ incl (table s) (table s') /\
  (forall q, In q (table s) -> name_of s' q = name_of s q) /\
  (forall m l, view s m = Some l -> view s' m = Some l) /\
  (forall m, view s m = None -> view s' m = if in_dec Nat.eq_dec m names then Some [] else None).

Lemma extends_refl s : Good s -> extends s s [].
Proof.
  intros G. split; [assumption |]. split; [apply incl_refl |]. split; [reflexivity |]. split; [trivial |].
  intros m H. cbn. exact H.
Qed.

Lemma extends_trans s1 s2 s3 a b : extends s1 s2 a -> extends s2 s3 b -> extends s1 s3 (a ++ b).
Proof.
  intros (G2 & T2 & N2 & K2 & F2) (G3 & T3 & N3 & K3 & F3).
  split; [assumption |]. split; [eapply incl_tran; eauto |]. split; [| split].
  - intros q Hq. rewrite N3 by auto. auto.
  - eauto.
  - intros m H. specialize (F2 m H). destruct (in_dec Nat.eq_dec m a) as [Ha | Ha].
    + rewrite (K3 _ _ F2). destruct (in_dec Nat.eq_dec m (a ++ b)); [reflexivity | exfalso; auto using in_or_app].
    + rewrite (F3 m F2). destruct (in_dec Nat.eq_dec m b) as [Hb | Hb], (in_dec Nat.eq_dec m (a ++ b)) as [H' | H'];
        try reflexivity.
      * exfalso; auto using in_or_app.
      * apply in_app_or in H'. tauto.
Qed.

Lemma name_one_extends s n s' id :
  Good s -> name_one s n = (s', id) -> extends s s' [n] /\ In id (table s') /\ name_of s' id = n.
Proof.
  intros G E. destruct (name_one_spec s n s' id G E) as (H1 & H2 & H3 & H4 & H5 & H6).
  split; [| auto]. split; [assumption |]. split; [assumption |]. split; [assumption |]. split.
  - intros m l H. rewrite H6. destruct (Nat.eqb_spec m n) as [-> |]; [now rewrite H | assumption].
  - intros m H. rewrite H6. destruct (in_dec Nat.eq_dec m [n]) as [[-> | []] | Hn].
    + rewrite Nat.eqb_refl. now rewrite H.
    + destruct (Nat.eqb_spec m n) as [-> |]; [exfalso; apply Hn; now left | assumption].
Qed.

Lemma name_all_extends names : forall s s' ids,
  Good s -> name_all s names = (s', ids) ->
  extends s s' names /\ incl ids (table s') /\ names_of s' ids = names.
Proof.
  induction names as [| n rest IH]; cbn; intros s s' ids G.
  - intros [= <- <-]. split; [now apply extends_refl |]. split; [easy | reflexivity].
  - destruct (name_one s n) as [s1 id] eqn:E1. destruct (name_all s1 rest) as [s2 others] eqn:E2. intros [= <- <-].
    destruct (name_one_extends _ _ _ _ G E1) as (X1 & H1 & H2).
    destruct (IH _ _ _ (proj1 X1) E2) as (X2 & H3 & H4).
    split; [exact (extends_trans _ _ _ [n] rest X1 X2) |]. destruct X2 as (_ & T & N & _).
    split; [intros x [<- | Hx]; auto |]. unfold names_of in *. cbn. rewrite N by assumption. congruence.
Qed.

(** What the packages of rows are, and which lists they are to get. *)
Definition stands_for (s : index) (named : list (nat * list nat)) (rows : list row) : Prop :=
  Forall2 (fun entry r =>
    In (fst entry) (table s) /\ name_of s (fst entry) = fst r /\ incl (snd entry) (table s) /\
    StronglySorted lt (snd entry) /\ forall d, In d (names_of s (snd entry)) <-> In d (snd r)) named rows.

Lemma stands_for_later s s' names found rows :
  extends s s' names -> stands_for s found rows -> stands_for s' found rows.
Proof.
  intros (_ & T & N & _). induction 1 as [| entry r found rows (H1 & H2 & H3 & H4 & H5)]; constructor; [| assumption].
  split; [auto |]. split; [now rewrite N |]. split; [eapply incl_tran; eauto |]. split; [assumption |].
  intros d. rewrite <- H5. rewrite (map_names s s') by auto. reflexivity.
Qed.

Lemma name_rows_extends rows : forall s s' found,
  Good s -> name_rows s rows = (s', found) -> extends s s' (named rows) /\ stands_for s' found rows.
Proof.
  induction rows as [| [p l] rest IH]; cbn; intros s s' found G.
  - intros [= <- <-]. split; [now apply extends_refl | constructor].
  - destruct (name_all s l) as [s1 ids] eqn:E1. destruct (name_one s1 p) as [s2 id] eqn:E2.
    destruct (name_rows s2 rest) as [s3 others] eqn:E3. intros [= <- <-].
    destruct (name_all_extends _ _ _ _ G E1) as (X1 & H1 & H2).
    destruct (name_one_extends _ _ _ _ (proj1 X1) E2) as (X2 & H3 & H4).
    destruct (IH _ _ _ (proj1 X2) E3) as (X3 & H5).
    split.
    + unfold named. cbn. eapply extends_trans; [| exact X3]. eapply extends_trans; eassumption.
    + constructor; [| assumption].
      assert (stands_for s2 [(id, dedup (sort ids))] [(p, l)]) as S2.
      { constructor; [| constructor]. cbn. split; [assumption |]. split; [assumption |].
        assert (I2 : incl ids (table s2)) by (eapply incl_tran; [eassumption | apply X2]).
        split; [| split].
        - intros x Hx. apply I2. now apply sort_in, dedup_in.
        - apply dedup_sorted, sort_sorted.
        - intros d. rewrite <- H2. unfold names_of. rewrite !in_map_iff. destruct X2 as (_ & _ & N & _).
          split; intros (x & <- & Hx); exists x.
          + split; [symmetry; apply N; apply H1 |]; now apply sort_in, dedup_in.
          + split; [apply N; auto | now apply dedup_in, sort_in]. }
      eapply stands_for_later in S2; [| exact X3]. now inversion_clear S2.
Qed.

Definition set_all (s : index) (found : list (nat * list nat)) : index :=
  fold_left (fun s entry => set_list s (fst entry) (snd entry)) found s.

Lemma lookup_none (a : model) n : lookup a n = None <-> ~ In n (map fst a).
Proof.
  induction a as [| [q l] a IH]; cbn; [tauto |]. destruct (Nat.eqb_spec q n) as [-> | H]; [| rewrite IH; tauto].
  split; [discriminate | tauto].
Qed.

Lemma lookup_some (a : model) n l : lookup a n = Some l -> In n (map fst a).
Proof.
  intros H. destruct (in_dec Nat.eq_dec n (map fst a)) as [| Hn]; [assumption |]. apply lookup_none in Hn. congruence.
Qed.

Lemma lookup_app (a b : model) n : lookup (a ++ b) n = match lookup a n with Some l => Some l | None => lookup b n end.
Proof. induction a as [| [q l] a IH]; cbn; [reflexivity |]. now destruct (q =? n). Qed.

Lemma set_all_spec rows : forall s found,
  Good s -> stands_for s found rows -> NoDup (map fst rows) ->
  Good (set_all s found) /\
  forall m, alike (view (set_all s found) m) (match lookup rows m with Some l => Some l | None => view s m end).
Proof.
  induction rows as [| [p l] rest IH]; intros s found G H K; inversion H as [| [id ids] ? others ? H1 H2]; subst; cbn.
  - split; [assumption |]. intros m. apply alike_refl.
  - destruct H1 as (I1 & I2 & I3 & I4 & I5). cbn in *. inversion_clear K as [| ? ? K1 K2].
    destruct (set_list_spec s id ids G I1 I3 I4) as [G' V].
    assert (S' : stands_for (set_list s id ids) others rest).
    { assert (Hn : forall q, In q (table s) -> name_of (set_list s id ids) q = name_of s q).
      { destruct (set_dependencies_spec (pool s) (table s) id ids) as (_ & _ & _ & N); auto. apply G. }
      clear - H2 Hn. induction H2 as [| [q k] r found rows (J1 & J2 & J3 & J4 & J5)]; constructor; [| assumption].
      cbn in *. split; [assumption |]. split; [rewrite Hn by assumption; assumption |]. split; [assumption |].
      split; [assumption |]. intros d.
      change (In d (names_of (set_list s id ids) k) <-> In d (snd r)).
      rewrite (map_names s (set_list s id ids)) by auto. apply J5. }
    destruct (IH _ _ G' S' K2) as [G2 V2]. split; [exact G2 |]. intros m. specialize (V2 m).
    destruct (Nat.eqb_spec p m) as [-> | Hne].
    + apply lookup_none in K1. rewrite K1 in V2. eapply alike_trans; [exact V2 |].
      rewrite V, I2, Nat.eqb_refl. exact I5.
    + destruct (lookup rest m); [exact V2 |]. eapply alike_trans; [exact V2 |]. rewrite V, I2.
      destruct (Nat.eqb_spec m p); [congruence |]. apply alike_refl.
Qed.

(** What is held of a name when these rows have come. *)
Definition so_far (rows : list row) (m : name) : option (list name) :=
  match lookup rows m with
  | Some l => Some l
  | None => if in_dec Nat.eq_dec m (named rows) then Some [] else None
  end.

Lemma named_app a b m : In m (named (a ++ b)) <-> In m (named a) \/ In m (named b).
Proof. unfold named. rewrite map_app, concat_app. apply in_app_iff. Qed.

Lemma add_spec s before rows :
  Good s -> NoDup (map fst (before ++ rows)) ->
  (forall m, alike (view s m) (so_far before m)) ->
  Good (add s rows) /\ forall m, alike (view (add s rows) m) (so_far (before ++ rows) m).
Proof.
  intros G K V. unfold add. destruct (name_rows s rows) as [s1 found] eqn:E.
  destruct (name_rows_extends _ _ _ _ G E) as [(G1 & T & N & Keep & Fresh) S].
  rewrite map_app in K.
  assert (K2 : NoDup (map fst rows)) by (clear - K; induction (map fst before); [assumption | inversion_clear K; auto]).
  destruct (set_all_spec rows s1 found G1 S K2) as [G2 V2]. fold (set_all s1 found). split; [assumption |].
  intros m. specialize (V2 m). specialize (V m). unfold so_far in *. rewrite lookup_app.
  destruct (lookup rows m) as [l |] eqn:El.
  - destruct (lookup before m) eqn:Eb; [| exact V2]. exfalso.
    pose proof (lookup_some _ _ _ Eb) as H1. pose proof (lookup_some _ _ _ El) as H2.
    clear - K H1 H2. induction (map fst before) as [| x b IH]; [easy |]. cbn in K. inversion_clear K as [| ? ? K1 K3].
    destruct H1 as [-> | H1]; [apply K1; apply in_or_app; auto | auto].
  - eapply alike_trans; [exact V2 |]. destruct (lookup before m) as [l |].
    + destruct (view s m) as [l' |] eqn:Ev; [| easy]. now rewrite (Keep _ _ Ev).
    + destruct (in_dec Nat.eq_dec m (named before)) as [Hb | Hb].
      * destruct (view s m) as [l' |] eqn:Ev; [| easy]. rewrite (Keep _ _ Ev).
        destruct (in_dec Nat.eq_dec m (named (before ++ rows))) as [| H]; [exact V |].
        exfalso. apply H, named_app. auto.
      * destruct (view s m) as [l' |] eqn:Ev; [easy |]. rewrite (Fresh _ Ev).
        destruct (in_dec Nat.eq_dec m (named rows)) as [Hr | Hr],
          (in_dec Nat.eq_dec m (named (before ++ rows))) as [Ha | Ha];
          try apply alike_refl; exfalso; [apply Ha, named_app; auto | apply named_app in Ha; tauto].
Qed.

Lemma nodup_first (a b : list name) : NoDup (a ++ b) -> NoDup a.
Proof. induction a; cbn; intros H; [constructor |]. inversion_clear H. constructor; auto using in_or_app. Qed.

Lemma add_all_spec groups : forall s before,
  Good s -> NoDup (map fst (before ++ concat groups)) ->
  (forall m, alike (view s m) (so_far before m)) ->
  Good (fold_left add groups s) /\
  forall m, alike (view (fold_left add groups s) m) (so_far (before ++ concat groups) m).
Proof.
  induction groups as [| rows rest IH]; cbn; intros s before G K V.
  - rewrite app_nil_r. auto.
  - rewrite app_assoc in K |- *.
    assert (K1 : NoDup (map fst (before ++ rows))) by (rewrite map_app in K; exact (nodup_first _ _ K)).
    destruct (add_spec s before rows G K1 V) as [G' V']. now apply IH.
Qed.

(** Whether rows make a state: each package has one, and all that is named is there. *)
Definition Closed (rows : list row) : Prop :=
  NoDup (map fst rows) /\ forall p l d, In (p, l) rows -> In d l -> In d (map fst rows).

Lemma distinct_names (l : list name) : (length (nodup Nat.eq_dec l) =? length l) = true <-> NoDup l.
Proof.
  rewrite Nat.eqb_eq. split.
  - induction l as [| x l IH]; cbn; [constructor |]. destruct (in_dec Nat.eq_dec x l) as [H | H].
    + intros E. exfalso. assert (length (nodup Nat.eq_dec l) <= length l); [| lia].
      apply NoDup_incl_length; [apply NoDup_nodup |]. intros y Hy. now apply nodup_In in Hy.
    + intros [= E]. constructor; auto.
  - intros H. now rewrite nodup_fixed_point.
Qed.

Lemma build_sound groups :
  NoDup (map fst (concat groups)) ->
  let s := fold_left add groups empty in
  Good s /\ (is_complete s (map fst (concat groups)) = true <-> Closed (concat groups)) /\
  (Closed (concat groups) -> Shows s (concat groups)).
Proof.
  intros K s. destruct (add_all_spec groups empty [] empty_good K) as [G V]; [intros m; exact I |].
  fold s in G, V. cbn [app] in V. set (rows := concat groups) in *. split; [assumption |].
  assert (In_view : forall m, view s m <> None <-> In m (map fst rows) \/ In m (named rows)).
  { intros m. specialize (V m). unfold so_far in V. destruct (lookup rows m) eqn:El.
    - pose proof (lookup_some _ _ _ El).
      destruct (view s m); cbn in V; [| easy]. split; [auto | discriminate].
    - apply lookup_none in El. destruct (in_dec Nat.eq_dec m (named rows)) as [H | H], (view s m); cbn in V; try easy.
      + split; [auto | discriminate].
      + split; [easy | tauto]. }
  assert (Named : forall m, In m (named rows) <-> In m (map fst rows) \/ exists p l, In (p, l) rows /\ In m l).
  { intros m. unfold named. rewrite in_concat. split.
    - intros (x & Hx & Hm). apply in_map_iff in Hx as ([p l] & <- & Hr). cbn in Hm.
      apply in_app_or in Hm as [Hm | [<- | []]]; [eauto 6 |].
      left. exact (in_map fst _ _ Hr).
    - intros [H | (p & l & Hr & Hm)].
      + apply in_map_iff in H as ([p l] & <- & Hr).
        exists (l ++ [p]). split; [exact (in_map (fun r => snd r ++ [fst r]) _ _ Hr) |].
        apply in_or_app. right. now left.
      +
        exists (l ++ [p]). split; [exact (in_map (fun r => snd r ++ [fst r]) _ _ Hr) |]. apply in_or_app. now left. }
  assert (Complete : is_complete s (map fst rows) = true <-> Closed rows).
  { unfold is_complete. rewrite forallb_forall. split.
    - intros H. split; [assumption |]. intros p l d Hr Hd.
      assert (Hv : view s d <> None) by (apply In_view; right; apply Named; eauto).
      destruct (view s d) as [k |] eqn:Ev; [| easy]. apply view_some in Ev as (id & Hid & _).
      apply find_some in Hid as [Hid <-]. apply H in Hid.
      apply existsb_exists in Hid as (x & Hx & E). apply Nat.eqb_eq in E. now rewrite E.
    - intros [_ H] id Hid. apply existsb_exists. exists (name_of s id). split; [| apply Nat.eqb_refl].
      assert (Hv : view s (name_of s id) <> None).
      { intros Hv. apply view_none in Hv. rewrite find_in in Hv by assumption. discriminate. }
      apply In_view in Hv as [Hv | Hv]; [assumption |]. apply Named in Hv as [Hv | (p & l & Hr & Hm)]; eauto. }
  split; [assumption |]. intros C. split; [exact K |]. intros m. specialize (V m). unfold so_far in V.
  destruct (lookup rows m) eqn:El; [exact V |]. apply lookup_none in El.
  destruct (in_dec Nat.eq_dec m (named rows)) as [H | H]; [| exact V]. exfalso.
  apply Named in H as [H | (p & l & Hr & Hm)]; [auto |].
  apply El. destruct C as [_ C]. eauto.
Qed.

(** What is built is good, and shows just these rows, in whatever groups and order they came. *)
Theorem build_refines groups s : build groups = Some s -> Good s /\ Shows s (concat groups).
Proof.
  unfold build. destruct (andb _ _) eqn:E; [| discriminate]. intros [= <-].
  apply andb_true_iff in E as [E1 E2]. apply distinct_names in E1. destruct (build_sound groups E1) as (G & C & S).
  split; [assumption |]. apply S. now apply C.
Qed.

(** Nothing is built only if the rows make no state. *)
Theorem build_refuses groups : build groups = None -> ~ Closed (concat groups).
Proof.
  unfold build. destruct (andb _ _) eqn:E; [discriminate |]. intros _ C. pose proof C as [K _].
  destruct (build_sound groups K) as (_ & H & _). apply distinct_names in K. apply H in C.
  enough (true = false) by discriminate. rewrite <- E. symmetry. apply andb_true_iff. split; [exact K | exact C].
Qed.
