package policyfile

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"autoscalebot/internal/baseten"
)

// shape holds a node of the file against the type that the decoder will put it in.
// The decoder stops at the first mistake, takes 7 for "7", null for anything, and
// passes over aliases, tags and keys that are no texts; here all of that is noted,
// and an empty value of the right kind is put in its place, so that the rest of the
// file is looked at too. The result is nil where there is no use in going on.
func (l *problemLog) shape(n ast.Node, t reflect.Type, tag reflect.StructTag, name string) ast.Node {
	if !l.plain(n) {
		return nil
	}
	k := kinds[tag.Get("is")]
	switch {
	case t == reflect.TypeFor[text]():
		if l.isText(n, k, tag.Get("is"), name) {
			return n
		}
	case t == reflect.TypeFor[number]():
		v, ok := numberOf(n)
		whole := n.Type() != ast.FloatType || tag.Get("is") == "price"
		null := n.Type() == ast.NullType && tag.Get("is") == "setting value"
		if ok && whole && k.fits(v) || null {
			return n
		}
		l.add(n.GetToken(), "%s must be %s", name, k.wanted)
	case t.Kind() == reflect.Bool:
		if n.Type() == ast.BoolType {
			return n
		}
		l.add(n.GetToken(), "%s must be true or false", name)
	case t.Kind() == reflect.Slice:
		if seq, ok := n.(*ast.SequenceNode); ok {
			return l.list(seq, t, tag, name)
		}
		l.add(n.GetToken(), "%s must be a list [a, b], this is %s", name, kindOf(n))
	case t.Kind() == reflect.Pointer:
		return l.shape(n, t.Elem(), tag, name)
	default: // a struct or a map
		if m, ok := n.(*ast.MappingNode); ok {
			return l.mapping(m, t, tag, name)
		}
		if tag.Get("is") == "approvals" { // one count for all of them
			if n = l.shape(n, t.Elem(), tag, name); n != nil {
				return single(n)
			}
			return nil
		}
		l.add(n.GetToken(), "%s must be a mapping (key: value), this is %s", name, kindOf(n))
	}
	return nil
}

// isText notes what is no text of the kind.
func (l *problemLog) isText(n ast.Node, k kind, is, name string) bool {
	s, ok := textOf(n)
	if _, isBool := n.(*ast.BoolNode); isBool && is != "condition" {
		ok = false
	}
	switch {
	case !ok && k.wanted != "":
		l.add(n.GetToken(), "%s must be %s; this is %s", name, k.wanted, kindOf(n))
	case !ok:
		hint := ""
		if scalar, ok := n.(ast.ScalarNode); ok && n.Type() != ast.NullType {
			hint = fmt.Sprintf("; write it in quotes: %q", fmt.Sprint(scalar.GetValue()))
		}
		l.add(n.GetToken(), "%s must be a text, this is %s%s", name, kindOf(n), hint)
	case strings.TrimSpace(s) == "":
		l.add(n.GetToken(), "%s is empty", name)
	case k.words != nil && !slices.Contains(k.words, s):
		hint := suggest(s, k.words)
		if hint == "" {
			hint = ": it is one of " + strings.Join(k.words, ", ")
		}
		l.add(n.GetToken(), "unknown %s %q%s", is, s, hint)
	case k.right != nil && !k.right(s):
		l.add(n.GetToken(), "%q is not %s", s, k.wanted)
	default:
		return true
	}
	return false
}

// list shapes a list that is not empty and holds no text twice.
func (l *problemLog) list(seq *ast.SequenceNode, t reflect.Type, tag reflect.StructTag, name string) ast.Node {
	if len(seq.Values) == 0 {
		l.add(seq.GetToken(), "%s is empty: leave it out, or list something", name)
	}
	var kept []ast.Node
	for _, v := range seq.Values {
		v = l.shape(v, t.Elem(), tag, "each of "+name)
		s, isText := textOf(v)
		switch {
		case v == nil: // noted
		case isText && slices.ContainsFunc(kept, func(o ast.Node) bool { other, _ := textOf(o); return other == s }):
			l.add(v.GetToken(), "%s stands twice in %s", s, name)
		default:
			kept = append(kept, v)
			l.starts[name] = append(l.starts[name], start(v).Position.Line)
		}
	}
	seq.Values = kept
	return seq
}

