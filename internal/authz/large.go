package authz

import "autoscalebot/internal/baseten"

// ConfirmAbove says from when on a raise is so large that it may be a slip of the
// finger: max=70 typed for 7. Whoever may change the settings at once has to confirm
// such a raise; where others approve, it is said in bold.
type ConfirmAbove struct {
	// Replicas and Factor count together: a raise to at least that many replicas, min
	// or max, that is at least that many times what it was.
	Replicas, Factor int
	// USDPerHour counts alone: a raise to at least that list price of all replicas that
	// may run. 0 is no limit.
	USDPerHour float64
}

// DefaultConfirmAbove is in force where the policy does not say.
var DefaultConfirmAbove = ConfirmAbove{Replicas: 30, Factor: 5}

// Large says which raises of a change are large.
type Large struct {
	// Fields are the settings that are raised so far, in the table's order.
	Fields []baseten.Field `json:"fields,omitempty"`
	// Cost tells that the price is, or that it is not known where there is a limit.
	Cost bool `json:"cost,omitempty"`
}

// Any reports whether any raise is large.
func (l Large) Any() bool { return len(l.Fields) > 0 || l.Cost }

// large finds the large raises of the question.
func (a *asking) large() Large {
	above, raised := a.policy.def.ConfirmAbove, false
	var l Large
	for _, f := range a.touched {
		was, is := a.q.Before[f], a.q.Touched[f]
		if f != baseten.MinReplica && f != baseten.MaxReplica || is <= was {
			continue
		}
		raised = true
		if is >= above.Replicas && is/above.Factor >= was {
			l.Fields = append(l.Fields, f)
		}
	}
	if !raised || above.USDPerHour == 0 {
		return l
	}
	c := a.q.Cost
	a.needsCost = a.needsCost || c == nil
	l.Cost = c == nil || c.CeilingAfter >= above.USDPerHour && c.CeilingAfter > c.CeilingBefore
	return l
}

// confirmLarge turns a decision that lets a large raise go ahead at once into one that
// waits for the requester's Confirm.
func (a *asking) confirmLarge(d *Decision) {
	if d.Effect == Deny || d.Effect == "" {
		return
	}
	if d.Large = a.large(); d.Effect == Allow && d.Large.Any() && !d.BrokeGlass && !a.q.Confirmed {
		d.Effect, d.Cause = Confirm, Cause{Code: CauseLarge, Rule: d.Rule}
	}
}
