(** What each operation of the graph does, said without cells. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Dependencies Packages Memory Edges Lists Loops Replace.

(** The invariant of a graph with these packages. *)
Definition Sound (g : graph) (heads : list nat) : Prop :=
  exists outs ins frees role, State g heads NONE 0 0 outs ins frees role.

(** * What is read *)

Lemma neighbors_out m w : forall l fuel x,
  run m x l -> length l <= fuel -> ~ In NONE l -> neighbors fuel m x NEXT_OUT w = map (fun e => m e w) l.
Proof.
  induction l as [| e l IH]; intros fuel x Hrun Hf Hz; cbn in Hrun.
  - subst x. now destruct fuel.
  - destruct Hrun as [-> Hrun]. cbn in Hf. destruct fuel as [| fuel]; [lia |]. cbn.
    destruct (Nat.eqb_spec e NONE) as [-> |]; [exfalso; apply Hz; now left |].
    f_equal. apply IH; [now apply leads_run | lia | intros H; apply Hz; now right].
Qed.

Lemma neighbors_in m w : forall l fuel c v prev,
  dleads m c v prev l -> length l <= fuel -> ~ In NONE l -> neighbors fuel m (m c v) NEXT_IN w = map (fun e => m e w) l.
Proof.
  induction l as [| e l IH]; intros fuel c v prev Hrun Hf Hz; cbn in Hrun.
  - rewrite Hrun. now destruct fuel.
  - destruct Hrun as (-> & _ & Hrun). cbn in Hf. destruct fuel as [| fuel]; [lia |]. cbn.
    destruct (Nat.eqb_spec e NONE) as [-> |]; [exfalso; apply Hz; now left |].
    f_equal. eapply IH; [exact Hrun | lia | intros H; apply Hz; now right].
Qed.

Lemma dependencies_of_state g heads outs ins frees role p :
  State g heads NONE 0 0 outs ins frees role -> role p = Head ->
  dependencies_of g p = targets (words g) (outs p).
Proof.
  intros HS Hp. pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L. unfold dependencies_of, targets.
  pose proof (head_bound _ _ _ _ _ _ _ _ _ _ HS Hp).
  apply neighbors_out; [| lia |].
  - apply leads_run. apply (links_chain _ _ _ _ _ L); [assumption |].
    intros ->. pose proof (links_none _ _ _ _ _ L). congruence.
  - intros H1. now apply (edge_not_none _ _ _ _ _ _ _ _ _ _ _ HS Hp) in H1.
Qed.

Lemma dependents_of_state g heads outs ins frees role p :
  State g heads NONE 0 0 outs ins frees role -> role p = Head ->
  dependents_of g p = map (fun e => words g e PACKAGE) (ins p).
Proof.
  intros HS Hp. pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L. unfold dependents_of.
  assert (Hroles : forall e, In e (ins p) -> role e <> Outside).
  { intros e He. apply (links_ins _ _ _ _ _ L) in He as (? & He & _); [congruence | assumption]. }
  pose proof (length_below_bound _ _ _ _ (state_pool _ _ _ _ _ _ _ _ _ HS) (links_nodup _ _ _ _ _ L p Hp) Hroles).
  eapply neighbors_in; [apply (links_back _ _ _ _ _ L p Hp) | lia |].
  intros Hz. apply (Hroles _ Hz). apply (links_none _ _ _ _ _ L).
Qed.

Section Read.
  Variables (g : graph) (heads : list nat).
  Hypothesis sound : Sound g heads.

  Lemma sound_nodup : NoDup heads.
  Proof. destruct sound as (outs & ins & frees & role & HS). apply (state_nodup _ _ _ _ _ _ _ _ _ HS). Qed.

  Lemma sound_sorted p : In p heads -> StronglySorted lt (dependencies_of g p).
  Proof.
    destruct sound as (outs & ins & frees & role & HS). intros Hp. apply (state_heads _ _ _ _ _ _ _ _ _ HS) in Hp.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hp).
    apply (links_sorted _ _ _ _ _ (state_links _ _ _ _ _ _ _ _ _ HS) p Hp).
  Qed.

  (** Nothing dangles. *)
  Lemma sound_closed p d : In p heads -> In d (dependencies_of g p) -> In d heads.
  Proof.
    destruct sound as (outs & ins & frees & role & HS). intros Hp Hd. apply (state_heads _ _ _ _ _ _ _ _ _ HS) in Hp.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hp) in Hd. apply in_map_iff in Hd as (e & <- & He).
    pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L. apply (links_outs _ _ _ _ _ L) in He; [| assumption].
    apply (state_heads _ _ _ _ _ _ _ _ _ HS). apply (links_edge _ _ _ _ _ L e p He).
  Qed.

  (** The edges into a package are those that lead to it. *)
  Lemma sound_dependents p q :
    In p heads -> (In q (dependents_of g p) <-> In q heads /\ In p (dependencies_of g q)).
  Proof.
    destruct sound as (outs & ins & frees & role & HS). intros Hp.
    pose proof (state_heads _ _ _ _ _ _ _ _ _ HS) as Hheads. apply Hheads in Hp.
    pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L.
    rewrite (dependents_of_state _ _ _ _ _ _ _ HS Hp), in_map_iff. split.
    - intros (e & He & Hin). apply (links_ins _ _ _ _ _ L) in Hin as (r & Hr & Ht); [| assumption].
      destruct (links_edge _ _ _ _ _ L e r Hr) as (H1 & H2 & _). assert (Hrq : r = q) by congruence. rewrite Hrq in H1, Hr.
      split; [now apply Hheads |]. rewrite (dependencies_of_state _ _ _ _ _ _ _ HS H1). apply in_map_iff.
      exists e. split; [assumption |]. now apply (links_outs _ _ _ _ _ L).
    - intros [Hq Hd]. apply Hheads in Hq. rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hq) in Hd.
      apply in_map_iff in Hd as (e & <- & He). apply (links_outs _ _ _ _ _ L) in He; [| assumption].
      destruct (links_edge _ _ _ _ _ L e q He) as (H1 & H2 & H3).
      exists e. split; [assumption |]. apply (links_ins _ _ _ _ _ L); eauto.
  Qed.

  Lemma has_other_dependent_spec p :
    In p heads ->
    (has_other_dependent g p = true <-> exists q, q <> p /\ In q heads /\ In p (dependencies_of g q)).
  Proof.
    intros Hp. unfold has_other_dependent. rewrite existsb_exists. split.
    - intros (q & Hq & Hne). apply sound_dependents in Hq as [H1 H2]; [| assumption].
      exists q. apply negb_true_iff, Nat.eqb_neq in Hne. auto.
    - intros (q & Hne & H). exists q. apply sound_dependents in H; [| assumption].
      split; [assumption |]. now apply negb_true_iff, Nat.eqb_neq.
  Qed.

  (** What limits are held against is counted right; and each cell is of use, or free. *)
  Theorem sound_counts :
    packages g = length heads /\
    dependencies g = total (dependencies_of g) heads /\
    used g = packages g + dependencies g /\
    forall c, marks g c = true <-> In c heads.
  Proof.
    destruct sound as (outs & ins & frees & role & HS).
    destruct HS as [H1 H2 H3 H4 H5 H6 H7 H8].
    assert (HS : State g heads NONE 0 0 outs ins frees role) by (split; assumption).
    assert (Ht : total (dependencies_of g) heads = total outs heads).
    { clear -HS. pose proof (state_heads _ _ _ _ _ _ _ _ _ HS) as Hh.
      assert (H : forall p, In p heads -> length (dependencies_of g p) = length (outs p)).
      { intros p Hp. apply Hh in Hp. rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hp). apply map_length. }
      clear HS Hh. induction heads as [| p l IH]; cbn; [reflexivity |].
      rewrite (H p) by now left. rewrite IH; [reflexivity |]. intros. apply H. now right. }
    repeat split; try lia.
    - intros H. now apply H4, H3.
    - intros H. now apply H3, H4.
  Qed.

  Theorem sound_cells : forall c, 1 <= c < bound g ->
    In c heads \/ (exists p, In p heads /\ words g c PACKAGE = p /\ In (words g c DEPENDENCY) (dependencies_of g p)) \/
    (exists l, free_from (words g) (free g) l /\ NoDup l /\ In c l).
  Proof.
    destruct sound as (outs & ins & frees & role & HS). intros c Hc.
    destruct HS as [H1 H2 H3 H4 H5 H6 H7 H8].
    assert (HS : State g heads NONE 0 0 outs ins frees role) by (split; assumption).
    destruct (role c) as [| | | p] eqn:E.
    - apply (pool_outside _ _ _ H1) in E. unfold NONE in E. lia.
    - right. right. exists frees. split; [apply H1 |]. split; [apply H1 |]. now apply (pool_free _ _ _ H1).
    - left. now apply H4.
    - right. left. destruct (links_edge _ _ _ _ _ H2 c p E) as (A & B & _). exists p.
      split; [now apply H4 |]. split; [assumption |]. rewrite (dependencies_of_state _ _ _ _ _ _ _ HS A).
      apply (in_map (fun e => words g e DEPENDENCY)). now apply (links_outs _ _ _ _ _ H2).
  Qed.
