(** What holds of all lists of edges, and that taking an edge out keeps it. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Memory.

Definition targets (m : memory) (l : list nat) : list nat := map (fun e => m e DEPENDENCY) l.

(** [torn] is a package whose list is not linked at the moment; [NONE] if there is none. *)
Record Links (m : memory) (torn : nat) (outs ins : nat -> list nat) (role : nat -> kind) : Prop := {
  links_none : role NONE = Outside;
  links_edge : forall e p, role e = EdgeOf p ->
    role p = Head /\ m e PACKAGE = p /\ role (m e DEPENDENCY) = Head;
  links_outs : forall p e, role p = Head -> (In e (outs p) <-> role e = EdgeOf p);
  links_sorted : forall p, role p = Head -> StronglySorted lt (targets m (outs p));
  links_chain : forall p, role p = Head -> p <> torn -> leads m p FIRST_OUT (outs p);
  links_ins : forall q e, role q = Head ->
    (In e (ins q) <-> exists p, role e = EdgeOf p /\ m e DEPENDENCY = q);
  links_nodup : forall q, role q = Head -> NoDup (ins q);
  links_back : forall q, role q = Head -> dleads m q FIRST_IN NONE (ins q)
}.

(** * Lists *)

Lemma sorted_app a b :
  StronglySorted lt (a ++ b) <->
  StronglySorted lt a /\ StronglySorted lt b /\ forall x y, In x a -> In y b -> x < y.
Proof.
  induction a as [| x a IH]; cbn.
  - split; [intros; repeat split; auto using SSorted_nil; easy | tauto].
  - split.
    + intros H. apply StronglySorted_inv in H as [H1 H2]. apply IH in H1 as (Ha & Hb & Hab).
      rewrite Forall_app in H2. rewrite !Forall_forall in H2. repeat split; auto.
      * constructor; [assumption | now apply Forall_forall].
      * intros y z [<- | Hy] Hz; [apply H2; assumption | auto].
    + intros (H1 & H2 & H3). apply StronglySorted_inv in H1 as [H1 H4]. constructor.
      * apply IH. auto.
      * apply Forall_app. split; [assumption | apply Forall_forall; auto].
Qed.

Lemma sorted_nodup l : StronglySorted lt l -> NoDup l.
Proof.
  induction 1 as [| x l _ IH H]; constructor; [| assumption].
  intros Hx. rewrite Forall_forall in H. specialize (H x Hx). lia.
Qed.

Lemma nodup_app (a b : list nat) :
  NoDup (a ++ b) -> NoDup a /\ NoDup b /\ forall x, In x a -> In x b -> False.
Proof.
  induction a as [| x a IH]; cbn; intros H; [repeat split; auto using NoDup_nil |].
  inversion_clear H as [| ? ? Hx Hab]. apply IH in Hab as (Ha & Hb & Hd). rewrite in_app_iff in Hx.
  repeat split; auto.
  - constructor; tauto.
  - intros y [<- | Hy] Hyb; [tauto | eauto].
Qed.

Lemma targets_nodup m l : StronglySorted lt (targets m l) -> NoDup l.
Proof. intros H. apply sorted_nodup, NoDup_map_inv in H. assumption. Qed.

Lemma targets_ext m m' l : (forall e, In e l -> m' e DEPENDENCY = m e DEPENDENCY) -> targets m' l = targets m l.
Proof. intros H. apply map_ext_in. assumption. Qed.

Lemma last_of_in l e : last_of l = Some e -> In e l.
Proof.
  revert e. induction l as [| x l IH]; cbn; [discriminate |]. intros e.
  destruct (last_of l); intros [= ->]; [right; now apply IH | now left].
Qed.

Lemma last_of_none l : last_of l = None -> l = [].
Proof. destruct l as [| x l]; cbn; [reflexivity |]. now destruct (last_of l). Qed.

(** * Taking an edge out *)

(** What [unlink_in] writes, word by word. *)
Definition unlinked (m : memory) (target next previous : nat) : memory :=
  let m := if previous =? NONE then put m target FIRST_IN next else put m previous NEXT_IN next in
  if next =? NONE then m else put m next PREVIOUS_IN previous.

