package baseten

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// with is an object of which one field has another value; "" takes it away.
func with(t *testing.T, object, field, value string) string {
	t.Helper()
	start := strings.Index(object, `"`+field+`":`)
	if start < 0 {
		return strings.Replace(object, "{", `{"`+field+`":`+value+`,`, 1)
	}
	from := start + len(field) + 3
	end, depth, quoted := from, 0, false
	for ; end < len(object); end++ {
		switch c := object[end]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth > 0:
			depth--
		case c == ',' && depth == 0, c == '}':
			return object[:from] + value + object[end:]
		}
	}
	t.Fatalf("no end of %s in %s", field, object)
	return ""
}

var odd = []string{`12.5`, `"12"`, `"H100"`, `true`, `[]`, `{}`, `null`, `[{"a":1}]`, `-1`, `1e300`, `""`}

// What only decorates never costs anything that decides.
func TestOddDecoration(t *testing.T) {
	var broken string
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, broken) })
	c, _ := dial(t, s)
	ctx := t.Context()
	model, deployment := modelJSON("m1", "llama", "ml"), deploymentJSON("d1", "v1", "production", "", "production")
	environment := environmentJSON("production", deployment, `,"in_progress_promotion":{"status":"RAMPING_UP","percent_traffic_to_new_version":10}`)
	for _, value := range odd {
		for _, field := range []string{"created_at", "deployments_count", "production_deployment_id", "development_deployment_id", "instance_type_name", "new_thing"} {
			broken = modelsJSON(with(t, model, field, value))
			if got, err := c.Models(ctx); err != nil || got[0].ID != "m1" || got[0].Name != "llama" || got[0].Team != "ml" || got[0].Unreadable != "" {
				t.Errorf("model with %s: %s: %+v, %v", field, value, got, err)
			}
		}
		for _, field := range []string{"created_at", "model_id", "status", "active_replica_count", "instance_type_name", "labels", "request_backpressure_settings"} {
			broken = with(t, deployment, field, value)
			if got, err := c.Deployment(ctx, "m1", "d1"); err != nil || got.ID != "d1" || got.Environment != "production" || !got.Production || !got.Settings.Equal(settingsRead) {
				t.Errorf("deployment with %s: %s: %+v, %v", field, value, got, err)
			}
		}
		for _, field := range []string{"created_at", "model_id", "promotion_settings", "instance_type", "in_progress_promotion", "autoscaling_schedules"} {
			broken = with(t, environment, field, value)
			got, err := c.Environment(ctx, "m1", "production")
			if err != nil || got.Name != "production" || got.Current.ID != "d1" || !got.Settings.Equal(settingsRead) {
				t.Errorf("environment with %s: %s: %+v, %v", field, value, got, err)
			}
			if field == "in_progress_promotion" && got.Promotion.Running() == (value == "null") {
				t.Errorf("a promotion %s runs: %v", value, got.Promotion.Running())
			}
		}
	}
}

