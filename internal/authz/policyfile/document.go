package policyfile

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a policy file. The parser is recursive and copies paths as it
// descends, so depth costs more than length.
const (
	maxFileSize = 256 << 10
	maxBrackets = 200
	maxIndent   = 400
	maxDashes   = 1000
)

// parse returns the one document of a file, nil if there is a problem.
func (l *problemLog) parse(data []byte) ast.Node {
	if !utf8.Valid(data) {
		l.addAt(1, 1, "the file is not UTF-8 text")
		return nil
	}
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
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			l.add(syntax.GetToken(), "%s", strings.TrimSpace(syntax.GetMessage()))
		} else {
			l.addAt(1, 1, "%s", err)
		}
		return nil
	}
	var body ast.Node
	for i, doc := range file.Docs {
		if i > 0 {
			at := doc.Start
			if at == nil {
				at = file.Docs[0].End
			}
			l.add(at, "a policy is one YAML document; a second one would be ignored")
			return nil
		}
		if doc.Body != nil && doc.Body.Type() != ast.NullType {
			body = doc.Body
		}
	}
	if body == nil {
		l.addAt(1, 1, "the file is empty")
		return nil
	}
	return body
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
			case '-', '?', ':':
				dashes++
			}
			if depth > maxBrackets || dashes > maxDashes {
				return i + 1
			}
		}
		if indent := len(line) - len(strings.TrimLeft(line, " \t-?")); indent > maxIndent {
			return i + 1
		}
	}
	return 0
}
