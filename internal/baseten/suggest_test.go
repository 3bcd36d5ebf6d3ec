package baseten

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// slowDistance is the textbook's table, whole.
func slowDistance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j], d[i][j-1], d[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestDistance(t *testing.T) {
	var measure distance // kept between words, as in use
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.RuneFrom([]rune("abc")), 0, 12)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		limit := rapid.IntRange(0, 4).Draw(t, "limit")
		want := min(slowDistance(a, b), limit+1)
		if got := measure.between(a, b, limit); got != want {
			t.Fatalf("%q to %q within %d: %d, want %d", string(a), string(b), limit, got, want)
		}
	})
}

func TestClosest(t *testing.T) {
	names := []string{"llama-70b", "llama-8b", "Mistral", "qwen", "max", "min"}
	for _, tt := range []struct {
		word  string
		limit int
		want  []string
	}{
		{"lama-70b", 3, []string{"llama-70b"}},
		{"llama-7b", 3, []string{"llama-70b", "llama-8b"}},
		{"lama-70b", 1, []string{"llama-70b"}},
		{"llama-70b", 3, []string{"llama-70b"}},
		{"mistrla", 3, []string{"Mistral"}},
		{"llama", 3, []string{"llama-70b", "llama-8b"}},
		{"mix", 3, []string{"max", "min"}},
		{"ll", 3, []string{"llama-70b", "llama-8b"}},
		{"gpt", 3, nil},
		{"m", 3, nil},
		{"", 3, nil},
		{"max", 0, nil},
		{strings.Repeat("x", 100), 3, nil},
	} {
		if diff := cmp.Diff(tt.want, Closest(tt.word, names, tt.limit)); diff != "" {
			t.Errorf("Closest(%q, %d) (-want +got):\n%s", tt.word, tt.limit, diff)
		}
	}
}