// mapping shapes a mapping into a struct, whose fields are its keys, or a map.
func (l *problemLog) mapping(m *ast.MappingNode, t reflect.Type, tag reflect.StructTag, name string) ast.Node {
	at := start(m)
	fields, known := fieldsOf(t)
	lines := map[string]int{}
	var kept []*ast.MappingValueNode
	for _, v := range m.Values {
		key, ok := l.key(v.Key, tag.Get("key"))
		line, twice := lines[key]
		field, isField := fields[key]
		switch {
		case !ok: // noted
		case twice:
			l.add(v.Key.GetToken(), "%q stands twice, first on line %d", key, line)
		case fields != nil && !isField:
			l.add(v.Key.GetToken(), "unknown key %q%s", key, suggest(key, known))
		default:
			lines[key] = v.Key.GetToken().Position.Line
			if fields == nil {
				field = reflect.StructField{Type: t.Elem(), Tag: tag}
			}
			given := v.Value.GetToken()
			if v.Value = l.shape(v.Value, field.Type, field.Tag, key); v.Value == nil {
				v.Value = blank(field.Type, given)
			}
			kept = append(kept, v)
		}
	}
	if len(m.Values) == 0 && fields == nil {
		l.add(at, "%s is empty", name)
	}
	m.Values = kept
	for _, key := range known {
		if _, given := lines[key]; !given && fields[key].Tag.Get("need") != "" {
			l.add(at, "%s", fields[key].Tag.Get("need"))
		}
	}
	return m
}

// key reads the key of a mapping, which is a text.
func (l *problemLog) key(n ast.MapKeyNode, is string) (string, bool) {
	switch n := n.(type) {
	case *ast.MergeKeyNode:
		l.add(n.Token, "merge keys (<<) are not supported: write the values out")
		return "", false
	case *ast.StringNode:
		return n.Value, l.isText(n, kinds[is], is, "a key")
	default:
		l.add(n.GetToken(), "a key must be a plain text; write it in quotes")
		return "", false
	}
}

// plain tells whether the node is none of the things that YAML can do and a
// policy need not. They make a file say something else than it shows.
func (l *problemLog) plain(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AnchorNode:
		l.add(n.Start, "anchors (&) are not supported: write the value out")
	case *ast.AliasNode:
		l.add(n.Start, "aliases (*) are not supported: write the value out; a glob that starts with * needs quotes")
	case *ast.TagNode:
		l.add(n.Start, "tags (!) are not supported")
	case *ast.DirectiveNode:
		l.add(n.Start, "directives (%%) are not supported")
	default:
		return true
	}
	return false
}

// fieldsOf holds the fields of a struct by their keys, and the keys in order.
func fieldsOf(t reflect.Type) (fields map[string]reflect.StructField, keys []string) {
	if t.Kind() != reflect.Struct {
		return nil, nil
	}
	fields = map[string]reflect.StructField{}
	for f := range t.Fields() {
		key := f.Tag.Get("yaml")
		fields[key] = f
		keys = append(keys, key)
	}
	return fields, keys
}

// blank is an empty value of a type. It has a place: its key was given.
func blank(t reflect.Type, at *token.Token) ast.Node {
	switch {
	case t == reflect.TypeFor[text]() || t == reflect.TypeFor[number]():
		return &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: at}
	case t.Kind() == reflect.Bool:
		return &ast.BoolNode{BaseNode: &ast.BaseNode{}, Token: at}
	case t.Kind() == reflect.Slice:
		return &ast.SequenceNode{BaseNode: &ast.BaseNode{}, Start: at}
	default:
		return &ast.MappingNode{BaseNode: &ast.BaseNode{}, Start: at}
	}
}

// single is one count of approvals as a mapping: its key is that of Decision.Needed.
func single(n ast.Node) *ast.MappingNode {
	at := n.GetToken()
	key := &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: at}
	value := &ast.MappingValueNode{BaseNode: &ast.BaseNode{}, Start: at, Key: key, Value: n}
	return &ast.MappingNode{BaseNode: &ast.BaseNode{}, Start: at, Values: []*ast.MappingValueNode{value}}
}

// textOf reads a text, or true or false without quotes.
func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode:
		return strconv.FormatBool(n.Value), true
	default:
		return "", false
	}
}

func numberOf(n ast.Node) (float64, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		v, err := strconv.ParseFloat(fmt.Sprint(n.Value), 64)
		return v, err == nil
	case *ast.FloatNode:
		return n.Value, true
	default:
		return 0, false
	}
}

// start returns the first token of a node: for a mapping its first key, where the
// parser would name the colon.
func start(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return n.GetToken()
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	default:
		return "a text"
	}
}

func suggest(word string, known []string) string {
	if near := baseten.Closest(word, known, 1); near != nil {
		return ", did you mean " + near[0] + "?"
	}
	return ""
}
