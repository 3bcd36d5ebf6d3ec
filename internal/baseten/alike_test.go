package baseten

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Names that people type alike are one name, as long as exactly one is meant.
func TestNamesInOtherSpellings(t *testing.T) {
	n := indexModels([]Model{
		{ID: "m1", Name: "Llama\u00a070B", Team: "ML"},
		{ID: "m2", Name: "llama  8b", Team: "ml"},
		{ID: "m3", Name: "Ana’s llama ", Team: "ml"},
		{ID: "m4", Name: "gro\u0308\u00dfe", Team: "ml"}, // NFD
		{ID: "m5", Name: "Qwen", Team: "a"},
		{ID: "m6", Name: "qwen", Team: "a"},
		{ID: "m7", Name: "flux\u200b", Team: "a"},
		{ID: "m8", Name: `say "hi"`, Team: "a"},
		{ID: "m9", Name: "twin 1", Team: "a"},
		{ID: "m10", Name: "twin\u00a01", Team: "a"},
		{ID: "m11", Name: "ΑΘΗΝΑΣ", Team: "a"},
	})
	for word, id := range map[string]string{
		"llama 70b": "m1", "LLAMA 70B": "m1", "Llama\u00a070B": "m1", " llama\t70b ": "m1", "ml/llama 70b": "m1",
		"llama 8b": "m2", "llama  8b": "m2", "Llama\u20038B": "m2",
		"Ana's llama": "m3", "ana’s  llama": "m3", "ana‘s llama": "m3", "ml/ana's llama": "m3",
		"gr\u00f6\u00dfe": "m4", "GR\u00d6\u1e9eE": "m4", "GRO\u0308SSE": "m4",
		"Qwen": "m5", "qwen": "m6", "a/qwen": "m6", "m5": "m5",
		"flux\u200b": "m7", "m7": "m7", "m8": "m8",
		"twin 1": "m9", "twin\u00a01": "m10", "m10": "m10",
		"αθηνας": "m11", "αθηνασ": "m11",
	} {
		if m, found, err := n.resolve(word); err != nil || !found || m.ID != id {
			t.Errorf("%q: %+v, %v, want %s", word, m, err, id)
		}
	}
	for word, want := range map[string]struct{ choices, ids []string }{
		"QWEN":   {[]string{"a/Qwen", "a/qwen"}, []string{"m5", "m6"}},
		"TWIN 1": {[]string{`"a/twin 1"`, "m10"}, []string{"m9", "m10"}},
	} {
		_, _, err := n.resolve(word)
		e, _ := errors.AsType[*AmbiguousError](err)
		if e == nil || !cmp.Equal(e.Choices, want.choices) || !cmp.Equal(e.IDs, want.ids) {
			t.Errorf("%q: %v, want %v", word, err, want)
		}
	}
	// What cannot be typed is offered by its ID, what has spaces in quotes.
	for word, want := range map[string]string{"flux": "m7", "llama 7b": `"Llama 70B"`, "say hi": "m8"} {
		if _, found, err := n.resolve(word); found {
			t.Errorf("%q was guessed: %v", word, err)
		}
		if e := n.notFound(word); len(e.Suggestions) == 0 || e.Suggestions[0] != want {
			t.Errorf("%q: %q, want %s first", word, e.Suggestions, want)
		}
	}
	if m, found, _ := n.resolve("⑦"); found {
		t.Errorf("compatibility folding: %+v", m)
	}
}

func TestTargetsInOtherSpellings(t *testing.T) {
	targets := Targets{
		Environments: []Environment{{Name: "Load\u00a0Test"}, {Name: "Canary"}, {Name: "canary"}},
		Deployments:  []Deployment{{ID: "d1", Name: "Ana’s build"}, {ID: "d2", Name: "rc 1"}, {ID: "d3", Name: "RC\u00a01"}, {ID: "d4", Name: "v\u200b2"}},
	}
	for word, want := range map[string]string{
		"load test": "Load\u00a0Test", "LOAD TEST ": "Load\u00a0Test", "canary": "canary", "Canary": "Canary",
		"ana's build": "d1", "rc 1": "d2", "RC\u00a01": "d3", "d4": "d4",
	} {
		r, err := targets.Resolve("", word)
		if err != nil {
			t.Errorf("%q: %v", word, err)
			continue
		}
		got := r.Target().Environment
		if got == "" {
			got = r.Target().DeploymentID
		}
		if got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
	for word, want := range map[string]AmbiguousError{
		"CANARY": {Choices: []string{"env:Canary", "env:canary"}, IDs: []string{"", ""}},
		"Rc 1":   {Choices: []string{`deployment:"rc 1"`, "deployment:d3"}, IDs: []string{"d2", "d3"}},
	} {
		_, err := targets.Resolve("", word)
		e, _ := errors.AsType[*AmbiguousError](err)
		if e == nil || !cmp.Equal(e.Choices, want.Choices) || !cmp.Equal(e.IDs, want.IDs) {
			t.Errorf("%q: %v, want %v", word, err, want)
		}
	}
	_, err := targets.Resolve("", "nothing-like-it")
	e, _ := errors.AsType[*NotFoundError](err)
	if want := []string{`"Load Test"`, "Canary", "canary", `"Ana's build"`, `"rc 1"`, "d3", "d4"}; e == nil || !cmp.Equal(e.Known, want) {
		t.Errorf("got %q, want %q", e.Known, want)
	}
	_, err = targets.Resolve(TargetEnvironment, "v2")
	if e, _ := errors.AsType[*NotFoundError](err); e == nil || !cmp.Equal(e.Known, []string{`"Load Test"`, "Canary", "canary"}) {
		t.Errorf("got %v", err)
	}
}

func TestKnownIsShort(t *testing.T) {
	var targets Targets
	for _, m := range manyModels(50) {
		targets.Deployments = append(targets.Deployments, Deployment{ID: m.ID, Name: m.Name})
	}
	_, err := targets.Resolve("", "nothing-like-it")
	if e, _ := errors.AsType[*NotFoundError](err); e == nil || len(e.Known) != mostKnown {
		t.Errorf("got %v", err)
	}
	if e := indexModels(manyModels(50)).notFound("nothing-like-it"); e.Known != nil {
		t.Errorf("ten of fifty models tell nothing: %v", e.Known)
	}
	if e := indexModels(manyModels(3)).notFound("nothing-like-it"); len(e.Known) != 3 {
		t.Errorf("got %v", e.Known)
	}
}
