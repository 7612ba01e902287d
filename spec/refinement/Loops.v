(** The loops that give a package another list: what they keep, and that they end. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Dependencies Memory Edges Lists.

(** The id [x] leads through just these edges. *)
Definition run (m : memory) (x : nat) (l : list nat) : Prop :=
  match l with
  | [] => x = NONE
  | e :: l => x = e /\ leads m e NEXT_OUT l
  end.

Lemma leads_run m c w l : leads m c w l <-> run m (m c w) l.
Proof. now destruct l. Qed.

Lemma run_ext m m' x l : (forall e, In e l -> m' e NEXT_OUT = m e NEXT_OUT) -> run m x l -> run m' x l.
Proof.
  intros H. destruct l as [| e l]; cbn; [easy |]. intros [-> Hl]. split; [reflexivity |].
  apply leads_ext with m; [| | assumption]; intros; apply H; [now left | now right].
Qed.

Lemma edge_not_none g heads t a b outs ins frees role p e :
  State g heads t a b outs ins frees role -> role p = Head -> In e (outs p) -> e <> NONE.
Proof.
  intros HS Hp He ->. apply (links_outs _ _ _ _ _ (state_links _ _ _ _ _ _ _ _ _ HS)) in He; [| assumption].
  pose proof (links_none _ _ _ _ _ (state_links _ _ _ _ _ _ _ _ _ HS)). congruence.
Qed.

Lemma outs_nodup g heads t a b outs ins frees role p :
  State g heads t a b outs ins frees role -> role p = Head -> NoDup (outs p) /\ ~ In p (outs p).
Proof.
  intros HS Hp. pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L. split.
  - eapply targets_nodup, links_sorted; eassumption.
  - intros H. apply (links_outs _ _ _ _ _ L) in H; [| assumption]. congruence.
Qed.

(** * keep *)

Lemma drop_below_incl target wanted : incl (drop_below target wanted) wanted.
Proof.
  induction wanted as [| id rest IH]; cbn [drop_below]; [apply incl_refl |].
  destruct (id <? target); [apply incl_tl, IH | apply incl_refl].
Qed.

Lemma keep_loop_spec p wanted0 heads : forall rest fuel g kept wanted edge last is_torn k removed outs ins frees role,
  State g heads p 0 removed outs ins frees role -> role p = Head ->
  outs p = kept ++ rest -> length rest < fuel -> run (words g) edge rest ->
  reaches (words g) p FIRST_OUT kept -> last = last_of kept -> k = length kept ->
  (is_torn = false -> words g (or_else last p) (word_after last FIRST_OUT NEXT_OUT) = edge) ->
  incl wanted wanted0 -> incl (targets (words g) kept) wanted0 ->
  exists g' k' outs' ins' frees' role',
    keep_loop fuel g p wanted edge last is_torn k removed = (g', k') /\
    State g' heads NONE 0 0 outs' ins' frees' role' /\
    k' = length (outs' p) /\ incl (targets (words g') (outs' p)) wanted0 /\
    Elsewhere p (words g) (words g') outs outs' role role'.
