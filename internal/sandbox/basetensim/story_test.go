package basetensim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/sandbox/basetensim"
)

// slow is a world with the delays of the real one.
var slow = basetensim.Options{SettleAfter: 3 * time.Second, ReplicaStep: 2 * time.Second}

func TestEnvironmentChangeReachesTheServingDeploymentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, slow)
		word := c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`)
		if word != basetensim.Accepted {
			t.Errorf("status %s", word)
		}
		if env, serving := c.envMax(), c.servingMax(); env != 7 || serving != 4 {
			t.Errorf("at once: environment %v and deployment %v, want 7 and 4", env, serving)
		}
		if s.Environment(basetensim.DemoLlama, "production").Settled {
			t.Error("settled at once")
		}
		start := time.Now()
		waitFor(t, s, "the deployment has it", func(sn *basetensim.Snapshot) bool {
			return sn.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction).Settings.MaxReplica == 7
		})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
		if got := c.servingMax(); got != 7 {
			t.Errorf("deployment shows %v", got)
		}
		if word := c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`); word != basetensim.Unchanged {
			t.Errorf("again: status %s", word)
		}
	})
}

func TestDeploymentChangeIsLostAtTheNextEnvironmentChange(t *testing.T) {
	_, c := demo(t, basetensim.Options{})
	if word := c.patch(llamaPatch, `{"max_replica":9}`); word != basetensim.Accepted {
		t.Errorf("status %s", word)
	}
	if env, serving := c.envMax(), c.servingMax(); env != 4 || serving != 9 {
		t.Errorf("environment %v and deployment %v, want 4 and 9", env, serving)
	}
	if word := c.patch(llamaPatch, `{"max_replica":9}`); word != basetensim.Unchanged {
		t.Errorf("again: status %s", word)
	}
	c.patch(llamaEnv, `{"autoscaling_settings":{"min_replica":1}}`)
	if got := c.servingMax(); got != 4 {
		t.Errorf("max after the environment's change: %v, want the environment's 4", got)
	}
}

func TestNullAndNothingLeaveAsItIs(t *testing.T) {
	_, c := demo(t, basetensim.Options{})
	before := c.get(llamaServing)
	for _, body := range []string{`{}`, `{"max_replica":null}`} {
		if word := c.patch(llamaPatch, body); word != basetensim.Unchanged {
			t.Errorf("%s: status %s", body, word)
		}
	}
	for _, body := range []string{`{}`, `{"autoscaling_settings":null}`, `{"autoscaling_settings":{"min_replica":null},"promotion_settings":null}`} {
		if word := c.patch(llamaEnv, body); word != basetensim.Unchanged {
			t.Errorf("%s: status %s", body, word)
		}
	}
	c.patch(canaryPatch, `{"max_scale_down_rate":20,"max_replica":null}`)
	c.patch(canaryPatch, `{"max_scale_down_rate":null,"max_replica":3}`)
	got := c.get(llama + "/deployments/" + basetensim.DemoLlamaCanary)["autoscaling_settings"].(map[string]any)
	if got["max_scale_down_rate"] != 20.0 || got["max_replica"] != 3.0 {
		t.Errorf("null cleared a setting: %v", got)
	}
	if diff := cmp.Diff(before, c.get(llamaServing)); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
}

func TestReplicasFollowLoadOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, slow)
		model, id := basetensim.DemoSDXL, basetensim.DemoSDXLServing
		path := "/v1/models/" + model + "/deployments/" + id
		if got := c.get(path); got["status"] != "SCALED_TO_ZERO" || got["active_replica_count"] != 0.0 {
			t.Fatalf("idle: %v with %v replicas", got["status"], got["active_replica_count"])
		}
		if err := s.SetLoad(model, id, 2); err != nil {
			t.Fatal(err)
		}
		if got := c.get(path)["status"]; got != "WAKING_UP" {
			t.Errorf("under load: %v", got)
		}
		start := time.Now()
		waitFor(t, s, "both replicas are up", func(sn *basetensim.Snapshot) bool {
			return sn.Deployment(model, id).ActiveReplicas == 2
		})
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("two replicas took %v", took)
		}
		if got := c.get(path); got["status"] != "ACTIVE" || got["active_replica_count"] != 2.0 {
			t.Errorf("loaded: %v with %v replicas", got["status"], got["active_replica_count"])
		}
		// Five more want more than max: it stays at two until max is raised.
		if err := s.SetLoad(model, id, 5); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := s.Deployment(model, id); got.ActiveReplicas != 2 {
			t.Errorf("beyond max: %d replicas", got.ActiveReplicas)
		}
		c.patch(path+"/autoscaling_settings", `{"max_replica":3}`)
		waitFor(t, s, "the third is up", func(sn *basetensim.Snapshot) bool {
			return sn.Deployment(model, id).ActiveReplicas == 3
		})
		if err := s.SetLoad(model, id, 0); err != nil {
			t.Fatal(err)
		}
		waitFor(t, s, "it is scaled to zero", func(sn *basetensim.Snapshot) bool {
			return sn.Deployment(model, id).Status == "SCALED_TO_ZERO"
		})
		// min holds replicas up without load.
		c.patch(path+"/autoscaling_settings", `{"min_replica":1}`)
		waitFor(t, s, "min is up", func(sn *basetensim.Snapshot) bool {
			return sn.Deployment(model, id).ActiveReplicas == 1
		})
	})
}

// The example of docs.baseten.co/deployment/autoscaling/overview: 25 in flight
// at 10 × 70 % are four replicas.
func TestDesiredReplicasByThePublishedFormula(t *testing.T) {
	s := basetensim.New(basetensim.Options{})
	m := s.AddModel(basetensim.ModelSpec{Name: "m"})
	st := basetensim.DefaultSettings()
	st.MaxReplica, st.ConcurrencyTarget = 100, 10
	d := s.AddDeployment(m, basetensim.DeploymentSpec{Name: "d", Settings: &st})
	for inFlight, want := range map[int]int{0: 0, 1: 1, 7: 1, 8: 2, 25: 4, 700: 100, 701: 100} {
		if err := s.SetLoad(m, d, inFlight); err != nil {
			t.Fatal(err)
		}
		if got := s.Deployment(m, d).ActiveReplicas; got != want {
			t.Errorf("%d in flight: %d replicas, want %d", inFlight, got, want)
		}
	}
}

func TestPromotionBringsTheEnvironmentsSettings(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	model, canary := basetensim.DemoLlama, basetensim.DemoLlamaCanary
	c.patch(llamaPatch, `{"max_replica":9}`) // the old one's own; the environment keeps 4

	if err := s.StartPromotion(model, "production", canary); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPromotion(model, "production", basetensim.Promotion{Status: "RAMPING_UP", Percent: 40}); err != nil {
		t.Fatal(err)
	}
	env := c.get(llamaEnv)
	promotion := env["in_progress_promotion"].(map[string]any)
	if promotion["status"] != "RAMPING_UP" || promotion["percent_traffic_to_new_version"] != 40.0 {
		t.Errorf("promotion in progress: %v", promotion)
	}
	if got := env["candidate_deployment"].(map[string]any)["id"]; got != canary {
		t.Errorf("candidate: %v", got)
	}
	if err := s.Promote(model, "production", basetensim.DemoLlamaStaging); err == nil {
		t.Error("two promotions into one environment")
	}

	if err := s.FinishPromotion(model, "production"); err != nil {
		t.Fatal(err)
	}
	env = c.get(llamaEnv)
	if env["in_progress_promotion"] != nil || env["candidate_deployment"] != nil {
		t.Errorf("after it: %v, %v", env["in_progress_promotion"], env["candidate_deployment"])
	}
	current := env["current_deployment"].(map[string]any)
	if current["id"] != canary || current["environment"] != "production" || !current["is_production"].(bool) {
		t.Errorf("serving: %v", current)
	}
	if got := current["autoscaling_settings"].(map[string]any)["max_replica"]; got != 4.0 {
		t.Errorf("its max: %v, want the environment's 4", got)
	}
	old := c.get(llamaServing)
	if old["environment"] != nil || old["is_production"].(bool) || old["status"] != "SCALED_TO_ZERO" {
		t.Errorf("the old one: %v", old)
	}
	if got := c.get(llama)["production_deployment_id"]; got != canary {
		t.Errorf("the model's production: %v", got)
	}
	if err := s.CancelPromotion(model, "production"); err == nil {
		t.Error("canceled a promotion that is over")
	}
	if err := s.Promote(model, "production", basetensim.DemoLlamaDevelopment); err == nil {
		t.Error("promoted the development deployment")
	}
}

func TestChangeMeetsPromotionBeforeItSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, slow)
		c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`)
		if err := s.Promote(basetensim.DemoLlama, "production", basetensim.DemoLlamaCanary); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if got := s.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaCanary).Settings.MaxReplica; got != 7 {
			t.Errorf("promoted: max %d, want 7", got)
		}
		if got := s.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction).Settings.MaxReplica; got != 4 {
			t.Errorf("replaced: max %d, want its own 4", got)
		}
	})
}

func TestBusyDeploymentQueuesChanges(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	model, id := basetensim.DemoLlama, basetensim.DemoLlamaProduction
	if err := s.SetStatus(model, id, basetensim.StatusUpdating); err != nil {
		t.Fatal(err)
	}
	if word := c.patch(llamaPatch, `{"min_replica":3}`); word != basetensim.Queued {
		t.Errorf("deployment: status %s", word)
	}
	if got := s.Deployment(model, id); got.Settings.MinReplica != 2 || got.Queued != 1 {
		t.Errorf("while it updates: %+v", got)
	}
	if word := c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":8}}`); word != basetensim.Queued {
		t.Errorf("environment: status %s", word)
	}
	if env, serving := c.envMax(), c.servingMax(); env != 8 || serving != 4 {
		t.Errorf("while it updates: environment %v and deployment %v, want 8 and 4", env, serving)
	}
	if err := s.SetStatus(model, id, basetensim.StatusActive); err != nil {
		t.Fatal(err)
	}
	if got := s.Deployment(model, id); got.Settings.MaxReplica != 8 || got.Queued != 0 || got.Status != "ACTIVE" {
		t.Errorf("when it runs again: %+v", got)
	}
}

func TestSettingsAreNullUntilDeployed(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	id := s.AddDeployment(basetensim.DemoLlama, basetensim.DeploymentSpec{Name: "v14", Status: basetensim.StatusBuilding})
	path := llama + "/deployments/" + id
	got := c.get(path)
	if got["autoscaling_settings"] != nil || got["status"] != "BUILDING" || got["active_replica_count"] != 0.0 {
		t.Errorf("while it builds: %v", got)
	}
	if word := c.patch(path+"/autoscaling_settings", `{"max_replica":5}`); word != basetensim.Queued {
		t.Errorf("status %s", word)
	}
	if err := s.SetStatus(basetensim.DemoLlama, id, "BUILD_FAILED"); err != nil {
		t.Fatal(err)
	}
	if r := c.do("PATCH", path+"/autoscaling_settings", `{"max_replica":5}`); r.status != 400 {
		t.Errorf("change of a failed build: %d %s", r.status, r.body)
	}
	if err := s.SetStatus(basetensim.DemoLlama, id, ""); err != nil {
		t.Fatal(err)
	}
	if got := s.Deployment(basetensim.DemoLlama, id); got.Settings == nil || got.Settings.MaxReplica != 5 {
		t.Errorf("when deployed: %+v", got)
	}
}

