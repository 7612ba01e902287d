(** What the memory of a sound graph looks like, and lists in it. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Cells.

(** What a cell is used for. *)
Inductive kind := Outside | Free | Head | EdgeOf (package : nat).

Definition upd {A} (f : nat -> A) (i : nat) (v : A) : nat -> A := fun j => if j =? i then v else f j.

Lemma upd_same A (f : nat -> A) i v : upd f i v i = v.
Proof. unfold upd. now rewrite Nat.eqb_refl. Qed.

Lemma upd_other A (f : nat -> A) i v j : j <> i -> upd f i v j = f j.
Proof. unfold upd. destruct (Nat.eqb_spec j i); congruence. Qed.

Lemma put_same m c w v : put m c w v c w = v.
Proof. unfold put. now rewrite !Nat.eqb_refl. Qed.

Lemma put_other m c w v c' w' : c' <> c \/ w' <> w -> put m c w v c' w' = m c' w'.
Proof. unfold put. intros. destruct (Nat.eqb_spec c' c), (Nat.eqb_spec w' w); cbn; intuition congruence. Qed.

(** The last of a list, and where the link is noted that comes after a list that begins at a word. *)
Fixpoint last_of (l : list nat) : option nat :=
  match l with
  | [] => None
  | e :: l => match last_of l with None => Some e | found => found end
  end.

Definition or_else (last : option nat) (other : nat) : nat :=
  match last with Some e => e | None => other end.

Definition word_after (last : option nat) (word link : nat) : nat :=
  match last with Some _ => link | None => word end.

Lemma last_of_snoc l e : last_of (l ++ [e]) = Some e.
Proof. induction l as [| x l IH]; cbn; [reflexivity | now rewrite IH]. Qed.

(** * The edges out of a package *)

(** The word [w] of [c] leads through just these edges. *)
Fixpoint leads (m : memory) (c w : nat) (l : list nat) : Prop :=
  match l with
  | [] => m c w = NONE
  | e :: l => m c w = e /\ leads m e NEXT_OUT l
  end.

(** The same, with whatever may come after them. *)
Fixpoint reaches (m : memory) (c w : nat) (l : list nat) : Prop :=
  match l with
  | [] => True
  | e :: l => m c w = e /\ reaches m e NEXT_OUT l
  end.

Lemma leads_app m a : forall c w b,
  leads m c w (a ++ b) <->
  reaches m c w a /\ leads m (or_else (last_of a) c) (word_after (last_of a) w NEXT_OUT) b.
Proof.
  induction a as [| e a IH]; intros; cbn; [tauto |].
  rewrite IH. destruct (last_of a); cbn; tauto.
Qed.

Lemma reaches_app m a : forall c w b,
  reaches m c w (a ++ b) <->
  reaches m c w a /\ reaches m (or_else (last_of a) c) (word_after (last_of a) w NEXT_OUT) b.
Proof.
  induction a as [| e a IH]; intros; cbn; [tauto |].
  rewrite IH. destruct (last_of a); cbn; tauto.
Qed.

Lemma leads_ext m m' l : forall c w,
  m' c w = m c w -> (forall e, In e l -> m' e NEXT_OUT = m e NEXT_OUT) -> leads m c w l -> leads m' c w l.
Proof.
  induction l as [| e l IH]; cbn; intros c w Hc He; [congruence |].
  intros [H Hl]. split; [congruence |]. apply IH; auto.
Qed.

Lemma reaches_ext m m' l : forall c w,
  m' c w = m c w -> (forall e, In e l -> m' e NEXT_OUT = m e NEXT_OUT) -> reaches m c w l -> reaches m' c w l.
Proof.
  induction l as [| e l IH]; cbn; intros c w Hc He; [easy |].
  intros [H Hl]. split; [congruence |]. apply IH; auto.
Qed.

(** Writing at the end of a list leaves the list. *)
Lemma reaches_write m l v : forall c w, NoDup l -> ~ In c l ->
  reaches m c w l ->
  reaches (put m (or_else (last_of l) c) (word_after (last_of l) w NEXT_OUT) v) c w l.
Proof.
  induction l as [| e l _] using rev_ind; intros c w Hd Hc H; [easy |].
  rewrite last_of_snoc; cbn.
  apply reaches_app in H as [H1 H2]. apply reaches_app.
  apply NoDup_remove in Hd as [Hd He]. rewrite app_nil_r in Hd, He.
  rewrite in_app_iff in Hc; cbn in Hc.
  split.
  - apply reaches_ext with m; [| | assumption].
    + apply put_other. left. intros ->. tauto.
    + intros y Hy. apply put_other. left. congruence.
  - cbn in *. split; [| trivial]. destruct H2 as [H2 _]. rewrite put_other; [assumption |].
    left. destruct (last_of l) as [y |] eqn:E; cbn.
    + intros ->. apply He. clear -E. revert e E. induction l as [| x l IH]; cbn; [discriminate |].
      intros e. destruct (last_of l); [intros [= ->]; right; now apply IH | intros [= ->]; now left].
    + intros ->. tauto.