func TestDecorationIsReadAsFarAsItGoes(t *testing.T) {
	e := environmentJSON("production", with(t, deploymentJSON("d1", "v1", "production", ""), "active_replica_count", `"3"`),
		`,"in_progress_promotion":{"status":"RAMPING_UP","percent_traffic_to_new_version":"12.5"}`)
	got, err := readOne[Environment]([]byte(with(t, e, "instance_type", `"H100"`)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Current.ActiveReplicas != 3 || *got.Promotion.Percent != 12.5 || got.InstanceType.Name != "H100" {
		t.Errorf("got %d replicas, %v %%, on %+v", got.Current.ActiveReplicas, *got.Promotion.Percent, got.InstanceType)
	}
	user, err := readOne[User]([]byte(`{"user_id":"u1","email":["a@b.c"],"name":7,"workspace_name":"acme"}`))
	if diff := cmp.Diff(User{ID: "u1", Name: "7", Workspace: "acme"}, user); diff != "" || err != nil {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
}

// An object of which something that decides cannot be read costs itself alone, and is
// told as what it is.
func TestABrokenObjectCostsItself(t *testing.T) {
	goodModel, goodDeployment := modelJSON("m1", "llama", "ml"), deploymentJSON("d1", "v1", "production", "")
	goodEnvironment := environmentJSON("production", goodDeployment, "")
	models := func(bad string) ([]Model, error) {
		return readList[Model]([]byte(modelsJSON(bad, goodModel)), "models")
	}
	type row struct{ field, value, why string }
	for _, c := range []row{
		{"name", `5`, "name is of another kind (number)"}, {"name", `["x"]`, "name"}, {"team_name", `{}`, "team_name"}, {"id", `7`, "id"},
	} {
		bad := with(t, modelJSON("m2", "whisper", "ml"), c.field, c.value)
		got, err := models(bad)
		if err != nil || len(got) != 2 || !strings.Contains(got[0].Unreadable, c.why) || got[1].Unreadable != "" {
			t.Fatalf("model with %s %s: %+v, %v", c.field, c.value, got, err)
		}
		n := indexModels(got)
		for _, word := range []string{got[0].ID, got[0].Name} {
			if word == "" {
				continue
			}
			_, found, err := n.resolve(word)
			if e, _ := errors.AsType[*UnreadableError](err); !found || e == nil || !strings.Contains(e.Error(), "cannot be read") {
				t.Errorf("model with %s %s by %q: %v, %v", c.field, c.value, word, found, err)
			}
		}
		if m, _, err := n.resolve("llama"); err != nil || m.ID != "m1" {
			t.Errorf("beside a model with %s %s: %+v, %v", c.field, c.value, m, err)
		}
	}
	for _, bad := range []string{`{"id":"","name":"nobody"}`, `{"name":"nobody"}`, `null`, `7`, `"x"`, `[]`, `{"id":null}`} {
		if got, err := models(bad); err != nil || len(got) != 1 || got[0].ID != "m1" {
			t.Errorf("beside %s: %+v, %v", bad, got, err)
		}
	}

	for _, c := range []row{
		{"id", `5`, "id"}, {"id", `""`, "no id"}, {"name", `5`, "name"}, {"environment", `{"name":"production"}`, "environment"},
		{"is_development", `"no"`, "is_development"}, {"is_production", `1`, "is_production"},
	} {
		list, err := readList[Deployment]([]byte(deploymentsJSON(with(t, deploymentJSON("d2", "v2", "", ""), c.field, c.value), goodDeployment)), "deployments")
		if err != nil || len(list) != 2 || !list[0].Broken || !strings.Contains(list[0].Unreadable, c.why) || list[1].Broken {
			t.Fatalf("deployment with %s %s: %+v, %v", c.field, c.value, list, err)
		}
		targets := Targets{Deployments: list}
		for _, word := range []string{list[0].ID, list[0].Name} {
			if word != "" {
				unreadableTarget(t, targets, word)
			}
		}
		if r, err := targets.Resolve("", "v1"); err != nil || r.Deployment.ID != "d1" {
			t.Errorf("beside a deployment with %s %s: %+v, %v", c.field, c.value, r, err)
		}
	}

	for _, c := range []row{
		{"current_deployment", `"d1"`, "current_deployment"}, {"current_deployment", `{}`, "no id"}, {"current_deployment", `[]`, "current_deployment"},
		{"candidate_deployment", `7`, "candidate_deployment"}, {"current_deployment", with(t, goodDeployment, "is_development", `"no"`), "is_development"},
	} {
		list, err := readList[Environment]([]byte(environmentsJSON(with(t, environmentJSON("staging", "", ""), c.field, c.value), goodEnvironment)), "environments")
		if err != nil || len(list) != 2 || !list[0].Broken || !strings.Contains(list[0].Unreadable, c.why) || list[1].Broken {
			t.Fatalf("environment with %s %s: %+v, %v", c.field, c.value, list, err)
		}
		unreadableTarget(t, Targets{Environments: list}, "staging")
	}
}

func unreadableTarget(t *testing.T, targets Targets, word string) {
	t.Helper()
	r, err := targets.Resolve("", word)
	if e, _ := errors.AsType[*UnreadableError](err); e == nil || r.Environment != nil || r.Deployment != nil {
		t.Errorf("%q: %+v, %v", word, r, err)
	}
}

// Nothing can be decided about what is alone in its answer and broken.
func TestABrokenObjectAlone(t *testing.T) {
	answer := ""
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })
	c, _ := dial(t, s)
	ctx := t.Context()
	for _, call := range []struct {
		answer string
		read   func() error
	}{
		{with(t, modelJSON("m1", "llama", "ml"), "name", "5"), func() error { _, err := c.Model(ctx, "m1"); return err }},
		{with(t, deploymentJSON("d1", "v1", "", ""), "environment", "[]"), func() error { _, err := c.Deployment(ctx, "m1", "d1"); return err }},
		{environmentJSON("production", `{"name":"v1"}`, ""), func() error { _, err := c.Environment(ctx, "m1", "production"); return err }},
	} {
		answer = call.answer
		if e := failure(t, call.read()); e.Kind != KindServer || e.HTTPStatus != 200 || !strings.Contains(e.Error(), "cannot be read") {
			t.Errorf("%s: %v", call.answer, e)
		}
	}
}

func TestOneOddScheduleLeavesTheOthers(t *testing.T) {
	env, err := readOne[Environment]([]byte(environmentJSON("production", "", `,"autoscaling_schedules":{"timezone":7,"schedules":[`+
		`{"id":"s1","name":"odd","enabled":"perhaps","cadence":"DAILY"},{"id":"s2","name":"night","enabled":true,"cadence":"DAILY","start_hour":22,"end_hour":6,`+
		`"weekdays":["MONDAY"],"autoscaling_settings":`+scheduleSettingsJSON+`}],"applied_state":{"schedule_id":"s1","autoscaling_settings":{"min_replica":"x"}}}`)))
	if err != nil || !env.Schedules.Unreadable || len(env.Schedules.Schedules) != 2 {
		t.Fatalf("got %+v, %v", env, err)
	}
	if one, ok := env.Schedules.InForce(); !ok || one.Name != "odd" || one.Settings != nil {
		t.Errorf("in force: %+v, %v", one, ok)
	}
	if night := env.Schedules.Schedules[1]; night.Settings[MaxReplica] != 8 || *night.StartHour != 22 {
		t.Errorf("got %+v", night)
	}
}

func TestBaseURLWithVersion(t *testing.T) {
	s := script(t, say(200, modelsJSON()))
	for _, tail := range []string{"", "/", "/v1", "/v1/", "//"} {
		c, _ := dial(t, s, func(c *Config) { c.BaseURL = s.URL + tail })
		if _, err := c.Models(t.Context()); err != nil {
			t.Errorf("%q: %v", tail, err)
		}
	}
	for _, path := range s.paths() {
		if path != "GET /v1/models" {
			t.Errorf("asked %s", path)
		}
	}
}