Lemma unlink_in_words g e :
  words (unlink_in g e) =
  unlinked (words g) (words g e DEPENDENCY) (words g e NEXT_IN) (words g e PREVIOUS_IN).
Proof.
  unfold unlink_in, unlinked.
  destruct (words g e PREVIOUS_IN =? NONE), (words g e NEXT_IN =? NONE); reflexivity.
Qed.

Ltac word := unfold PACKAGE, DEPENDENCY, FIRST_OUT, FIRST_IN, NEXT_OUT, NEXT_IN, PREVIOUS_IN, NAME in *; lia.

Lemma unlinked_other m target next previous c w :
  w <> NEXT_IN -> w <> PREVIOUS_IN -> (c <> target \/ w <> FIRST_IN) ->
  unlinked m target next previous c w = m c w.
Proof.
  intros H1 H2 H3. unfold unlinked.
  destruct (previous =? NONE), (next =? NONE); rewrite ?put_other by (tauto || word); reflexivity.
Qed.

(** Another list of edges than that which the edge is taken out of. *)
Lemma unlinked_apart m target next previous q p l :
  dleads m q FIRST_IN p l -> q <> target -> ~ In previous l -> ~ In next l ->
  dleads (unlinked m target next previous) q FIRST_IN p l.
Proof.
  intros H Hq Hp Hn. apply dleads_ext with m; [| | assumption].
  - apply unlinked_other; (word || tauto).
  - intros y Hy. unfold unlinked.
    destruct (previous =? NONE), (next =? NONE); split; rewrite ?put_other; try reflexivity;
      try word; left; intros ->; tauto.
Qed.

Lemma unlinked_dleads m q a e b :
  dleads m q FIRST_IN NONE (a ++ e :: b) -> NoDup (a ++ e :: b) -> ~ In NONE (a ++ e :: b) ->
  ~ In q (a ++ e :: b) ->
  dleads (unlinked m q (m e NEXT_IN) (m e PREVIOUS_IN)) q FIRST_IN NONE (a ++ b).