Qed.

Lemma leads_write m l v : forall c w, NoDup l -> ~ In c l ->
  reaches m c w l ->
  forall b, leads m v NEXT_OUT b -> ~ In (or_else (last_of l) c) (v :: b) ->
  leads (put m (or_else (last_of l) c) (word_after (last_of l) w NEXT_OUT) v) c w (l ++ v :: b).
Proof.
  intros c w Hd Hc Hr b Hb Hn. apply leads_app. split; [now apply reaches_write |].
  cbn. split; [apply put_same |]. apply leads_ext with m; [| | assumption].
  - apply put_other. left. cbn in Hn. intuition.
  - intros e He. apply put_other. left. cbn in Hn. intuition congruence.
Qed.

(** * The edges into a package *)

Fixpoint dleads (m : memory) (c w previous : nat) (l : list nat) : Prop :=
  match l with
  | [] => m c w = NONE
  | e :: l => m c w = e /\ m e PREVIOUS_IN = previous /\ dleads m e NEXT_IN e l
  end.

Fixpoint dreaches (m : memory) (c w previous : nat) (l : list nat) : Prop :=
  match l with
  | [] => True
  | e :: l => m c w = e /\ m e PREVIOUS_IN = previous /\ dreaches m e NEXT_IN e l
  end.

Lemma dleads_app m a : forall c w p b,
  dleads m c w p (a ++ b) <->
  dreaches m c w p a /\
  dleads m (or_else (last_of a) c) (word_after (last_of a) w NEXT_IN) (or_else (last_of a) p) b.
Proof.
  induction a as [| e a IH]; intros; cbn; [tauto |].
  rewrite IH. destruct (last_of a); cbn; tauto.
Qed.

Lemma dreaches_app m a : forall c w p b,
  dreaches m c w p (a ++ b) <->
  dreaches m c w p a /\
  dreaches m (or_else (last_of a) c) (word_after (last_of a) w NEXT_IN) (or_else (last_of a) p) b.
Proof.
  induction a as [| e a IH]; intros; cbn; [tauto |].
  rewrite IH. destruct (last_of a); cbn; tauto.
Qed.

Lemma dleads_ext m m' l : forall c w p,
  m' c w = m c w -> (forall e, In e l -> m' e NEXT_IN = m e NEXT_IN /\ m' e PREVIOUS_IN = m e PREVIOUS_IN) ->
  dleads m c w p l -> dleads m' c w p l.
Proof.
  induction l as [| e l IH]; cbn; intros c w p Hc He; [congruence |].
  intros (H & Hp & Hl). destruct (He e) as [? ?]; [now left |].
  split; [congruence |]. split; [congruence |]. apply IH; auto.
Qed.

Lemma dreaches_ext m m' l : forall c w p,
  m' c w = m c w -> (forall e, In e l -> m' e NEXT_IN = m e NEXT_IN /\ m' e PREVIOUS_IN = m e PREVIOUS_IN) ->
  dreaches m c w p l -> dreaches m' c w p l.
Proof.
  induction l as [| e l IH]; cbn; intros c w p Hc He; [easy |].
  intros (H & Hp & Hl). destruct (He e) as [? ?]; [now left |].
  split; [congruence |]. split; [congruence |]. apply IH; auto.
Qed.

(** * The free cells *)

Fixpoint free_from (m : memory) (first : nat) (l : list nat) : Prop :=
  match l with
  | [] => first = NONE
  | e :: l => first = e /\ free_from m (m e 0) l
  end.

