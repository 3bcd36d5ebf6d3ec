package basetensim_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/sandbox/basetensim"
)

// The properties of the published schemas that we answer with: all of them.
var (
	modelKeys = []string{"created_at", "deployments_count", "development_deployment_id", "id", "instance_type_name",
		"name", "production_deployment_id", "team_name"}
	deploymentKeys = []string{"active_replica_count", "autoscaling_settings", "created_at", "environment", "id",
		"instance_type_name", "is_development", "is_production", "labels", "model_id", "name", "region",
		"request_backpressure_settings", "status"}
	environmentKeys = []string{"autoscaling_schedules", "autoscaling_settings", "candidate_deployment", "created_at",
		"current_deployment", "in_progress_promotion", "instance_type", "model_id", "name", "promotion_settings",
		"request_backpressure_settings"}
	settingsKeys = []string{"autoscaling_window", "concurrency_target", "max_replica", "max_scale_down_rate",
		"min_replica", "scale_down_delay", "target_in_flight_tokens", "target_utilization_percentage"}
	instanceTypeKeys = []string{"gpu_count", "gpu_memory_limit_mib", "gpu_type", "id", "memory_limit_mib",
		"millicpu_limit", "name"}
)

func keys(t *testing.T, v any) []string {
	t.Helper()
	object, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("not an object: %v", v)
	}
	return slices.Sorted(maps.Keys(object))
}

func first(t *testing.T, list map[string]any, key string) any {
	t.Helper()
	items, ok := list[key].([]any)
	if !ok || len(items) == 0 {
		t.Fatalf("no %s in %v", key, list)
	}
	return items[0]
}

