package authz

import (
	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
)

// Step is what came of one rule for one question.
type Step struct {
	Rule   string
	Line   int
	Effect Effect
	// Matched tells that the rule fits the question. Of those, the first decides.
	Matched bool
	// Decided marks the rule that decided; at most one step has it.
	Decided bool
	// Miss is the part that keeps the rule from matching, Field the setting that it
	// is about, Wanted what the rule lists there.
	Miss   Part
	Field  baseten.Field
	Wanted []string
	// False is what keeps the condition from being true, where Miss is PartWhen.
	False condition.Shortfall
	// Trouble is why nobody can tell whether it matches (then Decided may be set
	// with Matched false: denied).
	Trouble Cause
}

// Explanation is a decision and how every rule came out, those after the deciding
// one too.
type Explanation struct {
	Decision Decision
	Steps    []Step
}

// Explain decides as Decide does and tells of every rule whether it matches and,
// if not, which part of it does not: who, models, targets, settings or when. If
// the question was refused before any rule was asked, Decided is set on none.
func (p *Policy) Explain(q Question) Explanation { return p.ask(q, nil).explain() }

func (a *asking) explain() Explanation {
	out := Explanation{Decision: a.decide()}
	for _, r := range a.policy.def.Rules {
		f := a.consider(r)
		out.Steps = append(out.Steps, Step{
			Rule:    r.Name,
			Line:    r.Line,
			Effect:  r.Effect,
			Matched: f.decides && f.trouble.Code == "",
			Decided: r.Name == out.Decision.Rule,
			Miss:    f.miss,
			Field:   f.field,
			Wanted:  r.wanted(f.miss),
			False:   a.shortfall(r, f),
			Trouble: f.trouble,
		})
	}
	return out
}

// shortfall is what keeps the rule's condition from being true. Of a guest's two
// readings it is the one under which it is false, see consider.
func (a *asking) shortfall(r *Rule, f finding) condition.Shortfall {
	if f.miss != PartWhen {
		return condition.Shortfall{}
	}
	out := r.When.Shortfall(a.facts)
	if out.Part == "" && a.asMember != nil {
		out = r.When.Shortfall(a.asMember.facts)
	}
	return out
}
