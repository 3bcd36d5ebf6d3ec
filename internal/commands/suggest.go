package commands

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns those words of among that word may have been meant for, the
// nearest first, at most limit: what is a few typos away (one in a short word,
// three in a long one), or else what begins with word. Case makes no difference,
// and an exact match counts as no typo.
func Nearest(word string, among []string, limit int) []string {
	const longest = 64
	typed := []rune(lower(word))
	if len(typed) == 0 || len(typed) > longest {
		return nil
	}
	allowed := 1
	switch {
	case len(typed) > 8:
		allowed = 3
	case len(typed) > 4:
		allowed = 2
	}
	type candidate struct {
		word string
		cost int
	}
	var near []candidate
	for _, w := range among {
		other := []rune(lower(w))
		cost := allowed + 1
		if len(other) <= longest {
			cost = distance(typed, other)
		}
		switch {
		case cost <= allowed && cost < len(other):
			near = append(near, candidate{w, cost})
		case len(typed) > 2 && strings.HasPrefix(string(other), string(typed)):
			near = append(near, candidate{w, allowed + 1})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var out []string
	for _, c := range near {
		// What is far worse than the best is noise beside it.
		if len(out) < limit && c.cost <= near[0].cost+1 && (c.cost <= allowed || near[0].cost > allowed) {
			out = append(out, c.word)
		}
	}
	return out
}

// distance counts the letters to insert, delete, replace, or swap with their
// neighbour to make b of a (optimal string alignment).
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			best := min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				best = min(best, rows[i-2][j-2]+1)
			}
			rows[i][j] = best
		}
	}
	return rows[len(a)][len(b)]
}
