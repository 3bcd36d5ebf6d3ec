package commands

import "strings"

// token is one word of a text.
type token struct {
	// start and end are where it stands in the text, as typed.
	start, end int
	// text is the word without the quotes, backticks or bold around it.
	text string
	// quoted tells that the whole word stood in quotes or backticks; inner is what
	// stood in them, to the letter.
	quoted bool
	inner  string
	// assigned tells that the word is head=value (or head:value, for a setting).
	assigned bool
	head     string
	value    string
	// valueQuoted tells that the value stood in quotes, which were taken off.
	valueQuoted bool
}

// tokenize splits normalised text into words. A quoted part may hold spaces; it
// begins at the start of a word or right after = or :, and ends at a quote that is
// followed by a space or the end. A quote without its partner is an ordinary
// character. With keepStars, *llama* is a pattern, not a bold word.
func tokenize(text string, keepStars bool) []token {
	words := split(text)
	out := make([]token, len(words))
	for i, w := range words {
		out[i] = newToken(text[w.start:w.end], keepStars)
		out[i].start, out[i].end = w.start, w.end
	}
	return out
}

type span struct{ start, end int }

func split(text string) []span {
	var out []span
	alone := "" // quotes that have no partner from here on
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' {
			continue
		}
		start := i
		for i < len(text) && text[i] != ' ' {
			if isQuote(text[i]) && (i == start || text[i-1] == '=' || text[i-1] == ':') && !strings.Contains(alone, text[i:i+1]) {
				if end := closingQuote(text, i); end > 0 {
					i = end
				} else {
					alone += text[i : i+1]
				}
			}
			i++
		}
		out = append(out, span{start, i})
	}
	return out
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// closingQuote returns the index of the partner of the quote at open, or -1. Inside
// double quotes \" and \\ stand for " and \.
func closingQuote(text string, open int) int {
	for i := open + 1; i < len(text); i++ {
		if text[open] == '"' && text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
			i++
			continue
		}
		if text[i] == text[open] && (i+1 == len(text) || text[i+1] == ' ') {
			return i
		}
	}
	return -1
}

// unquote takes off a matched pair of quotes around the whole of s.
func unquote(s string) (string, bool) {
	if len(s) < 2 || !isQuote(s[0]) || closingQuote(s, 0) != len(s)-1 {
		return s, false
	}
	inner := s[1 : len(s)-1]
	if s[0] == '"' {
		inner = unescape(inner)
	}
	return inner, true
}

func unescape(s string) string { return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(s) }

// quote is the inverse of unquote.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// maxWrapping bounds how many layers of formatting are taken off one word.
const maxWrapping = 4

func newToken(word string, keepStars bool) token {
	t := token{text: optionDash(word)}
	for range maxWrapping {
		if inner, ok := unquote(t.text); ok {
			if !t.quoted {
				t.quoted, t.inner = true, inner
			}
			words := split(inner)
			if len(words) != 1 {
				t.text = oneLine(inner)
				break
			}
			t.text = optionDash(inner[words[0].start:words[0].end])
		} else if inner, ok := unbold(t.text); ok && !keepStars {
			t.text = optionDash(inner)
		} else if label, ok := linkLabel(t.text); ok {
			t.text = label
		} else {
			break
		}
	}
	t.assign()
	return t
}

// unbold takes off the pair of asterisks around a whole word.
func unbold(s string) (string, bool) {
	if len(s) < 3 || s[0] != '*' || s[len(s)-1] != '*' {
		return s, false
	}
	inner := s[1 : len(s)-1]
	return inner, !strings.Contains(inner, "*")
}

// assign splits head=value. A colon does the same after the word of a setting,
// reason, for or until, and nowhere else: model:X and names with a colon in them are names.
func (t *token) assign() {
	if _, _, ok := cutKind(t.text); ok {
		return
	}
	head, value, ok := strings.Cut(t.text, "=")
	if ok {
		// max+=2 asks for a relative change: leave the sign to the value, which is
		// refused for it.
		if n := len(head); n > 0 && (head[n-1] == '+' || head[n-1] == '-') {
			head, value = head[:n-1], head[n-1:]+value
		}
	} else if head, value, ok = strings.Cut(t.text, ":"); ok {
		w, known := vocabulary[spelled(head)]
		ok = known && (w.is == isSetting || w.is == isReason || w.is == isFor || w.is == isUntil)
	}
	if !ok {
		return
	}
	t.assigned, t.head = true, head
	t.value, t.valueQuoted = unquote(value)
	if label, ok := linkLabel(t.value); ok && !t.valueQuoted {
		t.value = label
	}
}

// plain tells that the word is neither head=value nor an option.
func (t token) plain() bool { return !t.assigned && !strings.HasPrefix(t.text, "-") }

// asValue returns the word as the value of the word before it.
func (t token) asValue() string {
	if t.quoted {
		return t.inner
	}
	return t.text
}

// canBeValue tells that the word may be the value of the word before it. Quotes
// make a value of anything.
func (t token) canBeValue() bool {
	return t.quoted || !t.assigned && !strings.HasPrefix(t.text, "--")
}

// glue joins what spaces around = have taken apart: max = 7, max =7, max= 7.
func glue(tokens []token) []token {
	var out []token
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if _, _, isRef := cutKind(t.text); !isRef && !t.assigned && i+1 < len(tokens) {
			if next := tokens[i+1]; next.assigned && !next.quoted && next.head == "" {
				t.assigned, t.head = true, t.text
				t.value, t.valueQuoted, t.end = next.value, next.valueQuoted, next.end
				i++
			}
		}
		// A lone sign is what max += 2 leaves here.
		if t.assigned && strings.Trim(t.value, "+-") == "" && !t.valueQuoted && i+1 < len(tokens) && tokens[i+1].canBeValue() {
			i++
			t.value, t.valueQuoted, t.end = t.value+tokens[i].asValue(), tokens[i].quoted, tokens[i].end
		}
		out = append(out, t)
	}
	return out
}