Proof.
  intros H Hd Hz Hq. apply dleads_app in H as [Ha H]. cbn in H. destruct H as (He & Hp & Hb).
  apply dleads_app. rewrite in_app_iff in Hz, Hq. cbn in Hz, Hq.
  pose proof (NoDup_remove_1 _ _ _ Hd) as Hd1. pose proof (NoDup_remove_2 _ _ _ Hd) as Hd2.
  rewrite in_app_iff in Hd2.
  assert (Hab : forall y, In y a -> In y b -> False).
  { apply nodup_app, Hd1. }
  assert (Hnext : m e NEXT_IN = hd NONE b) by (destruct b; cbn in Hb; [assumption | apply Hb]).
  assert (Hnb : m e NEXT_IN = NONE \/ In (m e NEXT_IN) b) by (rewrite Hnext; destruct b; cbn; auto).
  destruct (last_of a) as [y |] eqn:E; cbn in Hp |- *.
  - (* Another edge comes before it. *)
    pose proof (last_of_in _ _ E) as Hy.
    assert (y <> NONE) by (intros ->; tauto).
    assert (Hw : forall c w, (c <> y \/ w <> NEXT_IN) -> (~ In c b \/ w <> PREVIOUS_IN) ->
      unlinked m q (m e NEXT_IN) (m e PREVIOUS_IN) c w = m c w).
    { intros c w H1 H2. unfold unlinked. rewrite Hp. destruct (Nat.eqb_spec y NONE); [tauto |].
      destruct (Nat.eqb_spec (m e NEXT_IN) NONE); rewrite ?put_other; auto.
      destruct H2 as [H2 | H2]; [left; intros -> | right; assumption]. tauto. }
    destruct (exists_last (l := a)) as (a0 & z & ->); [now destruct a |].
    rewrite last_of_snoc in E. injection E as ->.
    apply nodup_app in Hd1 as Hd3. destruct Hd3 as (Hd3 & Hdb & _). apply NoDup_remove in Hd3 as [Hd3 Hd4].
    rewrite app_nil_r in Hd3, Hd4.
    assert (Hay : forall c, In c a0 -> c <> y) by (intros c Hc ->; tauto).
    split.
    + apply dreaches_app in Ha as [Ha0 Ha1]. apply dreaches_app. split.
      * apply dreaches_ext with m; [| | assumption].
        -- apply Hw; right; word.
        -- intros c Hc. split; apply Hw; try (right; word); left; auto.
           intros Hcb. apply (Hab c); [apply in_app_iff; now left | assumption].
      * cbn in Ha1 |- *. destruct Ha1 as (Ha1 & Ha2 & _). split; [| split; [| trivial]].
        -- rewrite Hw; [assumption | | right; destruct (last_of a0); cbn; word].
           destruct (last_of a0) eqn:E0; cbn; [left; apply Hay; now apply last_of_in | right; word].
        -- rewrite Hw; [assumption | right; word | left; intros Hyb; now apply (Hab y)].
    + rewrite Hp in *. destruct b as [| n b]; cbn in Hb, Hnext |- *.
      * unfold unlinked. rewrite Hnext. cbn. destruct (Nat.eqb_spec y NONE); [tauto |]. apply put_same.
      * destruct Hb as (_ & _ & Hb). assert (n <> NONE) by (intros ->; apply Hz; cbn; auto).
        assert (n <> y) by (intros ->; apply (Hab y); [assumption | now left]).
        rewrite Hnext in *.
        split; [| split].
        -- unfold unlinked. destruct (Nat.eqb_spec y NONE), (Nat.eqb_spec n NONE); try contradiction.
           rewrite put_other by (right; word). apply put_same.
        -- unfold unlinked. destruct (Nat.eqb_spec y NONE), (Nat.eqb_spec n NONE); try contradiction.
           apply put_same.
        -- apply dleads_ext with m; [| | assumption].
           ++ apply Hw; [left; assumption | right; word].
           ++ assert (~ In n b) by now inversion Hdb.
              intros c Hc. unfold unlinked.
              destruct (Nat.eqb_spec y NONE), (Nat.eqb_spec n NONE); try contradiction.
              split; rewrite !put_other; auto; try (right; word); left; intros ->; try tauto.
              apply (Hab y); [assumption | now right].
  - (* It is the first. *)
    apply last_of_none in E as ->. cbn in *. split; [trivial |].
    destruct b as [| n b]; cbn in Hb, Hnext |- *; rewrite Hp, Hnext in *; unfold unlinked; cbn.
    + apply put_same.
    + destruct Hb as (_ & _ & Hb). assert (n <> NONE) by (intros ->; apply Hz; cbn; auto).
      destruct (Nat.eqb_spec n NONE); [tauto |].
      assert (~ In n b) by (now inversion Hd1).
      split; [| split].
      * rewrite put_other by (right; word). apply put_same.
      * apply put_same.
      * apply dleads_ext with m; [| | assumption].
        -- rewrite !put_other; auto; right; word.
        -- intros c Hc. split; rewrite !put_other; auto; try (right; word); left; intros ->; tauto.
Qed.

Lemma role_apart (role : nat -> kind) a b : role a <> role b -> a <> b.
Proof. congruence. Qed.

Lemma remove_middle (l a b : list nat) e : NoDup l -> l = a ++ e :: b -> forall y, In y (a ++ b) <-> In y l /\ y <> e.
Proof.
  intros Hd -> y. apply NoDup_remove_2 in Hd. rewrite !in_app_iff in *. cbn.
  split; [intros H; split; [tauto | intros ->; tauto] | intuition congruence].
Qed.

