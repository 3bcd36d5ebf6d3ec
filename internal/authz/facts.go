package authz

import (
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
)

// facts is what a condition can see. It holds zero values where a value is absent,
// which is safe only because no comparison that mentions an absent value is ever
// run (see condition).
type facts struct {
	Before  settingFacts `expr:"before"`
	After   settingFacts `expr:"after"`
	Change  changeFacts  `expr:"change"`
	User    string       `expr:"user"`
	Groups  []string     `expr:"groups"`
	Channel string       `expr:"channel"`
	Model   string       `expr:"model"`
	Team    string       `expr:"team"`
	Target  string       `expr:"target"`
	Kind    string       `expr:"kind"`
	Serves  string       `expr:"serves"`
	Reason  string       `expr:"reason"`
	Cost    costFacts    `expr:"cost"`
	Now     time.Time    `expr:"now"`
}

// perField has one value for each row of baseten.AllSettings.
type perField[T any] struct {
	MinReplica           T `expr:"min_replica"`
	MaxReplica           T `expr:"max_replica"`
	AutoscalingWindow    T `expr:"autoscaling_window"`
	ScaleDownDelay       T `expr:"scale_down_delay"`
	ConcurrencyTarget    T `expr:"concurrency_target"`
	TargetUtilization    T `expr:"target_utilization_percentage"`
	TargetInFlightTokens T `expr:"target_in_flight_tokens"`
	MaxScaleDownRate     T `expr:"max_scale_down_rate"`
}

type (
	settingFacts = perField[int]
	changeFacts  = perField[changeFact]
)

type changeFact struct {
	From int  `expr:"from"`
	To   int  `expr:"to"`
	Up   bool `expr:"up"`
	Down bool `expr:"down"`
}

type costFacts struct {
	FloorBefore   float64 `expr:"floor_before"`
	FloorAfter    float64 `expr:"floor_after"`
	CeilingBefore float64 `expr:"ceiling_before"`
	CeilingAfter  float64 `expr:"ceiling_after"`
}

func eachField[T any](value func(baseten.Field) T) perField[T] {
	return perField[T]{
		MinReplica:           value(baseten.MinReplica),
		MaxReplica:           value(baseten.MaxReplica),
		AutoscalingWindow:    value(baseten.AutoscalingWindow),
		ScaleDownDelay:       value(baseten.ScaleDownDelay),
		ConcurrencyTarget:    value(baseten.ConcurrencyTarget),
		TargetUtilization:    value(baseten.TargetUtilization),
		TargetInFlightTokens: value(baseten.TargetInFlightTokens),
		MaxScaleDownRate:     value(baseten.MaxScaleDownRate),
	}
}

// newFacts lays a question out for conditions.
func newFacts(q *Question, groups []string, location *time.Location) *facts {
	after := q.Before.With(q.Touched)
	f := &facts{
		Before: eachField(func(f baseten.Field) int { return q.Before[f] }),
		After:  eachField(func(f baseten.Field) int { return after[f] }),
		Change: eachField(func(f baseten.Field) changeFact {
			from, to := q.Before[f], q.Touched[f]
			return changeFact{From: from, To: to, Up: to > from, Down: to < from}
		}),
		User:    q.Person.ID,
		Groups:  groups,
		Channel: q.Channel,
		Model:   q.Target.Model,
		Team:    q.Target.Team,
		Target:  q.Target.Deployment,
		Kind:    q.Target.Kind,
		Serves:  q.Target.Serves,
		Reason:  strings.TrimSpace(q.Reason),
		Cost: costFacts{
			FloorBefore:   orZero(q.Cost.FloorBefore),
			FloorAfter:    orZero(q.Cost.FloorAfter),
			CeilingBefore: orZero(q.Cost.CeilingBefore),
			CeilingAfter:  orZero(q.Cost.CeilingAfter),
		},
		Now: q.Now.In(location),
	}
	if q.Target.Environment != "" {
		f.Target = q.Target.Environment
	}
	return f
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// ref names one value in a condition: change.max_replica.up, cost.floor_after, now.
type ref struct {
	root  string // before, after, change, cost, or the whole variable
	field string // the setting, or the cost's name
	part  string // from, to, up, down
}

func (r ref) String() string {
	s := r.root
	if r.field != "" {
		s += "." + r.field
	}
	if r.part != "" {
		s += "." + r.part
	}
	return s
}

// covers tells whether asking for r answers for o: has(change.max_replica) is
// asked for change.max_replica.up too.
func (r ref) covers(o ref) bool {
	return r == o || r.part == "" && r.root == o.root && r.field == o.field
}

// presence of a value in a question.
type presence int

const (
	absent presence = iota
	// untouched: about change.FIELD, and FIELD is not touched.
	untouched
	present
)

// presenceOf tells whether the question has the value.
func (q *Question) presenceOf(r ref, groupsKnown bool) presence {
	field := baseten.Field(r.field)
	_, before := q.Before[field]
	_, touched := q.Touched[field]
	ok := true
	switch r.root {
	case "before":
		ok = before
	case "after":
		ok = before || touched
	case "change":
		if !touched {
			return untouched
		}
		ok = before || r.part == "" || r.part == "to"
	case "cost":
		ok = q.Cost.get(r.field) != nil
	case "now":
		ok = !q.Now.IsZero()
	case "groups":
		ok = groupsKnown
	}
	if !ok {
		return absent
	}
	return present
}

func (c Cost) get(name string) *float64 {
	switch name {
	case "floor_before":
		return c.FloorBefore
	case "floor_after":
		return c.FloorAfter
	case "ceiling_before":
		return c.CeilingBefore
	case "ceiling_after":
		return c.CeilingAfter
	default:
		return nil
	}
}

// objectDepth tells how many names follow a variable that has no value by itself
// (change.max_replica.up: two). It is 0 for the others.
func objectDepth(name string) int {
	switch name {
	case "before", "after", "cost":
		return 1
	case "change":
		return 2
	default:
		return 0
	}
}

// variables are the fields of facts.
var variables = []string{"before", "after", "change", "user", "groups", "channel", "model", "team", "target", "kind", "serves", "reason", "cost", "now"}

func isVariable(name string) bool { return slices.Contains(variables, name) }
