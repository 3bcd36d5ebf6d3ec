package baseten

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// alike is the same for names that people cannot tell apart, or type alike: in another
// case, with other spaces between words or at the ends, other quotes, or another Unicode
// form of the same letters. Characters that nobody sees are no part of that: such a name
// is reached by its ID.
func alike(name string) string {
	name = strings.Join(strings.Fields(plain(name)), " ")
	if isASCII(name) {
		return strings.ToLower(name)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(name)))
}

// plain writes the quotes of a name as keyboards have them.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '“', '”', '„', '‟':
			return '"'
		case '‘', '’', '‚', '‛', '`', '´':
			return '\''
		}
		return r
	}, name)
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// typable is a name as it can be typed in a command, in quotes where it has spaces, ""
// where it cannot be typed at all.
func typable(name string) string {
	name = norm.NFC.String(strings.Join(strings.Fields(plain(name)), " "))
	switch {
	case name == "", strings.ContainsAny(name, "\"<>*="), strings.ContainsAny(name[:1], "'/-"), strings.HasSuffix(name, "'"),
		strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }):
		return ""
	case strings.Contains(name, " "):
		return `"` + name + `"`
	}
	return name
}

// unquoted is what typable put in quotes.
func unquoted(typed string) string { return strings.Trim(typed, `"`) }
