package observe

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// spellings returns the ways in which a text can hold the secret: as it is, escaped
// by what prints it (JSON with and without HTML escapes, %q, a URL), the same
// once more inside a JSON string, and in base64 (what zap and encoding/json make
// of bytes). A secret of letters, digits and dashes has but the first and the last.
func spellings(secret string) []string {
	once := []string{secret, inJSON(secret, true), inGo(secret), url.QueryEscape(secret), url.PathEscape(secret)}
	out := slices.Clone(once)
	for _, s := range once {
		out = append(out, inJSON(s, false))
	}
	out = append(out, inBase64(base64.StdEncoding, secret)...)
	out = append(out, inBase64(base64.URLEncoding, secret)...)
	slices.Sort(out)
	return slices.Compact(out)
}

// inJSON returns s as it stands between the quotes of a JSON string.
func inJSON(s string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(s); err != nil {
		return s // a string always encodes
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}

// inGo returns s as %q prints it, without the quotes.
func inGo(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// inBase64 returns the characters that the base64 of any text holding s must hold:
// one string for each of the three places that s can have in a group of three
// bytes, without the edges that depend on s's neighbours.
func inBase64(enc *base64.Encoding, s string) []string {
	// Characters at the start that hold bits of 0, 1 or 2 neighbours.
	head := [3]int{0, 2, 3}
	// Characters at the end that hold bits of a neighbour, or are padding, by the
	// number of bytes in the last group.
	tail := [3]int{0, 3, 2}
	out := make([]string, 0, 3)
	for before := range 3 {
		text := enc.EncodeToString([]byte(strings.Repeat("\x00", before) + s))
		out = append(out, text[head[before]:len(text)-tail[(before+len(s))%3]])
	}
	return out
}
