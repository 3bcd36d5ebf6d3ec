package baseten

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargetIsOne(t *testing.T) {
	production := Target{ModelID: "m1", Environment: "production", DeploymentID: "d1", Deployment: "v1", Serves: "production"}
	serving := Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1", Serves: "production"}
	for _, c := range []struct {
		name           string
		a, b           Target
		same, overlaps bool
	}{
		{"the same environment", production, production, true, true},
		{"an environment and the deployment that serves it", production, serving, false, true},
		{"the same deployment, renamed", serving, Target{ModelID: "m1", DeploymentID: "d1", Deployment: "v1-old"}, true, true},
		{"an environment before and after a promotion", production,
			Target{ModelID: "m1", Environment: "production", DeploymentID: "d2", Serves: "production"}, true, true},
		{"an environment that nothing serves yet, and its first deployment", Target{ModelID: "m1", Environment: "production"}, serving, false, true},
		{"a deployment of two environments, by a promotion between", production,
			Target{ModelID: "m1", Environment: "staging", DeploymentID: "d1", Serves: "staging"}, false, true},
		{"another environment", production, Target{ModelID: "m1", Environment: "staging", DeploymentID: "d2", Serves: "staging"}, false, false},
		{"another deployment that serves nothing", serving, Target{ModelID: "m1", DeploymentID: "d2"}, false, false},
		{"two environments that nothing serves", Target{ModelID: "m1", Environment: "a"}, Target{ModelID: "m1", Environment: "b"}, false, false},
		{"the same words of another model", production,
			Target{ModelID: "m2", Environment: "production", DeploymentID: "d1", Serves: "production"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pair := range [][2]Target{{c.a, c.b}, {c.b, c.a}} {
				if got := pair[0].SameObject(pair[1]); got != c.same {
					t.Errorf("SameObject %v, want %v", got, c.same)
				}
				if got := pair[0].Overlaps(pair[1]); got != c.overlaps {
					t.Errorf("Overlaps %v, want %v", got, c.overlaps)
				}
			}
		})
	}
}

// What is kept of a target is enough to read the same object again.
func TestTargetAs(t *testing.T) {
	shop := shop()
	shop.Model = Model{ID: "m1", Name: "llama-70b", Team: "ml"}
	for _, word := range []string{"production", "empty", "v1", "v2", "v3", "development"} {
		r, err := shop.Resolve("", word)
		if err != nil {
			t.Fatal(err)
		}
		kept := r.Target()
		if diff := cmp.Diff(kept, kept.As().Target()); diff != "" {
			t.Errorf("%s: -want +got\n%s", word, diff)
		}
		if kept.Kind() != r.Kind() || kept.Model != "llama-70b" || kept.Team != "ml" {
			t.Errorf("%s: %+v", word, kept)
		}
	}
}
