package baseten

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func shelf() *names {
	return indexModels([]Model{
		{ID: "m1abcde", Name: "llama-70b"}, {ID: "m2abcde", Name: "llama-8b"}, {ID: "m3abcde", Name: "tiny-llama"},
		{ID: "m4abcde", Name: "rerank", Team: "ads"}, {ID: "m5abcde", Name: "rerank", Team: "search"}, {ID: "m6abcde", Name: "whisper-large"},
		{ID: "m7abcde", Name: "whisper"}, {ID: "m8abcde", Name: "Great Model"},
	})
}

func TestSearch(t *testing.T) {
	for query, want := range map[string]string{
		"":         "m8abcde m1abcde m2abcde m4abcde m5abcde m3abcde m7abcde m6abcde",
		"llama":    "m1abcde m2abcde m3abcde",
		"whisper":  "m7abcde m6abcde",
		"RERANK":   "m4abcde m5abcde",
		"search/r": "m5abcde",
		"m3abcde":  "m3abcde",
		"lama-70b": "m1abcde",
		"zzzzzz":   "",
	} {
		var ids []string
		for _, m := range shelf().search(query, 100) {
			ids = append(ids, m.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q finds %s, want %s", query, got, want)
		}
	}
	if got := shelf().search("", 2); len(got) != 2 {
		t.Errorf("%d found, want 2", len(got))
	}
	if got := shelf().search("ads", 1); len(got) != 1 || got[0].Spelled != "ads/rerank" {
		t.Errorf("ads finds %v", got)
	}
}

// People wait for options while they type.
func TestSearchIsQuick(t *testing.T) {
	var models []Model
	for i := range 5000 {
		models = append(models, Model{ID: fmt.Sprintf("m%06d", i), Name: fmt.Sprintf("model-%04d-for-everything", i), Team: "team"})
	}
	n := indexModels(models)
	began := time.Now()
	for _, query := range []string{"", "model", "modl-0001-for-everything", "nothing like it"} {
		n.search(query, 100)
	}
	n.mentioned(strings.Repeat("model-0042-for-everything is slow ", 100))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("five looks at 5,000 models took %v", took)
	}
}

func TestMentioned(t *testing.T) {
	for text, want := range map[string]string{
		"Alert: llama-70b is slow":              "m1abcde",
		"LLAMA-70B: p95 3 s. llama-70b at max.": "m1abcde",
		"llama-70b-chat is slow":                "",
		"whisper-large has no replicas":         "m6abcde",
		"whisper and whisper-large":             "",
		"ads/rerank":                            "m4abcde",
		"rerank":                                "",
		"model m5abcde, deployment q9":          "m5abcde",
		"great  model is slow":                  "m8abcde",
		"llama-70b or llama-8b":                 "",
		"nothing of ours":                       "",
		"":                                      "",
	} {
		m, ok := shelf().mentioned(text)
		if m.ID != want || ok != (want != "") {
			t.Errorf("%q speaks of %q, want %q", text, m.ID, want)
		}
	}
}

func TestNamesKnownWithoutACall(t *testing.T) {
	c := NewCatalogue(nil, time.Now, 0)
	defer c.Close()
	if c.Search("", 10) != nil {
		t.Error("something is found before anything was read")
	}
	if _, ok := c.Listed("m1abcde"); ok {
		t.Error("a model is listed before anything was read")
	}
	c.list.Store(&list{shelf(), time.Now()})
	if m, ok := c.Listed("m5abcde"); !ok || m.Spelled != "search/rerank" {
		t.Errorf("listed %+v, %t", m, ok)
	}
	if _, ok := c.Listed("llama-70b"); ok {
		t.Error("a name was taken for an ID")
	}
	for word, want := range map[string]string{"Llama-70B": "m1abcde", "rerank": "", "": ""} {
		if m, ok := c.Named(word); m.ID != want || ok != (want != "") {
			t.Errorf("%q names %q, want %q", word, m.ID, want)
		}
	}
	if !slices.ContainsFunc(c.Search("lla", 10), func(m Listed) bool { return m.ID == "m1abcde" }) {
		t.Error("lla does not find llama-70b")
	}
}
