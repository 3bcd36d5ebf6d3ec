package condition

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"
)

// Shortfall is what keeps a condition from being true: its smallest part that is false
// by itself.
type Shortfall struct {
	// Part is that part as it is written, "" where the condition is not false.
	Part string
	// Read are the values that the part reads, in the order in which they stand.
	Read []Operand
}

// Operand is a variable, or a field of one, with its value.
type Operand struct {
	// Name is as written: after.max_replica. Of change.FIELD.up and .down, it is the two
	// values that they compare.
	Name string
	// Value is an int64, float64, bool, string, []string or time.Time; nil where it is
	// absent.
	Value any
}

// Shortfall tells why the condition is false. Of what is joined by && it is the first
// that is false; what is joined by || is false as a whole.
func (c *Condition) Shortfall(f *Facts) Shortfall {
	out, details, err := c.program.Eval(activation{f})
	if err != nil || out != types.False {
		return Shortfall{}
	}
	part := falsePart(details.State(), c.ast.Expr())
	text, err := parser.Unparse(part, c.ast.SourceInfo())
	if err != nil {
		return Shortfall{}
	}
	text = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), given+".", "")
	return Shortfall{Part: text, Read: operands(f, nil, part)}
}

// falsePart looks for the smallest false part of e, which is false, in what CEL noted of
// its parts.
func falsePart(state interpreter.EvalState, e ast.Expr) ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.LogicalAnd {
		return e
	}
	for _, arg := range e.AsCall().Args() {
		if v, known := state.Value(arg.ID()); known && v == types.False {
			return falsePart(state, arg)
		}
	}
	return e
}

// operands adds what the expressions read to what was found, each once.
func operands(f *Facts, found []Operand, parts ...ast.Expr) []Operand {
	for _, e := range parts {
		switch e.Kind() {
		case ast.IdentKind, ast.SelectKind:
			found = read(f, found, e)
		case ast.CallKind:
			call := e.AsCall()
			if call.IsMemberFunction() {
				found = operands(f, found, call.Target())
			}
			found = operands(f, found, call.Args()...)
		case ast.ListKind:
			found = operands(f, found, e.AsList().Elements()...)
		default: // constants
		}
	}
	return found
}

// read adds a variable, or the field of one that e names.
func read(f *Facts, found []Operand, e ast.Expr) []Operand {
	var path []string
	for ; e.Kind() == ast.SelectKind; e = e.AsSelect().Operand() {
		path = append([]string{e.AsSelect().FieldName()}, path...)
	}
	if e.Kind() != ast.IdentKind {
		return operands(f, found, e)
	}
	if name := e.AsIdent(); name != given {
		path = append([]string{name}, path...)
	}
	ways := [][]string{path}
	if last := len(path) - 1; path[0] == "change" && (path[last] == "up" || path[last] == "down") {
		ways = [][]string{append(slices.Clone(path[:last]), "from"), append(slices.Clone(path[:last]), "to")}
	}
	for _, way := range ways {
		name := strings.Join(way, ".")
		if !slices.ContainsFunc(found, func(o Operand) bool { return o.Name == name }) {
			found = append(found, Operand{Name: name, Value: valueOf(f, way)})
		}
	}
	return found
}

// valueOf is the value at a path, nil where it is absent or has none by itself.
func valueOf(f *Facts, path []string) any {
	v := variables[path[0]]
	if v.of != nil {
		return v.of(f)
	}
	if v.field == nil || len(path) < 2 {
		return nil
	}
	value := v.field(f, path[1])
	if o, ok := value.(object); ok {
		if len(path) < 3 {
			return nil
		}
		return o.field(path[2])
	}
	return value
}
