package commands

import (
	"testing"

	"autoscalebot/internal/baseten"
)

func TestNamesAlone(t *testing.T) {
	for text, want := range map[string]struct {
		model, target Ref
		ok            bool
	}{
		"":                         {ok: true},
		"  ":                       {ok: true},
		"llama-70b":                {model: Ref{Word: "llama-70b"}, ok: true},
		"ads/rerank  production":   {model: Ref{Word: "ads/rerank"}, target: Ref{Word: "production"}, ok: true},
		"model:status env:staging": {model: Ref{Kind: KindModel, Word: "status"}, target: Ref{Kind: KindEnvironment, Word: "staging"}, ok: true},
		`"Great Model"`:            {model: Ref{Word: "Great Model"}, ok: true},
		"status":                   {},
		"help":                     {},
		"statsu llama-70b":         {},
		"model:statsu":             {model: Ref{Kind: KindModel, Word: "statsu"}, ok: true},
		"lock llama-70b":           {},
		"a b c":                    {},
		"llama-70b max=7":          {},
		"llama-70b --dry-run":      {},
		"env:production":           {},
		"<x":                       {},
	} {
		model, target, ok := Names(text)
		if model != want.model || target != want.target || ok != want.ok {
			t.Errorf("%q names %v, %v, %t", text, model, target, ok)
		}
	}
}

func TestReadValue(t *testing.T) {
	window, _ := baseten.SettingNamed("window")
	if n, why := ReadValue(window, "10m"); n != 600 || why != "" {
		t.Errorf("10m is %d, %q", n, why)
	}
	if _, why := ReadValue(window, "2"); why == "" {
		t.Error("2 s were taken")
	}
}
