package authz

// AsksMoreThan tells whether d is stricter than o, where a change is judged by two
// questions and both answers have to hold. Deny asks for more than Approve, that for more
// than Confirm, and that for more than Allow. Of two that approve, the one with more
// approvals does, then the one with fewer people who could give them; of two that allow,
// one that breaks the glass, since it is reviewed.
func (d Decision) AsksMoreThan(o Decision) bool {
	if x, y := d.Effect.strictness(), o.Effect.strictness(); x != y {
		return x > y
	}
	switch d.Effect {
	case Allow:
		return d.BrokeGlass && !o.BrokeGlass
	case Approve:
		if x, y := total(d.Needed), total(o.Needed); x != y {
			return x > y
		}
		return len(d.Approvers) < len(o.Approvers)
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
