package commands

import (
	"strings"
	"unicode/utf8"
)

// MaxReason is the longest reason, in characters.
const MaxReason = 500

// readReason reads a reason, which is people's own words and may hold every word of
// the grammar. In quotes it may stand anywhere. Without quotes it is one word and the
// last of the line: whatever follows is refused, because a word that was meant as a
// part of the reason must never become a setting or an option.
func (t *tail) readReason(tok token) *Mistake {
	first := t.next
	value, quoted := t.value(tok)
	end := tok.end
	if t.next > first { // the value was the word after it
		end = t.tokens[first].end
	}
	more := t.next < len(t.tokens)
	switch {
	case !quoted && value != "" && isQuote(value[0]):
		return t.refuse("The reason's closing quote is missing.").with(t.quotedReason(tok, t.inQuotes(tok))...)
	case more && !quoted && value != "":
		return t.refuse("A reason without quotes is one word and ends the line: several words need quotes.").
			with(t.quotedReason(tok, value+" "+t.text[end:])...)
	case more && breaksOff(t.text[tok.start:end]):
		return t.refuse("There are quotes within the quotes of the reason, so it is not clear where it ends.").
			with(t.quotedReason(tok, t.inQuotes(tok))...)
	}
	reason := oneLine(value)
	switch n := utf8.RuneCountInString(reason); {
	case reason == "":
		return t.refuse("The reason is empty. Type it in quotes, for example `reason=\"launch at noon\"`.")
	case n > MaxReason:
		return t.refuse("The reason has %d characters, and at most %d are kept. Type a shorter one.", n, MaxReason)
	case t.cmd.Reason != "":
		return t.refuse("The reason is given twice. Type it once.")
	}
	t.cmd.Reason, t.reason = reason, &tok
	return nil
}

// inQuotes is everything from the reason's opening quote to the end of the line.
func (t *tail) inQuotes(tok token) string {
	rest := t.text[tok.start:]
	open := strings.IndexAny(rest, "\"'`")
	quote, rest := rest[open:open+1], rest[open+1:]
	rest = strings.TrimSuffix(rest, quote)
	if quote == `"` {
		rest = unescape(rest)
	}
	return rest
}

// insideReason tells that a word which is not understood may be a part of the reason
// before it: a quote of the kind that the reason stands in follows, and ends nothing.
func (t *tail) insideReason(tok token) bool {
	from := t.text[t.reason.start:]
	open := strings.IndexAny(from, "\"'`")
	return open >= 0 && tok.plain() && strings.Contains(t.text[tok.start:], from[open:open+1])
}

// breaksOff reports whether a quoted reason, as typed, holds a quote that is no
// apostrophe and that no backslash stands before: said "go" now.
func breaksOff(word string) bool {
	open := strings.IndexAny(word, "\"'`")
	if open < 0 {
		return false
	}
	quote := word[open]
	inner := strings.TrimSuffix(word[open+1:], word[open:open+1])
	for i := 0; i < len(inner); i++ {
		switch {
		case quote == '"' && inner[i] == '\\':
			i++
		case inner[i] == quote && (i == 0 || inner[i-1] == ' ' || i+1 == len(inner) || inner[i+1] == ' '):
			return true
		}
	}
	return false
}

// quotedReason is the line with these words as its reason, in quotes. Where they end in
// options, it is also the line with those before the reason; and where no setting would
// be left without them, the line with what looks like settings before it.
func (t *tail) quotedReason(tok token, words string) []string {
	before := t.text[:tok.start]
	all := t.understood(before + reasonOf(words))
	for _, next := range t.tokens[t.next:] {
		w, ok := vocabulary[spelled(next.head)]
		setting := ok && next.assigned && w.is == isSetting
		end := ok && next.assigned && (w.is == isFor || w.is == isUntil)
		w, ok = vocabulary[spelled(next.text)]
		option := end || ok && (w.is == isDryRun || w.is == isBreakGlass)
		if option || setting && all == "" {
			rest := t.text[next.start:]
			words, _ = strings.CutSuffix(words, rest)
			return []string{all, t.understood(before + rest + " " + reasonOf(words))}
		}
	}
	return []string{all}
}

func reasonOf(words string) string { return "reason=" + quote(oneLine(words)) }

// oneLine makes single spaces of all that stand between words.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// readReasonOnly reads what may follow undo ID.
func (t *tail) readReasonOnly(spec Spec) *Mistake {
	for t.next < len(t.tokens) {
		tok := t.tokens[t.next]
		t.next++
		head := tok.text
		if tok.assigned {
			head = tok.head
		}
		if w, ok := vocabulary[spelled(head)]; !ok || w.is != isReason {
			return mistake("%q does not fit after %s: only an ID and a reason do. For example: %s", echo(head), spec.Name, typed(spec.Examples[1]))
		}
		if m := t.readReason(tok); m != nil {
			return m
		}
	}
	return nil
}