Proof.
  induction rest as [| e rest IH];
    intros fuel g kept wanted edge last is_torn k removed outs ins frees role HS Hp Hsplit Hfuel Hrun Hreach -> -> Hlink Hw Hkept;
    (destruct fuel as [| fuel]; [cbn in Hfuel; lia |]); cbn [keep_loop].
  - cbn in Hrun. subst edge. cbn. rewrite app_nil_r in Hsplit.
    destruct (outs_nodup _ _ _ _ _ _ _ _ _ _ HS Hp) as [Hd Hnp].
    set (h := if is_torn then link_out g p (last_of kept) NONE else g).
    assert (Hh : State h heads p 0 removed outs ins frees role /\
      Elsewhere p (words g) (words h) outs outs role role /\
      targets (words h) (outs p) = targets (words g) (outs p) /\ leads (words h) p FIRST_OUT (outs p)).
    { unfold h. destruct is_torn.
      - destruct (link_state g heads p 0 removed outs ins frees role (last_of kept) NONE) as (H1 & H2 & H3); auto.
        + intros e He. rewrite Hsplit. now apply last_of_in.
        + repeat (split; [assumption |]). rewrite Hsplit. rewrite <- (app_nil_r kept) at 2. apply leads_app.
          rewrite link_words. rewrite Hsplit in Hd, Hnp. split; [now apply reaches_write |]. cbn. apply put_same.
      - repeat (split; [auto using else_refl |]). rewrite Hsplit. rewrite <- (app_nil_r kept). apply leads_app.
        split; [assumption |]. cbn. auto. }
    destruct Hh as (H1 & H2 & H3 & H4).
    pose proof (mended_state _ _ _ _ _ _ _ _ _ H1 H4) as H5.
    pose proof (state_dependencies _ _ _ _ _ _ _ _ _ H5) as Hc.
    eexists _, _, outs, ins, frees, role. split; [reflexivity |]. split; [| split; [| split]].
    + eapply count_state; [exact H5 |]. fold h. lia.
    + now rewrite Hsplit.
    + cbn. fold h. rewrite H3, Hsplit. assumption.
    + exact H2.
  - cbn in Hrun. destruct Hrun as [-> Hrun]. assert (He : In e (outs p)) by (rewrite Hsplit; apply in_elt).
    pose proof (edge_not_none _ _ _ _ _ _ _ _ _ _ _ HS Hp He) as Hne.
    destruct (Nat.eqb_spec e NONE); [tauto |].
    destruct (outs_nodup _ _ _ _ _ _ _ _ _ _ HS Hp) as [Hd Hnp]. cbn in Hfuel.
    destruct (first_is (words g e DEPENDENCY) (drop_below (words g e DEPENDENCY) wanted)) eqn:Hfirst.
    + (* It stays. *)
      set (h := if is_torn then link_out g p (last_of kept) e else g).
      assert (Hh : State h heads p 0 removed outs ins frees role /\
        Elsewhere p (words g) (words h) outs outs role role /\
        targets (words h) (outs p) = targets (words g) (outs p) /\
        leads (words h) p FIRST_OUT (outs p) \/ False).
      { left. unfold h. destruct is_torn.
        - destruct (link_state g heads p 0 removed outs ins frees role (last_of kept) e) as (H1 & H2 & H3); auto.
          + intros e' He'. rewrite Hsplit. apply in_app_iff. left. now apply last_of_in.
          + repeat (split; [assumption |]). rewrite Hsplit, link_words.
            rewrite Hsplit in Hd, Hnp. pose proof Hd as Hd'. apply nodup_app in Hd' as (Hd1 & Hd2 & Hd3).
            rewrite in_app_iff in Hnp.
            apply leads_write; auto.
            intros Hin. destruct (last_of kept) as [z |] eqn:E; cbn in Hin; [| apply Hnp; right; exact Hin].
            apply (Hd3 z); [now apply last_of_in | exact Hin].
        - repeat (split; [auto using else_refl |]). rewrite Hsplit. apply leads_app.
          split; [assumption |]. cbn. split; [now apply Hlink | assumption]. }
      destruct Hh as [(H1 & H2 & H3 & H4) | []].
      rewrite Hsplit in H4. change (kept ++ e :: rest) with (kept ++ [e] ++ rest) in H4. rewrite app_assoc in H4.
      pose proof H4 as H5. apply leads_app in H5 as [H5 H6]. rewrite last_of_snoc in H6. cbn in H6.
      assert (Hdep : targets (words h) (outs p) = targets (words g) (outs p)) by exact H3.
      assert (Hnext : words h e NEXT_OUT = words g e NEXT_OUT).
      { unfold h. destruct is_torn; [| reflexivity]. rewrite link_words. apply put_other. left.
        rewrite Hsplit in Hd, Hnp. destruct (last_of kept) as [z |] eqn:E; cbn.
        - apply nodup_app in Hd as (_ & _ & Hd3). intros ->. apply (Hd3 z); [now apply last_of_in | now left].
        - intros ->. apply Hnp. apply in_elt. }
      destruct (IH fuel h (kept ++ [e]) (tl (drop_below (words g e DEPENDENCY) wanted)) (words g e NEXT_OUT) (Some e) false
        (S (length kept)) removed outs ins frees role) as (g' & k' & outs' & ins' & frees' & role' & R1 & R2 & R3 & R4 & R5); auto.
      * rewrite Hsplit, <- app_assoc. reflexivity.
      * lia.
      * rewrite <- Hnext. now apply leads_run.
      * now rewrite last_of_snoc.
      * rewrite app_length. cbn. lia.
      * intros x Hx. apply Hw. apply (drop_below_incl (words g e DEPENDENCY)).
        destruct (drop_below _ _); [easy | now right].
      * intros x Hx. unfold targets in Hx. rewrite map_app, in_app_iff in Hx.
        assert (Hsame : forall y, In y (outs p) -> words h y DEPENDENCY = words g y DEPENDENCY).
        { intros y _. unfold h. destruct is_torn; [| reflexivity]. rewrite link_words. apply put_other. right.
          destruct (last_of kept); cbn; word. }
        destruct Hx as [Hx | [<- | []]].
        -- apply Hkept. rewrite <- (targets_ext (words g) (words h)); [exact Hx |]. intros y Hy. apply Hsame.
           rewrite Hsplit. apply in_app_iff. now left.
        -- rewrite Hsame by assumption. apply Hw, (drop_below_incl (words g e DEPENDENCY)).
           destruct (drop_below _ _) as [| id l]; cbn in Hfirst; [discriminate |].
           apply Nat.eqb_eq in Hfirst as ->. now left.
      * exists g', k', outs', ins', frees', role'. repeat (split; [assumption |]). eapply else_trans; eassumption.
    + (* It goes. *)
      set (h := remove_cell (unlink_in g e) e).
      destruct (remove_edge_state g heads p 0 removed outs ins frees role kept e rest HS Hp Hsplit) as (ins1 & H1 & H2 & H3).
      fold h in H1, H2, H3.
      pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L.
      assert (Hnin : ~ In e (kept ++ rest)) by (rewrite Hsplit in Hd; now apply NoDup_remove_2 in Hd).
      assert (Hep : role e = EdgeOf p) by (apply (links_outs _ _ _ _ _ L); assumption).
      assert (Hsame : forall y w, In y (kept ++ rest) -> w = 1 \/ w = 2 -> words h y w = words g y w).
      { intros y w Hy Hyw. assert (role y = EdgeOf p).
        { apply (links_outs _ _ _ _ _ L); [assumption |]. rewrite Hsplit. apply in_app_iff in Hy. apply in_app_iff. cbn. tauto. }
        apply H3; try word; [intros ->; tauto | left; congruence]. }
      destruct (IH fuel h kept (drop_below (words g e DEPENDENCY) wanted) (words g e NEXT_OUT) (last_of kept) true
        (length kept) (S removed) (upd outs p (kept ++ rest)) ins1 (e :: frees) (upd role e Free))
        as (g' & k' & outs' & ins' & frees' & role' & R1 & R2 & R3 & R4 & R5); auto.
      * rewrite upd_other; [assumption |]. intros ->. congruence.
      * apply upd_same.
      * lia.
      * apply run_ext with (words g); [| now apply leads_run].
        intros y Hy. apply Hsame; [apply in_app_iff; now right | now right].
      * apply reaches_ext with (words g); [| | assumption].
        -- apply H3; try word. intros ->. congruence.
        -- intros y Hy. apply Hsame; [apply in_app_iff; now left | now right].
      * discriminate.
      * intros x Hx. apply Hw. eapply drop_below_incl, Hx.
      * rewrite (targets_ext (words g)); [assumption |].
        intros y Hy. apply Hsame; [apply in_app_iff; now left | now left].
      * exists g', k', outs', ins', frees', role'. repeat (split; [assumption |]). eapply else_trans; eassumption.
