package baseten

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolveModelWords(t *testing.T) {
	n := indexModels([]Model{
		{ID: "m1", Name: "llama-70b", Team: "ml"},
		{ID: "m2", Name: "whisper", Team: "ml"},
		{ID: "m3", Name: "whisper", Team: "speech"},
		{ID: "m4", Name: "m1x", Team: "ml"},
		{ID: "m1x", Name: "odd", Team: "ml"}, // its ID is m4's name
		{ID: "m5", Name: "twin", Team: "ml"},
		{ID: "m6", Name: "twin", Team: "ml"},
		{ID: "m7", Name: "alone"},
		{ID: "m8", Name: "b", Team: "a"},
		{ID: "m9", Name: "a/b", Team: "x"}, // its name is m8's team/name
		{ID: "self", Name: "self", Team: "ml"},
	})
	for _, m := range n.models {
		if want := m.Name == "whisper" || m.Name == "twin"; m.SharedName != want {
			t.Errorf("%s (%s): SharedName %v", m.Name, m.ID, m.SharedName)
		}
	}
	for _, c := range []struct {
		word    string
		id      string   // the one it names
		choices []string // or what it could mean
		guesses []string // or what it may have been meant to be
	}{
		{word: "llama-70b", id: "m1"}, {word: "ml/llama-70b", id: "m1"}, {word: "m1", id: "m1"},
		{word: "speech/whisper", id: "m3"}, {word: "m3", id: "m3"}, {word: "alone", id: "m7"}, {word: "self", id: "self"},
		{word: "x/a/b", id: "m9"},
		{word: "whisper", choices: []string{"ml/whisper", "speech/whisper"}},
		{word: "m1x", choices: []string{"ml/m1x", "ml/odd"}},
		{word: "twin", choices: []string{"m5", "m6"}}, {word: "ml/twin", choices: []string{"m5", "m6"}},
		{word: "a/b", choices: []string{"x/a/b", "m8"}},
		{word: "Llama-70B", id: "m1"}, {word: " llama-70b ", id: "m1"}, {word: "ML/llama-70b", id: "m1"},
		{word: "lama-70b", guesses: []string{"llama-70b"}},
		{word: "llama-7b0", guesses: []string{"llama-70b"}},
		{word: "llama", guesses: []string{"llama-70b"}},
		{word: "70b", guesses: []string{"llama-70b"}},
		{word: "whispr", guesses: []string{"ml/whisper", "speech/whisper"}},
		{word: "sales/whisper", guesses: []string{"ml/whisper", "speech/whisper"}},
		{word: "sales/llama-70b", guesses: []string{"llama-70b"}},
		{word: "zzzzzzzz"}, {word: ""}, {word: "/"},
	} {
		t.Run(c.word, func(t *testing.T) {
			m, found, err := n.resolve(c.word)
			if !found {
				err = n.notFound(c.word)
			}
			switch {
			case c.id != "":
				if err != nil || m.ID != c.id {
					t.Errorf("got %v, %v; want %s", m, err, c.id)
				}
			case c.choices != nil:
				e, _ := errors.AsType[*AmbiguousError](err)
				if e == nil || e.What != "model" || e.Word != c.word || len(e.IDs) != len(e.Choices) {
					t.Fatalf("got %+v", e)
				}
				if diff := cmp.Diff(sorted(c.choices), sorted(e.Choices)); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				for _, choice := range c.choices {
					if _, found, err := n.resolve(choice); !found || err != nil {
						t.Errorf("the choice %s names no one thing: %v", choice, err)
					}
				}
			default:
				if m != (Model{}) {
					t.Errorf("guessed %v", m)
				}
				e, _ := errors.AsType[*NotFoundError](err)
				if diff := cmp.Diff(&NotFoundError{What: "model", Word: c.word, Suggestions: c.guesses}, e, cmp.Transformer("sort", sorted)); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

func TestNameErrorsAreSentences(t *testing.T) {
	for want, err := range map[string]error{
		`model "x" not found`:                                   &NotFoundError{What: "model", Word: "x"},
		`model "x" not found; did you mean y?`:                  &NotFoundError{What: "model", Word: "x", Suggestions: []string{"y"}},
		`model "x" not found; did you mean a, b or c?`:          &NotFoundError{What: "model", Word: "x", Suggestions: []string{"a", "b", "c"}},
		`model "x" could mean several things; write a/x or b/x`: &AmbiguousError{What: "model", Word: "x", Choices: []string{"a/x", "b/x"}},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := spellings("production", "staging", "v1", "v2", "v10", "production-eu", "größe")
	for _, c := range []struct {
		word string
		want []string
	}{
		{"prod", []string{"production", "production-eu"}},
		{"prdouction", []string{"production"}},
		{"PRODUCTION", []string{"production", "production-eu"}},
		{"stagin", []string{"staging"}},
		{"v3", []string{"v1", "v2"}},
		{"v100", []string{"v10"}},
		{"grösse", []string{"größe"}},
		{"GRÖßE", []string{"größe"}},
		{"x", nil}, {"", nil}, {"completely-else", nil},
	} {
		got := suggest(c.word, known, mostSuggestions)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q -want +got\n%s", c.word, diff)
		}
	}
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf("llama-%02d", i))
	}
	if got := suggest("llama-5x", spellings(many...), mostSuggestions); len(got) != mostSuggestions {
		t.Errorf("%d suggestions: %v", len(got), got)
	}
}

func spellings(names ...string) []spelling {
	out := make([]spelling, len(names))
	for i, name := range names {
		out[i] = spelling{name, name}
	}
	return out
}

func sorted(words []string) []string { return slices.Sorted(slices.Values(words)) }

func manyModels(n int) []Model {
	models := make([]Model, n)
	for i := range models {
		models[i] = Model{ID: fmt.Sprintf("id%06x", i*7919), Name: fmt.Sprintf("model-family-%d-%db", i%97, i), Team: fmt.Sprintf("team-%d", i%7)}
	}
	return models
}
