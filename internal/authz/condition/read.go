package condition

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"autoscalebot/internal/baseten"
)

// reader looks through a condition before CEL checks its types: for what CEL would
// let pass until the condition runs, and for misspelt fields, of which it knows more.
type reader struct {
	info  *ast.SourceInfo
	never func(variable, text string) string
	reads []string
	// equals holds by variable the texts that it is compared with.
	equals map[string][]string
	found  []Mistake
}

// mistake notes a mistake at e, shift characters to the right of where CEL says.
func (r *reader) mistake(e ast.Expr, shift int, format string, args ...any) {
	at := r.info.GetStartLocation(e.ID())
	r.found = append(r.found, Mistake{Line: at.Line(), Column: at.Column() + shift, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) read(parts ...ast.Expr) {
	for _, e := range parts {
		switch e.Kind() {
		case ast.LiteralKind:
		case ast.IdentKind, ast.SelectKind:
			r.name(e)
		case ast.CallKind:
			call := e.AsCall()
			if call.IsMemberFunction() {
				r.read(call.Target())
			}
			r.read(call.Args()...)
			switch call.FunctionName() {
			case operators.Equals, operators.NotEquals, operators.In:
				r.compare(call.Args()[0], call.Args()[1])
				r.compare(call.Args()[1], call.Args()[0])
			}
		case ast.ListKind:
			r.read(e.AsList().Elements()...)
		default:
			r.mistake(e, 0, "maps and objects cannot be written in conditions")
		}
	}
}

// name reads a variable and the fields that follow it: change.max_replica.up.
func (r *reader) name(e ast.Expr) {
	var fields []ast.Expr // from the last one to the first
	root := e
	for ; root.Kind() == ast.SelectKind; root = root.AsSelect().Operand() {
		fields = append(fields, root)
	}
	if root.Kind() != ast.IdentKind {
		r.read(root)
		return
	}
	path := root.AsIdent()
	if path == given {
		r.reads = append(r.reads, fields[0].AsSelect().FieldName())
		return
	}
	v, ok := variables[path]
	if !ok {
		r.mistake(root, 0, "unknown variable %s%s", path, suggest(path, sortedKeys(variables)))
		return
	}
	known := fieldsOf[v.is.TypeName()]
	for _, f := range slices.Backward(fields) {
		name := f.AsSelect().FieldName()
		is, ok := known[name]
		if !ok {
			r.mistake(f, 1, "unknown field %s.%s%s", path, name, suggest(name, sortedKeys(known)))
			return
		}
		path += "." + name
		known = fieldsOf[is.TypeName()]
	}
	if known != nil && (len(fields) == 0 || !fields[0].AsSelect().IsTestOnly()) {
		r.mistake(e, 0, "%s has no value by itself: name one of its fields", path)
	}
	r.reads = append(r.reads, root.AsIdent(), path)
}

// suggest knows the words for settings too: before.max means before.max_replica, and
// max alone change.max_replica.to.
func suggest(word string, known []string) string {
	if s, ok := baseten.SettingNamed(word); ok {
		if slices.Contains(known, string(s.Field)) {
			return ", did you mean " + string(s.Field) + "?"
		}
		return fmt.Sprintf(", did you mean change.%s.to, before.%[1]s or after.%[1]s?", s.Field)
	}
	if near := baseten.Closest(word, known, 1); near != nil {
		return ", did you mean " + near[0] + "?"
	}
	return ""
}

// compare refuses texts that the variable can never equal.
func (r *reader) compare(side, other ast.Expr) {
	if side.Kind() == ast.CallKind && side.AsCall().FunctionName() == operators.Index {
		side = side.AsCall().Args()[0] // groups[0]
	}
	if side.Kind() != ast.IdentKind {
		return
	}
	for _, e := range texts(other) {
		variable, text := side.AsIdent(), string(e.AsLiteral().(types.String))
		r.equals[variable] = append(r.equals[variable], text)
		if why := r.never(variable, text); why != "" {
			r.mistake(e, 0, "%s", why)
		}
	}
}

// texts finds the constants that the expressions can come to.
func texts(parts ...ast.Expr) []ast.Expr {
	var out []ast.Expr
	for _, e := range parts {
		switch {
		case e.Kind() == ast.LiteralKind && e.AsLiteral().Type() == types.StringType:
			out = append(out, e)
		case e.Kind() == ast.ListKind:
			out = append(out, texts(e.AsList().Elements()...)...)
		case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Conditional:
			out = append(out, texts(e.AsCall().Args()[1:]...)...)
		}
	}
	return out
}