func TestAnswersHaveEveryPublishedProperty(t *testing.T) {
	_, c := demo(t, basetensim.Options{})
	environment := c.get(llamaEnv)
	deployment := c.get(llamaServing)
	for _, tt := range []struct {
		name string
		got  any
		want []string
	}{
		{"user", c.get("/v1/users/me"), []string{"email", "name", "user_id", "workspace_name"}},
		{"team", first(t, c.get("/v1/teams"), "teams"), []string{"created_at", "default", "id", "name"}},
		{"price", first(t, c.get("/v1/instance_type_prices"), "instance_types"), []string{"instance_type", "price"}},
		{"listed model", first(t, c.get("/v1/models"), "models"), modelKeys},
		{"model", c.get(llama), modelKeys},
		{"listed deployment", first(t, c.get(llama+"/deployments"), "deployments"), deploymentKeys},
		{"deployment", deployment, deploymentKeys},
		{"production deployment", c.get(llama + "/deployments/production"), deploymentKeys},
		{"development deployment", c.get(llama + "/deployments/development"), deploymentKeys},
		{"settings", deployment["autoscaling_settings"], settingsKeys},
		{"listed environment", first(t, c.get(llama+"/environments"), "environments"), environmentKeys},
		{"environment", environment, environmentKeys},
		{"baseline", environment["autoscaling_settings"], settingsKeys},
		{"instance type", environment["instance_type"], instanceTypeKeys},
		{"serving deployment", environment["current_deployment"], deploymentKeys},
		{"answer to a deployment's change", c.do("PATCH", canaryPatch, `{"max_replica":3}`).json(t), []string{"message", "status"}},
		{"answer to an environment's change", c.do("PATCH", llamaEnv, `{"autoscaling_settings":{"max_replica":5}}`).json(t),
			[]string{"environment", "message", "status"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, keys(t, tt.got)); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShortcutsShowTheDeploymentsBehindTheWords(t *testing.T) {
	_, c := demo(t, basetensim.Options{})
	if got := c.get(llama + "/deployments/production")["id"]; got != basetensim.DemoLlamaProduction {
		t.Errorf("production: %v", got)
	}
	if got := c.get(llama + "/deployments/development")["id"]; got != basetensim.DemoLlamaDevelopment {
		t.Errorf("development: %v", got)
	}
	c.patch(llama+"/deployments/production/autoscaling_settings", `{"max_replica":6}`)
	if got := c.servingMax(); got != 6 {
		t.Errorf("max after a change through the shortcut: %v", got)
	}
	if r := c.do("GET", "/v1/models/"+basetensim.DemoWhisper+"/deployments/development", ""); r.status != 404 {
		t.Errorf("development of a model that has none: status %d", r.status)
	}
}

func TestListsFilterByExactName(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	count := func(c client, path, key string) int { return len(c.get(path)[key].([]any)) }
	team := c.get("/v1/teams?name=ads")["teams"].([]any)[0].(map[string]any)["id"].(string)
	for _, tt := range []struct {
		path, key string
		want      int
	}{
		{"/v1/models", "models", 6},
		{"/v1/models?name=rerank", "models", 2},
		{"/v1/models?name=Rerank", "models", 0},
		{"/v1/models?name=rera", "models", 0},
		{"/v1/teams/" + team + "/models", "models", 2},
		{"/v1/teams/" + team + "/models?name=rerank", "models", 1},
		{llama + "/deployments", "deployments", 4},
		{llama + "/deployments?name=canary", "deployments", 1},
		{llama + "/environments", "environments", 2},
	} {
		if got := count(c, tt.path, tt.key); got != tt.want {
			t.Errorf("GET %s: %d items, want %d", tt.path, got, tt.want)
		}
	}
	if len(s.Requests()) == 0 {
		t.Error("no request was recorded")
	}
	_, older := demo(t, basetensim.Options{IgnoreNameFilter: true})
	if got := count(older, "/v1/models?name=rerank", "models"); got != 6 {
		t.Errorf("an older server's list by name: %d items, want all 6", got)
	}
}

func TestStrictAboutWhoAsks(t *testing.T) {
	_, c := demo(t, basetensim.Options{APIKey: "sesame"})
	for _, tt := range []struct {
		header []string
		want   int
	}{
		{[]string{"Api-Key sesame"}, 200},
		{[]string{"Bearer sesame"}, 200},
		{nil, 401},
		{[]string{""}, 401},
		{[]string{"sesame"}, 401},
		{[]string{"api-key sesame"}, 401},
		{[]string{"bearer sesame"}, 401},
		{[]string{"Api-Key  sesame"}, 401},
		{[]string{"Api-Key sesame2"}, 401},
		{[]string{"Api-Key Sesame"}, 401},
		{[]string{"Api-Key"}, 401},
		{[]string{"Basic sesame"}, 401},
		{[]string{"Api-Key sesame", "Api-Key sesame"}, 401},
	} {
		req := c.request("GET", "/v1/models", "")
		req.Header.Del("Authorization")
		for _, h := range tt.header {
			req.Header.Add("Authorization", h)
		}
		r, err := c.send(req)
		if err != nil {
			t.Fatal(err)
		}
		if r.status != tt.want {
			t.Errorf("Authorization %q: status %d, want %d", tt.header, r.status, tt.want)
		}
		if tt.want == 401 && r.json(t)["error"] == nil {
			t.Errorf("Authorization %q: no error text in %s", tt.header, r.body)
		}
	}
}

func TestKeyRotation(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	s.SetAPIKey("rotated")
	if r := c.do("GET", llama, ""); r.status != http.StatusUnauthorized {
		t.Errorf("the old key: status %d", r.status)
	}
	c.key = s.APIKey()
	c.get(llama)
}

func TestStrictAboutPathsAndMethods(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	id := s.AddModel(basetensim.ModelSpec{ID: "a/b c", Name: "odd"})
	s.AddEnvironment(id, basetensim.EnvironmentSpec{Name: "50%"})
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/v1/models/a%2Fb%20c", 200},
		{"GET", "/v1/models/a%2Fb%20c/environments/50%25", 200},
		{"GET", "/v1/models/a/b%20c", 404},
		{"GET", "/v1/models/", 404},
		{"GET", "/v1//models", 404},
		{"GET", "/v1/models/..", 404},
		{"GET", "/v1/models/" + strings.ToUpper(basetensim.DemoLlama), 404},
		{"GET", "/v1/Models", 404},
		{"GET", "/models", 404},
		{"GET", "/", 404},
		{"GET", llama + "/deployments/canary", 404}, // a name is no ID
		{"GET", llama + "/environments/nowhere", 404},
		{"GET", "/v1/teams/none/models", 404},
		{"GET", "/v1/models?names=x", 400},
		{"GET", "/v1/models?name=x&name=y", 400},
		{"GET", llama + "?name=x", 400},
		{"POST", "/v1/models", 405},
		{"GET", llamaPatch, 405},
		{"PUT", llamaPatch, 405},
		{"DELETE", llamaEnv, 405},
		{"PATCH", "/v1/models/none/environments/production", 404},
		{"PATCH", llama + "/deployments/canary/autoscaling_settings", 404},
	} {
		r := c.do(tt.method, tt.path, "")
		if r.status != tt.want {
			t.Errorf("%s %s: status %d, want %d (%s)", tt.method, tt.path, r.status, tt.want, r.body)
		}
		if len(r.json(t)) == 0 {
			t.Errorf("%s %s: empty answer", tt.method, tt.path)
		}
		if r.status == http.StatusMethodNotAllowed && r.header.Get("Allow") == "" {
			t.Errorf("%s %s: 405 without Allow", tt.method, tt.path)
		}
	}
}

func TestStrictAboutBodies(t *testing.T) {
	_, c := demo(t, basetensim.Options{ReplicaLimit: 10})
	for _, tt := range []struct {
		name, path, body string
		want             int
		text             string // in the answer
	}{
		{"plural", canaryPatch, `{"max_replicas":3}`, 400, "extra_forbidden"},
		{"unknown in environment", llamaEnv, `{"max_replica":3}`, 400, "extra_forbidden"},
		{"unknown in environment's settings", llamaEnv, `{"autoscaling_settings":{"max":3}}`, 400, "extra_forbidden"},
		{"string", canaryPatch, `{"max_replica":"3"}`, 400, "valid integer"},
		{"float", canaryPatch, `{"max_replica":3.5}`, 400, "valid integer"},
		{"bool", canaryPatch, `{"max_replica":true}`, 400, "valid integer"},
		{"array", canaryPatch, `[]`, 400, "JSON object"},
		{"null", canaryPatch, `null`, 400, "JSON object"},
		{"two", canaryPatch, `{}{}`, 400, "JSON object"},
		{"empty", canaryPatch, ` `, 400, "JSON object"},
		{"settings not an object", llamaEnv, `{"autoscaling_settings":3}`, 400, "object"},
		{"min below", canaryPatch, `{"min_replica":-1}`, 400, "at least 0"},
		{"max below", canaryPatch, `{"max_replica":0}`, 400, "at least 1"},
		{"max above the organization's", canaryPatch, `{"max_replica":11}`, 400, "organization"},
		{"max too large for an integer", canaryPatch, `{"max_replica":99999999999999999999}`, 400, "valid integer"},
		{"window below", canaryPatch, `{"autoscaling_window":9}`, 400, "at least 10"},
		{"window above", canaryPatch, `{"autoscaling_window":3601}`, 400, "at most 3600"},
		{"delay above", canaryPatch, `{"scale_down_delay":3601}`, 400, "at most 3600"},
		{"concurrency below", canaryPatch, `{"concurrency_target":0}`, 400, "at least 1"},
		{"utilization below", canaryPatch, `{"target_utilization_percentage":0}`, 400, "at least 1"},
		{"utilization above", canaryPatch, `{"target_utilization_percentage":101}`, 400, "at most 100"},
		{"tokens below", canaryPatch, `{"target_in_flight_tokens":0}`, 400, "at least 1"},
		{"rate above", canaryPatch, `{"max_scale_down_rate":51}`, 400, "at most 50"},
		{"min above max", canaryPatch, `{"min_replica":4,"max_replica":3}`, 400, "greater than max_replica"},
		{"min above the present max", llamaEnv, `{"autoscaling_settings":{"min_replica":5}}`, 400, "greater than max_replica"},
		{"max below the present min", llamaPatch, `{"max_replica":1}`, 400, "greater than max_replica"},
		{"development's max", developedPatch, `{"max_replica":1}`, 400, "development"},
		{"development's min, by the shortcut", llama + "/deployments/development/autoscaling_settings", `{"min_replica":0}`, 400, "development"},
		{"not simulated", llamaEnv, `{"promotion_settings":{"rolling_deploy":true}}`, 501, "not simulated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := c.get(llamaServing)
			r := c.do("PATCH", tt.path, tt.body)
			if r.status != tt.want || !strings.Contains(r.body, tt.text) {
				t.Errorf("status %d, want %d and %q: %s", r.status, tt.want, tt.text, r.body)
			}
			if tt.want == 400 && r.json(t)["code"] != "VALIDATION_ERROR" {
				t.Errorf("no code in %s", r.body)
			}
			if diff := cmp.Diff(before, c.get(llamaServing)); diff != "" {
				t.Errorf("a refused change changed something:\n%s", diff)
			}
		})
	}
	t.Run("content type", func(t *testing.T) {
		for contentType, want := range map[string]int{"": 415, "text/plain": 415, "application/json; charset=utf-8": 200} {
			req := c.request("PATCH", canaryPatch, `{}`)
			req.Header.Set("Content-Type", contentType)
			r, err := c.send(req)
			if err != nil {
				t.Fatal(err)
			}
			if r.status != want {
				t.Errorf("Content-Type %q: status %d, want %d", contentType, r.status, want)
			}
		}
	})
	t.Run("development's other settings", func(t *testing.T) {
		if word := c.patch(developedPatch, `{"concurrency_target":2}`); word != basetensim.Accepted {
			t.Errorf("status %s", word)
		}
	})
}

func TestBadBuildingPanics(t *testing.T) {
	s := basetensim.New(basetensim.Options{})
	s.Demo()
	for name, build := range map[string]func(){
		"model name twice in a team": func() { s.AddModel(basetensim.ModelSpec{Name: "rerank", Team: "ads"}) },
		"model ID twice":             func() { s.AddModel(basetensim.ModelSpec{ID: basetensim.DemoLlama, Name: "x"}) },
		"unknown team":               func() { s.AddModel(basetensim.ModelSpec{Name: "x", Team: "none"}) },
		"unknown instance type":      func() { s.AddModel(basetensim.ModelSpec{Name: "x", InstanceType: "none"}) },
		"unknown model":              func() { s.AddDeployment("none", basetensim.DeploymentSpec{Name: "x"}) },
		"deployment name twice":      func() { s.AddDeployment(basetensim.DemoLlama, basetensim.DeploymentSpec{Name: "canary"}) },
		"environment twice":          func() { s.AddEnvironment(basetensim.DemoLlama, basetensim.EnvironmentSpec{Name: "staging"}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was let in")
				}
			}()
			build()
		})
	}
}
