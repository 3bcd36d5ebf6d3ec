package policyfile

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

var update = flag.Bool("update", false, "write the expected errors in testdata anew")

// mustLoad loads a policy that is right.
func mustLoad(t testing.TB, text string) *authz.Policy {
	t.Helper()
	p, err := Load("policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	return p
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestBrokenPoliciesSayWhere(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken policies found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			p, err := Load(filepath.Base(file), []byte(readFile(t, file)))
			if err == nil || p != nil {
				t.Fatalf("Load accepted it")
			}
			var load *LoadError
			if !errors.As(err, &load) {
				t.Fatalf("the error is %T", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(readFile(t, golden), got); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A rule with a mistake and no `who`, models or targets left would match more
// than was meant: such a file must not load at all.
func TestLoadRefusesEveryPrefixOfALine(t *testing.T) {
	for _, file := range []string{"testdata/design.yaml", "testdata/temporary.yaml"} {
		refusesEveryPrefixOfALine(t, readFile(t, file))
	}
}

func refusesEveryPrefixOfALine(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		key, _, ok := strings.Cut(strings.TrimLeft(line, " -"), ":")
		if !ok || key == "" {
			continue
		}
		broken := strings.Replace(line, key, key+"x", 1)
		if strings.HasPrefix(strings.TrimSpace(line), "oncall:") || strings.HasPrefix(strings.TrimSpace(line), "leads:") {
			continue // the name of a group: its users are refused, below
		}
		changed := append(append(append([]string{}, lines[:i]...), broken), lines[i+1:]...)
		if _, err := Load("p.yaml", []byte(strings.Join(changed, "\n"))); err == nil {
			t.Errorf("line %d with %q loads", i+1, strings.TrimSpace(broken))
		}
	}
}

func TestLoadIsBounded(t *testing.T) {
	head := "version: 1\nrules:\n  - name: a\n    effect: deny\n    "
	for name, text := range map[string]string{
		"brackets":        strings.Repeat("[", 100_000),
		"braces":          strings.Repeat("{a: ", 50_000),
		"indentation":     strings.Repeat(" ", 10_000) + "a: 1",
		"dashes":          strings.Repeat("- ", 50_000),
		"questions":       strings.Repeat("? ", 50_000),
		"rules":           "version: 1\nrules:\n" + strings.Repeat("  - {name: a, effect: deny}\n", maxRules+1),
		"size":            "a: " + strings.Repeat("x", maxFileSize),
		"when brackets":   head + "when: " + strings.Repeat("(", 5000),
		"when brackets 2": head + "when: " + strings.Repeat("(", 1500) + "true" + strings.Repeat(")", 200),
		"when nots":       head + "when: " + strings.Repeat("not ", 600) + "true",
		"when nodes":      head + "when: " + strings.Repeat("true || ", 240) + strings.Repeat("[[", 20) + "]",
		"not text":        "version: 1\n\xff\xfe",
		"zero byte":       "version: 1\nrules:\n  - name: a\n    effect: den\x00y\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load("p.yaml", []byte(text)); err == nil {
				t.Error("it loads")
			}
		})
	}
}

func TestLoadTakesOtherLineEnds(t *testing.T) {
	text := readFile(t, "testdata/design.yaml")
	for name, variant := range map[string]string{
		"CRLF":     strings.ReplaceAll(text, "\n", "\r\n"),
		"document": "---\n" + text,
		"ended":    text + "...\n",
		"comments": "# owners: ml-platform\n" + text + "# the end\n",
	} {
		p, err := Load("p.yaml", []byte(variant))
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if tests := RunTests(p, words); len(p.Rules()) != 3 || len(tests) != 4 {
			t.Errorf("%s: %d rules, %d tests", name, len(p.Rules()), len(tests))
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(readFile(f, "testdata/design.yaml")))
	f.Add([]byte(readFile(f, "testdata/temporary.yaml")))
	files, _ := filepath.Glob("testdata/broken/*.yaml")
	for _, file := range files {
		f.Add([]byte(readFile(f, file)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load("p.yaml", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, error %v", p, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p.yaml:") {
				t.Fatalf("no place in %q", err)
			}
			return
		}
		q := authz.Question{
			Person:  authz.Person{ID: "U0ONCALL7"}, // nobody knows their membership
			Channel: "C0MLOPS", Target: baseten.Target{Model: "llama-70b", Environment: "production"},
			Before: baseten.Settings{baseten.MaxReplica: 4}, Touched: baseten.Settings{baseten.MaxReplica: 7},
		}
		if d := p.Decide(q); d.Effect != authz.Deny {
			t.Fatalf("%s for somebody unknown", d.Effect)
		}
	})
}

func TestWhenWithoutQuotes(t *testing.T) {
	for when, want := range map[string]authz.Effect{"true": authz.Allow, "false": authz.Deny} {
		p := mustLoad(t, "version: 1\nrules:\n  - {name: a, who: [everyone], when: "+when+", effect: allow}\n")
		q := authz.Question{
			Person: authz.Person{ID: "U0ANNA", Membership: authz.Member}, Touched: baseten.Settings{baseten.MaxReplica: 7},
		}
		if d := p.Decide(q); d.Effect != want {
			t.Errorf("when: %s: %s", when, d.Effect)
		}
	}
}
