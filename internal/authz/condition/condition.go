// Package condition judges the conditions of a policy, a rule's `when`. They are
// written in CEL (cel.dev), the language of Kubernetes admission policies.
//
// A condition is checked when the policy loads: names, fields and types. It can ask
// about the [Facts] of a question, and about nothing else: CEL has no side effects,
// no loops without macros, and of the macros only has() is there.
//
// # Absent values
//
// Settings can be null at Baseten, a price unknown, a user group unreadable. To read
// such a value is an error, and errors are joined as CEL joins them (Kleene's logic):
// what decides alone decides, whatever the other side is.
//
//	true || absent     true       absent || absent     error
//	false || absent    error      true && absent       error
//	false && absent    false      !absent              error
//
// All operators and functions but &&, || and ?: end as an error where a part is one.
// has(x) asks first: has(cost.floor_after) && cost.floor_after < 5.
//
// A setting that is not asked to change has no change.FIELD. That is an error too,
// but a harmless one: a condition that ends as an error because of nothing else is
// Untouched, and the rule does not match. Every other error makes it Failed. The
// caller must then neither grant anything nor skip a deny.
//
// The package does not know rules, people or effects; who may do what is decided by
// package authz.
package condition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"autoscalebot/internal/baseten"
)

// Bounds of one condition, far above what a person can review.
const (
	maxLength = 2000 // characters
	maxNodes  = 500
	maxDepth  = 50
	maxCost   = 10_000 // CEL's measure of the work of one evaluation
)

// Condition is a checked condition. It may be used by many goroutines.
type Condition struct {
	program cel.Program
	reads   []string // variables, and fields of cost
	equals  map[string][]string
}

// Mistake is why a condition is refused, and where.
type Mistake struct {
	Line    int // from 1
	Column  int // from 0, in characters
	Message string
}

// New checks a condition. never may say why a variable can never equal a text that
// it is compared with: a misspelt group in a deny rule would be a hole.
func New(source string, never func(variable, text string) (why string)) (*Condition, []Mistake) {
	switch {
	case strings.TrimSpace(source) == "":
		return nil, []Mistake{{Line: 1, Message: "the condition is empty"}}
	case utf8.RuneCountInString(source) > maxLength:
		return nil, []Mistake{{Line: 1, Message: fmt.Sprintf("the condition is longer than %d characters; split the rule", maxLength)}}
	}
	language, err := language()
	if err != nil {
		return nil, []Mistake{{Line: 1, Message: err.Error()}}
	}
	parsed, issues := language.Parse(source)
	if issues.Err() != nil {
		return nil, mistakes(issues)[:1] // what follows a slip of syntax is noise
	}
	// Our own look comes before CEL's: its messages are better, and what it refuses
	// CEL would let pass until the condition runs.
	r := &reader{info: parsed.NativeRep().SourceInfo(), never: never, equals: make(map[string][]string)}
	r.read(parsed.NativeRep().Expr())
	if r.found != nil {
		return nil, r.found
	}
	checked, issues := language.Check(parsed)
	if issues.Err() != nil {
		return nil, mistakes(issues)
	}
	if t := checked.OutputType(); t.Kind() != types.BoolKind {
		r.mistake(parsed.NativeRep().Expr(), 0, "a condition must be true or false, this is of type %s", t)
		return nil, r.found
	}
	program, err := language.Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptTrackState))
	if err != nil {
		return nil, []Mistake{{Line: 1, Message: err.Error()}}
	}
	return &Condition{program: program, reads: r.reads, equals: r.equals}, nil
}

// Reads tells whether the condition mentions the variable, has() included.
func (c *Condition) Reads(variable string) bool { return slices.Contains(c.reads, variable) }

// Equals holds the texts that the condition compares the variable with.
func (c *Condition) Equals(variable string) []string { return c.equals[variable] }

// WantsCost tells whether it mentions a cost that the facts lack.
func (c *Condition) WantsCost(f *Facts) bool {
	return slices.ContainsFunc(c.reads, func(name string) bool {
		name, ok := strings.CutPrefix(name, "cost.")
		return ok && usd(f.Cost, name) == nil
	})
}

// Outcome is what a condition comes to.
type Outcome int

