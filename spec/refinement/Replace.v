(** The rest of giving a package another list: what is missing is added, and then the list is what was asked for. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells Dependencies Memory Edges Lists Loops.

Lemma last_of_app a b : last_of (a ++ b) = match last_of b with Some e => Some e | None => last_of a end.
Proof.
  induction a as [| x a IH]; cbn; [now destruct (last_of b) |]. rewrite IH. now destruct (last_of b).
Qed.

Lemma advance_spec m d : forall suf fuel last next,
  length suf < fuel -> run m next suf -> ~ In NONE suf -> StronglySorted lt (targets m suf) ->
  exists last' next' found a b,
    advance fuel m d last next = (last', next', found) /\ suf = a ++ b /\
    last' = match last_of a with Some e => Some e | None => last end /\
    run m next' b /\ (forall e, In e b -> d < m e DEPENDENCY) /\
    (forall e, In e a -> m e DEPENDENCY <= d) /\
    (found = false -> forall e, In e a -> m e DEPENDENCY < d) /\
    (found = true -> exists e, In e a /\ m e DEPENDENCY = d).
Proof.
  induction suf as [| e suf IH]; intros [| fuel] last next Hf Hrun Hz Hs; cbn in Hf; try lia; cbn [advance].
  - cbn in Hrun. subst next. cbn. exists last, NONE, false, [], []. cbn. repeat split; auto; easy.
  - cbn in Hrun. destruct Hrun as [-> Hrun]. apply leads_run in Hrun.
    destruct (Nat.eqb_spec e NONE) as [-> | Hne]; [exfalso; apply Hz; now left |].
    cbn [targets map] in Hs. apply StronglySorted_inv in Hs as [Hs Hall]. rewrite Forall_forall in Hall.
    assert (Hafter : forall y, In y suf -> m e DEPENDENCY < m y DEPENDENCY).
    { intros y Hy. apply Hall. exact (in_map (fun e => m e DEPENDENCY) suf y Hy). }
    destruct (Nat.ltb_spec d (m e DEPENDENCY)) as [Hlt | Hge].
    + exists last, e, false, [], (e :: suf). cbn. repeat split; auto; try easy.
      * now apply leads_run.
      * intros y [<- | Hy]; [assumption |]. specialize (Hafter y Hy). lia.
    + destruct (Nat.eqb_spec (m e DEPENDENCY) d) as [Heq | Hneq].
      * exists (Some e), (m e NEXT_OUT), true, [e], suf. cbn. repeat split; auto; try easy.
        -- intros y Hy. specialize (Hafter y Hy). lia.
        -- intros y [<- | []]. lia.
        -- intros _. exists e. auto.
      * destruct (IH fuel (Some e) (m e NEXT_OUT)) as (last' & next' & found & a & b & R1 & R2 & R3 & R4 & R5 & R8 & R6 & R7);
          [lia | assumption | intros H; apply Hz; now right | assumption |].
        exists last', next', found, (e :: a), b. split; [assumption |]. split; [cbn; congruence |].
        split; [cbn; now destruct (last_of a) |]. split; [assumption |]. split; [assumption |]. split; [| split].
        -- intros y [<- | Hy]; [lia | auto].
        -- intros Hfound y [<- | Hy]; [lia | auto].
        -- intros Hfound. destruct (R7 Hfound) as (y & Hy & Hyd). exists y. split; [now right | assumption].
Qed.

Lemma complete_loop_spec p heads : forall ds g pre suf last next outs ins frees role,
  State g heads p 0 0 outs ins frees role -> role p = Head -> outs p = pre ++ suf ->
  leads (words g) p FIRST_OUT (pre ++ suf) -> last = last_of pre ->
  next = words g (or_else last p) (word_after last FIRST_OUT NEXT_OUT) ->
  (forall d, In d ds -> role d = Head) -> StronglySorted lt ds ->
  (forall e d, In e pre -> In d ds -> words g e DEPENDENCY < d) ->
  exists outs' ins' frees' role',
    State (complete_loop g p ds last next) heads NONE 0 0 outs' ins' frees' role' /\
    (forall t, In t (targets (words (complete_loop g p ds last next)) (outs' p)) <->
      In t (targets (words g) (outs p)) \/ In t ds) /\
    Elsewhere p (words g) (words (complete_loop g p ds last next)) outs outs' role role'.
Proof.
  induction ds as [| d ds IH]; intros g pre suf last next outs ins frees role HS Hp Hsplit Hleads Hlast Hnext Hds Hsorted Hpre;
    cbn [complete_loop].
  - exists outs, ins, frees, role. split; [| split; [| apply else_refl]].
    + eapply mended_state; [exact HS |]. now rewrite Hsplit.
    + cbn. tauto.
  - pose proof Hleads as Hl. apply leads_app in Hl as [Hreach Hl].
    apply leads_run in Hl. rewrite <- Hlast, <- Hnext in Hl.
    destruct (outs_nodup _ _ _ _ _ _ _ _ _ _ HS Hp) as [Hnodup Hnp].
    pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L.
    pose proof (links_sorted _ _ _ _ _ L p Hp) as Hst. rewrite Hsplit in Hst. unfold targets in Hst.
    rewrite map_app in Hst. apply sorted_app in Hst as (Hst1 & Hst2 & Hst3).
    destruct (advance_spec (words g) d suf (bound g) last next) as
      (last' & next' & found & a & b & -> & -> & Hlast' & Hrun & Hb & Hle & Ha & Hfound); auto.
    { pose proof (head_bound _ _ _ _ _ _ _ _ _ _ HS Hp) as Hlen. rewrite Hsplit, app_length in Hlen. lia. }
    { intros Hz. eapply edge_not_none; [exact HS | exact Hp | | reflexivity]. rewrite Hsplit. apply in_app_iff. now right. }
    assert (Hlast2 : last' = last_of (pre ++ a)) by (rewrite last_of_app, Hlast', Hlast; reflexivity).
    apply StronglySorted_inv in Hsorted as [Hsorted Hdall]. rewrite Forall_forall in Hdall.
    rewrite app_assoc in Hsplit, Hleads.
    destruct found.
    + destruct (Hfound eq_refl) as (e0 & He0 & He0d).
      destruct (IH g (pre ++ a) b last' next' outs ins frees role) as (outs' & ins' & frees' & role' & R1 & R2 & R3); auto.
      * apply leads_app in Hleads as [_ Hleads]. rewrite <- Hlast2 in Hleads. apply leads_run in Hleads.
        destruct b; cbn in *; [congruence |]. destruct Hrun as [-> _], Hleads as [-> _]. reflexivity.
      * intros x Hx. apply Hds. now right.
      * intros e x He Hx. apply in_app_iff in He as [He | He]; [apply Hpre; [assumption | now right] |].
        specialize (Hdall x Hx). specialize (Hle e He). lia.
      * exists outs', ins', frees', role'. split; [assumption |]. split; [| assumption].
        intros t. rewrite R2. cbn. split; [tauto |]. intros [H | [<- | H]]; auto.
        left. rewrite <- He0d. apply (in_map (fun e => words g e DEPENDENCY)). rewrite Hsplit. apply in_app_iff. left.
        apply in_app_iff. now right.
    + specialize (Ha eq_refl). clear Hfound.
      destruct (insert_edge g p d next') as [h e] eqn:Hins.
      assert (Hd : role d = Head) by (apply Hds; now left).
      destruct (insert_edge_state g heads p 0 0 outs ins frees role d next' h e (pre ++ a) b) as
        (H1 & H2 & H3 & H4 & H5 & H6 & H7 & ins1 & frees1 & H8 & H9); auto using torn_state.
      { intros y Hy. apply in_app_iff in Hy as [Hy | Hy]; [apply Hpre; [assumption | now left] | auto]. }
      set (outs1 := upd outs p ((pre ++ a) ++ e :: b)) in *. set (role1 := upd role e (EdgeOf p)) in *.
      assert (Hp1 : role1 p = Head) by (unfold role1; rewrite upd_other; [assumption | intros ->; congruence]).
      assert (Houts1 : outs1 p = (pre ++ a) ++ e :: b) by apply upd_same.
      assert (Hlast3 : forall z, last' = Some z -> In z (pre ++ a)) by (intros z Hz; apply last_of_in; congruence).
      assert (Hle' : or_else last' p <> e).
      { destruct last' as [z |]; cbn; [| intros ->; congruence]. intros ->. apply H3. rewrite Hsplit.
        apply in_app_iff. left. now apply Hlast3. }
      assert (Hnd1 : ~ In (or_else last' p) (e :: b)).
      { intros [H | H]; [congruence |]. destruct last' as [z |]; cbn in H.
        - rewrite Hsplit in Hnodup. apply nodup_app in Hnodup as (_ & _ & Hx). apply (Hx z); auto.
        - apply Hnp. rewrite Hsplit. apply in_app_iff. now right. }
      destruct (link_state h heads p 1 0 outs1 ins1 frees1 role1 last' e) as (K1 & K2 & K3); auto.
      { intros z Hz. rewrite Houts1. apply in_app_iff. left. auto. }
      set (g1 := link_out h p last' e) in *.
      assert (Hg1 : words g1 = put (words h) (or_else last' p) (word_after last' FIRST_OUT NEXT_OUT) e) by apply link_words.
      assert (Hsame : forall y w, In y (outs p) -> w = 1 \/ w = 2 -> words h y w = words g y w).
      { intros y w Hy Hw. assert (role y = EdgeOf p) by (apply (links_outs _ _ _ _ _ L); assumption).
        apply H7; try word; [intros ->; tauto | left; congruence]. }
      assert (Hchain : leads (words g1) p FIRST_OUT ((pre ++ a) ++ e :: b)).
      { rewrite Hg1, Hlast2. rewrite Hsplit in Hnodup, Hnp. rewrite in_app_iff in Hnp.
        apply leads_write; [apply nodup_app in Hnodup; tauto | tauto | | | rewrite <- Hlast2; assumption].
        - apply leads_app in Hleads as [Hr _]. apply reaches_ext with (words g); [| | assumption].
          + apply H7; try word. intros ->. congruence.
          + intros y Hy. apply Hsame; [rewrite Hsplit; apply in_app_iff; now left | now right].
        - apply leads_run. rewrite H5. apply run_ext with (words g); [| assumption].
          intros y Hy. apply Hsame; [rewrite Hsplit; apply in_app_iff; now right | now right]. }
      assert (Hdep : forall y, words g1 y DEPENDENCY = words h y DEPENDENCY).
      { intros y. rewrite Hg1. apply put_other. right. destruct last'; cbn; word. }
      assert (Hshape : (pre ++ a) ++ e :: b = ((pre ++ a) ++ [e]) ++ b) by (now rewrite <- (app_assoc (pre ++ a))).
      set (g2 := count_dependencies g1 (dependencies g1 + 1)).
      destruct (IH g2 ((pre ++ a) ++ [e]) b (Some e) next' outs1 ins1 frees1 role1) as
        (outs' & ins' & frees' & role' & R1 & R2 & R3); auto.
      * eapply count_state; [exact K1 |]. pose proof (state_dependencies _ _ _ _ _ _ _ _ _ K1). lia.
      * rewrite Houts1. apply Hshape.
      * rewrite <- Hshape. exact Hchain.
      * now rewrite last_of_snoc.
      * cbn. rewrite Hg1, put_other by (left; congruence). congruence.
      * intros x Hx. unfold role1. rewrite upd_other; [apply Hds; now right |]. intros ->. apply H2, Hds. now right.
      * intros y x Hy Hx. cbn. rewrite Hdep. specialize (Hdall x Hx).
        apply in_app_iff in Hy as [Hy | [<- | []]]; [| congruence].
        rewrite Hsame; [| rewrite Hsplit; apply in_app_iff; now left | now left].
        apply in_app_iff in Hy as [Hy | Hy]; [apply Hpre; [assumption | now right] | specialize (Ha y Hy); lia].
      * exists outs', ins', frees', role'. split; [assumption |]. split.
        -- intros t. rewrite R2. cbn [words g2 count_dependencies]. rewrite K3, Houts1, Hsplit.
           unfold targets. rewrite !map_app, !in_app_iff. cbn. rewrite H4.
           assert (Hx : forall l, (forall y, In y l -> In y (outs p)) ->
             map (fun e => words h e DEPENDENCY) l = map (fun e => words g e DEPENDENCY) l).
           { intros l Hl'. apply map_ext_in. intros y Hy. apply Hsame; auto. }
           rewrite (Hx pre), (Hx a), (Hx b) by
             (intros y Hy; rewrite Hsplit; rewrite !in_app_iff; tauto).
           clear. tauto.
        -- eapply else_trans; [exact H9 |]. eapply else_trans; [exact K2 | exact R3].
Qed.

(** * The whole *)

Lemma sorted_unique a : forall b,
  StronglySorted lt a -> StronglySorted lt b -> (forall x, In x a <-> In x b) -> a = b.
Proof.
  induction a as [| x a IH]; intros [| y b] Ha Hb H; auto.
  - destruct (proj2 (H y)). now left.
  - destruct (proj1 (H x)). now left.
  - apply StronglySorted_inv in Ha as [Ha Hxa], Hb as [Hb Hyb]. rewrite Forall_forall in Hxa, Hyb.
    assert (x = y).
    { destruct (proj1 (H x)) as [-> | H1]; [now left | reflexivity |].
      destruct (proj2 (H y)) as [-> | H2]; [now left | reflexivity |].
      specialize (Hxa y H2). specialize (Hyb x H1). lia. }
    subst y. f_equal. apply IH; auto. intros z. specialize (H z). cbn in H. split; intros Hz.
    + destruct (proj1 H) as [-> |]; auto. specialize (Hxa z Hz). lia.
    + destruct (proj2 H) as [-> |]; auto. specialize (Hyb z Hz). lia.
Qed.

Lemma set_dependencies_state p heads g ds outs ins frees role :
  State g heads NONE 0 0 outs ins frees role -> role p = Head ->
  (forall d, In d ds -> role d = Head) -> StronglySorted lt ds ->
  exists outs' ins' frees' role',
    State (set_dependencies g p ds) heads NONE 0 0 outs' ins' frees' role' /\
    targets (words (set_dependencies g p ds)) (outs' p) = ds /\
    Elsewhere p (words g) (words (set_dependencies g p ds)) outs outs' role role'.
Proof.
  intros HS Hp Hds Hsorted. unfold set_dependencies, keep.
  pose proof (state_links _ _ _ _ _ _ _ _ _ HS) as L.
  assert (Hnone : p <> NONE) by (intros ->; pose proof (links_none _ _ _ _ _ L); congruence).
  destruct (keep_loop_spec p ds heads (outs p) (bound g) g [] ds (words g p FIRST_OUT) None false 0 0 outs ins frees role) as
    (h & k & outs1 & ins1 & frees1 & role1 & -> & H1 & -> & H3 & H4); auto using torn_state, incl_refl.
  { eapply head_bound; eassumption. }
  { apply leads_run. apply (links_chain _ _ _ _ _ L); assumption. }
  { exact I. }
  { intros x []. }
  assert (Hp1 : role1 p = Head) by now apply (else_heads _ _ _ _ _ _ _ H4).
  assert (Hds1 : forall d, In d ds -> role1 d = Head) by (intros d Hd; apply (else_heads _ _ _ _ _ _ _ H4); auto).
  pose proof (state_links _ _ _ _ _ _ _ _ _ H1) as L1.
  pose proof (links_sorted _ _ _ _ _ L1 p Hp1) as Hs1.
  destruct (Nat.eqb_spec (length (outs1 p)) 0) as [E | E].
  - apply length_zero_iff_nil in E.
    destruct (begin_spec p heads h ds outs1 ins1 frees1 role1) as (outs' & ins' & frees' & role' & R1 & R2 & R3); auto.
    exists outs', ins', frees', role'. split; [assumption |]. split; [assumption |]. eapply else_trans; eassumption.
  - destruct (Nat.ltb_spec (length (outs1 p)) (length ds)) as [Hlt | Hge].
    + unfold complete.
      destruct (complete_loop_spec p heads ds h [] (outs1 p) None (words h p FIRST_OUT) outs1 ins1 frees1 role1) as
        (outs' & ins' & frees' & role' & R1 & R2 & R3); auto using torn_state.
      { apply (links_chain _ _ _ _ _ L1); assumption. }
      { easy. }
      exists outs', ins', frees', role'. split; [assumption |]. split; [| eapply else_trans; eassumption].
      apply sorted_unique; auto.
      * apply (links_sorted _ _ _ _ _ (state_links _ _ _ _ _ _ _ _ _ R1)). now apply (else_heads _ _ _ _ _ _ _ R3).
      * intros t. rewrite R2. split; [intros [H | H]; auto | auto].
    + exists outs1, ins1, frees1, role1. split; [assumption |]. split; [| assumption].
      apply sorted_unique; auto. intros t. split; [apply H3 |].
      apply NoDup_length_incl; auto using sorted_nodup. unfold targets. now rewrite map_length.
Qed.
