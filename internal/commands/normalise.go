package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is the longest text that is read, in bytes. The canonical spelling of any
// command is shorter: names have at most maxName bytes, a reason MaxReason
// characters.
const maxText = 4000

// normalise undoes what keyboards, word processors and Slack's editor do to text
// that was meant to be plain: curly quotes become straight, every kind of space
// and line break a space, and zero-width characters at the borders of words go. Control characters,
// the invisible ones that turn the direction of text among them, are refused: they
// could show one command and mean another.
//
// There is no compatibility folding (NFKC): ⑦ and ７ are not 7.
func normalise(text string) (string, *Mistake) {
	if len(text) > maxText {
		return "", mistake("That text is too long: %d bytes, and a command has at most %d. Type help to see the commands.", len(text), maxText)
	}
	if !utf8.ValidString(text) {
		return "", mistake("That text is not valid UTF-8, so it cannot be read. Type the command again instead of pasting it.")
	}
	refused := false
	text = trimInvisible(text)
	text = strings.Map(func(r rune) rune {
		switch r {
		case '“', '”', '„', '‟':
			return '"'
		case '‘', '’', '‚', '‛':
			return '\''
		}
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			refused = true
			return -1
		}
		return r
	}, text)
	if refused {
		return "", mistake("The text contains an invisible control character, so it may not be what it looks like. Type the command again instead of pasting it.")
	}
	return text, nil
}

// trimInvisible drops zero-width characters at the borders of words, where pasting
// leaves them. Inside a word they stay, and are refused: max=7 and 8 with nothing
// visible between them is not 78.
func trimInvisible(text string) string {
	if !strings.ContainsFunc(text, invisible) {
		return text
	}
	words := strings.FieldsFunc(text, unicode.IsSpace)
	for i, word := range words {
		words[i] = strings.TrimFunc(word, invisible)
	}
	return strings.Join(words, " ")
}

func invisible(r rune) bool {
	switch r {
	case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		return true
	}
	return false
}

// lower folds ASCII letters only: the Kelvin sign is not a k.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// optionDash makes "--" of the en or em dash that phones and macOS write for it at
// the start of a word.
func optionDash(word string) string {
	rest := strings.TrimLeft(word, "-–—")
	if strings.ContainsAny(word[:len(word)-len(rest)], "–—") {
		return "--" + rest
	}
	return word
}

// linkLabel returns what a person saw of a link that Slack made of a word with a
// dot in it: llama.ai arrives as <http://llama.ai|llama.ai>.
func linkLabel(word string) (string, bool) {
	inner, ok := strings.CutPrefix(word, "<")
	if !ok {
		return "", false
	}
	if inner, ok = strings.CutSuffix(inner, ">"); !ok || strings.ContainsAny(inner, "<>") {
		return "", false
	}
	for _, scheme := range []string{"http://", "https://", "mailto:"} {
		if !strings.HasPrefix(inner, scheme) {
			continue
		}
		if _, label, ok := strings.Cut(inner, "|"); ok {
			return label, true
		}
		return inner, true
	}
	return "", false
}