// The outcomes.
const (
	False Outcome = iota
	True
	// Untouched: nothing but a setting that is not asked to change keeps it from
	// being true or false.
	Untouched
	// Failed: a value is absent, or it broke while running.
	Failed
)

// Result is an outcome and its reason.
type Result struct {
	Outcome Outcome
	// Field is the setting that is not asked to change, with Untouched.
	Field baseten.Field
	// Value is the absent value (cost.floor_after), or Trouble how it broke, with
	// Failed.
	Value, Trouble string
}

// Eval judges the condition.
func (c *Condition) Eval(f *Facts) Result {
	out, details, err := c.program.Eval(activation{f})
	if err != nil {
		return because(err, details)
	}
	switch out {
	case types.True:
		return Result{Outcome: True}
	case types.False:
		return Result{Outcome: False}
	default:
		return Result{Outcome: Failed, Trouble: fmt.Sprintf("it came to %v instead of true or false", out)}
	}
}

// because finds the reason of an error. Of two errors CEL returns the left one, so
// all parts are looked at: an untouched setting must not hide another error.
func because(err error, details *cel.EvalDetails) Result {
	errs := []error{err}
	if state := details.State(); state != nil {
		for _, id := range slices.Sorted(slices.Values(state.IDs())) {
			if v, ok := state.Value(id); ok && types.IsError(v) {
				errs = append(errs, v.(*types.Err))
			}
		}
	}
	var untouched *absence
	trouble := ""
	for _, err := range errs {
		missing, ok := errors.AsType[*absence](err)
		switch {
		case !ok && trouble == "":
			trouble = err.Error()
		case ok && missing.untouched == "":
			return Result{Outcome: Failed, Value: missing.value}
		case ok && untouched == nil:
			untouched = missing
		}
	}
	if trouble != "" || untouched == nil {
		return Result{Outcome: Failed, Trouble: trouble}
	}
	return Result{Outcome: Untouched, Field: untouched.untouched}
}

// language is CEL with our variables.
var language = sync.OnceValues(func() (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	// dyn and type would take a value out of the type check.
	less := env.NewLibrarySubset().AddExcludedFunctions(env.NewFunction("dyn"), env.NewFunction("type"))
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(less)),
		cel.CustomTypeProvider(provider{registry}),
		cel.CustomTypeAdapter(provider{registry}),
		cel.ClearMacros(),
		cel.Macros(cel.GlobalMacro("has", 1, expandHas)),
		cel.CrossTypeNumericComparisons(true),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateRegexLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(),
		),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes),
	}
	for name, v := range variables {
		options = append(options, cel.Variable(name, v.is))
	}
	options = append(options, cel.Variable(given, cel.ObjectType(given)))
	return cel.NewCustomEnv(options...)
})

// expandHas makes has(x) of a field what CEL makes of it, and of a variable that can
// be without a value a question about the variable.
func expandHas(factory cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	arg := args[0]
	switch {
	case arg.Kind() == ast.SelectKind:
		return factory.NewPresenceTest(arg.AsSelect().Operand(), arg.AsSelect().FieldName()), nil
	case arg.Kind() == ast.IdentKind && variables[arg.AsIdent()].optional:
		return factory.NewPresenceTest(factory.NewIdent(given), arg.AsIdent()), nil
	}
	return nil, factory.NewError(arg.ID(), "has() asks about a field of before, after, change, cost or local, or about "+strings.Join(sortedKeys(optional()), ", "))
}

// mistakes are CEL's own, in plainer words.
func mistakes(issues *cel.Issues) []Mistake {
	var out []Mistake
	for _, e := range issues.Errors() {
		message, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "Syntax error: "), " expecting ")
		message = plainer.Replace(message)
		if rest, ok := strings.CutPrefix(message, "found no matching overload for '"); ok {
			name, applied, _ := strings.Cut(rest, "' applied to '")
			if operator, ok := operators.FindReverse(name); ok {
				name = operator
			}
			message = fmt.Sprintf("%s does not take values of types %s", name, strings.TrimSuffix(applied, "'"))
		}
		out = append(out, Mistake{Line: max(1, e.Location.Line()), Column: max(0, e.Location.Column()), Message: message})
	}
	return out
}

var plainer = strings.NewReplacer("mismatched input '<EOF>'", "unexpected end", "mismatched input", "unexpected", "extraneous input", "unexpected")
