; Obligations that do not hold, to be read behind PackageIndex.smt2: both solvers have to answer
; `sat` to each, or they would prove anything. `spec/check proofs` sees to that.

(push)
(echo "Wrong: the invariant is kept by a REMOVE that asks nobody.")
(assert (Inv s))
(assert (forall ((x Package)) (= (indexed t x) (and (indexed s x) (not (= x p))))))
(assert (forall ((x Package) (y Package)) (= (needs t x y) (and (needs s x y) (not (= x p))))))
(assert (not (Inv t)))
(check-sat)
(pop)

(push)
(echo "Wrong: REMOVE may be decided by whether anything at all points at the package, itself included.")
(assert (Inv s))
(assert (not (= (RemoveReply s p) (not (exists ((x Package)) (needs s x p))))))
(check-sat)
(pop)

(push)
(echo "Wrong: the invariant follows from the steps alone, wherever they begin.")
(assert (Index s p l t))
(assert (not (Inv t)))
(check-sat)
(pop)
