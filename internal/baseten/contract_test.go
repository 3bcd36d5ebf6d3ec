package baseten

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"
)

func loadContract(t *testing.T) routers.Router {
	t.Helper()
	data, err := os.ReadFile("testdata/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// judge holds one request against the contract.
func judge(router routers.Router, r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, a *openapi3filter.AuthenticationInput) error {
			if got := r.Header.Get("Authorization"); got != "Api-Key "+testKey {
				return a.NewError(errors.New("wrong Authorization header"))
			}
			return nil
		}}}
	return in, openapi3filter.ValidateRequest(r.Context(), in)
}

// contractServer answers by path and reports every request and every answer that
// breaks the contract.
func contractServer(t *testing.T, answers map[string]string) *server {
	t.Helper()
	router := loadContract(t)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		s := r.Method + " " + r.URL.Path
		body, ok := answers[s]
		if !ok {
			t.Errorf("unexpected %s", s)
			http.NotFound(w, r)
			return
		}
		in, err := judge(router, r)
		if err != nil {
			t.Errorf("%s breaks the contract: %v", s, err)
		} else {
			out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: 200,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewBufferString(body))}
			if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
				t.Errorf("the test's own answer to %s breaks the contract: %v", s, err)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body)
	})
}

func TestEveryCallKeepsTheContract(t *testing.T) {
	dep := deploymentJSON("dprod1", "v3", "production", "", "production")
	rich := environmentJSON("production", dep, `,"candidate_deployment":`+deploymentJSON("dnew1", "v4", "", "null")+
		`,"in_progress_promotion":{"status":"RAMPING_UP","percent_traffic_to_new_version":20,"error_message":null}`+
		`,"autoscaling_schedules":{"timezone":"Europe/Berlin","schedules":[`+
		`{"id":"s1","name":"peak","enabled":true,"cadence":"DAILY","weekdays":["MONDAY"],"start_hour":8,"start_minute":0,"end_hour":10,"end_minute":30,"autoscaling_settings":`+scheduleSettingsJSON+`},`+
		`{"id":"s2","name":"launch","enabled":false,"cadence":"ONE_TIME","start_at":"2026-09-01T08:00:00Z","end_at":"2026-09-01T09:00:00Z","autoscaling_settings":`+scheduleSettingsJSON+`}],`+
		`"applied_state":{"schedule_id":"s1","autoscaling_settings":`+settingsJSON+`}}`)
	s := contractServer(t, map[string]string{
		"GET /v1/models":                                              modelsJSON(modelJSON("m1", "llama-70b", "ml")),
		"GET /v1/teams":                                               `{"teams":[{"id":"t1","name":"ml","default":true,"created_at":"2026-08-01T00:00:00Z"}]}`,
		"GET /v1/models/m1":                                           modelJSON("m1", "llama-70b", "ml"),
		"GET /v1/models/m1/deployments":                               deploymentsJSON(dep),
		"GET /v1/models/m1/deployments/dprod1":                        dep,
		"GET /v1/models/m1/environments":                              environmentsJSON(rich),
		"GET /v1/models/m1/environments/production":                   rich,
		"PATCH /v1/models/m1/deployments/dprod1/autoscaling_settings": `{"status":"QUEUED","message":"Will be applied."}`,
		"PATCH /v1/models/m1/environments/production":                 `{"environment":` + rich + `,"status":"ACCEPTED","message":"Ok: \"quoted\"  twice."}`,
		"GET /v1/instance_type_prices":                                `{"instance_types":[{"instance_type":{"id":"A10Gx8x32","name":"A10G","memory_limit_mib":1,"millicpu_limit":1,"gpu_count":1,"gpu_type":"A10G","gpu_memory_limit_mib":24576},"price":0.02424}]}`,
		"GET /v1/users/me":                                            `{"user_id":"u1","email":"a@example.com","name":null,"workspace_name":"acme"}`,
	})
	c, _ := dial(t, s)

	wantModel := Model{ID: "m1", Name: "llama-70b", Team: "ml", ProductionDeploymentID: "dprod1", Deployments: 2, InstanceType: "A10G"}
	wantDeployment := Deployment{ID: "dprod1", Name: "v3", ModelID: "m1", Production: true, Status: "ACTIVE", ActiveReplicas: 2,
		Settings: settingsRead, InstanceType: "A10G", Environment: "production"}
	candidate := Deployment{ID: "dnew1", Name: "v4", ModelID: "m1", Status: "ACTIVE", ActiveReplicas: 2, InstanceType: "A10G"}
	override := Settings{MinReplica: 2, MaxReplica: 8}
	wantEnvironment := Environment{Name: "production", ModelID: "m1", Current: &wantDeployment, Candidate: &candidate,
		Promotion: &Promotion{Status: "RAMPING_UP", Percent: new(20.0)}, Settings: settingsRead,
		InstanceType: InstanceType{ID: "A10Gx8x32", Name: "A10G"},
		Schedules: &Schedules{Timezone: "Europe/Berlin", Schedules: []Schedule{
			{ID: "s1", Name: "peak", Enabled: true, Cadence: "DAILY", Weekdays: []string{"MONDAY"}, StartHour: new(8), EndHour: new(10), EndMinute: 30, Settings: override},
			{ID: "s2", Name: "launch", Cadence: "ONE_TIME", StartAt: "2026-09-01T08:00:00Z", EndAt: "2026-09-01T09:00:00Z", Settings: override},
		}, Applied: &AppliedState{ScheduleID: "s1", Settings: settingsRead}}}

	check := func(name string, want any, got func() (any, error)) {
		t.Run(name, func(t *testing.T) {
			v, err := got()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, v); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	ctx := t.Context()
	check("Models", []Model{wantModel}, func() (any, error) { return c.Models(ctx) })
	check("Teams", []Team{{ID: "t1", Name: "ml", Default: true}}, func() (any, error) { return c.Teams(ctx) })
	check("Model", wantModel, func() (any, error) { return c.Model(ctx, "m1") })
	check("Deployments", []Deployment{wantDeployment}, func() (any, error) { return c.Deployments(ctx, "m1") })
	check("Deployment", wantDeployment, func() (any, error) { return c.Deployment(ctx, "m1", "dprod1") })
	check("Environments", []Environment{wantEnvironment}, func() (any, error) { return c.Environments(ctx, "m1") })
	check("Environment", wantEnvironment, func() (any, error) { return c.Environment(ctx, "m1", "production") })
	check("InstanceTypePrices", []Price{{InstanceType{"A10Gx8x32", "A10G"}, 0.02424}}, func() (any, error) { return c.InstanceTypePrices(ctx) })
	check("WhoAmI", User{ID: "u1", Email: "a@example.com", Workspace: "acme"}, func() (any, error) { return c.WhoAmI(ctx) })
	check("UpdateDeployment", Answer{"QUEUED", "Will be applied.", 200}, func() (any, error) {
		return c.UpdateDeployment(ctx, "m1", "dprod1", Settings{MaxReplica: 7, MinReplica: 0})
	})
	check("UpdateEnvironment", Answer{"ACCEPTED", `Ok: "quoted"  twice.`, 200}, func() (any, error) {
		return c.UpdateEnvironment(ctx, "m1", "production", Settings{MaxScaleDownRate: 20})
	})

	var bodies []string
	for _, r := range s.requests() {
		if r.method == http.MethodPatch {
			bodies = append(bodies, r.body)
		}
	}
	want := []string{`{"max_replica":7,"min_replica":0}`, `{"autoscaling_settings":{"max_scale_down_rate":20}}`}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("PATCH bodies -want +got\n%s", diff)
	}
}

const scheduleSettingsJSON = `{"min_replica":2,"max_replica":8,"autoscaling_window":null,"scale_down_delay":null,` +
	`"concurrency_target":null,"target_utilization_percentage":null,"target_in_flight_tokens":null,"max_scale_down_rate":null}`

// The contract would be worth nothing if it let everything through.
func TestContractRefuses(t *testing.T) {
	router := loadContract(t)
	for name, c := range map[string]struct{ path, body, key string }{
		"plural name":                {"/v1/models/m1/deployments/d1/autoscaling_settings", `{"max_replicas":7}`, testKey},
		"text for a number":          {"/v1/models/m1/deployments/d1/autoscaling_settings", `{"max_replica":"7"}`, testKey},
		"rate over 50":               {"/v1/models/m1/deployments/d1/autoscaling_settings", `{"max_scale_down_rate":51}`, testKey},
		"bare settings, environment": {"/v1/models/m1/environments/production", `{"max_replica":7}`, testKey},
		"another key":                {"/v1/models/m1/deployments/d1/autoscaling_settings", `{"max_replica":7}`, "other"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPatch, c.path, bytes.NewBufferString(c.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Api-Key "+c.key)
			if _, err := judge(router, r); err == nil {
				t.Errorf("%s with %s was let through", c.path, c.body)
			}
		})
	}
}