func TestStoppedDeploymentKeepsSettingsAndNoReplicas(t *testing.T) {
	s, c := demo(t, slow)
	model, id := basetensim.DemoLlama, basetensim.DemoLlamaProduction
	if err := s.SetStatus(model, id, basetensim.StatusInactive); err != nil {
		t.Fatal(err)
	}
	if word := c.patch(llamaPatch, `{"max_replica":5}`); word != basetensim.Accepted {
		t.Errorf("status %s", word)
	}
	got := c.get(llamaServing)
	if got["status"] != "INACTIVE" || got["active_replica_count"] != 0.0 || c.servingMax() != 5 {
		t.Errorf("inactive: %v", got)
	}
	if err := s.SetStatus(model, id, "HIBERNATING"); err != nil {
		t.Fatal(err)
	}
	if got := c.get(llamaServing)["status"]; got != "HIBERNATING" {
		t.Errorf("a word that no spec knows: %v", got)
	}
}

func TestScheduleOverrulesTheBaseline(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	schedules := &basetensim.Schedules{
		Timezone: "Europe/Zurich",
		Active:   "peak",
		List: []basetensim.Schedule{
			{ID: "peak", Name: "weekday peak", StartHour: 8, EndHour: 18, Settings: basetensim.Changes{"min_replica": 3, "max_replica": 9}},
			{ID: "launch", Name: "launch", StartAt: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC), EndAt: time.Date(2026, 9, 1, 20, 0, 0, 0, time.UTC),
				Settings: basetensim.Changes{"min_replica": 5, "max_replica": 20}},
		},
	}
	if err := s.SetSchedules(basetensim.DemoLlama, "production", schedules); err != nil {
		t.Fatal(err)
	}
	if word := c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":6,"concurrency_target":40}}`); word != basetensim.Accepted {
		t.Errorf("status %s", word)
	}
	if env, serving := c.envMax(), c.servingMax(); env != 6 || serving != 9 {
		t.Errorf("in the window: environment %v and deployment %v, want 6 and the schedule's 9", env, serving)
	}
	wire := c.get(llamaEnv)["autoscaling_schedules"].(map[string]any)
	applied := wire["applied_state"].(map[string]any)
	settings := applied["autoscaling_settings"].(map[string]any)
	if applied["schedule_id"] != "peak" || settings["max_replica"] != 9.0 || settings["concurrency_target"] != 40.0 {
		t.Errorf("applied state: %v", applied)
	}
	schedules.Active = ""
	if err := s.SetSchedules(basetensim.DemoLlama, "production", schedules); err != nil {
		t.Fatal(err)
	}
	if got := c.servingMax(); got != 6 {
		t.Errorf("after the window: %v, want the baseline's 6", got)
	}
}

func TestOtherPeopleChangeThings(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	model, id := basetensim.DemoLlama, basetensim.DemoLlamaProduction
	changed := s.Changed()
	if err := s.ChangeEnvironmentBehindTheBack(model, "production", basetensim.Changes{"max_replica": 5}); err != nil {
		t.Fatal(err)
	}
	<-changed
	if env, serving := c.envMax(), c.servingMax(); env != 5 || serving != 5 {
		t.Errorf("environment %v and deployment %v, want 5", env, serving)
	}
	if err := s.ChangeDeploymentBehindTheBack(model, id, basetensim.Changes{"max_replica": 6}); err != nil {
		t.Fatal(err)
	}
	if env, serving := c.envMax(), c.servingMax(); env != 5 || serving != 6 {
		t.Errorf("environment %v and deployment %v, want 5 and 6", env, serving)
	}
	if n := len(s.Patches()); n != 0 {
		t.Errorf("%d PATCH calls were recorded for it", n)
	}
	if err := s.ChangeDeploymentBehindTheBack(model, id, basetensim.Changes{"max_replica": 0}); err == nil {
		t.Error("other people can set what nobody can")
	}
	if err := s.RenameModel(model, "llama-3-70b"); err != nil {
		t.Fatal(err)
	}
	if err := s.RenameDeployment(model, id, "v12.1"); err != nil {
		t.Fatal(err)
	}
	if got := c.get(llama)["name"]; got != "llama-3-70b" {
		t.Errorf("renamed model: %v", got)
	}
	if got := c.get(llamaServing)["name"]; got != "v12.1" {
		t.Errorf("renamed deployment: %v", got)
	}
	if err := s.RemoveDeployment(model, id); err == nil {
		t.Error("removed a deployment that serves production")
	}
	if err := s.RemoveDeployment(model, basetensim.DemoLlamaCanary); err != nil {
		t.Fatal(err)
	}
	if r := c.do("PATCH", canaryPatch, `{"max_replica":3}`); r.status != http.StatusNotFound {
		t.Errorf("change of a removed deployment: %d", r.status)
	}
	if err := s.RemoveModel(model); err != nil {
		t.Fatal(err)
	}
	if r := c.do("GET", llama, ""); r.status != http.StatusNotFound {
		t.Errorf("removed model: %d", r.status)
	}
}

