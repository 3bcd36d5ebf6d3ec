package baseten

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shop is a model with most of what can be confusing.
func shop() Targets {
	dep := func(id, name, env string) Deployment {
		return Deployment{ID: id, Name: name, ModelID: "m1", Environment: env, Settings: Settings{MaxReplica: len(id)}}
	}
	d1, d2, d3 := dep("d1", "v1", "production"), dep("d2", "v2", "staging"), dep("d3", "v3", "")
	d1.Production = true
	dev := dep("d4", "dev-build", "")
	dev.Development = true
	return Targets{
		ModelID: "m1", ReadAt: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC),
		Environments: []Environment{
			{Name: "production", ModelID: "m1", Current: &d1, Candidate: &d2, Settings: Settings{MaxReplica: 10}},
			{Name: "staging", ModelID: "m1", Current: &d2, Settings: Settings{MaxReplica: 20}},
			{Name: "empty", ModelID: "m1", Settings: Settings{MaxReplica: 30}},
			{Name: "prod", ModelID: "m1", Settings: Settings{MaxReplica: 40}},
			{Name: "d3", ModelID: "m1", Settings: Settings{MaxReplica: 50}},
		},
		Deployments: []Deployment{d1, d2, d3, dev,
			dep("d5", "prod", ""), dep("d6", "d7", ""), dep("d7", "v7", ""), dep("d8", "same", ""), dep("d9", "same", "")},
	}
}

func TestResolveTarget(t *testing.T) {
	for _, c := range []struct {
		kind, word string
		want       string   // "env NAME" or "deployment ID"
		choices    []string // or what it could mean
		guesses    []string // or what was perhaps meant
	}{
		{"", "production", "env production", nil, nil},
		{"environment", "production", "env production", nil, nil},
		{"", "v1", "deployment d1", nil, nil}, {"", "d1", "deployment d1", nil, nil}, {"deployment", "d1", "deployment d1", nil, nil},
		{"", "development", "deployment d4", nil, nil}, {"", "dev-build", "deployment d4", nil, nil}, {"deployment", "development", "deployment d4", nil, nil},
		{"", "empty", "env empty", nil, nil},
		{"environment", "prod", "env prod", nil, nil}, {"deployment", "prod", "deployment d5", nil, nil},
		{"environment", "d3", "env d3", nil, nil}, {"deployment", "d3", "deployment d3", nil, nil},
		{"", "d6", "deployment d6", nil, nil}, {"", "v7", "deployment d7", nil, nil},

		{"", "prod", "", []string{"env:prod", "deployment:prod"}, nil},
		{"", "d3", "", []string{"env:d3", "deployment:d3"}, nil},
		{"", "d7", "", []string{"deployment:d6", "deployment:v7"}, nil},
		{"deployment", "same", "", []string{"deployment:d8", "deployment:d9"}, nil},

		{"", "Production", "env production", nil, nil}, {"", " staging\u00a0", "env staging", nil, nil},
		{"", "V1", "deployment d1", nil, nil}, {"", "DEVELOPMENT", "deployment d4", nil, nil}, {"deployment", "Development", "deployment d4", nil, nil},
		{"environment", "PROD", "env prod", nil, nil}, {"", "PROD", "", []string{"env:prod", "deployment:prod"}, nil},
		{"", "SAME", "", []string{"deployment:d8", "deployment:d9"}, nil},
		{"", "stagng", "", nil, []string{"staging"}},
		{"environment", "v1", "", nil, []string{"deployment:v1"}},
		{"environment", "development", "", nil, []string{"deployment:development"}},
		{"deployment", "staging", "", nil, []string{"env:staging"}},
		{"", "prid", "", nil, []string{"env:prod", "deployment:prod"}},
		{"environment", "V1", "", nil, []string{"deployment:v1"}},
		{"deployment", "D1", "", nil, []string{"d1", "v1", "d2"}}, // IDs are exact
		{"", "no-such-thing", "", nil, nil}, {"", "", "", nil, nil},
	} {
		t.Run(c.kind+" "+c.word, func(t *testing.T) {
			shop := shop()
			r, err := shop.Resolve(c.kind, c.word)
			switch {
			case c.want != "":
				if err != nil {
					t.Fatal(err)
				}
				got := "deployment "
				if r.Kind() == TargetEnvironment {
					got = "env " + r.Environment.Name
				} else {
					got += r.Deployment.ID
				}
				if got != c.want {
					t.Errorf("got %s", got)
				}
			case c.choices != nil:
				e, _ := errors.AsType[*AmbiguousError](err)
				if e == nil || !cmp.Equal(e.Choices, c.choices) || e.Word != c.word {
					t.Fatalf("got %v, want the choices %v", err, c.choices)
				}
				for _, choice := range e.Choices {
					kind, word, _ := strings.Cut(choice, ":")
					if _, err := shop.Resolve(map[string]string{"env": TargetEnvironment, "deployment": TargetDeployment}[kind], word); err != nil {
						t.Errorf("the choice %s: %v", choice, err)
					}
				}
			default:
				e, _ := errors.AsType[*NotFoundError](err)
				if e == nil || !cmp.Equal(e.Suggestions, c.guesses) || e.What != lookedFor(c.kind) {
					t.Fatalf("got %v, want not found and %v", err, c.guesses)
				}
				if diff := cmp.Diff(Resolved{}, r); diff != "" {
					t.Errorf("resolved all the same: %s", diff)
				}
			}
		})
	}
}