Qed.

(** * begin *)

Lemma begin_loop_spec p heads : forall ds g next cur a b outs ins frees role,
  State g heads p a b outs ins frees role -> role p = Head ->
  outs p = cur -> run (words g) next cur ->
  (forall d, In d ds -> role d = Head) ->
  StronglySorted lt (rev ds ++ targets (words g) cur) ->
  exists g' first outs' ins' frees' role',
    begin_loop g p ds next = (g', first) /\
    State g' heads p (a + length ds) b outs' ins' frees' role' /\
    targets (words g') (outs' p) = rev ds ++ targets (words g) cur /\
    run (words g') first (outs' p) /\ dependencies g' = dependencies g /\
    Elsewhere p (words g) (words g') outs outs' role role'.
Proof.
  induction ds as [| d ds IH]; intros g next cur a b outs ins frees role HS Hp Hcur Hrun Hds Hsorted; cbn [begin_loop].
  - exists g, next, outs, ins, frees, role. rewrite Nat.add_0_r. subst cur. auto 10 using else_refl.
  - destruct (insert_edge g p d next) as [h e] eqn:Hins. cbn [rev] in Hsorted. rewrite <- app_assoc in Hsorted.
    assert (Hd : role d = Head) by (apply Hds; now left).
    pose proof Hsorted as Hs. apply sorted_app in Hs as (_ & Hs & _). cbn in Hs.
    apply StronglySorted_inv in Hs as [_ Hs]. rewrite Forall_forall in Hs.
    destruct (insert_edge_state g heads p a b outs ins frees role d next h e [] cur) as
      (H1 & H2 & H3 & H4 & H5 & H6 & H7 & ins1 & frees1 & H8 & H9); auto.
    { easy. }
    { intros y Hy. apply Hs. exact (in_map (fun e => words g e DEPENDENCY) cur y Hy). }
    cbn [app] in H8, H9. pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L.
    assert (Hsame : forall y w, In y cur -> w = 1 \/ w = 2 -> words h y w = words g y w).
    { intros y w Hy Hyw. subst cur. assert (role y = EdgeOf p) by (apply (links_outs _ _ _ _ _ L); assumption).
      apply H7; try word; [intros ->; tauto | left; congruence]. }
    destruct (IH h e (e :: cur) (S a) b (upd outs p (e :: cur)) ins1 frees1 (upd role e (EdgeOf p))) as
      (g' & first & outs' & ins' & frees' & role' & R1 & R2 & R3 & R4 & R5 & R6); auto.
    + rewrite upd_other; [assumption |]. intros ->. congruence.
    + apply upd_same.
    + cbn. split; [reflexivity |]. apply leads_run. rewrite H5. apply run_ext with (words g); [| assumption].
      intros y Hy. apply Hsame; auto.
    + intros d' Hd'. rewrite upd_other; [apply Hds; now right |]. intros ->. apply H2, Hds. now right.
    + cbn [targets map]. rewrite H4. fold (targets (words h) cur). rewrite (targets_ext (words g)); [assumption |].
      intros y Hy. apply Hsame; auto.
    + exists g', first, outs', ins', frees', role'. split; [assumption |]. split; [| split; [| split; [| split]]]; auto.
      * cbn [length]. rewrite Nat.add_succ_r. assumption.
      * rewrite R3. cbn [rev targets map]. rewrite H4, <- app_assoc. fold (targets (words h) cur).
        rewrite (targets_ext (words g)); [reflexivity |]. intros y Hy. apply Hsame; auto.
      * congruence.
      * eapply else_trans; eassumption.
Qed.

Lemma begin_spec p heads g ds outs ins frees role :
  State g heads NONE 0 0 outs ins frees role -> role p = Head -> outs p = [] ->
  (forall d, In d ds -> role d = Head) -> StronglySorted lt ds ->
  exists outs' ins' frees' role',
    State (begin g p ds) heads NONE 0 0 outs' ins' frees' role' /\
    targets (words (begin g p ds)) (outs' p) = ds /\
    Elsewhere p (words g) (words (begin g p ds)) outs outs' role role'.
Proof.
  intros HS Hp Hnone Hds Hsorted. unfold begin. destruct ds as [| d0 ds0].
  { exists outs, ins, frees, role. rewrite Hnone. auto using else_refl. }
  set (ds := d0 :: ds0) in *. clearbody ds. clear d0 ds0.
  destruct (begin_loop_spec p heads (rev ds) g NONE [] 0 0 outs ins frees role) as
    (h & first & outs' & ins' & frees' & role' & R1 & R2 & R3 & R4 & R5 & R6); auto using torn_state.
  { reflexivity. }
  { intros d Hd. apply Hds. now apply in_rev. }
  { cbn. now rewrite rev_involutive, app_nil_r. }
  rewrite R1. cbn in R3. rewrite rev_involutive, app_nil_r in R3. rewrite rev_length in R2. cbn in R2.
  assert (Hp' : role' p = Head) by now apply (else_heads _ _ _ _ _ _ _ R6).
  destruct (link_state h heads p (length ds) 0 outs' ins' frees' role' None first) as (H1 & H2 & H3); auto; [easy |].
  cbn [link_out] in H1, H2, H3. exists outs', ins', frees', role'. split; [| split].
  - eapply count_state.
    + eapply mended_state; [exact H1 |]. apply leads_run. cbn. rewrite put_same. apply run_ext with (words h); [| assumption].
      intros e He. apply put_other. left. intros ->. now apply (outs_nodup _ _ _ _ _ _ _ _ _ _ R2 Hp').
    + pose proof (state_dependencies _ _ _ _ _ _ _ _ _ H1). cbn in *. lia.
  - cbn in *. congruence.
  - eapply else_trans; [exact R6 | exact H2].
Qed.
