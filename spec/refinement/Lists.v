(** Giving a package another list of dependencies. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Memory Edges Insertion.

(** How many edges there are. *)
Fixpoint total (outs : nat -> list nat) (heads : list nat) : nat :=
  match heads with
  | [] => 0
  | p :: heads => length (outs p) + total outs heads
  end.

Lemma total_ext outs outs' heads : (forall p, In p heads -> outs' p = outs p) -> total outs' heads = total outs heads.
Proof.
  induction heads as [| p heads IH]; intros H; cbn; [reflexivity |].
  rewrite H by now left. rewrite IH; [reflexivity |]. intros. apply H. now right.
Qed.

(** Everything that holds of a graph with these packages. In between, [plus] edges are there that are not counted yet,
    and [minus] are counted that are there no more. *)
Record State (g : graph) (heads : list nat) (torn plus minus : nat) (outs ins : nat -> list nat) (frees : list nat)
    (role : nat -> kind) : Prop := {
  state_pool : Pool g frees role;
  state_links : Links (words g) torn outs ins role;
  state_marks : forall c, marks g c = true <-> role c = Head;
  state_heads : forall p, In p heads <-> role p = Head;
  state_nodup : NoDup heads;
  state_packages : packages g = length heads;
  state_dependencies : dependencies g + plus = total outs heads + minus;
  state_used : used g = length heads + total outs heads
}.

(** What is the same of all packages but one. *)
Record Elsewhere (p : nat) (m m' : memory) (outs outs' : nat -> list nat) (role role' : nat -> kind) : Prop := {
  else_heads : forall q, role' q = Head <-> role q = Head;
  else_outs : forall q, role q = Head -> q <> p -> outs' q = outs q;
  else_targets : forall q, role q = Head -> q <> p -> targets m' (outs q) = targets m (outs q);
  else_names : forall q, role q = Head -> m' q NAME = m q NAME
}.

Lemma else_refl p m outs role : Elsewhere p m m outs outs role role.
Proof. split; tauto. Qed.

Lemma else_trans p m m' m'' outs outs' outs'' role role' role'' :
  Elsewhere p m m' outs outs' role role' -> Elsewhere p m' m'' outs' outs'' role' role'' ->
  Elsewhere p m m'' outs outs'' role role''.
Proof.
  intros [A1 A2 A3 A4] [B1 B2 B3 B4]. split; intros q.
  - rewrite B1. apply A1.
  - intros Hq Hne. rewrite B2; [now apply A2 | now apply A1 | assumption].
  - intros Hq Hne. rewrite <- (A3 q Hq Hne). rewrite <- (A2 q Hq Hne) at 1 2. rewrite B3; [reflexivity | now apply A1 | assumption].
  - intros Hq. rewrite B4; [now apply A4 | now apply A1].
Qed.

Lemma total_upd outs heads p l :
  NoDup heads -> In p heads -> total (upd outs p l) heads + length (outs p) = total outs heads + length l.
Proof.
  induction 1 as [| q heads Hq Hd IH]; cbn; [easy |]. intros [-> | Hp].
  - rewrite upd_same, (total_ext outs (upd outs p l)); [lia |].
    intros q Hqh. apply upd_other. intros ->. tauto.
  - rewrite upd_other by (intros ->; tauto). specialize (IH Hp). lia.
Qed.

Lemma head_bound g heads t a b outs ins frees role p :
  State g heads t a b outs ins frees role -> role p = Head -> length (outs p) < bound g.
Proof.
  intros [P L _ _ _ _ _ _] Hp. eapply length_below_bound; [exact P | |].
  - eapply targets_nodup, links_sorted; eassumption.
  - intros e He. apply (links_outs _ _ _ _ _ L) in He; [| assumption]. congruence.
Qed.

(** * Single steps *)

Lemma torn_state g heads p a b outs ins frees role :
  State g heads NONE a b outs ins frees role -> State g heads p a b outs ins frees role.
