package baseten

import (
	"cmp"
	"slices"
	"unicode"
)

// mostSuggestions is how many names a person is offered.
const mostSuggestions = 3

// spelling is something that a word could have been meant to be: the name it is
// compared with, and what is then offered to be typed.
type spelling struct{ name, typed string }

// Closest returns those of the known words that word was most likely meant to be, the
// likeliest first, at most limit. It is the one did-you-mean: names, commands,
// settings and policies all ask it.
func Closest(word string, known []string, limit int) []string {
	spellings := make([]spelling, len(known))
	for i, k := range known {
		spellings[i] = spelling{k, k}
	}
	return suggest(word, spellings, limit)
}

// suggest returns what word was most likely meant to be, the likeliest first: in
// another case, with a slip of a key or two, a beginning, a part.
func suggest(word string, known []spelling, limit int) []string {
	type guess struct {
		spelling
		rank int
	}
	folded := []rune(word)
	for i, r := range folded {
		folded[i] = unicode.ToLower(r)
	}
	slips := slipsAllowed(len(folded))
	var measure distance
	var guesses []guess
	for _, s := range known {
		if rank, ok := measure.rank(folded, s.name, slips); ok {
			guesses = append(guesses, guess{s, rank})
		}
	}
	slices.SortStableFunc(guesses, func(a, b guess) int { return cmp.Compare(a.rank, b.rank) })
	var out []string
	for _, g := range guesses {
		// What is far worse than the best is noise beside it.
		if g.rank <= guesses[0].rank+2 && len(out) < limit && !slices.Contains(out, g.typed) {
			out = append(out, g.typed)
		}
	}
	return out
}

// slipsAllowed is how many wrong keys a word of n letters may hold and still be
// recognised.
func slipsAllowed(n int) int {
	switch {
	case n <= 1:
		return 0
	case n <= 4:
		return 1
	case n <= 8:
		return 2
	default:
		return 3
	}
}

// distance keeps the rows of the edit distance, and a name's letters, between
// calls: a list of models is measured in one go.
type distance struct {
	before, above, row []int
	letters            []rune
}

// rank tells how far name is from word, 0 being another case, and whether it is
// near enough to be named at all.
func (d *distance) rank(word []rune, name string, limit int) (int, bool) {
	d.letters = d.letters[:0]
	for _, r := range name {
		d.letters = append(d.letters, unicode.ToLower(r))
	}
	slips := d.between(word, d.letters, limit)
	switch {
	case slips <= min(1, limit):
		return slips, true
	case len(word) >= 2 && hasPrefix(d.letters, word):
		return 2, true
	case slips <= limit:
		return 1 + slips, true
	case len(word) >= 3 && contains(d.letters, word):
		return 2 + limit, true
	}
	return 0, false
}

// between counts the letters to change, add, drop or swap with the next one. It
// gives up with limit+1, and so only looks at the cells of the table that lie
// within limit of its diagonal.
func (d *distance) between(a, b []rune, limit int) int {
	tooFar := limit + 1
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return tooFar
	}
	if size := len(b) + 2; len(d.row) < size {
		d.before, d.above, d.row = make([]int, 2*size), make([]int, 2*size), make([]int, 2*size)
	}
	before, above, row := d.before, d.above, d.row
	for j := range len(b) + 1 {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		row[from-1] = tooFar
		if from == 1 {
			row[0] = i
		}
		least := row[from-1]
		for j := from; j <= to; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			best := min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				best = min(best, before[j-2]+1)
			}
			row[j] = best
			least = min(least, best)
		}
		row[to+1] = tooFar // what the next row looks at beyond the band
		if least > limit {
			return tooFar
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], tooFar)
}

func hasPrefix(name, word []rune) bool {
	return len(name) >= len(word) && slices.Equal(name[:len(word)], word)
}

func contains(name, word []rune) bool {
	for i := 0; i+len(word) <= len(name); i++ {
		if hasPrefix(name[i:], word) {
			return true
		}
	}
	return false
}