Lemma free_from_ext m m' l : forall x,
  (forall e, In e l -> m' e 0 = m e 0) -> free_from m x l -> free_from m' x l.
Proof.
  induction l as [| e l IH]; cbn; intros x He; [easy |].
  intros [-> Hl]. split; [reflexivity |]. rewrite He by now left. apply IH; auto.
Qed.

Record Pool (g : graph) (frees : list nat) (role : nat -> kind) : Prop := {
  pool_chain : free_from (words g) (free g) frees;
  pool_nodup : NoDup frees;
  pool_free : forall e, In e frees <-> role e = Free;
  pool_outside : forall e, role e = Outside <-> e = NONE \/ bound g <= e;
  pool_bound : 1 <= bound g
}.

(** What a cell holds that was just written. *)
Definition nth_word (a b c d e : nat) (w : nat) (old : nat) : nat :=
  match w with 0 => a | 1 => b | 2 => c | 3 => d | 4 => e | _ => old end.

Lemma put_cell_same m i a b c d e w : put_cell m i a b c d e i w = nth_word a b c d e w (m i w).
Proof. unfold put_cell, put. rewrite Nat.eqb_refl. now destruct w as [| [| [| [| [| w]]]]]. Qed.

Lemma put_cell_other m i a b c d e i' w : i' <> i -> put_cell m i a b c d e i' w = m i' w.
Proof. intros. unfold put_cell. now rewrite !put_other by now left. Qed.

Lemma insert_cell_spec g frees role a b c d e g' i :
  Pool g frees role -> insert_cell g a b c d e = (g', i) ->
  i <> NONE /\ (role i = Free \/ role i = Outside) /\
  words g' = put_cell (words g) i a b c d e /\
  marks g' = marks g /\ packages g' = packages g /\ dependencies g' = dependencies g /\ used g' = S (used g) /\
  forall r, r <> Free -> r <> Outside -> exists frees', Pool g' frees' (upd role i r).
Proof.
  intros [Hc Hd Hf Ho Hb]. unfold insert_cell.
  destruct (Nat.eqb_spec (free g) NONE) as [E | E]; intros [= <- <-]; cbn.
  - assert (role (bound g) = Outside) by (apply Ho; now right).
    assert (frees = []) as -> by (destruct frees as [| x l]; cbn in Hc; [reflexivity |];
      exfalso; destruct Hc as [Hx _]; assert (role x = Free) by (apply Hf; now left);
      assert (role x = Outside) by (apply Ho; left; congruence); congruence).
    unfold NONE in *. split; [lia |]. repeat split; auto.
    intros r H1 H2. exists []. split; cbn; auto.
    + intros e'. unfold upd. specialize (Hf e').
      destruct (Nat.eqb_spec e' (bound g)); [split; [easy | congruence] | assumption].
    + intros e'. unfold upd. specialize (Ho e').
      destruct (Nat.eqb_spec e' (bound g)).
      * split; [intros; congruence | unfold NONE; lia].
      * rewrite Ho. unfold NONE. lia.
  - destruct frees as [| x l]; cbn in Hc; [congruence |]. destruct Hc as [Hx Hl]. subst x.
    assert (role (free g) = Free) by (apply Hf; now left).
    split; [assumption |]. repeat split; auto.
    intros r H1 H2. inversion_clear Hd. exists l. split; cbn; auto.
    + apply free_from_ext with (words g); [| assumption].
      intros y Hy. apply put_cell_other. congruence.
    + intros y. unfold upd. destruct (Nat.eqb_spec y (free g)) as [-> | Hne].
      * split; [easy | intros; congruence].
      * rewrite <- Hf; cbn. intuition congruence.
    + intros y. unfold upd. destruct (Nat.eqb_spec y (free g)) as [-> | Hne]; [| apply Ho].
      rewrite <- Ho. split; intros; congruence.
Qed.

Lemma remove_cell_spec g frees role e :
  Pool g frees role -> role e <> Free -> role e <> Outside ->
  Pool (remove_cell g e) (e :: frees) (upd role e Free).
Proof.
  intros [Hc Hd Hf Ho Hb] H1 H2. split; cbn; auto.
  - split; [reflexivity |]. rewrite put_same. apply free_from_ext with (words g); [| assumption].
    intros y Hy. apply put_other. left. intros ->. apply H1, Hf, Hy.
  - constructor; [| assumption]. now rewrite Hf.
  - intros y. unfold upd. rewrite Hf. destruct (Nat.eqb_spec y e); intuition congruence.
  - intros y. unfold upd. destruct (Nat.eqb_spec y e) as [-> | ]; [| apply Ho].
    rewrite <- Ho. split; intros; congruence.
Qed.

Lemma remove_cell_counts g e : used (remove_cell g e) = used g - 1.
Proof. reflexivity. Qed.

Lemma store_pool g frees role c w v :
  Pool g frees role -> role c <> Free -> Pool (store g c w v) frees role.
Proof.
  intros [Hc Hd Hf Ho Hb] H. split; cbn; auto.
  apply free_from_ext with (words g); [| assumption].
  intros y Hy. apply put_other. left. intros ->. apply H, Hf, Hy.
Qed.

(** All cells of a list without a cell twice: there are fewer than the bound. *)
Lemma length_below_bound g frees role l :
  Pool g frees role -> NoDup l -> (forall e, In e l -> role e <> Outside) -> length l < bound g.
Proof.
  intros [_ _ _ Ho Hb] Hd Hl.
  assert (length l <= length (seq 1 (bound g - 1))) as H.
  { apply NoDup_incl_length; [assumption |]. intros e He. apply in_seq.
    specialize (Hl e He). specialize (Ho e). unfold NONE in Ho.
    destruct (Nat.eq_dec e 0), (le_lt_dec (bound g) e); try (exfalso; apply Hl, Ho; auto; fail). lia. }
  rewrite seq_length in H. lia.
Qed.