Proof.
  intros [P L M H N C1 C2 C3]. split; auto. destruct L as [L1 L2 L3 L4 L5 L6 L7 L8]. split; auto.
  intros q Hq _. apply L5; [assumption |]. intros ->. congruence.
Qed.

Lemma mended_state g heads p a b outs ins frees role :
  State g heads p a b outs ins frees role -> leads (words g) p FIRST_OUT (outs p) ->
  State g heads NONE a b outs ins frees role.
Proof.
  intros [P L M H N C1 C2 C3] Hl. split; auto. destruct L as [L1 L2 L3 L4 L5 L6 L7 L8]. split; auto.
  intros q Hq _. destruct (Nat.eq_dec q p) as [-> |]; auto.
Qed.

Lemma count_state g heads t a b outs ins frees role a' b' n :
  State g heads t a b outs ins frees role -> n + a' = total outs heads + b' ->
  State (count_dependencies g n) heads t a' b' outs ins frees role.
Proof. intros [[P1 P2 P3 P4 P5] L M H N C1 C2 C3] Hn. split; auto. split; auto. Qed.

Lemma link_words g p last e :
  words (link_out g p last e) = put (words g) (or_else last p) (word_after last FIRST_OUT NEXT_OUT) e.
Proof. now destruct last. Qed.

Lemma link_state g heads p a b outs ins frees role last v :
  State g heads p a b outs ins frees role -> role p = Head ->
  (forall e, last = Some e -> In e (outs p)) ->
  State (link_out g p last v) heads p a b outs ins frees role /\
  Elsewhere p (words g) (words (link_out g p last v)) outs outs role role /\
  targets (words (link_out g p last v)) (outs p) = targets (words g) (outs p).
