package authz

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"autoscalebot/internal/baseten"
)

// vet refuses what conditions may not use: everything with which an absent value
// could pass unseen (nil, ?., ??, whole objects, computed names), and what a
// policy has no need of. inPredicate is true inside any(groups, …).
func (r *reader) vet(n ast.Node, inPredicate bool) error { //nolint:gocognit // one case for each kind of node
	if at, ok := refOf(n); ok {
		return vetRef(n, at)
	}
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.PointerNode,
		*ast.UnaryNode, *ast.ConditionalNode:
	case *ast.ArrayNode:
		for _, e := range n.Nodes {
			if reflect.TypeOf(e) != reflect.TypeOf(n.Nodes[0]) {
				return mistake(e, "a list holds values of one type")
			}
		}
	case *ast.PredicateNode:
		if inPredicate {
			return mistake(n, "a predicate inside a predicate is not supported")
		}
		inPredicate = true
	case *ast.BinaryNode:
		if n.Operator == "??" {
			return mistake(n, "?? is not supported: ask has(…) first")
		}
		if err := r.vetTexts(n); err != nil {
			return err
		}
	case *ast.NilNode:
		return mistake(n, "nil is not supported: ask has(…)")
	case *ast.ChainNode:
		return mistake(n, "?. is not supported: ask has(…) first")
	case *ast.IdentifierNode:
		if objectDepth(n.Value) > 0 {
			return mistake(n, "%s has no value by itself: name one of its fields", n.Value)
		}
		if f, ok := settingNamed(n.Value); ok {
			return mistake(n, "unknown variable %s: write change.%s.to, before.%[2]s or after.%[2]s", n.Value, f)
		}
		if !isVariable(n.Value) {
			return mistake(n, "unknown variable %s%s", n.Value, suggest(n.Value, variables))
		}
	case *ast.MemberNode:
		return r.vetMember(n, inPredicate)
	case *ast.CallNode:
		return r.vetCall(n, inPredicate)
	case *ast.BuiltinNode:
		if !slices.Contains(allowedFunctions, n.Name) {
			return mistake(n, "the function %s is not supported", n.Name)
		}
		if n.Name == "date" || n.Name == "duration" {
			if _, ok := n.Arguments[0].(*ast.StringNode); !ok || len(n.Arguments) != 1 {
				return mistake(n, "%s() takes one text in quotes", n.Name)
			}
		}
	default:
		return mistake(n, "this is not supported in conditions")
	}
	for _, child := range children(n) {
		if err := r.vet(child, inPredicate); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) vetMember(n *ast.MemberNode, inPredicate bool) error {
	if n.Optional {
		return mistake(n, "?. is not supported: ask has(…) first")
	}
	if root, depth := rootOf(n); objectDepth(root) > 0 {
		if _, named := pathOf(n); !named {
			return mistake(n, "fields of %s must be named in the text, not computed", root)
		}
		if depth < objectDepth(root) {
			return mistake(n, "%s has no value by itself: name one of its fields, or ask has(%s)", n, n)
		}
		return mistake(n, "%s has no fields", n.Node)
	}
	for _, child := range children(n) {
		if err := r.vet(child, inPredicate); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) vetCall(n *ast.CallNode, inPredicate bool) error {
	if isHas(n) {
		_, err := hasRef(n)
		return err
	}
	method, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		if id, named := n.Callee.(*ast.IdentifierNode); named {
			return mistake(n, "unknown function %s%s", id.Value, suggest(id.Value, append([]string{"has"}, allowedFunctions...)))
		}
		return mistake(n, "this cannot be called")
	}
	if name, ok := method.Property.(*ast.StringNode); !ok || method.Optional || !slices.Contains(allowedMethods, name.Value) {
		return mistake(n, "the method %s is not supported%s", method.Property, suggest(strings.Trim(method.Property.String(), `"`), allowedMethods))
	}
	for _, child := range append([]ast.Node{method.Node}, n.Arguments...) {
		if err := r.vet(child, inPredicate); err != nil {
			return err
		}
	}
	return nil
}

// vetTexts refuses texts that a variable can never equal: a misspelt group in a
// deny rule would be a hole.
func (r *reader) vetTexts(n *ast.BinaryNode) error {
	sides := [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}}
	for _, side := range sides {
		id, ok := side[0].(*ast.IdentifierNode)
		if !ok {
			continue
		}
		texts := []ast.Node{side[1]}
		if list, ok := side[1].(*ast.ArrayNode); ok {
			texts = list.Nodes
		}
		for _, text := range texts {
			s, ok := text.(*ast.StringNode)
			if !ok {
				continue
			}
			if why := r.impossible(id.Value, n.Operator, s.Value); why != "" {
				return mistake(s, "%s", why)
			}
		}
	}
	return nil
}