func TestInstanceTypesOffThePriceListHaveNoPrice(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	s.AddInstanceType(basetensim.InstanceType{ID: "B200", Name: "B200 - negotiated", GPUs: 1, GPU: "B200"})
	s.AddInstanceType(basetensim.InstanceType{ID: "H100", Name: "H100", GPUs: 1, GPU: "H100", DollarsPerMinute: 0.2})
	id := s.AddModel(basetensim.ModelSpec{Name: "negotiated", InstanceType: "B200"})
	if got := c.get("/v1/models/" + id)["instance_type_name"]; got != "B200 - negotiated" {
		t.Errorf("instance type %v", got)
	}
	prices := map[any]any{}
	for _, row := range c.get("/v1/instance_type_prices")["instance_types"].([]any) {
		row := row.(map[string]any)
		prices[row["instance_type"].(map[string]any)["id"]] = row["price"]
	}
	if _, listed := prices["B200"]; listed || prices["H100"] != 0.2 || len(prices) != 6 {
		t.Errorf("prices %v", prices)
	}
}

func TestCallsAreRecordedWithoutTheKey(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	c.get("/v1/models?name=rerank")
	c.patch(canaryPatch, `{"max_replica":3}`)
	c.do("PATCH", canaryPatch, `{"max":3}`)
	ignoreTime := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Time" }, cmp.Ignore())
	want := []basetensim.Call{
		{Method: "GET", Path: "/v1/models", Query: "name=rerank", Op: basetensim.ListModels, UserAgent: "basetensim-test/1", Status: 200},
		{Method: "PATCH", Path: canaryPatch, Op: basetensim.PatchDeploymentSettings, Body: `{"max_replica":3}`, UserAgent: "basetensim-test/1", Status: 200},
		{Method: "PATCH", Path: canaryPatch, Op: basetensim.PatchDeploymentSettings, Body: `{"max":3}`, UserAgent: "basetensim-test/1", Status: 400},
	}
	if diff := cmp.Diff(want, s.Requests(), ignoreTime); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], s.Patches(), ignoreTime); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := s.Snapshot(); got.Requests != 3 || got.Patches != 2 {
		t.Errorf("snapshot counts %d requests and %d changes", got.Requests, got.Patches)
	}
}

func TestLargeWorkspaceIsCheap(t *testing.T) {
	s := basetensim.New(basetensim.Options{})
	ids := s.Fill(5000, 3)
	if len(ids) != 5000 {
		t.Fatalf("%d models", len(ids))
	}
	url := s.Start()
	t.Cleanup(s.Close)
	c := client{t, new(http.Client), url, s.APIKey()}
	if got := len(c.get("/v1/models")["models"].([]any)); got != 5000 {
		t.Errorf("%d models listed", got)
	}
	if got := len(c.get("/v1/models/" + ids[4999] + "/deployments")["deployments"].([]any)); got != 3 {
		t.Errorf("%d deployments listed", got)
	}
	name := s.Snapshot().Model(ids[41]).Name
	if !strings.HasSuffix(name, "-0042") {
		t.Errorf("the 42nd model is %s", name)
	}
}
