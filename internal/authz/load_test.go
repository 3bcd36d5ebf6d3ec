package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected errors in testdata anew")

// mustLoad loads a policy that is right.
func mustLoad(t testing.TB, text string) *Policy {
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
	text := readFile(t, "testdata/design.yaml")
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
		if len(p.rules) != 3 || len(p.tests) != 4 {
			t.Errorf("%s: %d rules, %d tests", name, len(p.rules), len(p.tests))
		}
	}
}

func TestWhatAPolicyNames(t *testing.T) {
	text := readFile(t, "testdata/design.yaml")
	p := mustLoad(t, text)
	sum := sha256.Sum256([]byte(text))
	got := map[string]any{
		"source": string(p.Source()) == text, "sha": p.SHA256(), "rules": p.Rules(),
		"channels": p.Channels(), "usergroups": p.Usergroups(), "users": p.Users(),
		"literals": p.Literals(), "glass": p.UsesBreakGlass(), "cost": p.UsesCost(),
	}
	want := map[string]any{
		"source": true, "sha": hex.EncodeToString(sum[:]),
		"rules":    []string{"production keeps a replica", "on-call may raise LLMs up to 8", "the rest needs a lead"},
		"channels": []string{"C0MLOPS"}, "usergroups": []string{"S0ONCALL"}, "users": []string{"U0LEAD1", "U0LEAD2"},
		"literals": []Literal{{Rule: "production keeps a replica", Line: 7, Target: "production"}},
		"glass":    true, "cost": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	people := People{Members: map[string][]string{"S0ONCALL": {"U0ONCALL7"}}}
	for id, want := range map[string][]string{
		"U0ONCALL7": {"on-call may raise LLMs up to 8", "the rest needs a lead"},
		"U0LEAD1":   {"the rest needs a lead"},
		"U0NOBODY":  nil,
	} {
		if diff := cmp.Diff(want, p.Mentions(Person{ID: id, Standing: Member}, people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestGroupsOf(t *testing.T) {
	p := mustLoad(t, readFile(t, "testdata/design.yaml"))
	people := People{Members: map[string][]string{"S0ONCALL": {"U0LEAD1", "U0ONCALL7"}}}
	for _, test := range []struct {
		person Person
		want   []string
	}{
		{Person{ID: "U0LEAD1", Standing: Member}, []string{"oncall", "leads"}},
		{Person{ID: "U0LEAD1", Standing: Guest}, []string{"leads"}},
		{Person{ID: "U0ONCALL7", Standing: Member}, []string{"oncall"}},
		{Person{ID: "U0ONCALL7"}, nil},
	} {
		if diff := cmp.Diff(test.want, p.GroupsOf(test.person, people)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.person, diff)
		}
	}
}

func TestAllowedUsers(t *testing.T) {
	p, err := AllowedUsers([]string{"U0ANNA", " W0BERT ", "U0ANNA"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]Effect{"U0ANNA": Allow, "W0BERT": Allow, "U0CARL": Deny, "": Deny} {
		for _, standing := range []Standing{Member, Guest} {
			q := raise("max", 4, 7)
			q.Person = Person{ID: id, Standing: standing}
			if d := p.Decide(q); d.Effect != want {
				t.Errorf("%q, a %s: %s", id, standing, d.Effect)
			}
		}
		q := raise("max", 4, 7)
		q.Person = Person{ID: id}
		if d := p.Decide(q); d.Effect != Deny {
			t.Errorf("%q whose lookup failed: %s", id, d.Effect)
		}
	}
	for _, test := range []struct {
		ids  []string
		want string
	}{
		{nil, "no Slack user ID given"},
		{[]string{"", " "}, "no Slack user ID given"},
		{[]string{"U0ANNA", "bob", "@carl", "S0TEAM"}, `not Slack user IDs (U… or W…): "bob", "@carl", "S0TEAM"`},
		{[]string{"u0anna"}, `not Slack user IDs (U… or W…): "u0anna"`},
		{[]string{"*"}, `not Slack user IDs (U… or W…): "*"`},
	} {
		p, err := AllowedUsers(test.ids)
		if p != nil || err == nil || err.Error() != test.want {
			t.Errorf("%q: %v", test.ids, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(readFile(f, "testdata/design.yaml")))
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
		q := raise("max", 4, 7)
		q.Person = Person{ID: "U0ONCALL7"} // nobody knows their standing
		if d := p.Decide(q); d.Effect != Deny {
			t.Fatalf("%s for somebody unknown", d.Effect)
		}
	})
}
