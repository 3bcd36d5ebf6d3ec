package authz

// Stricter returns the decision that asks for more, where a change is judged by two
// questions and both answers have to hold. Deny asks for more than Approve, that for more
// than Confirm, and that for more than Allow. Of two that approve, the one with more
// approvals does, then the one with fewer people who could give them; of two that allow,
// one that breaks the glass, since it is reviewed. Else it is a.
func Stricter(a, b Decision) Decision {
	out := a
	if asksMore(b, a) {
		out = b
	}
	out.NeedsCost = a.NeedsCost || b.NeedsCost
	return out
}

// asksMore tells whether a asks for more than b.
func asksMore(a, b Decision) bool {
	if x, y := a.Effect.strictness(), b.Effect.strictness(); x != y {
		return x > y
	}
	switch a.Effect {
	case Allow:
		return a.BrokeGlass && !b.BrokeGlass
	case Approve:
		if x, y := total(a.Needed), total(b.Needed); x != y {
			return x > y
		}
		return len(a.Approvers) < len(b.Approvers)
	default:
		return false
	}
}

// strictness orders effects. What is none counts as Deny.
func (e Effect) strictness() int {
	switch e {
	case Allow:
		return 0
	case Confirm:
		return 1
	case Approve:
		return 2
	default:
		return 3
	}
}

func total(needed map[string]int) int {
	sum := 0
	for _, n := range needed {
		sum += n
	}
	return sum
}
