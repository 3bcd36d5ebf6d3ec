package policyfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// Problem is one mistake in a policy file.
type Problem struct {
	File string
	// Line and Column count from 1; the column is in characters.
	Line, Column int
	Message      string
	// Source is the line's text, "" if the file has no such line.
	Source string
}

// String writes the problem over three lines, with a caret under its place:
//
//	policy.yaml:12:9: unknown key "targts", did you mean targets?
//	  12 |     targts: [production]
//	           ^
func (p Problem) String() string {
	head := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Source == "" {
		return head
	}
	number := fmt.Sprintf("  %d | ", p.Line)
	// Tabs stay tabs under the line, so that the caret stands where it should.
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, firstRunes(p.Source, p.Column-1))
	return head + "\n" + number + p.Source + "\n" + strings.Repeat(" ", len(number)) + pad + "^"
}

// LoadError is every mistake found in a policy file, in the file's order.
type LoadError struct{ Problems []Problem }

// Error writes the problems below each other.
func (e *LoadError) Error() string {
	var out []string
	for _, p := range e.Problems {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

// maxProblems keeps one missing quote from filling a screen.
const maxProblems = 20

// problemLog collects problems while a file is read.
type problemLog struct {
	file     string
	lines    []string
	problems []Problem
	// starts holds the lines on which the elements of a list begin, by its name.
	starts map[string][]int
}

func newProblemLog(file string, data []byte) *problemLog {
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	return &problemLog{file: file, lines: strings.Split(text, "\n"), starts: map[string][]int{}}
}

// add notes a problem at a token of the file.
func (l *problemLog) add(tk *token.Token, format string, args ...any) {
	line, column := 1, 1
	if tk != nil && tk.Position != nil {
		line, column = tk.Position.Line, tk.Position.Column
	}
	l.addAt(line, column, format, args...)
}

func (l *problemLog) addAt(line, column int, format string, args ...any) {
	line = max(1, min(line, len(l.lines)))
	source := strings.TrimRight(l.lines[line-1], " \t\r")
	// Very long lines are cut: the caret stays within what is shown.
	source = firstRunes(source, 200)
	column = max(1, min(column, utf8.RuneCountInString(source)+1))
	l.problems = append(l.problems, Problem{
		File: l.file, Line: line, Column: column, Source: source,
		Message: fmt.Sprintf(format, args...),
	})
}

// err returns the problems as one error, nil if there are none.
func (l *problemLog) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return &LoadError{Problems: l.problems[:min(len(l.problems), maxProblems)]}
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