End Read.

(** * What is changed *)

Lemma empty_sound : Sound empty_graph [].
Proof.
  exists (fun _ => []), (fun _ => []), [], (fun _ => Outside). split; cbn; try easy.
  - split; cbn; try easy; [apply NoDup_nil |]. intros e. unfold NONE. split; [lia | reflexivity].
  - apply NoDup_nil.
Qed.

Theorem set_dependencies_spec g heads p ds :
  Sound g heads -> In p heads -> incl ds heads -> StronglySorted lt ds ->
  let g' := set_dependencies g p ds in
  Sound g' heads /\ dependencies_of g' p = ds /\
  (forall q, In q heads -> q <> p -> dependencies_of g' q = dependencies_of g q) /\
  (forall q, In q heads -> words g' q NAME = words g q NAME).
Proof.
  intros (outs & ins & frees & role & HS) Hp Hds Hsorted g'.
  pose proof (state_heads _ _ _ _ _ _ _ _ _ HS) as Hheads. apply Hheads in Hp.
  destruct (set_dependencies_state p heads g ds outs ins frees role) as (outs' & ins' & frees' & role' & R1 & R2 & R3); auto.
  { intros d Hd. apply Hheads. auto. }
  fold g' in R1, R2, R3. destruct R3 as [E1 E2 E3 E4].
  split; [exists outs', ins', frees', role'; assumption |]. split; [| split].
  - rewrite (dependencies_of_state _ _ _ _ _ _ _ R1) by now apply E1. assumption.
  - intros q Hq Hne. apply Hheads in Hq. rewrite (dependencies_of_state _ _ _ _ _ _ _ R1) by now apply E1.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hq), E2, E3 by assumption. reflexivity.
  - intros q Hq. apply E4. now apply Hheads.