Lemma unlink_links m outs ins role p e before after :
  Links m p outs ins role -> role p = Head -> outs p = before ++ e :: after ->
  let m' := put (unlinked m (m e DEPENDENCY) (m e NEXT_IN) (m e PREVIOUS_IN)) e 0 in
  forall v, exists ins',
    Links (m' v) p (upd outs p (before ++ after)) ins' (upd role e Free) /\
    forall q, role q = Head -> q <> m e DEPENDENCY -> ins' q = ins q.
Proof.
  intros [Hnone Hedge Houts Hsorted Hchain Hins Hnodup Hback] Hp Hsplit m' v. subst m'. cbn.
  assert (He : role e = EdgeOf p) by (apply Houts; [assumption |]; rewrite Hsplit; apply in_elt).
  destruct (Hedge _ _ He) as (_ & He0 & He1). set (q := m e DEPENDENCY) in *.
  assert (In e (ins q)) as Hin by (apply Hins; eauto).
  destruct (in_split _ _ Hin) as (a & b & Hab).
  exists (upd ins q (a ++ b)). split; [| intros; now apply upd_other].
  pose proof (Hback q He1) as Hbq. pose proof (Hnodup q He1) as Hdq. rewrite Hab in Hbq, Hdq.
  assert (Hroles : forall y, In y (ins q) -> exists r, role y = EdgeOf r) by
    (intros y Hy; apply Hins in Hy as (r & Hr & _); eauto).
  assert (Hprev : m e PREVIOUS_IN = NONE \/ In (m e PREVIOUS_IN) (ins q)).
  { apply dleads_app in Hbq as [_ Hbq]. cbn in Hbq. destruct Hbq as (_ & Hbq & _). rewrite Hbq.
    destruct (last_of a) eqn:E; [right | now left]. apply last_of_in in E. rewrite Hab, in_app_iff. now left. }
  assert (Hnext : m e NEXT_IN = NONE \/ In (m e NEXT_IN) (ins q)).
  { apply dleads_app in Hbq as [_ Hbq]. cbn in Hbq. destruct Hbq as (_ & _ & Hbq).
    destruct b as [| n b]; cbn in Hbq; [now left |]. destruct Hbq as [Hbq _]. right.
    rewrite Hbq, Hab, in_app_iff. cbn. auto. }
  set (m' := unlinked m q (m e NEXT_IN) (m e PREVIOUS_IN)).
  assert (Hm : forall c w, c <> e \/ w <> 0 -> w <> NEXT_IN -> w <> PREVIOUS_IN ->
      (c <> q \/ w <> FIRST_IN) -> put m' e 0 v c w = m c w).
  { intros c w Hc H3 H4 H1. rewrite put_other by exact Hc. now apply unlinked_other. }
  assert (Hme : forall c r w, role c = EdgeOf r -> w = 0 \/ w = 1 \/ w = 2 -> c <> e -> put m' e 0 v c w = m c w).
  { intros c r w Hc Hw Hce. apply Hm; [now left | word | word |]. left. intros ->. congruence. }
  assert (Hdp : NoDup (outs p)) by (eapply targets_nodup, Hsorted, Hp).
  assert (Hkeep : forall y r, upd role e Free y = EdgeOf r -> role y = EdgeOf r /\ y <> e).
  { intros y r. unfold upd. destruct (Nat.eqb_spec y e); [discriminate | auto]. }
  assert (Hheads : forall r, upd role e Free r = Head <-> role r = Head).
  { intros r. unfold upd. destruct (Nat.eqb_spec r e) as [-> |]; [| tauto]. rewrite He. split; discriminate. }
  split.
  - rewrite upd_other; [assumption |]. intros <-. congruence.
  - intros y r Hy. apply Hkeep in Hy as [Hy Hye]. destruct (Hedge _ _ Hy) as (H1 & H2 & H3).
    rewrite !(Hme y r) by (auto; word). rewrite !Hheads. auto.
  - intros r y Hr. rewrite Hheads in Hr. destruct (Nat.eq_dec r p) as [-> | Hrp].
    + rewrite upd_same. rewrite (remove_middle _ _ _ _ Hdp Hsplit y), Houts by assumption.
      unfold upd. destruct (Nat.eqb_spec y e) as [-> |]; [split; [tauto | discriminate] | tauto].
    + rewrite upd_other by assumption. rewrite Houts by assumption.
      unfold upd. destruct (Nat.eqb_spec y e) as [-> |]; [split; congruence | tauto].
  - intros r Hr. rewrite Hheads in Hr. pose proof (Hsorted r Hr) as Hs.
    destruct (Nat.eq_dec r p) as [-> | Hrp].
    + rewrite upd_same. rewrite (targets_ext m).
      * rewrite Hsplit in Hs. unfold targets in *. rewrite map_app in *. cbn in Hs.
        apply sorted_app in Hs as (H1 & H2 & H3). apply StronglySorted_inv in H2 as [H2 _].
        apply sorted_app. repeat split; auto. intros x y Hx Hy. apply H3; [assumption | now right].
      * intros y Hy. apply (remove_middle _ _ _ _ Hdp Hsplit) in Hy as [Hy Hye].
        apply Houts in Hy; [| assumption]. apply (Hme y p); auto.
    + rewrite upd_other by assumption. rewrite (targets_ext m); [assumption |].
      intros y Hy. apply Houts in Hy; [| assumption]. apply (Hme y r); auto. intros ->. congruence.
  - intros r Hr Hrp. rewrite Hheads in Hr. rewrite upd_other by assumption.
    apply leads_ext with m; [| | now apply Hchain].
    + apply Hm; try word. left. intros ->. congruence.
    + intros y Hy. apply Houts in Hy; [| assumption]. apply (Hme y r); auto. intros ->. congruence.
  - intros r y Hr. rewrite Hheads in Hr.
    assert (H : (exists p0, upd role e Free y = EdgeOf p0 /\ put m' e 0 v y DEPENDENCY = r) <->
      (exists p0, role y = EdgeOf p0 /\ m y DEPENDENCY = r) /\ y <> e).
    { split.
      - intros (r' & H1 & H2). apply Hkeep in H1 as [H1 H3]. split; [| assumption]. exists r'.
        split; [assumption |]. rewrite <- H2. symmetry. apply (Hme y r'); auto.
      - intros ((r' & H1 & H2) & H3). exists r'. rewrite upd_other by assumption. split; [assumption |].
        rewrite <- H2. apply (Hme y r'); auto. }
    rewrite H, <- Hins by assumption. clear H. destruct (Nat.eq_dec r q) as [-> | Hrq].
    + rewrite upd_same. apply remove_middle; [rewrite Hab |]; assumption.
    + rewrite upd_other by assumption. split; [| tauto]. intros Hy. split; [assumption |]. intros ->.
      apply Hins in Hy as (? & _ & Hy); [| assumption]. fold q in Hy. congruence.
  - intros r Hr. rewrite Hheads in Hr. destruct (Nat.eq_dec r q) as [-> | Hrq].
    + rewrite upd_same. now apply NoDup_remove_1 in Hdq.
    + rewrite upd_other by assumption. auto.
  - intros r Hr. rewrite Hheads in Hr.
    assert (Hw : forall l, dleads m' r FIRST_IN NONE l -> dleads (put m' e 0 v) r FIRST_IN NONE l).
    { intros l Hl. apply dleads_ext with m'; [| | assumption].
      - apply put_other. right. word.
      - intros y _. split; apply put_other; right; word. }
    apply Hw. destruct (Nat.eq_dec r q) as [-> | Hrq].
    + rewrite upd_same. apply unlinked_dleads; auto.
      * rewrite <- Hab. intros H. apply Hroles in H as [? ?]. congruence.
      * rewrite <- Hab. intros H. apply Hroles in H as [? ?]. congruence.
    + rewrite upd_other by assumption.
      assert (Hz : ~ In NONE (ins r)) by (intros H; apply Hins in H as (? & ? & _); [congruence | assumption]).
      assert (Hx : forall y, In y (ins q) -> ~ In y (ins r)).
      { intros y H1 H2. apply Hins in H1 as (? & _ & H1); [| assumption].
        apply Hins in H2 as (? & _ & H2); [| assumption]. congruence. }
      apply unlinked_apart; auto.
      * destruct Hprev as [-> |]; auto.
      * destruct Hnext as [-> |]; auto.
Qed.
