package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a policy file. The parser is recursive and copies paths as it
// descends, so depth costs more than length.
const (
	maxFileSize = 256 << 10
	maxDepth    = 20
)

// entry is one key and value of a mapping.
type entry struct {
	key   string
	at    *token.Token // of the key
	value ast.Node
}

// parseDocument returns the one document of a file, nil if there is a problem.
func (l *problemLog) parseDocument(data []byte) ast.Node {
	if len(data) > maxFileSize {
		l.addAt(1, 1, "the file is larger than %d KiB", maxFileSize>>10)
		return nil
	}
	if line := tooDeep(l.lines); line > 0 {
		l.addAt(line, 1, "nested too deeply")
		return nil
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			l.add(syntax.GetToken(), "%s", strings.TrimSpace(syntax.GetMessage()))
		} else {
			l.addAt(1, 1, "%s", firstLine(err))
		}
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType {
			bodies = append(bodies, doc.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		l.addAt(1, 1, "the file is empty")
		return nil
	case len(file.Docs) > 1:
		at := bodies[len(bodies)-1].GetToken()
		for _, doc := range file.Docs[1:] {
			if doc.Start != nil {
				at = doc.Start
				break
			}
		}
		l.add(at, "a policy is one YAML document; a second one would be ignored")
		return nil
	}
	return bodies[0]
}

// tooDeep returns the first line at which brackets or indentation nest deeper
// than any policy does, 0 if none. It counts brackets in texts too, which only
// makes it stricter.
func tooDeep(lines []string) int {
	depth := 0
	for i, line := range lines {
		dashes := 0
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			case '-', '?', ':', ' ', '\t':
				if c == '-' || c == '?' || c == ':' {
					dashes++
				}
				if dashes > 1000 {
					return i + 1
				}
				continue
			}
			if depth > maxDepth*10 {
				return i + 1
			}
		}
		if indent := len(line) - len(strings.TrimLeft(line, " \t-?")); indent > 400 {
			return i + 1
		}
	}
	return 0
}

// plain tells whether the node is none of the things that YAML can do and a
// policy need not: anchors, aliases, tags, merge keys. They make a file say
// something else than it shows.
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

// mapping reads a mapping whose keys are texts, each once. Known restricts them,
// unless it is nil.
func (l *problemLog) mapping(n ast.Node, what string, known []string) ([]entry, bool) {
	if !l.plain(n) {
		return nil, false
	}
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		l.add(n.GetToken(), "%s must be a mapping (key: value), this is %s", what, kindOf(n))
		return nil, false
	}
	var out []entry
	seen := map[string]int{}
	for _, v := range values {
		key, ok := l.key(v.Key)
		if !ok {
			continue
		}
		at := v.Key.GetToken()
		if known != nil && !slices.Contains(known, key) {
			l.add(at, "unknown key %q in %s%s", key, what, suggest(key, known))
			continue
		}
		if line, twice := seen[key]; twice {
			l.add(at, "%q stands twice in %s, first on line %d", key, what, line)
			continue
		}
		seen[key] = at.Position.Line
		out = append(out, entry{key, at, v.Value})
	}
	return out, true
}

func (l *problemLog) key(n ast.MapKeyNode) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.MergeKeyNode:
		l.add(n.Token, "merge keys (<<) are not supported: write the values out")
	default:
		if node, ok := n.(ast.Node); ok && l.plain(node) {
			l.add(n.GetToken(), "a key must be a text; write it in quotes")
		}
	}
	return "", false
}

// list reads a list that is not empty.
func (l *problemLog) list(n ast.Node, what string) ([]ast.Node, bool) {
	if !l.plain(n) {
		return nil, false
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		l.add(n.GetToken(), "%s must be a list [a, b], this is %s", what, kindOf(n))
		return nil, false
	}
	if len(seq.Values) == 0 {
		l.add(n.GetToken(), "%s is empty: leave it out, or list something", what)
		return nil, false
	}
	return seq.Values, true
}

// text reads a text that is not empty.
func (l *problemLog) text(n ast.Node, what string) (string, bool) {
	if !l.plain(n) {
		return "", false
	}
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	default:
		hint := ""
		if scalar, ok := n.(ast.ScalarNode); ok && n.Type() != ast.NullType {
			hint = fmt.Sprintf("; write it in quotes: %q", fmt.Sprint(scalar.GetValue()))
		}
		l.add(n.GetToken(), "%s must be a text, this is %s%s", what, kindOf(n), hint)
		return "", false
	}
	if strings.TrimSpace(s) == "" {
		l.add(n.GetToken(), "%s is empty", what)
		return "", false
	}
	return s, true
}

// texts reads a list of texts, each once.
func (l *problemLog) texts(n ast.Node, what string) []located {
	nodes, ok := l.list(n, what)
	if !ok {
		return nil
	}
	var out []located
	for _, node := range nodes {
		s, good := l.text(node, "each of "+what)
		switch {
		case !good:
		case slices.ContainsFunc(out, func(t located) bool { return t.text == s }):
			l.add(node.GetToken(), "%s stands twice in %s", s, what)
		default:
			out = append(out, located{s, node.GetToken()})
		}
	}
	return out
}

// located is a text and its place in the file.
type located struct {
	text string
	at   *token.Token
}

// whole reads a whole number within bounds.
func (l *problemLog) whole(n ast.Node, what string, least, most int) (int, bool) {
	if !l.plain(n) {
		return 0, false
	}
	v, ok := int64(0), false
	if i, isInt := n.(*ast.IntegerNode); isInt {
		switch x := i.Value.(type) {
		case int64:
			v, ok = x, true
		case uint64:
			v, ok = int64(min(x, 1<<62)), true
		}
	}
	if !ok || v < int64(least) || v > int64(most) {
		l.add(n.GetToken(), "%s must be a whole number from %d to %d", what, least, most)
		return 0, false
	}
	return int(v), true
}

// duration reads a span of time such as 4h or 90m.
func (l *problemLog) duration(n ast.Node, what string, most time.Duration) (time.Duration, bool) {
	if !l.plain(n) {
		return 0, false
	}
	if s, ok := n.(*ast.StringNode); ok {
		if d, err := time.ParseDuration(s.Value); err == nil && d > 0 && d <= most {
			return d, true
		}
	}
	l.add(n.GetToken(), "%s must be a time such as 4h or 90m, up to %s", what, shortDuration(most))
	return 0, false
}

// boolean reads true or false.
func (l *problemLog) boolean(n ast.Node, what string) (value, ok bool) {
	if !l.plain(n) {
		return false, false
	}
	b, ok := n.(*ast.BoolNode)
	if !ok {
		l.add(n.GetToken(), "%s must be true or false", what)
		return false, false
	}
	return b.Value, true
}

func shortDuration(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// start returns the first token of a node: for a mapping its first key, where the
// parser would name the colon.
func start(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	default:
		return "something else"
	}
}
