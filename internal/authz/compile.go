package authz

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one condition. They are far above what a person can review.
const (
	maxConditionLength = 2000 // characters
	maxConditionNodes  = 500
	// maxConditionMemory bounds the values made while running, and with them the
	// length of ranges and so the time.
	maxConditionMemory = 10_000
)

// The functions of expr that conditions may use: all are pure, and none makes an
// absent value look like one that is there.
var allowedFunctions = []string{
	"all", "any", "none", "one", "count", "filter", "map", "len", "sum",
	"abs", "ceil", "floor", "round", "min", "max", "int", "float", "string",
	"trim", "trimPrefix", "trimSuffix", "upper", "lower", "hasPrefix", "hasSuffix", "indexOf", "lastIndexOf", "split", "join",
	"date", "duration",
}

// The methods of times and durations that conditions may use. None depends on the
// machine's own time zone.
var allowedMethods = []string{
	"Hour", "Minute", "Second", "Weekday", "Day", "Month", "Year", "YearDay", "Unix", "Format",
	"Before", "After", "Equal", "Sub", "Add", "String", "Hours", "Minutes", "Seconds",
}

// conditionError is a mistake in a condition, at a character offset.
type conditionError struct {
	message string
	offset  int
}

func (e *conditionError) Error() string { return e.message }

func mistake(n ast.Node, format string, args ...any) error {
	return &conditionError{message: fmt.Sprintf(format, args...), offset: n.Location().From}
}

// newCondition parses, type-checks and compiles a condition.
func newCondition(source string, scope scope) (*condition, error) {
	if strings.TrimSpace(source) == "" {
		return nil, &conditionError{message: "the condition is empty"}
	}
	if utf8.RuneCountInString(source) > maxConditionLength {
		return nil, &conditionError{message: fmt.Sprintf("the condition is longer than %d characters; split the rule", maxConditionLength)}
	}
	config := conditionConfig()
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, asConditionError(err)
	}
	// What the language leaves out is refused before the types are checked: the
	// message is better, and the checker sees only what is meant for it.
	r := &reader{config: config, source: tree.Source, scope: scope}
	if err := r.vet(tree.Node, false); err != nil {
		return nil, err
	}
	rewrite := &rewriter{location: scope.location}
	ast.Walk(&tree.Node, rewrite)
	if rewrite.err != nil {
		return nil, rewrite.err
	}
	if _, err := new(checker.Checker).PatchAndCheck(tree, config); err != nil {
		return nil, asConditionError(err)
	}
	root, err := r.logic(tree.Node)
	if err != nil {
		return nil, err
	}
	c := &condition{root: root, refs: r.refs}
	c.cost = c.mentions("cost")
	return c, nil
}

func conditionConfig() *conf.Config {
	config := conf.New(facts{})
	config.MaxNodes = maxConditionNodes
	for name := range config.Builtins {
		if !slices.Contains(allowedFunctions, name) {
			config.Disabled[name] = true
			delete(config.Builtins, name)
		}
	}
	// has is typed here and evaluated by inquiry; it never runs.
	config.Functions["has"] = &builtin.Function{
		Name:  "has",
		Func:  func(...any) (any, error) { return nil, errors.New("has is not a function of values") },
		Types: []reflect.Type{reflect.TypeFor[func(any) bool]()},
	}
	return config
}

func asConditionError(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return &conditionError{message: err.Error()}
	}
	return &conditionError{message: at.Message, offset: at.From}
}

// scope is what of a policy its conditions refer to.
type scope struct {
	groups   []string
	location *time.Location
}

// reader turns a checked tree into logic.
type reader struct {
	config *conf.Config
	source file.Source
	scope  scope
	refs   []ref
}

// logic splits the tree at its boolean operators.
func (r *reader) logic(n ast.Node) (logic, error) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		if isJunction(n) {
			left, err := r.logic(n.Left)
			if err != nil {
				return nil, err
			}
			right, err := r.logic(n.Right)
			if err != nil {
				return nil, err
			}
			or := n.Operator == "||" || n.Operator == "or"
			return &junction{or: or, l: left, r: right, has: slices.Concat(left.asks(), right.asks())}, nil
		}
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			x, err := r.logic(n.Node)
			if err != nil {
				return nil, err
			}
			return negation{x}, nil
		}
	case *ast.ConditionalNode:
		var parts [3]logic
		for i, part := range []ast.Node{n.Cond, n.Exp1, n.Exp2} {
			var err error
			if parts[i], err = r.logic(part); err != nil {
				return nil, err
			}
		}
		return &choice{c: parts[0], a: parts[1], b: parts[2], has: slices.Concat(parts[0].asks(), parts[1].asks(), parts[2].asks())}, nil
	case *ast.CallNode:
		if isHas(n) {
			at, err := hasRef(n)
			if err != nil {
				return nil, err
			}
			r.note(at)
			return inquiry{at}, nil
		}
	}
	return r.comparison(n)
}

func (r *reader) comparison(n ast.Node) (logic, error) {
	if kind := n.Type().Kind(); kind == reflect.Interface {
		return nil, mistake(n, "the type of this value is not known beforehand")
	} else if kind != reflect.Bool {
		return nil, mistake(n, "a condition must be true or false, this is of type %s", n.Type())
	}
	c := &comparison{}
	if err := r.collect(n, &c.refs); err != nil {
		return nil, err
	}
	for _, at := range c.refs {
		r.note(at)
	}
	var err error
	if c.program, err = r.compile(n); err != nil {
		return nil, mistake(n, "%s", firstLine(err))
	}
	return c, nil
}

func (r *reader) note(at ref) {
	if !slices.Contains(r.refs, at) {
		r.refs = append(r.refs, at)
	}
}

// collect finds the values that a comparison mentions, wherever in it they stand.
// It also refuses has(), which only means something as a whole condition, and
// values whose type is not known before they are compared.
func (r *reader) collect(n ast.Node, refs *[]ref) error {
	if at, ok := refOf(n); ok {
		if !slices.Contains(*refs, at) {
			*refs = append(*refs, at)
		}
		return nil
	}
	if n.Type().Kind() == reflect.Interface {
		return mistake(n, "the type of this value is not known beforehand")
	}
	if n, ok := n.(*ast.CallNode); ok && isHas(n) {
		return mistake(n, "has() must stand by itself, joined with and, or, not or ?: to whole conditions")
	}
	for _, child := range children(n) {
		if err := r.collect(child, refs); err != nil {
			return err
		}
	}
	return nil
}

// program is a compiled comparison.
type program struct{ code *vm.Program }

func (r *reader) compile(n ast.Node) (program, error) {
	code, err := compiler.Compile(&parser.Tree{Node: n, Source: r.source}, r.config)
	return program{code}, err
}

// run evaluates the comparison. Panics inside expr come back as errors.
func (p program) run(machine *vm.VM, f *facts) (bool, error) {
	out, err := machine.Run(p.code, f)
	if err != nil {
		return false, errors.New(asConditionError(err).Error())
	}
	value, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("it came to %v instead of true or false", out)
	}
	return value, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