func TestResolvedTellsWhereItStands(t *testing.T) {
	type place struct {
		Deployment, Serves string
		Promoting          []string
		Development        bool
		Max                int
	}
	for _, c := range []struct {
		word string
		want place
	}{
		{"production", place{"d1", "production", nil, false, 10}},
		{"staging", place{"d2", "staging", []string{"production"}, false, 20}},
		{"empty", place{"", "", nil, false, 30}},
		{"v1", place{"d1", "production", nil, false, 2}},
		{"v2", place{"d2", "staging", []string{"production"}, false, 2}},
		{"v3", place{"d3", "", nil, false, 2}},
		{"development", place{"d4", "", nil, true, 2}},
	} {
		t.Run(c.word, func(t *testing.T) {
			r, err := shop().Resolve("", c.word)
			if err != nil {
				t.Fatal(err)
			}
			got := place{"", r.Serves, r.Promoting, r.Development, r.Settings()[MaxReplica]}
			if r.Deployment != nil {
				got.Deployment = r.Deployment.ID
			}
			if diff := cmp.Diff(c.want, got); diff != "" || r.ModelID != "m1" || r.ReadAt.IsZero() {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The two lists are two reads, and a promotion can fall between them.
func TestPlacesWhenTheListsDisagree(t *testing.T) {
	d := Deployment{ID: "d1", Name: "v1"}
	with := func(env string, production bool) Deployment {
		d := d
		d.Environment, d.Production = env, production
		return d
	}
	for _, c := range []struct {
		name      string
		dep       Deployment
		envs      []Environment
		serves    string
		promoting []string
	}{
		{"only the deployment says so", with("production", true), nil, "production", nil},
		{"only its flag says so", with("", true), nil, "production", nil},
		{"only the environment says so", with("", false), []Environment{{Name: "production", Current: &d}}, "production", nil},
		{"they name different ones", with("production", true), []Environment{{Name: "staging", Current: &d}}, "staging", []string{"production"}},
		{"it is in two", with("a", false), []Environment{{Name: "a", Current: &d}, {Name: "b", Current: &d}}, "a", []string{"b"}},
		{"a candidate that says it is there", with("production", false), []Environment{{Name: "production", Current: &Deployment{ID: "d0"}, Candidate: &d}}, "", []string{"production"}},
		{"a candidate", with("", false), []Environment{{Name: "production", Candidate: &d}}, "", []string{"production"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Targets{Environments: c.envs, Deployments: []Deployment{c.dep}}.Resolve("deployment", "d1")
			if err != nil || r.Serves != c.serves || !cmp.Equal(r.Promoting, c.promoting) {
				t.Errorf("serves %q, promoting %v, %v", r.Serves, r.Promoting, err)
			}
		})
	}
}

func TestExactly(t *testing.T) {
	shop := shop()
	if r, ok := shop.Exactly("prod", ""); !ok || r.Environment.Name != "prod" {
		t.Errorf("environment prod: %+v, %v", r, ok)
	}
	if r, ok := shop.Exactly("", "d7"); !ok || r.Deployment.Name != "v7" {
		t.Errorf("the ID d7, which is also a name: %+v, %v", r, ok)
	}
	for _, word := range []string{"v7", "development", ""} {
		if _, ok := shop.Exactly("", word); ok {
			t.Errorf("%q is no ID", word)
		}
	}
	if _, ok := shop.Exactly("v1", "d1"); ok {
		t.Error("v1 is no environment")
	}
}

func TestRereadAndUpdate(t *testing.T) {
	answers := map[string]string{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answers[r.Method+" "+r.URL.Path]) })
	now := newClock()
	client, _ := dial(t, s, func(c *Config) { c.Now = now.now })
	shop := shop()
	ctx := t.Context()
	resolve := func(word string) Resolved {
		t.Helper()
		r, err := shop.Resolve("", word)
		if err != nil {
			t.Fatal(err)
		}
		r.Stale = true
		return r
	}
	reread := func(r Resolved, path, answer string) Resolved {
		t.Helper()
		answers["GET "+path] = answer
		before := len(s.requests())
		got, err := r.Reread(ctx, client)
		if err != nil {
			t.Fatal(err)
		}
		if paths := s.paths()[before:]; !cmp.Equal(paths, []string{"GET " + path}) {
			t.Errorf("read %v, want just %s", paths, path)
		}
		if got.Stale || !got.ReadAt.Equal(now.now()) || !got.Settings().Equal(settingsRead) {
			t.Errorf("not fresh: %+v", got)
		}
		return got
	}
	const envs, deps = "/v1/models/m1/environments/", "/v1/models/m1/deployments/"

	old := resolve("staging")
	got := reread(old, envs+"staging", environmentJSON("staging", deploymentJSON("d2", "v2", "staging", ""), ""))
	if got.Serves != "staging" || got.Deployment.ID != "d2" || !cmp.Equal(got.Promoting, []string{"production"}) {
		t.Errorf("same deployment: %+v", got)
	}
	if old.Settings()[MaxReplica] != 20 {
		t.Error("the old reading was written to")
	}
	got = reread(old, envs+"staging", environmentJSON("staging", deploymentJSON("d9", "v9", "staging", ""), ""))
	if got.Serves != "staging" || got.Deployment.ID != "d9" || got.Promoting != nil {
		t.Errorf("promoted: %+v", got)
	}
	got = reread(old, envs+"staging", environmentJSON("staging", "", ""))
	if got.Serves != "" || got.Deployment != nil {
		t.Errorf("nothing serves: %+v", got)
	}

	got = reread(resolve("v2"), deps+"d2", deploymentJSON("d2", "renamed", "staging", ""))
	if got.Serves != "staging" || !cmp.Equal(got.Promoting, []string{"production"}) || got.Deployment.Name != "renamed" {
		t.Errorf("same place: %+v", got)
	}
	got = reread(resolve("v2"), deps+"d2", deploymentJSON("d2", "v2", "production", "", "production"))
	if got.Serves != "production" || len(got.Promoting) != 0 {
		t.Errorf("came to serve production: %+v", got)
	}
	// d9 was being promoted when it was resolved and still is, then has arrived.
	candidate := Resolved{ModelID: "m1", Deployment: &Deployment{ID: "d9"}, Promoting: []string{"production"}}
	got = reread(candidate, deps+"d9", deploymentJSON("d9", "v9", "production", ""))
	if got.Serves != "" || !cmp.Equal(got.Promoting, []string{"production"}) {
		t.Errorf("still a candidate: %+v", got)
	}
	got = reread(got, deps+"d9", deploymentJSON("d9", "v9", "production", "", "production"))
	if got.Serves != "production" || len(got.Promoting) != 0 {
		t.Errorf("arrived: %+v", got)
	}
	got = reread(resolve("v1"), deps+"d1", deploymentJSON("d1", "v1", "", ""))
	if got.Serves != "" {
		t.Errorf("ceased to serve: %+v", got)
	}
	// From IDs alone, as a stored request has them.
	got = reread(Resolved{ModelID: "m1", Environment: &Environment{Name: "staging"}}, envs+"staging",
		environmentJSON("staging", deploymentJSON("d2", "v2", "staging", ""), ""))
	if got.Serves != "staging" {
		t.Errorf("from a name alone: %+v", got)
	}
	got = reread(Resolved{ModelID: "m1", Deployment: &Deployment{ID: "d4"}}, deps+"d4", deploymentJSON("d4", "dev", "", "", "development"))
	if !got.Development {
		t.Errorf("from an ID alone: %+v", got)
	}

	answers["GET "+envs+"gone"], answers["GET "+deps+"gone"] = "{}", "{}"
	for _, r := range []Resolved{{ModelID: "m1", Environment: &Environment{Name: "gone"}}, {ModelID: "m1", Deployment: &Deployment{ID: "gone"}}} {
		if got, err := r.Reread(ctx, client); failure(t, err).Kind != KindServer || got.Kind() != TargetDeployment || got.Deployment != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	}

	answers["PATCH "+envs+"staging"] = `{"status":"ACCEPTED","message":"env"}`
	answers["PATCH "+deps+"d1/autoscaling_settings"] = `{"status":"QUEUED","message":"dep"}`
	if a, err := resolve("staging").Update(ctx, client, Settings{MaxReplica: 7}); err != nil || a.Message != "env" {
		t.Errorf("got %+v, %v", a, err)
	}
	if a, err := resolve("v1").Update(ctx, client, Settings{MaxReplica: 7}); err != nil || a.Message != "dep" {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestUnreadableSettingsAreNil(t *testing.T) {
	bad := Deployment{ID: "d1", Unreadable: "why"}
	for name, r := range map[string]Resolved{
		"deployment":  {Deployment: &bad},
		"environment": {Environment: &Environment{Unreadable: "why"}, Deployment: &Deployment{Settings: settingsRead}},
	} {
		if r.Settings() != nil || r.Unreadable() != "why" {
			t.Errorf("%s: %v, %q", name, r.Settings(), r.Unreadable())
		}
	}
	if r := (Resolved{}); r.Settings() != nil || r.Unreadable() != "" {
		t.Error("nothing has settings")
	}
}
