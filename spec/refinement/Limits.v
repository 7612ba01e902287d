(** The limits of `limits.rs`: they refuse what would pass them, and nothing else. *)

From Coq Require Import List Arith Bool Lia Sorted.
Import ListNotations.
Require Import Model Cells Dependencies Packages Index Memory Edges Lists Graph Names Refines.

Section Limits.
  (** The bytes of a cell, and of an entry of the table. *)
  Variables cell entry : nat.

  Variables max_list max_packages max_dependencies max_bytes : nat.

  Definition bytes (g : graph) : nat := cell * used g + entry * packages g.

  (** `check_limits`: by the counts, and only if these are not enough by a walk over the list. *)
  Definition check_limits : limits := fun s _ indexed ids =>
    let g := pool s in
    let wanted := length ids in
    if max_list <? wanted then true
    else if match indexed with None => max_packages <=? packages g | Some _ => false end then true
    else
      let more := match indexed with None => cell + entry | Some _ => 0 end in
      let dependencies := dependencies g + wanted in
      let bytes := bytes g + more + cell * wanted in
      if (dependencies <=? max_dependencies) && (bytes <=? max_bytes) then false
      else
        let old := match indexed with Some id => length (dependencies_of g id) | None => 0 end in
        (max_dependencies <? dependencies - old) || (max_bytes <? bytes - cell * old).

  (** What holds of an index that passes no limit. *)
  Definition within (s : index) : Prop :=
    let g := pool s in
    packages g <= max_packages /\ dependencies g <= max_dependencies /\ bytes g <= max_bytes /\
    forall id, In id (table s) -> length (dependencies_of g id) <= max_list.

  Lemma counts_after s id ids :
    Good s -> In id (table s) -> incl ids (table s) -> StronglySorted lt ids ->
    let g' := set_dependencies (pool s) id ids in
    packages g' = packages (pool s) /\
    dependencies g' + length (dependencies_of (pool s) id) = dependencies (pool s) + length ids /\
    used g' + length (dependencies_of (pool s) id) = used (pool s) + length ids.
  Proof.
    intros G Hid Hids Hs g'.
    destruct (set_dependencies_spec (pool s) (table s) id ids) as (H1 & H2 & H3 & H4); auto; [apply G |]. fold g' in H1, H2, H3.
    destruct (sound_counts _ _ (good_sound s G)) as (A1 & A2 & A3 & _).
    destruct (sound_counts _ _ H1) as (B1 & B2 & B3 & _).
    pose proof (total_upd (dependencies_of (pool s)) (table s) id ids (sound_nodup _ _ (good_sound s G)) Hid) as T.
    rewrite <- (total_ext (upd (dependencies_of (pool s)) id ids) (dependencies_of g')) in T.
    - lia.
    - intros q Hq. destruct (Nat.eq_dec q id) as [-> | Hne]; [now rewrite upd_same |]. rewrite upd_other by assumption. auto.
  Qed.

  Lemma counts_inserted s n s' id :
    Good s -> find s n = None -> insert s n = (s', id) ->
    packages (pool s') = packages (pool s) + 1 /\ dependencies (pool s') = dependencies (pool s) /\
    used (pool s') = used (pool s) + 1.
  Proof.
    intros G Hf Hi. unfold insert in Hi. destruct (add_package (pool s) n) as [g e] eqn:E. injection Hi as <- <-. cbn.
    destruct (add_package_spec _ _ _ _ _ (good_sound s G) E) as (H1 & H2 & H3 & H4 & H5 & H6).
    destruct (sound_counts _ _ (good_sound s G)) as (A1 & A2 & A3 & _).
    destruct (sound_counts _ _ H2) as (B1 & B2 & B3 & _). cbn in B1, B2. rewrite H3 in B2. cbn in B2.
    rewrite (total_ext (dependencies_of (pool s)) (dependencies_of g)) in B2 by auto. lia.
  Qed.

  (** INDEX is refused just when the index that it would lead to passes a limit. *)
  Theorem limits_are_exact k s p names :
    Good s -> within s ->
    (snd (apply check_limits k s (Index p names)) = None <->
      ~ within (fst (apply unlimited k s (Index p names)))).
  Proof.
    intros G (W1 & W2 & W3 & W4). cbn [apply]. unfold apply_index.
    destruct (resolve s names) as [ids |] eqn:E; cbn [fst snd].
    2: { split; [discriminate |]. intros H. exfalso. apply H. repeat split; assumption. }
    apply resolve_spec in E as (H1 & H2 & _). cbn [unlimited].
    assert (Hold : forall id, In id (table s) -> length (dependencies_of (pool s) id) <= dependencies (pool s)).
    { intros id Hid. destruct (sound_counts _ _ (good_sound s G)) as (_ & -> & _).
      clear -Hid. induction (table s) as [| q l IH]; cbn; [easy |]. destruct Hid as [-> | Hid]; [lia | specialize (IH Hid); lia]. }
    destruct (sound_counts _ _ (good_sound s G)) as (_ & _ & Hused & _).
    assert (Hbytes : forall n, cell * (n + used (pool s)) = cell * n + cell * used (pool s)) by (intros; lia).
    destruct (find s p) as [id |] eqn:Ep; cbn [fst snd].
    - apply find_some in Ep as [Hid _].
      set (s1 := set_list (note_list s id ids false) id ids).
      assert (Hpool : pool s1 = set_dependencies (pool s) id ids).
      { unfold s1, note_list. cbn [negb andb]. now destruct (list_eq_dec Nat.eq_dec (dependencies_of (pool s) id) ids). }
      assert (Htable : table s1 = table s).
      { unfold s1, note_list. cbn [negb andb]. now destruct (list_eq_dec Nat.eq_dec (dependencies_of (pool s) id) ids). }
      destruct (counts_after s id ids G Hid H1 H2) as (C1 & C2 & C3).
      destruct (set_dependencies_spec (pool s) (table s) id ids) as (_ & D1 & D2 & _); auto; [apply G |].
      assert (Hw : within s1 <-> length ids <= max_list /\ dependencies (pool s1) <= max_dependencies /\ bytes (pool s1) <= max_bytes).
      { unfold within. rewrite Hpool, Htable, C1. split.
        - intros (_ & X1 & X2 & X3). repeat split; auto. rewrite <- D1. now apply X3.
        - intros (X0 & X1 & X2). repeat split; auto. intros q Hq. destruct (Nat.eq_dec q id) as [-> | Hne].
          + now rewrite D1.
          + rewrite D2 by assumption. auto. }
      rewrite Hw, Hpool. unfold bytes in *. rewrite C1.
      specialize (Hold id Hid). set (old := length (dependencies_of (pool s) id)) in *.
      assert (Hcell : cell * used (set_dependencies (pool s) id ids) + cell * old = cell * used (pool s) + cell * length ids) by nia.
      assert (Hle : cell * old <= cell * used (pool s)) by nia.
      unfold check_limits, bytes. destruct (Nat.ltb_spec max_list (length ids)); cbn [snd]; [split; [lia | reflexivity] |].
      fold old.
      destruct (Nat.leb_spec (dependencies (pool s) + length ids) max_dependencies) as [L1 | L1],
        (Nat.leb_spec (cell * used (pool s) + entry * packages (pool s) + 0 + cell * length ids) max_bytes) as [L2 | L2];
        cbn [andb snd]; try (split; [discriminate | intros X; exfalso; apply X; lia]);
        destruct (Nat.ltb_spec max_dependencies (dependencies (pool s) + length ids - old)) as [L3 | L3],
          (Nat.ltb_spec max_bytes (cell * used (pool s) + entry * packages (pool s) + 0 + cell * length ids - cell * old)) as [L4 | L4];
        cbn [orb snd]; (split; [first [discriminate | intros _; lia] | first [reflexivity | intros X; exfalso; apply X; lia]]).
    - destruct (insert s p) as [s0 id] eqn:Ei.
      destruct (insert_spec s p s0 id G Ep Ei) as (I1 & I2 & I3 & I4 & I5 & I6 & I7 & I8 & _).
      destruct (counts_inserted s p s0 id G Ep Ei) as (J1 & J2 & J3).
      set (s1 := set_list (note_list s0 id ids true) id ids).
      assert (Hpool : pool s1 = set_dependencies (pool s0) id ids) by reflexivity.
      assert (Htable : table s1 = table s0) by reflexivity.
      assert (Hids : incl ids (table s0)) by (intros x Hx; auto).
      destruct (counts_after s0 id ids I1 I2 Hids H2) as (C1 & C2 & C3). rewrite I6 in C2, C3. cbn [length] in C2, C3.
      destruct (set_dependencies_spec (pool s0) (table s0) id ids) as (_ & D1 & D2 & _); auto; [apply I1 |].
      assert (Hw : within s1 <-> length ids <= max_list /\ packages (pool s) + 1 <= max_packages /\
        dependencies (pool s1) <= max_dependencies /\ bytes (pool s1) <= max_bytes).
      { unfold within. rewrite Hpool, Htable, C1, J1. split.
        - intros (X0 & X1 & X2 & X3). repeat split; auto. rewrite <- D1. now apply X3.
        - intros (X & X0 & X1 & X2). repeat split; auto. intros q Hq. destruct (Nat.eq_dec q id) as [-> | Hne].
          + now rewrite D1.
          + rewrite D2 by assumption. unfold insert in Ei. destruct (add_package (pool s) p) as [g e] eqn:E.
            injection Ei as <- <-. destruct Hq as [<- | Hq]; [congruence |].
            destruct (add_package_spec _ _ _ _ _ (good_sound s G) E) as (_ & _ & _ & _ & Y & _). cbn. rewrite Y by assumption. auto. }
      rewrite Hw, Hpool. unfold bytes in *. rewrite C1, J1.
      assert (Hcell : cell * used (set_dependencies (pool s0) id ids) = cell * used (pool s) + cell + cell * length ids) by nia.
      unfold check_limits, bytes. destruct (Nat.ltb_spec max_list (length ids)); cbn [snd]; [split; [lia | reflexivity] |].
      destruct (Nat.leb_spec max_packages (packages (pool s))); cbn [snd]; [split; [lia | reflexivity] |].
      rewrite Nat.mul_0_r.
      destruct (Nat.leb_spec (dependencies (pool s) + length ids) max_dependencies) as [L1 | L1],
        (Nat.leb_spec (cell * used (pool s) + entry * packages (pool s) + (cell + entry) + cell * length ids) max_bytes) as [L2 | L2];
        cbn [andb snd]; try (split; [discriminate | intros X; exfalso; apply X; lia]);
        destruct (Nat.ltb_spec max_dependencies (dependencies (pool s) + length ids - 0)) as [L3 | L3],
          (Nat.ltb_spec max_bytes (cell * used (pool s) + entry * packages (pool s) + (cell + entry) + cell * length ids - 0)) as [L4 | L4];
        cbn [orb snd]; (split; [first [discriminate | intros _; lia] | first [reflexivity | intros X; exfalso; apply X; lia]]).
  Qed.
End Limits.