Proof.
  intros [P L M H N C1 C2 C3] Hp Hlast. destruct L as [L1 L2 L3 L4 L5 L6 L7 L8].
  set (m' := words (link_out g p last v)).
  assert (Hrole : match last with Some e => role e = EdgeOf p | None => True end).
  { destruct last as [e |]; [| trivial]. apply L3; auto. }
  assert (Hm : forall c w, (c = p -> w <> FIRST_OUT) -> (role c = EdgeOf p -> w <> NEXT_OUT) -> m' c w = words g c w).
  { intros c w H1 H2. unfold m'. rewrite link_words. destruct last as [e |]; cbn; apply put_other.
    - destruct (Nat.eq_dec c e) as [-> |]; [right; auto | now left].
    - destruct (Nat.eq_dec c p) as [-> |]; [right; auto | now left]. }
  assert (Ht : forall l, targets m' l = targets (words g) l).
  { intros l. apply targets_ext. intros e _. apply Hm; intros; word. }
  split; [| split].
  - replace (link_out g p last v) with (store g (or_else last p) (word_after last FIRST_OUT NEXT_OUT) v) by (now destruct last).
    split; auto.
    + apply store_pool; [assumption |]. destruct last; cbn; congruence.
    + cbn. rewrite <- link_words. fold m'. split; auto.
      * intros e q He. destruct (L2 e q He) as (H1 & H2 & H3). rewrite !Hm by (intros; subst; congruence || word). auto.
      * intros q Hq. rewrite Ht. auto.
      * intros q Hq Hne. apply leads_ext with (words g); auto.
        -- apply Hm; intros; congruence.
        -- intros e He. apply L3 in He; [| assumption]. apply Hm; intros; subst; congruence.
      * intros q e Hq. rewrite L6 by assumption. split; intros (r & Hr & <-); exists r; (split; [assumption |]);
          [| symmetry]; apply Hm; intros; subst; word.
      * intros q Hq. apply dleads_ext with (words g); auto.
        -- apply Hm; intros; subst; word.
        -- intros e He. split; apply Hm; intros; subst; word.
  - split; auto; [tauto |]. intros q Hq. apply Hm; intros; subst; [word | congruence].
  - apply Ht.
Qed.

Lemma remove_edge_state g heads p a b outs ins frees role before e after :
  State g heads p a b outs ins frees role -> role p = Head -> outs p = before ++ e :: after ->
  let g' := remove_cell (unlink_in g e) e in
  exists ins', State g' heads p a (S b) (upd outs p (before ++ after)) ins' (e :: frees) (upd role e Free) /\
    Elsewhere p (words g) (words g') outs (upd outs p (before ++ after)) role (upd role e Free) /\
    (forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> (role c <> Head \/ w <> FIRST_IN) -> words g' c w = words g c w).
Proof.
  intros [P L M H N C1 C2 C3] Hp Hsplit g'. pose proof L as L'.
  destruct L as [L1 L2 L3 L4 L5 L6 L7 L8].
  assert (He : role e = EdgeOf p) by (apply L3; [assumption |]; rewrite Hsplit; apply in_elt).
  destruct (L2 _ _ He) as (_ & _ & Hq).
  assert (Hw : words g' = put (unlinked (words g) (words g e DEPENDENCY) (words g e NEXT_IN) (words g e PREVIOUS_IN)) e 0
      (free (unlink_in g e))) by (unfold g'; cbn; now rewrite unlink_in_words).
  destruct (unlink_links _ _ _ _ _ _ _ _ L' Hp Hsplit (free (unlink_in g e))) as (ins' & HL & _).
  rewrite <- Hw in HL.
  assert (Hother : unlink_in g e = Graph (words (unlink_in g e)) (marks g) (free g) (bound g) (used g) (packages g) (dependencies g)).
  { unfold unlink_in. destruct (_ =? _), (_ =? _); reflexivity. }
  assert (Hm : forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> (role c <> Head \/ w <> FIRST_IN) -> words g' c w = words g c w).
  { intros c w H1 H2 H3 H4. rewrite Hw, put_other by tauto. apply unlinked_other; auto.
    destruct H4; [left; congruence | now right]. }
  assert (Hlen : length (outs p) = S (length (before ++ after))) by (rewrite Hsplit, !app_length; cbn; lia).
  pose proof (total_upd outs heads p (before ++ after) N (proj2 (H p) Hp)) as Htot.
  exists ins'. split; [| split; [| assumption]].
  - assert (Hpool : Pool (unlink_in g e) frees role).
    { assert (Pool g frees role) as HP by assumption. unfold unlink_in.
      assert (forall c w v, role c <> Free -> Pool (store g c w v) frees role) by (intros; now apply store_pool).
      assert (HIn : In e (ins (words g e DEPENDENCY))) by (apply L6; [assumption | eauto]).
      destruct (in_split _ _ HIn) as (x & y & Hxy). pose proof (L8 _ Hq) as Hback. rewrite Hxy in Hback.
      apply dleads_app in Hback as [_ Hback]. cbn in Hback. destruct Hback as (_ & Hprev & Hnext).
      assert (Hroles : forall z, In z (ins (words g e DEPENDENCY)) -> role z <> Free).
      { intros z Hz. apply L6 in Hz as (r & Hr & _); [congruence | assumption]. }
      assert (HP1 : Pool (if words g e PREVIOUS_IN =? NONE then store g (words g e DEPENDENCY) FIRST_IN (words g e NEXT_IN)
         else store g (words g e PREVIOUS_IN) NEXT_IN (words g e NEXT_IN)) frees role).
      { destruct (Nat.eqb_spec (words g e PREVIOUS_IN) NONE); apply store_pool; auto; [congruence |].
        apply Hroles. rewrite Hprev in *. destruct (last_of x) eqn:E; cbn in *; [| congruence].
        rewrite Hxy. apply in_app_iff. left. now apply last_of_in. }
      destruct (Nat.eqb_spec (words g e NEXT_IN) NONE); [assumption |]. apply store_pool; [assumption |].
      apply Hroles. destruct y as [| z y]; cbn in Hnext; [congruence |]. destruct Hnext as [-> _].
      rewrite Hxy. apply in_app_iff. right. right. now left. }
    split; auto.
    + unfold g'. apply remove_cell_spec; congruence.
    + intros c. unfold g'. cbn. rewrite Hother. cbn. rewrite M. unfold upd.
      destruct (Nat.eqb_spec c e) as [-> |]; [split; congruence | tauto].
    + intros c. rewrite H. unfold upd. destruct (Nat.eqb_spec c e) as [-> |]; [split; congruence | tauto].
    + unfold g'. cbn. rewrite Hother. assumption.
    + unfold g'. cbn. rewrite Hother. cbn. lia.
    + unfold g'. cbn. rewrite Hother. cbn. lia.
  - split.
    + intros q. unfold upd. destruct (Nat.eqb_spec q e) as [-> |]; [split; congruence | tauto].
    + intros q _ Hne. now apply upd_other.
    + intros q Hqh Hne. apply targets_ext. intros y Hy. apply L3 in Hy; [| assumption].
      apply Hm; try word; [intros ->; congruence | left; congruence].
    + intros q Hqh. apply Hm; try word; intros ->; congruence.
Qed.

Lemma insert_edge_state g heads p a b outs ins frees role d next g' e pre suf :
  State g heads p a b outs ins frees role -> role p = Head -> role d = Head -> outs p = pre ++ suf ->
  (forall y, In y pre -> words g y DEPENDENCY < d) -> (forall y, In y suf -> d < words g y DEPENDENCY) ->
  insert_edge g p d next = (g', e) ->
  e <> NONE /\ role e <> Head /\ ~ In e (outs p) /\ words g' e DEPENDENCY = d /\ words g' e NEXT_OUT = next /\
  dependencies g' = dependencies g /\
  (forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> (role c <> Head \/ w <> FIRST_IN) -> words g' c w = words g c w) /\
  exists ins' frees', State g' heads p (S a) b (upd outs p (pre ++ e :: suf)) ins' frees' (upd role e (EdgeOf p)) /\
    Elsewhere p (words g) (words g') outs (upd outs p (pre ++ e :: suf)) role (upd role e (EdgeOf p)).
Proof.
  intros [P L M H N C1 C2 C3] Hp Hd Hsplit Hpre Hsuf Hrun.
  eapply insert_links in Hrun as (X1 & X2 & X3 & X4 & X5 & X6 & X7 & X8 & X9 & ins' & frees' & X10 & X11); try eassumption.
  assert (Hout : ~ In e (outs p)).
  { intros He. apply (links_outs _ _ _ _ _ L) in He; [| assumption]. destruct X2; congruence. }
  assert (Hm : forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> (role c <> Head \/ w <> FIRST_IN) -> words g' c w = words g c w).
  { intros c w H1 H2 H3 H4. apply X9; auto. destruct H4; [left; congruence | now right]. }
  assert (Hh : role e <> Head) by (destruct X2; congruence).
  repeat (split; [assumption |]).
  assert (Hlen : S (length (outs p)) = length (pre ++ e :: suf)) by (rewrite Hsplit, !app_length; cbn; lia).
  pose proof (total_upd outs heads p (pre ++ e :: suf) N (proj2 (H p) Hp)) as Htot.
  exists ins', frees'. split; split; auto.
  - intros c. rewrite X5, M. unfold upd. destruct (Nat.eqb_spec c e) as [-> |]; [split; congruence | tauto].
  - intros c. rewrite H. unfold upd. destruct (Nat.eqb_spec c e) as [-> |]; [split; congruence | tauto].
  - congruence.
  - rewrite X7. lia.
  - rewrite X8. lia.
  - intros q. unfold upd. destruct (Nat.eqb_spec q e) as [-> |]; [split; congruence | tauto].
  - intros q _ Hne. now apply upd_other.
  - intros q Hq Hne. apply targets_ext. intros y Hy. apply (links_outs _ _ _ _ _ L) in Hy; [| assumption].
    apply Hm; try word; [intros ->; destruct X2; congruence | left; congruence].
  - intros q Hq. apply Hm; try word; intros ->; congruence.
Qed.
