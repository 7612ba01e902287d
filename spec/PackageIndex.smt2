; The package index for any number of packages: what the rules of protocol.md come to, proved.
;
; A model checker looks at 3 or 4 packages. Here nothing is assumed of how many there are: Package
; is a sort without any axiom. An obligation is a claim with its negation asserted, so a solver that
; answers `unsat` has proved it. Each is printed before its answer, and `spec/check proofs` runs all
; of them by two solvers.
;
; Not proved here: termination, order of clients, anything about the code. That the functions below
; say the same as PackageIndex.tla is for the reader to see; they stand in the same order.
;
; The obligations quantify over packages alone, and no function makes a package from others, so each
; is decidable (the Bernays-Schoenfinkel class, after Skolemization).

(set-logic UF)

(declare-sort Package 0)
(declare-sort State 0)
(declare-sort List 0)

; What a state is: which packages are indexed, and which of them need which.
(declare-fun indexed (State Package) Bool)
(declare-fun needs (State Package Package) Bool)

; What a list of dependencies is: the packages in it.
(declare-fun in (Package List) Bool)

(define-fun Empty ((s State)) Bool
  (forall ((q Package)) (and (not (indexed s q)) (forall ((d Package)) (not (needs s q d))))))

(define-fun Same ((s State) (t State)) Bool
  (forall ((q Package)) (and
    (= (indexed s q) (indexed t q))
    (forall ((d Package)) (= (needs s q d) (needs t q d))))))

; Closure, and no leftovers: whoever needs anything is indexed, and so is what it needs.
(define-fun Inv ((s State)) Bool
  (forall ((q Package) (d Package)) (=> (needs s q d) (and (indexed s q) (indexed s d)))))

; The replies, as the protocol has them; true is OK, false is FAIL.
(define-fun IndexReply ((s State) (p Package) (l List)) Bool
  (forall ((d Package)) (=> (in d l) (indexed s d))))

(define-fun RemoveReply ((s State) (p Package)) Bool
  (not (exists ((q Package)) (and (indexed s q) (not (= q p)) (needs s q p)))))

(define-fun QueryReply ((s State) (p Package)) Bool (indexed s p))

; The steps, from s to t. What FAIL leaves is what there was.
(define-fun Index ((s State) (p Package) (l List) (t State)) Bool
  (ite (IndexReply s p l)
    (forall ((q Package)) (and
      (= (indexed t q) (or (indexed s q) (= q p)))
      (forall ((d Package)) (= (needs t q d) (ite (= q p) (in d l) (needs s q d))))))
    (Same s t)))

(define-fun Remove ((s State) (p Package) (t State)) Bool
  (ite (RemoveReply s p)
    (forall ((q Package)) (and
      (= (indexed t q) (and (indexed s q) (not (= q p))))
      (forall ((d Package)) (= (needs t q d) (and (needs s q d) (not (= q p)))))))
    (Same s t)))

(declare-const s State)
(declare-const t State)
(declare-const u State)
(declare-const p Package)
(declare-const q Package)
(declare-const d Package)
(declare-const l List)
(declare-const m List)

(push)
(echo "The invariant holds at first.")
(assert (Empty s))
(assert (not (Inv s)))
(check-sat)
(pop)

(push)
(echo "INDEX keeps the invariant.")
(assert (Inv s))
(assert (Index s p l t))
(assert (not (Inv t)))
(check-sat)
(pop)

(push)
(echo "REMOVE keeps the invariant.")
(assert (Inv s))
(assert (Remove s p t))
(assert (not (Inv t)))
(check-sat)
(pop)

(push)
(echo "I1: after OK to INDEX the package is indexed and depends on exactly the list.")
(assert (IndexReply s p l))
(assert (Index s p l t))
(assert (not (and (indexed t p) (forall ((x Package)) (= (needs t p x) (in x l))))))
(check-sat)
(pop)

(push)
(echo "I1: OK to INDEX means that all of the list was indexed, and still is.")
(assert (IndexReply s p l))
(assert (Index s p l t))
(assert (in d l))
(assert (not (and (indexed s d) (indexed t d))))
(check-sat)
(pop)

(push)
(echo "I2: something of the list not indexed means FAIL.")
(assert (in d l))
(assert (not (indexed s d)))
(assert (not (not (IndexReply s p l))))
(check-sat)
(pop)

(push)
(echo "I3: FAIL to INDEX changes nothing.")
(assert (not (IndexReply s p l)))
(assert (Index s p l t))
(assert (not (Same s t)))
(check-sat)
(pop)

(push)
(echo "I4: nothing of the earlier list stays unless the new one repeats it.")
(assert (Index s p l t))
(assert (IndexReply s p l))
(assert (needs s p d))
(assert (not (in d l)))
(assert (not (not (needs t p d))))
(check-sat)
(pop)

(push)
(echo "I5: an empty list is always OK.")
(assert (forall ((x Package)) (not (in x l))))
(assert (not (IndexReply s p l)))
(check-sat)
(pop)

(push)
(echo "I6: a package on its own list gets FAIL while it is not indexed.")
(assert (in p l))
(assert (not (indexed s p)))
(assert (not (not (IndexReply s p l))))
(check-sat)
(pop)

