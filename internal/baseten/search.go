package baseten

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What follows answers from what the catalogue knows already, for people who wait while
// they type. Only Recent calls Baseten.

// Listed is a model with the word by which people name it: its name, team/name where the
// name is not unique, its ID where neither can be typed.
type Listed struct {
	Model
	Spelled string
}

// Loaded reports whether there is a list of models yet.
func (c *Catalogue) Loaded() bool { return c.list.Load() != nil }

// Plain is the word without the quotes in which it may have to be typed.
func (l Listed) Plain() string { return unquoted(l.Spelled) }

// Search returns the models that a part of a name may be meant for, the best first, at
// most limit: those that are called so, that begin so, that hold it, and after them those
// that are spelled nearly so. All are returned by name for an empty query.
func (c *Catalogue) Search(query string, limit int) []Listed {
	l := c.list.Load()
	if l == nil {
		return nil
	}
	return l.names.search(query, limit)
}

// Listed returns the model of that ID, where the list has it.
func (c *Catalogue) Listed(id string) (Listed, bool) {
	l := c.list.Load()
	if l == nil {
		return Listed{}, false
	}
	for _, i := range l.names.by[id] {
		if l.names.models[i].ID == id {
			return l.names.listed(i), true
		}
	}
	return Listed{}, false
}

// Named returns the one model that a word names, as ResolveModel reads it.
func (c *Catalogue) Named(word string) (Listed, bool) {
	l := c.list.Load()
	if l == nil || word == "" {
		return Listed{}, false
	}
	hits := l.names.hits(word)
	if len(hits) != 1 {
		return Listed{}, false
	}
	return l.names.listed(hits[0]), true
}

// Mentioned returns the model that a text speaks of, by name, team/name or ID. A name
// that stands within a longer one does not count. It returns false where no model is
// named, or several are.
func (c *Catalogue) Mentioned(text string) (Listed, bool) {
	l := c.list.Load()
	if l == nil {
		return Listed{}, false
	}
	return l.names.mentioned(text)
}

// Last returns the last reading of a model, however old it is.
func (c *Catalogue) Last(modelID string) (Targets, bool) { return c.kept(modelID) }

// Recent is Targets where the last reading of the model is older than maxAge, and that
// reading where it is not.
func (c *Catalogue) Recent(ctx context.Context, modelID string, maxAge time.Duration) (Targets, error) {
	if t, ok := c.kept(modelID); ok && maxAge > 0 && c.now().Sub(t.ReadAt) <= maxAge {
		return t, nil
	}
	return c.Targets(ctx, modelID)
}

func (n *names) listed(i int) Listed { return Listed{n.models[i], n.spelled[i]} }

func (n *names) search(query string, limit int) []Listed {
	const exact, begins, holds, near = 0, 1, 2, 3
	word := alike(query)
	type hit struct{ at, rank int }
	var hits []hit
	for i, m := range n.models {
		for rank, fits := range []func(string, string) bool{
			exact: func(a, b string) bool { return a == b }, begins: strings.HasPrefix, holds: strings.Contains,
		} {
			if fits(alike(m.Name), word) || m.Team != "" && fits(alike(m.qualified()), word) || m.ID == query {
				hits = append(hits, hit{i, rank})
				break
			}
		}
	}
	if len(hits) == 0 {
		for _, s := range n.notFound(query).Suggestions {
			for _, i := range n.hits(unquoted(s)) {
				hits = append(hits, hit{i, near})
			}
		}
	}
	if word != "" {
		slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	}
	out := make([]Listed, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, n.listed(h.at))
	}
	return out
}

// shortestMention is how many characters a name has to have to be looked for in a text.
const shortestMention = 3

func (n *names) mentioned(text string) (Listed, bool) {
	text = alike(text)
	type span struct{ from, to, at int }
	var found []span
	for i, m := range n.models {
		for _, name := range []string{alike(m.Name), alike(m.qualified()), strings.ToLower(m.ID)} {
			if utf8.RuneCountInString(name) < shortestMention {
				continue
			}
			for from := range wordsIn(text, name) {
				found = append(found, span{from, from + len(name), i})
			}
		}
	}
	hit := -1
	for _, s := range found {
		within := slices.ContainsFunc(found, func(o span) bool {
			return o.from <= s.from && s.to <= o.to && o.to-o.from > s.to-s.from
		})
		switch {
		case within, hit == s.at:
		case hit >= 0:
			return Listed{}, false
		default:
			hit = s.at
		}
	}
	if hit < 0 {
		return Listed{}, false
	}
	return n.listed(hit), true
}

// wordsIn yields where a name stands in a text by itself, and not as a part of a longer
// word.
func wordsIn(text, name string) func(yield func(int) bool) {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' }
	return func(yield func(int) bool) {
		for start := 0; ; {
			at := strings.Index(text[start:], name)
			if at < 0 {
				return
			}
			from, to := start+at, start+at+len(name)
			before, _ := utf8.DecodeLastRuneInString(text[:from])
			after, _ := utf8.DecodeRuneInString(text[to:])
			if !part(before) && !part(after) && !yield(from) {
				return
			}
			start = to
		}
	}
}
