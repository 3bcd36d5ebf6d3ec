package observe

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// minSecret is the least length, in bytes, of a secret that is removed by value.
// Anything shorter is no credential, and would blank out ordinary words.
const minSecret = 8

// Redactor removes secrets from text: whatever has the shape of a credential of
// Slack, Baseten or PostgreSQL, and every secret it was told with Add. It may be
// used from many goroutines.
type Redactor struct {
	shapes []shape
	starts [256][]marker

	mu       sync.Mutex // held to replace literals
	literals atomic.Pointer[[]string]
}

// NewRedactor returns a Redactor that knows every shape, and besides them the
// secrets given, as Add would take them.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{shapes: allShapes()}
	for i, sh := range r.shapes {
		for _, word := range sh.words {
			m := marker{word: word, shapes: 1 << i, unless: sh.unless}
			lower, upper := word[0], strings.ToUpper(word)[0]
			r.starts[lower] = append(r.starts[lower], m)
			if upper != lower {
				r.starts[upper] = append(r.starts[upper], m)
			}
		}
	}
	r.literals.Store(new([]string))
	for _, s := range secrets {
		r.Add(s)
	}
	return r
}

// Add registers a secret that has no shape of its own, such as a Baseten API key.
// From now on it is removed wherever it stands, also where it was escaped for
// JSON, a URL or a Go string, or written in base64. A secret of fewer than 8
// bytes is ignored. Earlier ones stay registered: an old key is still a secret
// while it is being replaced.
func (r *Redactor) Add(secret string) {
	secret = strings.TrimSpace(secret)
	if len(secret) < minSecret {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append(slices.Clone(*r.literals.Load()), spellings(secret)...)
	// Longest first: a secret that holds another one must go as a whole.
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	all = slices.Compact(all)
	r.literals.Store(&all)
}

// String returns s with every secret replaced by Redacted, and s itself if it
// holds none.
func (r *Redactor) String(s string) string {
	for _, secret := range *r.literals.Load() {
		if strings.Contains(s, secret) {
			s = strings.ReplaceAll(s, secret, Redacted)
		}
	}
	suspects := r.suspects(s)
	if suspects == 0 {
		return s
	}
	for i, sh := range r.shapes {
		if suspects&(1<<i) != 0 {
			s = sh.re.ReplaceAllString(s, sh.keep+Redacted+sh.after)
		}
	}
	return s
}

// marker is a word, in lower case, without which the shapes in the set cannot match.
type marker struct {
	word   string
	shapes uint32
	unless func(s string, i int) bool
}

// suspects returns the set of shapes of which s holds a marker. It is what makes
// a clean line cheap: regular expressions run only after it.
func (r *Redactor) suspects(s string) uint32 {
	var found uint32
	for i := range len(s) {
		for _, m := range r.starts[s[i]] {
			if len(s)-i < len(m.word) || !strings.EqualFold(s[i:i+len(m.word)], m.word) {
				continue
			}
			if m.unless == nil || !m.unless(s, i) {
				found |= m.shapes
			}
		}
	}
	return found
}

// shape is one form of credential. What the expression matches is replaced by
// keep (a template that puts its groups back), Redacted and after.
type shape struct {
	// words are in lower case; text that holds none of them holds no such
	// credential, and is not searched.
	words []string
	// unless, where a word is too common, says that the one at s[i] is no sign.
	unless      func(s string, i int) bool
	re          *regexp.Regexp
	keep, after string
}

// allShapes is the table of shapes. A value ends at a quote or a backslash too,
// so that redacting a finished JSON line leaves it JSON.
func allShapes() []shape {
	return []shape{
		{
			// Slack tokens: bot, user, configuration, refresh (xoxe.xoxp-…, xoxe-…).
			words: []string{"xox"},
			re:    regexp.MustCompile(`(?i)xox[a-z][-.][\w.-]+`),
		},
		{
			// Slack app-level tokens.
			words: []string{"xapp-"},
			re:    regexp.MustCompile(`(?i)xapp-[\w.-]+`),
		},
		{
			// Everything under Slack's hooks host acts without a token.
			words: []string{"hooks.slack"},
			re:    regexp.MustCompile(`(?i)(hooks\.slack(?:-gov)?\.com/)[^\s"'\\<>|]+`),
			keep:  "$1",
		},
		{
			// A response_url on any other host (a proxy, the sandbox).
			words: []string{"/commands/", "/actions/"},
			re:    regexp.MustCompile(`(?i)(/(?:commands|actions)/)[^\s"'\\<>|/]+/[^\s"'\\<>|]+`),
			keep:  "$1",
		},
		{
			// The ticket in a Socket Mode address opens the app's socket.
			words: []string{"ticket="},
			re:    regexp.MustCompile(`(?i)(ticket=)[^\s"'\\<>|&]+`),
			keep:  "$1",
		},
		{
			// A header in a dump, in a printed http.Header or in its JSON form.
			words: []string{"authorization"},
			re:    regexp.MustCompile(`(?i)(authorization[\\"']*\s*[:=]\s*[\\"'\[]*)[^"'\\\]\r\n]+`),
			keep:  "$1",
		},
		{
			// The same value without its header's name.
			words:  []string{"api-key", "bearer"},
			unless: isHelp,
			re:     regexp.MustCompile(`(?i)((?:api-key|bearer)[\\"']*[ :=]+[\\"']*)[^\s"'\\\]\[,;]+`),
			keep:   "$1",
		},
		{
			// A trigger_id by its name, as JSON, as a form and as %+v prints it.
			words: []string{"trigger_id", "triggerid"},
			re:    regexp.MustCompile(`(?i)(trigger_?id[\\"']*\s*[:=]\s*[\\"']*)[\w.-]+`),
			keep:  "$1",
		},
		{
			// A trigger_id by its shape: two numbers and a hash.
			words:  []string{"."},
			unless: notBetweenNumbers,
			re:     regexp.MustCompile(`\d{5,}\.\d{5,}\.[0-9a-f]{10,}`),
		},
		{
			// The password in PostgreSQL's address. A password that should have
			// been percent-encoded, and holds an @, goes as a whole too.
			words:  []string{"postgres"},
			unless: isHelp,
			re:     regexp.MustCompile(`(?i)(postgres(?:ql)?://[^\s:/@"'\\]*:)[^\s"'\\]*@`),
			keep:   "$1",
			after:  "@",
		},
		{
			// The password in PostgreSQL's keyword form, or in an address' query.
			words: []string{"password="},
			re:    regexp.MustCompile(`(?i)(password=)(?:'[^']*'|[^\s"'\\&]+)`),
			keep:  "$1",
		},
	}
}

// isHelp reports whether s[i:] is what messages say of how to write a secret, and holds
// none.
func isHelp(s string, i int) bool {
	return strings.HasPrefix(s[i:], "postgres://USER:PASSWORD@") || strings.HasPrefix(s[i:], "Api-Key or Bearer") ||
		strings.HasSuffix(s[:i], "Api-Key or ") && strings.HasPrefix(s[i:], "Bearer")
}

// notBetweenNumbers reports whether the dot at s[i] is not the first one of a
// trigger_id. Every line has dots in its time and in file names.
func notBetweenNumbers(s string, i int) bool {
	if i == 0 || !isDigit(s[i-1]) {
		return true
	}
	end := i + 1
	for end < len(s) && isDigit(s[end]) {
		end++
	}
	return end-i <= 5 || end == len(s) || s[end] != '.'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
