(** Putting an edge in keeps what holds of all lists of edges. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Memory Edges.

(** What [insert_edge] writes. *)
Lemma insert_edge_words g p d next g' e :
  insert_edge g p d next = (g', e) ->
  exists h, insert_cell g p d next (words g d FIRST_IN) NONE = (h, e) /\
  (forall c w, words g' c w =
    (if words g d FIRST_IN =? NONE then put (words h) d FIRST_IN e
     else put (put (words h) d FIRST_IN e) (words g d FIRST_IN) PREVIOUS_IN e) c w) /\
  marks g' = marks h /\ packages g' = packages h /\ dependencies g' = dependencies h /\ used g' = used h /\
  bound g' = bound h /\ free g' = free h.
Proof.
  unfold insert_edge. destruct (insert_cell _ _ _ _ _ _) as [h e'] eqn:E. intros [= <- <-].
  exists h. split; [reflexivity |]. destruct (words g d FIRST_IN =? NONE); cbn; repeat split; auto.
Qed.

Lemma insert_links g outs ins frees role p d next g' e pre suf :
  Links (words g) p outs ins role -> Pool g frees role ->
  role p = Head -> role d = Head -> outs p = pre ++ suf ->
  (forall y, In y pre -> words g y DEPENDENCY < d) -> (forall y, In y suf -> d < words g y DEPENDENCY) ->
  insert_edge g p d next = (g', e) ->
  e <> NONE /\ (role e = Free \/ role e = Outside) /\
  words g' e DEPENDENCY = d /\ words g' e NEXT_OUT = next /\
  marks g' = marks g /\ packages g' = packages g /\ dependencies g' = dependencies g /\ used g' = S (used g) /\
  (forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> c <> d \/ w <> FIRST_IN ->
    words g' c w = words g c w) /\
  exists ins' frees', Pool g' frees' (upd role e (EdgeOf p)) /\
    Links (words g') p (upd outs p (pre ++ e :: suf)) ins' (upd role e (EdgeOf p)).
Proof.
  intros [Hnone Hedge Houts Hsorted Hchain Hins Hnodup Hback] Hpool Hp Hd Hsplit Hpre Hsuf Hrun.
  apply insert_edge_words in Hrun as (h & Hcell & Hw & Hmarks & Hpack & Hdeps & Hused & Hbound & Hfree).
  eapply insert_cell_spec in Hcell as (Hne & Hrole & Hwords & Hm1 & Hm2 & Hm3 & Hm4 & Hpool'); [| eassumption].
  rewrite Hwords in Hw. set (n := words g d FIRST_IN) in *. set (m := words g) in *.
  assert (Hn : n = hd NONE (ins d)).
  { specialize (Hback d Hd). destruct (ins d); cbn in Hback; [assumption | apply Hback]. }
  assert (Hroles : forall y q, role q = Head -> In y (ins q) -> y <> e /\ y <> NONE /\ role y <> Head).
  { intros y q Hq Hy. apply Hins in Hy as (r & Hr & _); [| assumption].
    split; [intros -> | split; [intros -> | intros ?]]; destruct Hrole; congruence. }
  assert (He : e <> p /\ e <> d) by (split; intros ->; intuition congruence).
  assert (Hframe : forall c w, c <> e -> w <> NEXT_IN -> w <> PREVIOUS_IN -> c <> d \/ w <> FIRST_IN ->
    words g' c w = m c w).
  { intros c w H1 H2 H3 H4. rewrite Hw.
    destruct (n =? NONE); rewrite ?put_other by (exact H4 || now right); now apply put_cell_other. }
  assert (Hnew : forall w, w = 0 \/ w = 1 \/ w = 2 \/ w = 3 ->
    words g' e w = nth_word p d next n NONE w 0).
  { intros w H. rewrite Hw. destruct (n =? NONE); rewrite ?put_other by ((right; word) || (left; tauto));
      rewrite put_cell_same; destruct H as [-> | [-> | [-> | ->]]]; reflexivity. }
  split; [assumption |]. split; [assumption |].
  split; [apply Hnew; right; now left |].
  split; [apply Hnew; right; right; now left |].
  repeat (split; [congruence |]). split; [exact Hframe |].
  destruct (Hpool' (EdgeOf p)) as (frees' & Hpool''); [discriminate | discriminate |].
  exists (upd ins d (e :: ins d)), frees'. split.
  { destruct Hpool'' as [P1 P2 P3 P4 P5]. split; auto.
    - rewrite Hfree. eapply free_from_ext; [| exact P1]. intros y Hy. apply P3 in Hy.
      rewrite Hw, Hwords. destruct (n =? NONE); rewrite ?put_other by (right; word); reflexivity.
    - rewrite Hbound. assumption.
    - rewrite Hbound. assumption. }
  assert (Hdp : NoDup (outs p)) by (eapply targets_nodup, Hsorted, Hp).
  assert (Hnoe : forall q, role q = Head -> ~ In e (outs q)) by
    (intros q Hq H; apply Houts in H; [| assumption]; intuition congruence).
  assert (Hheads : forall r, upd role e (EdgeOf p) r = Head <-> role r = Head).
  { intros r. unfold upd. destruct (Nat.eqb_spec r e) as [-> |]; [| tauto].
    split; [discriminate |]. intuition congruence. }
  assert (Hkept : forall y r, role y = EdgeOf r -> y <> e /\ y <> d) by
    (intros y r Hy; split; intros ->; intuition congruence).
  assert (Htargets : forall y r, role y = EdgeOf r -> words g' y DEPENDENCY = m y DEPENDENCY).
  { intros y r Hy. apply Hkept in Hy as [? ?]. apply Hframe; auto; word. }
  assert (Hed : words g' e DEPENDENCY = d) by (apply Hnew; right; now left).
  split.
  - rewrite upd_other by congruence. assumption.
  - intros y r. unfold upd at 1. destruct (Nat.eqb_spec y e) as [-> | Hye].
    + intros [= <-]. rewrite !Hheads, Hed. repeat split; auto. apply Hnew. now left.
    + intros Hy. destruct (Hedge _ _ Hy) as (H1 & H2 & H3). rewrite !Hheads, (Htargets y r) by assumption.
      repeat split; auto. rewrite Hframe; auto; word.
  - intros r y Hr. rewrite Hheads in Hr. destruct (Nat.eq_dec r p) as [-> | Hrp].
    + rewrite upd_same. specialize (Houts p y Hp). rewrite Hsplit in Houts. rewrite in_app_iff in *. cbn.
      unfold upd. destruct (Nat.eqb_spec y e) as [-> | Hye]; [tauto |]. rewrite <- Houts. clear -Hye. intuition congruence.
    + rewrite upd_other by assumption. rewrite Houts by assumption.
      unfold upd. destruct (Nat.eqb_spec y e) as [-> |]; [| tauto]. clear -Hrole Hrp. intuition congruence.
  - intros r Hr. rewrite Hheads in Hr. pose proof (Hsorted r Hr) as Hs.
    assert (Ht : forall l, (forall y, In y l -> In y (outs r)) -> targets (words g') l = targets m l).
    { intros l Hl. apply targets_ext. intros y Hy. apply Hl in Hy. apply Houts in Hy; [| assumption].
      now apply (Htargets y r). }
    destruct (Nat.eq_dec r p) as [-> | Hrp].
    + rewrite upd_same. unfold targets in *. rewrite Hsplit in Hs, Ht. rewrite map_app in Hs |- *. cbn.
      rewrite (Ht pre), (Ht suf) by (intros; apply in_app_iff; tauto). rewrite Hed.
      apply sorted_app in Hs as (H1 & H2 & H3). apply sorted_app. repeat split; auto.
      * constructor; [assumption |]. apply Forall_forall. intros x Hx.
        apply in_map_iff in Hx as (y & <- & Hy). auto.
      * intros x y Hx [<- | Hy]; [| auto]. apply in_map_iff in Hx as (z & <- & Hz). auto.
    + rewrite upd_other by assumption. rewrite Ht by auto. assumption.
  - intros r Hr Hrp. rewrite Hheads in Hr. rewrite upd_other by assumption.
    apply leads_ext with m; [| | now apply Hchain].
    + apply Hframe; try word. intros ->. intuition congruence.
    + intros y Hy. apply Houts in Hy; [| assumption]. apply Hkept in Hy as [? ?]. apply Hframe; auto; word.
  - intros r y Hr. rewrite Hheads in Hr.
    assert (H : (exists p0, upd role e (EdgeOf p) y = EdgeOf p0 /\ words g' y DEPENDENCY = r) <->
      (y = e /\ r = d) \/ In y (ins r)).
    { rewrite Hins by assumption. split.
      - intros (r' & H1 & H2). unfold upd in H1. destruct (Nat.eqb_spec y e) as [-> | Hye].
        + left. split; congruence.
        + right. exists r'. split; [assumption |]. rewrite <- (Htargets y r'); assumption.
      - intros [[-> ->] | (r' & H1 & H2)].
        + exists p. rewrite upd_same. auto.
        + exists r'. destruct (Hkept _ _ H1). rewrite upd_other by assumption.
          rewrite (Htargets y r') by assumption. auto. }
    rewrite H. destruct (Nat.eq_dec r d) as [-> | Hrd].
    + rewrite upd_same. cbn. clear. intuition congruence.
    + rewrite upd_other by assumption. clear -Hrd. intuition congruence.
  - intros r Hr. rewrite Hheads in Hr. destruct (Nat.eq_dec r d) as [-> | Hrd].
    + rewrite upd_same. constructor; [| auto]. intros H. apply (Hroles e d) in H as [? _]; auto.
    + rewrite upd_other by assumption. auto.
  - intros r Hr. rewrite Hheads in Hr. specialize (Hback r Hr). destruct (Nat.eq_dec r d) as [-> | Hrd].
    + rewrite upd_same. cbn.
      split.
      { rewrite Hw. destruct (n =? NONE); [| rewrite put_other by (right; word)]; apply put_same. }
      split.
      { rewrite Hw. destruct (Nat.eqb_spec n NONE) as [En | En].
        - rewrite put_other by (right; word). now rewrite put_cell_same.
        - rewrite !put_other; [now rewrite put_cell_same | right; word |].
          left. intros ->. destruct (ins d) as [| y l] eqn:El; cbn in Hn; [congruence |].
          destruct (Hroles y d); [assumption | rewrite El; now left | congruence]. }
      destruct (ins d) as [| y l] eqn:El; cbn in Hback, Hn |- *.
      * rewrite Hnew by (right; right; now right). exact Hn.
      * destruct Hback as (_ & _ & Hl). assert (Hy : In y (ins d)) by (rewrite El; now left).
        destruct (Hroles y d) as (H1 & H2 & H3); [assumption | assumption |].
        split; [rewrite Hnew by (right; right; now right); exact Hn |].
        split; [rewrite Hw, Hn; destruct (Nat.eqb_spec y NONE); [tauto |]; apply put_same |].
        assert (Hnl : ~ In y l) by (specialize (Hnodup d Hd); rewrite El in Hnodup; now inversion Hnodup).
        assert (Hy3 : forall c, In c (ins d) -> words g' c NEXT_IN = m c NEXT_IN).
        { intros c Hc. destruct (Hroles c d) as (C1 & C2 & C3); [assumption | assumption |].
          rewrite Hw. destruct (n =? NONE); rewrite ?put_other by (right; word);
            now rewrite put_cell_other. }
        apply dleads_ext with m; [now apply Hy3 | | assumption].
        intros c Hc. split; [apply Hy3; rewrite El; now right |].
        destruct (Hroles c d) as (C1 & C2 & C3); [assumption | rewrite El; now right |].
        rewrite Hw. destruct (n =? NONE); rewrite ?(put_other _ n), ?(put_other _ d) by
          ((right; word) || (left; rewrite Hn; intros ->; tauto)); now rewrite put_cell_other.
    + rewrite upd_other by assumption. apply dleads_ext with m; [| | assumption].
      * apply Hframe; try word; auto. intros ->. intuition congruence.
      * intros y Hy. destruct (Hroles y r) as (H1 & H2 & H3); [assumption | assumption |].
        assert (y <> n \/ n = NONE).
        { destruct (Nat.eq_dec n NONE); [now right | left]. intros ->.
          destruct (ins d) as [| z l] eqn:El; cbn in Hn; [congruence |].
          assert (Hz : In n (ins d)) by (rewrite El; left; congruence).
          apply Hins in Hz as (? & _ & Hz); [| assumption].
          apply Hins in Hy as (? & _ & Hy); [| assumption]. congruence. }
        rewrite !Hw. destruct (Nat.eqb_spec n NONE); split; rewrite ?put_other;
          try (rewrite put_cell_other by assumption; reflexivity); try (right; word); left; tauto.
Qed.
