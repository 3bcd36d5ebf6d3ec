package authz

import (
	"slices"
	"time"

	"github.com/expr-lang/expr/vm"
)

// condition is a rule's `when`, split at its boolean operators. Comparisons are
// run by expr; and, or, not, ?: and has() are evaluated here, because expr has no
// third answer for a value that is absent. See the package comment for the table.
type condition struct {
	root logic
	refs []ref // every value it mentions, has() included
	cost bool  // whether a cost is among them
}

func (c *condition) mentions(root string) bool {
	return slices.ContainsFunc(c.refs, func(r ref) bool { return r.root == root })
}

// answer is what a condition or a part of it comes to.
type answer int

const (
	no answer = iota
	yes
	// moot: it is about change.FIELD and FIELD is not touched. Neither true nor,
	// under a `not`, false.
	moot
	// failed: it mentions an absent value, or could not be evaluated.
	failed
)

// outcome is an answer and, for a failed one, why.
type outcome struct {
	answer answer
	// missing is the absent or untouched value. Without one, trouble says why.
	missing ref
	trouble string
}

// logic is a node of a condition. Negation is pushed down to the leaves (negate),
// so that `not (a && b)` and `not a || not b` are one thing by construction.
type logic interface {
	// eval answers for the part. reached is false for a part that a reader from
	// left to right need not look at; there a value that asked covers may be absent.
	eval(on *stage, negate, reached bool, asked []ref) outcome
	// asks returns the values that has() asks about within.
	asks() []ref
}

// stage is what a condition is evaluated on: one question.
type stage struct {
	question    *Question
	facts       *facts
	groupsKnown bool
	machine     vm.VM
}

func newStage(q *Question, groups []string, groupsKnown bool, location *time.Location) *stage {
	return &stage{
		question: q, facts: newFacts(q, groups, location), groupsKnown: groupsKnown,
		machine: vm.VM{MemoryBudget: maxConditionMemory},
	}
}

func (s *stage) presence(r ref) presence { return s.question.presenceOf(r, s.groupsKnown) }

// junction is `l && r`, or `l || r`.
type junction struct {
	or   bool
	l, r logic
	has  []ref
}

func (j *junction) asks() []ref { return j.has }

func (j *junction) eval(on *stage, negate, reached bool, asked []ref) outcome {
	or := j.or != negate
	l := j.l.eval(on, negate, reached, asked)
	if or {
		r := j.r.eval(on, negate, reached && l.answer != yes, join(asked, j.l.asks()))
		return either(l, r)
	}
	r := j.r.eval(on, negate, reached && l.answer == yes, join(asked, j.l.asks()))
	return both(l, r)
}

// either is `or`: an absent value fails it whatever the other side says; an
// untouched one leaves the decision to the other side.
func either(l, r outcome) outcome {
	for _, want := range []answer{failed, yes, moot} {
		if l.answer == want {
			return l
		}
		if r.answer == want {
			return r
		}
	}
	return l
}

// both is `and`: with an untouched field it is not about this request at all,
// whatever the other side says; an absent value fails it.
func both(l, r outcome) outcome {
	for _, want := range []answer{moot, failed, no} {
		if l.answer == want {
			return l
		}
		if r.answer == want {
			return r
		}
	}
	return l
}

// join never writes into the array behind a.
func join(a, b []ref) []ref {
	if len(b) == 0 {
		return a
	}
	return append(slices.Clip(a), b...)
}

// negation is `not x`.
type negation struct{ x logic }

func (n negation) asks() []ref { return n.x.asks() }

func (n negation) eval(on *stage, negate, reached bool, asked []ref) outcome {
	return n.x.eval(on, !negate, reached, asked)
}

// choice is `c ? a : b`, which is `c && a || not c && b`.
type choice struct {
	c, a, b logic
	has     []ref
}

func (c *choice) asks() []ref { return c.has }

func (c *choice) eval(on *stage, negate, reached bool, asked []ref) outcome {
	cond := c.c.eval(on, false, reached, asked)
	inverse := c.c.eval(on, true, reached, asked)
	asked = join(asked, c.c.asks())
	then := c.a.eval(on, negate, reached && cond.answer == yes, asked)
	otherwise := c.b.eval(on, negate, reached && inverse.answer == yes, asked)
	return either(both(cond, then), both(inverse, otherwise))
}

// inquiry is `has(x)`. It is never absent itself.
type inquiry struct{ ref ref }

func (i inquiry) asks() []ref { return []ref{i.ref} }

func (i inquiry) eval(on *stage, negate, _ bool, _ []ref) outcome {
	return truth(on.has(i.ref) != negate)
}

func (s *stage) has(r ref) bool {
	switch r.root {
	case "channel":
		return s.facts.Channel != ""
	case "team":
		return s.facts.Team != ""
	case "serves":
		return s.facts.Serves != ""
	case "reason":
		return s.facts.Reason != ""
	default:
		return s.presence(r) == present
	}
}

// comparison is any other true-or-false expression. It is run only when every
// value it mentions is there.
type comparison struct {
	refs    []ref
	program program
}

func (c *comparison) asks() []ref { return nil }

func (c *comparison) eval(on *stage, negate, reached bool, asked []ref) outcome {
	result := outcome{answer: yes}
	for _, r := range c.refs {
		switch on.presence(r) {
		case untouched:
			return outcome{answer: moot, missing: r}
		case absent:
			if reached || !covered(asked, r) {
				result = outcome{answer: failed, missing: r}
			} else if result.answer == yes {
				result = outcome{answer: no}
			}
		default: // present
		}
	}
	if result.answer != yes {
		return result
	}
	value, err := c.program.run(&on.machine, on.facts)
	if err != nil {
		return outcome{answer: failed, trouble: err.Error()}
	}
	return truth(value != negate)
}

func covered(asked []ref, r ref) bool {
	return slices.ContainsFunc(asked, func(a ref) bool { return a.covers(r) })
}

func truth(v bool) outcome {
	if v {
		return outcome{answer: yes}
	}
	return outcome{answer: no}
}
