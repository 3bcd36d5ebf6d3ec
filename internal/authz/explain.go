package authz

// Step is what came of one rule for one question.
type Step struct {
	Rule   string
	Line   int
	Effect Effect
	// Matched tells that the rule fits the question. Of those, the first decides.
	Matched bool
	// Decided marks the rule that decided; at most one step has it.
	Decided bool
	// Why says which part keeps the rule from matching, or why nobody can tell
	// whether it does (then Decided may be set with Matched false: denied).
	Why string
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
	for _, r := range a.policy.rules {
		f := a.consider(r)
		out.Steps = append(out.Steps, Step{
			Rule:    r.name,
			Line:    r.line,
			Effect:  r.effect,
			Matched: f.decides && f.trouble == "",
			Decided: r.name == out.Decision.Rule,
			Why:     f.why(r) + f.trouble,
		})
	}
	return out
}
