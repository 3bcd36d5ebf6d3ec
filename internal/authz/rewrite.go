package authz

import (
	"errors"
	"time"

	"github.com/expr-lang/expr/ast"
)

// rewriter changes a parsed condition so that it means what it says: dates and
// durations become values when the policy loads, and weekdays and months can be
// compared with numbers, which expr otherwise takes for never equal.
type rewriter struct {
	location *time.Location
	err      error
}

// Visit is called for the leaves first.
func (w *rewriter) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BuiltinNode:
		if n.Name == "date" || n.Name == "duration" {
			w.constant(node, n)
		}
	case *ast.CallNode:
		method, ok := n.Callee.(*ast.MemberNode)
		if !ok {
			return
		}
		if name, ok := method.Property.(*ast.StringNode); ok && (name.Value == "Weekday" || name.Value == "Month") {
			ast.Patch(node, &ast.BuiltinNode{Name: "int", Arguments: []ast.Node{n}})
		}
	case *ast.MemberNode:
		// now.Weekday().String() is about the weekday itself.
		if number, ok := n.Node.(*ast.BuiltinNode); ok && number.Name == "int" {
			if call, ok := number.Arguments[0].(*ast.CallNode); ok {
				n.Node = call
			}
		}
	}
}

func (w *rewriter) constant(node *ast.Node, n *ast.BuiltinNode) {
	text := n.Arguments[0].(*ast.StringNode).Value // vet has seen to that
	var value any
	var err error
	if n.Name == "duration" {
		value, err = time.ParseDuration(text)
	} else {
		value, err = parseTime(text, w.location)
	}
	if err != nil && w.err == nil {
		w.err = mistake(n, "%s() cannot read %q", n.Name, text)
	}
	ast.Patch(node, &ast.ConstantNode{Value: value})
}

// parseTime reads a moment; without a zone of its own it is in location.
func parseTime(text string, location *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("no known form of time")
}
