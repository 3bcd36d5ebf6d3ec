package commands

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
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
		{"ll", 3, nil},
		{"gpt", 3, nil},
		{"m", 3, nil},
		{"", 3, nil},
		{"max", 0, nil},
		{strings.Repeat("x", 100), 3, nil},
	} {
		if diff := cmp.Diff(tt.want, Nearest(tt.word, names, tt.limit)); diff != "" {
			t.Errorf("Nearest(%q, %d) (-want +got):\n%s", tt.word, tt.limit, diff)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"max", "max", 0}, {"max", "maxx", 1}, {"status", "statsu", 1},
		{"ca", "abc", 3}, {"größe", "grösse", 2},
	} {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := distance([]rune(pair[0]), []rune(pair[1])); got != tt.want {
				t.Errorf("distance(%q, %q) = %d, want %d", pair[0], pair[1], got, tt.want)
			}
		}
	}
}
