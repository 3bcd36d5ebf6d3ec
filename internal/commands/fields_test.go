package commands

import (
	"strings"
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

func TestReadEnd(t *testing.T) {
	for text, want := range map[string]string{
		"2h": "for=2h", " 1h30m ": "for=1h30m", "2 hours": "for=2h", "2d": "for=2d", "5m": "for=5m",
		"18:00": "until=18:00", "6pm": "until=18:00", "Monday 8:00": `until="Mon 08:00"`, "2026-12-01 08:00": `until="2026-12-01 08:00"`,
		"": "", "4m": "", "31d": "", "soon": "", "90": "", "25:00": "",
	} {
		d, until, why := ReadEnd(text)
		got := Command{Name: NameChange, Model: Ref{Word: "m"}, Target: Ref{Word: "t"}, For: d, Until: until}.String()
		if want = strings.TrimSpace("m t " + want); got != want || (why == "") != (want != "m t") {
			t.Errorf("%q is read as %q, %q, want %q", text, got, why, want)
		}
	}
}
