package view

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"autoscalebot/internal/baseten"
)

// mostName is how much of a foreign name is shown, so that a card stays a card.
const mostName = 80

// name is a name as Baseten or a person gave it, with everything shown that no reader
// would see, and spaces that are not one plain space between words. What reads alike
// is alike.
func name(s string) string {
	var b strings.Builder
	before := ' '
	for i, r := range s {
		last := i+utf8.RuneLen(r) == len(s)
		switch {
		case hidden(r), unicode.Is(unicode.Zs, r) && r != ' ':
			b.WriteString(escapeRune(r))
		case r == ' ' && (before == ' ' || last):
			b.WriteRune('␣')
		default:
			b.WriteRune(r)
		}
		before = r
	}
	return shorten(b.String(), mostName)
}

// misread reports whether a name holds what a reader would not see.
func misread(s string) bool { return shorten(s, mostName) != name(s) }

// hiddenNames warns of names of the target that are not what they look like.
func hiddenNames(t baseten.Target) prose {
	for _, s := range []string{t.Team, t.Model, t.Environment, t.Deployment, t.Serves} {
		if misread(s) {
			return say("⚠️ ", bold("A name holds characters that cannot be seen"), ": they are shown as ⟨U+…⟩ or ␣.")
		}
	}
	return nil
}

func escapeRune(r rune) string { return fmt.Sprintf("⟨U+%04X⟩", r) }

// hidden reports whether a character is not seen, or changes how others are seen:
// control, format (zero-width, bidirectional, tag) and filler characters.
func hidden(r rune) bool {
	if ' ' <= r && r <= '~' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800'
}

// visible is a text of whatever origin, in several lines if it has them, with hidden
// characters shown. Those that join letters and emoji stay: people's words need them.
func visible(text string) string {
	if strings.IndexFunc(text, escapes) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if escapes(r) {
			b.WriteString(escapeRune(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func escapes(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	switch r {
	case '\n', '\t', zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	default:
		return hidden(r) && !unicode.Is(unicode.Variation_Selector, r)
	}
}

// oneLine is a foreign text that must not pass for lines of ours.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// stopped ends somebody else's sentence, so that ours can follow.
func stopped(text string) string {
	text = oneLine(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	switch last {
	case utf8.RuneError, '.', '!', '?', '…':
		return text
	default:
		return text + "."
	}
}

// shorten cuts a text to so many characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
