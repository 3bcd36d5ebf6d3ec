package commands

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a Mistake's text, in characters.
const (
	maxMistake = 300
	maxEcho    = 40
)

// Slash is the name of the slash command. Every command in a hint begins with it, so
// that it can be typed as it stands.
const Slash = "/autoscale"

// Mistake tells a person why a text was not understood and what to type instead. It
// repeats nothing typed that Slack could bring to life.
type Mistake struct {
	// Text is one to three short sentences of at most 300 characters, without control
	// characters and angle brackets. What can be typed stands between backquotes; a
	// command between them begins with Slash.
	Text string
	// Lines are whole commands, without Slash: what was typed, corrected. Each of them
	// is understood. There are several where several things may have been meant, and
	// none where that cannot be told. What was typed is gone in Slack, so they have to
	// be shown in full, and as code.
	Lines []string
	// Request is the ID of the request that it is about, "" for none.
	Request string
	// Example tells that a part of the lines is made up: they are to be read, and not to
	// be carried out as they are.
	Example bool
}

// Error is the text, and the corrected command where there is one.
func (m *Mistake) Error() string {
	text := m.Text
	for _, line := range m.Lines {
		text += " " + typed(line)
	}
	return text
}

// mistake makes a Mistake. Typed words among the arguments have to go through echo.
func mistake(format string, args ...any) *Mistake {
	text := fmt.Sprintf(format, args...)
	if utf8.RuneCountInString(text) > maxMistake {
		text = string([]rune(text)[:maxMistake-2])
		if strings.Count(text, "`")%2 == 1 {
			text += "`"
		}
		text += "…"
	}
	return &Mistake{Text: text}
}

// with adds corrected lines. Empty ones, of which nothing could be made, are left out.
func (m *Mistake) with(lines ...string) *Mistake {
	for _, line := range lines {
		if line != "" {
			m.Lines = append(m.Lines, line)
		}
	}
	return m
}

// example adds a line of which a part is made up.
func (m *Mistake) example(line string) *Mistake {
	if line != "" {
		m.Text, m.Example = m.Text+" For example:", true
	}
	return m.with(line)
}

// typed writes a command as it can be typed.
func typed(command string) string { return "`" + Slash + " " + command + "`" }

// echo makes a typed word fit to be repeated: at most 40 characters, nothing that
// mrkdwn could read as a mention, link or code, nothing invisible.
func echo(word string) string {
	word = strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || r == '`' || unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, word)
	if utf8.RuneCountInString(word) > maxEcho {
		word = string([]rune(word)[:maxEcho-1]) + "…"
	}
	return word
}

// either writes choices as "a, b or c".
func either(choices []string) string {
	if len(choices) < 2 {
		return strings.Join(choices, "")
	}
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
