package basetensim_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"autoscalebot/internal/sandbox/basetensim"
)

// TestAnswersAreValidByThePublishedSpec runs where BASETEN_OPENAPI names a copy
// of the spec (https://api.baseten.co/v1/spec); the spec is not ours to ship.
func TestAnswersAreValidByThePublishedSpec(t *testing.T) {
	file := os.Getenv("BASETEN_OPENAPI")
	if file == "" {
		t.Skip("BASETEN_OPENAPI does not name a copy of the published spec")
	}
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, c := demo(t, basetensim.Options{})
	doc.Servers = openapi3.Servers{{URL: c.base}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}

	building := s.AddDeployment(basetensim.DemoLlama, basetensim.DeploymentSpec{Name: "v14", Status: basetensim.StatusBuilding})
	if err := s.StartPromotion(basetensim.DemoLlama, "staging", basetensim.DemoLlamaCanary); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	if err := s.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{
		Timezone: "Europe/Zurich", Active: "peak",
		List: []basetensim.Schedule{
			{ID: "peak", Name: "peak", StartHour: 8, EndHour: 18, Settings: basetensim.Changes{"min_replica": 2, "max_replica": 9}},
			{ID: "launch", Name: "launch", StartAt: day, EndAt: day.Add(8 * time.Hour), Settings: basetensim.Changes{"min_replica": 2, "max_replica": 9}},
			{ID: "burst", Name: "burst", Hourly: true, StartMinute: 10, EndMinute: 30, Settings: basetensim.Changes{"min_replica": 2, "max_replica": 9}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	s.AddModel(basetensim.ModelSpec{Name: "empty", InstanceType: "1x2"})
	team := c.get("/v1/teams")["teams"].([]any)[0].(map[string]any)["id"].(string)

	for _, call := range []struct{ method, path, body string }{
		{"GET", "/v1/users/me", ""},
		{"GET", "/v1/teams", ""},
		{"GET", "/v1/teams/" + team + "/models", ""},
		{"GET", "/v1/instance_type_prices", ""},
		{"GET", "/v1/models", ""},
		{"GET", llama, ""},
		{"GET", llama + "/deployments", ""},
		{"GET", llama + "/deployments/" + building, ""},
		{"GET", llama + "/deployments/production", ""},
		{"GET", llama + "/deployments/development", ""},
		{"GET", llamaServing, ""},
		{"GET", llama + "/environments", ""},
		{"GET", llamaEnv, ""},
		{"PATCH", llamaPatch, `{"max_replica":7}`},
		{"PATCH", llama + "/deployments/production/autoscaling_settings", `{"max_replica":7}`},
		{"PATCH", developedPatch, `{"concurrency_target":2}`},
		{"GET", llama + "/audit_logs", ""},
		{"GET", llama + "/audit_logs?event_type_groups=AUTOSCALING_SETTINGS&sources=API&sources=UI&limit=1", ""},
		{"PATCH", llamaEnv, `{"autoscaling_settings":{"max_replica":7,"max_scale_down_rate":20}}`},
	} {
		t.Run(call.method+" "+call.path, func(t *testing.T) {
			r := c.do(call.method, call.path, call.body)
			if r.status != http.StatusOK {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
			if err := validate(t.Context(), router, c.request(call.method, call.path, call.body), r); err != nil {
				t.Error(err)
			}
		})
	}
}

func validate(ctx context.Context, router routers.Router, req *http.Request, r reply) error {
	route, params, err := router.FindRoute(req)
	if err != nil {
		return err
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(ctx, in); err != nil {
		return err
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: r.status, Header: r.header, Options: options}
	out.SetBodyBytes(bytes.Clone([]byte(r.body)))
	return openapi3filter.ValidateResponse(ctx, out)
}