// impossible says why the variable can never equal the text, or returns "".
func (r *reader) impossible(variable, operator, text string) string {
	if !slices.Contains([]string{"==", "!=", "in"}, operator) {
		return ""
	}
	switch variable {
	case "kind":
		if kinds := []string{KindEnvironment, KindDeployment}; !slices.Contains(kinds, text) {
			return fmt.Sprintf("kind is environment or deployment, never %q", text)
		}
	case "groups":
		if !slices.Contains(r.scope.groups, text) {
			return fmt.Sprintf("unknown group %q%s", text, suggest(text, r.scope.groups))
		}
	case "user":
		if !isUserID(text) {
			return fmt.Sprintf("%q is not a Slack user ID (U… or W…)", text)
		}
	case "channel":
		if !channelID.MatchString(text) {
			return fmt.Sprintf("%q is not a Slack channel ID (C…)", text)
		}
	}
	return ""
}

// vetRef refuses unknown fields of the objects.
func vetRef(n ast.Node, at ref) error {
	known := fieldNames()
	switch at.root {
	case "cost":
		known = tagNames(reflect.TypeFor[costFacts]())
	case "before", "after", "change":
	default:
		return nil
	}
	if !slices.Contains(known, at.field) {
		return mistake(n, "unknown field %s.%s%s", at.root, at.field, suggestField(at.field, known))
	}
	if parts := tagNames(reflect.TypeFor[changeFact]()); at.part != "" && !slices.Contains(parts, at.part) {
		return mistake(n, "unknown field %s: there are .%s", at, strings.Join(parts, " ."))
	}
	return nil
}

// hasRef returns what has() asks about.
func hasRef(n *ast.CallNode) (ref, error) {
	if len(n.Arguments) != 1 {
		return ref{}, mistake(n, "has() takes one value")
	}
	arg := n.Arguments[0]
	if at, ok := refOf(arg); ok {
		return at, vetRef(arg, at)
	}
	if path, ok := pathOf(arg); ok && len(path) == 2 && path[0] == "change" {
		at := ref{root: "change", field: path[1]}
		return at, vetRef(arg, at)
	}
	if id, ok := arg.(*ast.IdentifierNode); ok && slices.Contains([]string{"channel", "team", "serves", "reason"}, id.Value) {
		return ref{root: id.Value}, nil
	}
	return ref{}, mistake(arg, "has() asks about a field of before, after, change or cost, or about groups, now, channel, team, serves or reason")
}

func isHas(n *ast.CallNode) bool {
	id, ok := n.Callee.(*ast.IdentifierNode)
	return ok && id.Value == "has"
}

func isJunction(n *ast.BinaryNode) bool {
	return slices.Contains([]string{"&&", "and", "||", "or"}, n.Operator)
}

// refOf tells whether the node is a whole value that can be absent, or the user.
func refOf(n ast.Node) (ref, bool) {
	path, ok := pathOf(n)
	if !ok {
		return ref{}, false
	}
	switch root := path[0]; {
	case len(path) == 1 && (root == "groups" || root == "now" || root == "user"):
		return ref{root: root}, true
	case objectDepth(root) == 1 && len(path) == 2:
		return ref{root: root, field: path[1]}, true
	case objectDepth(root) == 2 && len(path) == 3:
		return ref{root: root, field: path[1], part: path[2]}, true
	default:
		return ref{}, false
	}
}

// pathOf reads a.b.c or a["b"].c.
func pathOf(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}, true
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok || n.Optional {
			return nil, false
		}
		path, ok := pathOf(n.Node)
		return append(path, name.Value), ok
	default:
		return nil, false
	}
}

// rootOf returns the variable that a chain of members starts from, "" if it
// starts from something else, and the number of names after it.
func rootOf(n ast.Node) (root string, depth int) {
	for {
		switch at := n.(type) {
		case *ast.MemberNode:
			n = at.Node
			depth++
		case *ast.IdentifierNode:
			return at.Value, depth
		default:
			return "", depth
		}
	}
}

// children returns the nodes directly below n, of the kinds that vet lets pass.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	default:
		return nil
	}
}

func fieldNames() []string {
	var out []string
	for _, row := range baseten.AllSettings {
		out = append(out, string(row.Field))
	}
	return out
}

func tagNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		out = append(out, t.Field(i).Tag.Get("expr"))
	}
	return out
}

// suggestField knows the short words too: before.max means max_replica.
func suggestField(name string, known []string) string {
	for _, row := range baseten.AllSettings {
		if name == row.Word && slices.Contains(known, string(row.Field)) {
			return ", did you mean " + string(row.Field) + "?"
		}
	}
	return suggest(name, known)
}