Qed.

Theorem add_package_spec g heads n g' id :
  Sound g heads -> add_package g n = (g', id) ->
  ~ In id heads /\ Sound g' (id :: heads) /\ dependencies_of g' id = [] /\ words g' id NAME = n /\
  (forall q, In q heads -> dependencies_of g' q = dependencies_of g q) /\
  (forall q, In q heads -> words g' q NAME = words g q NAME).
Proof.
  intros (outs & ins & frees & role & HS). unfold add_package.
  destruct (insert_cell _ _ _ _ _ _) as [h e] eqn:Hins. intros [= <- <-].
  pose proof HS as [P L M H N C1 C2 C3]. destruct L as [L1 L2 L3 L4 L5 L6 L7 L8].
  assert (P' : Pool (count_packages g (packages g + 1)) frees role) by (destruct P; split; assumption).
  destruct (insert_cell_spec _ _ _ _ _ _ _ _ _ _ P' Hins) as (I1 & I2 & I3 & I4 & I5 & I6 & I7 & I8).
  cbn in I3, I4, I5, I6, I7. destruct (I8 Head) as (frees' & I9); [discriminate | discriminate |].
  assert (Hnew : role e <> Head /\ (forall p, role e <> EdgeOf p)) by (destruct I2; split; congruence).
  destruct Hnew as [Hnh Hne]. assert (Hout : ~ In e heads) by now rewrite H.
  set (role' := upd role e Head). set (outs' := upd outs e []). set (ins' := upd ins e []).
  assert (Hw : forall c w, c <> e -> words h c w = words g c w) by (intros; rewrite I3; now apply put_cell_other).
  assert (Hr : forall c, c <> e -> role' c = role c) by (intros; now apply upd_other).
  assert (Hedges : forall c p, role' c = EdgeOf p <-> role c = EdgeOf p).
  { intros c p. unfold role', upd. destruct (Nat.eqb_spec c e) as [-> |]; [| tauto].
    split; [discriminate | intros X; exfalso; now apply (Hne p)]. }
  assert (Hec : forall c p, role c = EdgeOf p -> c <> e) by (intros c p X ->; now apply (Hne p)).
  assert (Hs : forall p c, role p = Head -> In c (outs p) -> c <> e) by
    (intros p c X Y; apply L3 in Y; [now apply (Hec c p) | assumption]).
  assert (S1 : State (mark h e true) (e :: heads) NONE 0 0 outs' ins' frees' role').
  { split; auto.
    - destruct I9; split; assumption.
    - cbn. split.
      + rewrite Hr by congruence. assumption.
      + intros c p X. apply Hedges in X. pose proof (Hec c p X). destruct (L2 c p X) as (Y1 & Y2 & Y3).
        rewrite !Hw by assumption.
        rewrite !Hr by (intros Z; rewrite Z in *; congruence). auto.
      + intros p c X. rewrite Hedges. unfold outs'. destruct (Nat.eq_dec p e) as [-> | Z].
        * rewrite upd_same. split; [easy |]. intros Y. destruct (L2 c e Y). congruence.
        * rewrite upd_other by assumption. apply L3. rewrite <- Hr; assumption.
      + intros p X. unfold outs'. destruct (Nat.eq_dec p e) as [-> | Z].
        * rewrite upd_same. constructor.
        * rewrite upd_other by assumption. rewrite Hr in X by assumption.
          rewrite (targets_ext (words g)); [now apply L4 |]. intros c Y. apply Hw. eauto.
      + intros p X Y. unfold outs'. destruct (Nat.eq_dec p e) as [-> | Z].
        * rewrite upd_same. cbn. rewrite I3. now rewrite put_cell_same.
        * rewrite upd_other by assumption. rewrite Hr in X by assumption. apply leads_ext with (words g); auto.
          intros c Q. apply Hw. eauto.
      + intros q c X. unfold ins'. destruct (Nat.eq_dec q e) as [-> | Z].
        * rewrite upd_same. split; [easy |]. intros (r & Y1 & Y2). apply Hedges in Y1.
          rewrite Hw in Y2 by eauto. destruct (L2 c r Y1) as (_ & _ & Y). congruence.
        * rewrite upd_other by assumption. rewrite Hr in X by assumption. rewrite L6 by assumption.
          split; intros (r & Y1 & Y2); exists r.
          -- rewrite Hedges, Hw by eauto. auto.
          -- apply Hedges in Y1. rewrite Hw in Y2 by eauto. auto.
      + intros q X. unfold ins'. destruct (Nat.eq_dec q e) as [-> | Z]; [rewrite upd_same; constructor |].
        rewrite upd_other by assumption. apply L7. now rewrite <- Hr.
      + intros q X. unfold ins'. destruct (Nat.eq_dec q e) as [-> | Z].
        * rewrite upd_same. cbn. rewrite I3. now rewrite put_cell_same.
        * rewrite upd_other by assumption. rewrite Hr in X by assumption.
          apply dleads_ext with (words g); auto. intros c Y.
          assert (c <> e) by (apply L6 in Y as (r & Y & _); eauto). split; now apply Hw.
    - intros c. cbn. rewrite I4. unfold role', upd. destruct (Nat.eqb_spec c e); [tauto | apply M].
    - intros c. cbn. rewrite H. unfold role', upd. destruct (Nat.eqb_spec c e) as [-> |]; [tauto |].
      split; [intros [-> |]; tauto | tauto].
    - constructor; assumption.
    - cbn. rewrite I5. lia.
    - cbn. unfold outs'. rewrite upd_same, (total_ext outs (upd outs e [])) by
        (intros q X; apply upd_other; intros ->; tauto). cbn. lia.
    - cbn. unfold outs'. rewrite upd_same, (total_ext outs (upd outs e [])) by
        (intros q X; apply upd_other; intros ->; tauto). cbn. lia. }
  split; [assumption |]. split; [exists outs', ins', frees', role'; exact S1 |].
  split; [| split; [| split]].
  - rewrite (dependencies_of_state _ _ _ _ _ _ _ S1) by apply upd_same. unfold outs'. now rewrite upd_same.
  - cbn. rewrite I3. now rewrite put_cell_same.
  - intros q Hq. assert (q <> e) by (intros ->; tauto). apply H in Hq.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ S1), (dependencies_of_state _ _ _ _ _ _ _ HS) by
      (unfold role'; rewrite ?upd_other by assumption; assumption).
    unfold outs'. rewrite upd_other by assumption. apply targets_ext. intros c X. apply Hw. eauto.
  - intros q Hq. apply Hw. intros ->. tauto.
Qed.

Theorem remove_package_spec g heads p :
  Sound g heads -> In p heads -> (forall q, In q heads -> q <> p -> ~ In p (dependencies_of g q)) ->
  let g' := remove_package g p in
  Sound g' (List.remove Nat.eq_dec p heads) /\
  (forall q, In q heads -> q <> p -> dependencies_of g' q = dependencies_of g q) /\
  (forall q, In q heads -> q <> p -> words g' q NAME = words g q NAME).
Proof.
  intros HG Hp Hnone g'. unfold g', remove_package.
  destruct (set_dependencies_spec g heads p [] HG Hp) as (G1 & G2 & G3 & G4); [easy | constructor |].
  set (h := set_dependencies g p []) in *.
  pose proof G1 as (outs & ins & frees & role & HS).
  pose proof HS as [P L M H N C1 C2 C3]. pose proof L as [L1 L2 L3 L4 L5 L6 L7 L8].
  pose proof Hp as Hph. apply H in Hph.
  assert (Hempty : outs p = []).
  { rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hph) in G2. now destruct (outs p). }
  assert (Hins : forall c r, role c = EdgeOf r -> words h c DEPENDENCY <> p).
  { intros c r X Y. destruct (L2 c r X) as (Z1 & Z2 & Z3).
    assert (Hd : In p (dependencies_of h r)).
    { rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Z1). rewrite <- Y.
      apply (in_map (fun e => words h e DEPENDENCY)). now apply L3. }
    destruct (Nat.eq_dec r p) as [-> | Hne].
    - rewrite G2 in Hd. easy.
    - apply H in Z1. rewrite G3 in Hd by assumption. now apply (Hnone r). }
  assert (Hnoe : forall c, role c <> EdgeOf p).
  { intros c X. apply (L3 p c Hph) in X. rewrite Hempty in X. easy. }
  set (role' := upd role p Free). set (k := remove_cell (mark h p false) p).
  assert (Hr : forall c, c <> p -> role' c = role c) by (intros; now apply upd_other).
  assert (Hw : forall c w, c <> p \/ w <> 0 -> words k c w = words h c w) by (intros; now apply put_other).
  assert (Hec : forall c r, role c = EdgeOf r -> c <> p) by (intros c r X ->; congruence).
  assert (Hedges : forall c r, role' c = EdgeOf r <-> role c = EdgeOf r).
  { intros c r. unfold role', upd. destruct (Nat.eqb_spec c p) as [-> |]; [| tauto].
    rewrite Hph. split; discriminate. }
  assert (Hheads : forall q, role' q = Head <-> role q = Head /\ q <> p).
  { intros q. unfold role', upd. destruct (Nat.eqb_spec q p); intuition congruence. }
  assert (Hrem : forall q, In q (List.remove Nat.eq_dec p heads) <-> In q heads /\ q <> p).
  { intros q. split; [apply in_remove | intros [X Y]; now apply in_in_remove]. }
  assert (Hlen : forall l, NoDup l -> In p l -> S (length (List.remove Nat.eq_dec p l)) = length l /\
     total outs (List.remove Nat.eq_dec p l) = total outs l).
  { clear -Hempty. induction l as [| q l IH]; cbn; [easy |]. intros Hd. inversion_clear Hd as [| ? ? Hq Hl].
    destruct (Nat.eq_dec p q) as [<- | Hne].
    - intros _. rewrite notin_remove by assumption. rewrite Hempty. auto.
    - intros [-> | Hin]; [congruence |]. destruct (IH Hl Hin). cbn. lia. }
  destruct (Hlen heads N Hp) as [Hlen1 Hlen2].
  assert (S1 : State (count_packages k (packages k - 1)) (List.remove Nat.eq_dec p heads) NONE 0 0 outs ins (p :: frees) role').
  { split.
    - assert (P' : Pool (mark h p false) frees role) by (destruct P; split; assumption).
      destruct (remove_cell_spec _ _ _ p P') as [A1 A2 A3 A4 A5]; try congruence. split; assumption.
    - change (words (count_packages k (packages k - 1))) with (words k). split.
      + rewrite Hr by congruence. assumption.
      + intros c r X. apply Hedges in X. destruct (L2 c r X) as (Y1 & Y2 & Y3).
        rewrite !Hw by (left; eauto). rewrite !Hheads. repeat split; auto.
        * intros ->. now apply (Hnoe c).
        * now apply (Hins c r).
      + intros q c X. apply Hheads in X as [X Y]. rewrite Hedges. now apply L3.
      + intros q X. apply Hheads in X as [X Y]. rewrite (targets_ext (words h)); [now apply L4 |].
        intros c Z. apply Hw. right. word.
      + intros q X _. apply Hheads in X as [X Y]. apply leads_ext with (words h).
        * apply Hw. now left.
        * intros c Z. apply Hw. right. word.
        * apply L5; [assumption |]. congruence.
      + intros q c X. apply Hheads in X as [X Y]. rewrite L6 by assumption.
        split; intros (r & Z1 & Z2); exists r; (split; [now apply Hedges |]).
        * rewrite Hw by (right; word). assumption.
        * rewrite <- Z2. symmetry. apply Hw. right. word.
      + intros q X. apply Hheads in X as [X Y]. auto.
      + intros q X. apply Hheads in X as [X Y]. apply dleads_ext with (words h).
        * apply Hw. now left.
        * intros c _. split; apply Hw; right; word.
        * auto.
    - intros c. cbn. rewrite Hheads, <- M. destruct (Nat.eqb_spec c p); intuition congruence.
    - intros q. rewrite Hrem, Hheads, H. tauto.
    - clear -N. induction N as [| q l Hq Hl IH]; cbn; [constructor |].
      destruct (Nat.eq_dec p q); [assumption |]. constructor; [| assumption].
      intros X. apply in_remove in X. tauto.
    - cbn. lia.
    - cbn. lia.
    - cbn. lia. }
  split; [exists outs, ins, (p :: frees), role'; exact S1 |]. split.
  - intros q Hq Hne. rewrite <- (G3 q Hq Hne). apply H in Hq.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ S1) by now apply Hheads.
    rewrite (dependencies_of_state _ _ _ _ _ _ _ HS Hq). apply targets_ext. intros c _. apply Hw. right. word.
  - intros q Hq Hne. rewrite <- (G4 q Hq). apply Hw. now left.
Qed.