(push)
(echo "I6: once it is indexed, its own name is no obstacle.")
(assert (indexed s p))
(assert (in p l))
(assert (forall ((x Package)) (=> (and (in x l) (not (= x p))) (indexed s x))))
(assert (not (IndexReply s p l)))
(check-sat)
(pop)

(push)
(echo "I8: INDEX indexes no other package.")
(assert (Index s p l t))
(assert (not (= q p)))
(assert (not (= (indexed t q) (indexed s q))))
(check-sat)
(pop)

(push)
(echo "INDEX touches no other package's list.")
(assert (Index s p l t))
(assert (not (= q p)))
(assert (not (= (needs t q d) (needs s q d))))
(check-sat)
(pop)

(push)
(echo "The same INDEX again is OK again, and changes nothing.")
(assert (Inv s))
(assert (Index s p l t))
(assert (IndexReply s p l))
(assert (Index t p l u))
(assert (not (and (IndexReply t p l) (Same t u))))
(check-sat)
(pop)

(push)
(echo "INDEX has one result.")
(assert (Index s p l t))
(assert (Index s p l u))
(assert (not (Same t u)))
(check-sat)
(pop)

(push)
(echo "X1: REMOVE of what is not indexed is OK, and changes nothing.")
(assert (Inv s))
(assert (not (indexed s p)))
(assert (Remove s p t))
(assert (not (and (RemoveReply s p) (Same s t))))
(check-sat)
(pop)

(push)
(echo "X2: after OK to REMOVE the package is gone, its list with it, and nobody needs it.")
(assert (Inv s))
(assert (RemoveReply s p))
(assert (Remove s p t))
(assert (not (and (not (indexed t p)) (not (needs t p d)) (not (needs t d p)))))
(check-sat)
(pop)

(push)
(echo "X3: another indexed package that needs it means FAIL.")
(assert (indexed s q))
(assert (not (= q p)))
(assert (needs s q p))
(assert (not (not (RemoveReply s p))))
(check-sat)
(pop)

(push)
(echo "X3: FAIL to REMOVE changes nothing.")
(assert (not (RemoveReply s p)))
(assert (Remove s p t))
(assert (not (Same s t)))
(check-sat)
(pop)

(push)
(echo "X4: a package that only itself depends on can be removed.")
(assert (forall ((x Package)) (=> (needs s x p) (= x p))))
(assert (not (RemoveReply s p)))
(check-sat)
(pop)

(push)
(echo "X5: the two members of a cycle hold each other in place.")
(assert (Inv s))
(assert (not (= p q)))
(assert (needs s p q))
(assert (needs s q p))
(assert (not (and (not (RemoveReply s p)) (not (RemoveReply s q)))))
(check-sat)
(pop)

(push)
(echo "X5: a cycle of two is opened by indexing one of them without the other.")
(assert (Inv s))
(assert (not (= p q)))
(assert (needs s p q))
(assert (forall ((x Package)) (=> (needs s x q) (= x p))))
(assert (not (in q l)))
(assert (IndexReply s p l))
(assert (Index s p l t))
(assert (not (RemoveReply t q)))
(check-sat)
(pop)

(push)
(echo "X6: who is removed holds nothing any more: what only it needed can be removed.")
(assert (Inv s))
(assert (RemoveReply s p))
(assert (Remove s p t))
(assert (forall ((x Package)) (=> (needs s x d) (= x p))))
(assert (not (RemoveReply t d)))
(check-sat)
(pop)

(push)
(echo "X7: nothing of a removed package comes back with it.")
(assert (Inv s))
(assert (RemoveReply s p))
(assert (Remove s p t))
(assert (Index t p l u))
(assert (IndexReply t p l))
(assert (not (in d l)))
(assert (not (not (needs u p d))))
(check-sat)
(pop)

(push)
(echo "REMOVE touches no other package and no other package's list.")
(assert (Remove s p t))
(assert (not (= q p)))
(assert (not (and (= (indexed t q) (indexed s q)) (= (needs t q d) (needs s q d)))))
(check-sat)
(pop)

(push)
(echo "The same REMOVE again is OK again, and changes nothing.")
(assert (Inv s))
(assert (Remove s p t))
(assert (RemoveReply s p))
(assert (Remove t p u))
(assert (not (and (RemoveReply t p) (Same t u))))
(check-sat)
(pop)

(push)
(echo "REMOVE has one result.")
(assert (Remove s p t))
(assert (Remove s p u))
(assert (not (Same t u)))
(check-sat)
(pop)

(push)
(echo "Q: INDEX answered OK makes QUERY OK; REMOVE answered OK makes it FAIL.")
(assert (IndexReply s p l))
(assert (Index s p l t))
(assert (RemoveReply t q))
(assert (Remove t q u))
(assert (not (and (QueryReply t p) (not (QueryReply u q)))))
(check-sat)
(pop)

(push)
(echo "The code may decide REMOVE by whether anything but the package itself points at it, indexed or not.")
(assert (Inv s))
(assert (not (= (RemoveReply s p) (not (exists ((x Package)) (and (not (= x p)) (needs s x p)))))))
(check-sat)
(pop)

(push)
(echo "INDEX of two packages, both OK, stay OK in either order.")
(assert (not (= p q)))
(assert (IndexReply s p l))
(assert (IndexReply s q m))
(assert (Index s p l t))
(assert (Index s q m u))
(assert (not (and (IndexReply t q m) (IndexReply u p l))))
(check-sat)
(pop)
