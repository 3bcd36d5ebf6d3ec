package basetensim_test

import (
	"fmt"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
)

// Every change of settings is in the audit log, under whoever made it.
func TestAuditLog(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`)
	c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`) // unchanged: no entry
	must(s.ChangeEnvironmentAs(basetensim.Terraform, basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 4}))
	must(s.ChangeDeploymentBehindTheBack(basetensim.DemoLlama, basetensim.DemoLlamaStaging, basetensim.Changes{"max_replica": 3}))
	must(s.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{Active: "peak", Timezone: "UTC", List: []basetensim.Schedule{
		{ID: "peak", Name: "peak", Settings: basetensim.Changes{"min_replica": 3, "max_replica": 9}},
	}}))

	entries := func(query string) (out []string) {
		t.Helper()
		page := c.get(llama + "/audit_logs?limit=2&" + query)
		for {
			for _, item := range page["items"].([]any) {
				e := item.(map[string]any)
				actor, data := e["actor"].(map[string]any), e["event_data"].(map[string]any)
				was := data["previous_settings"].(map[string]any)
				out = append(out, fmt.Sprint(actor["type"], " ", e["source"], " ", e["client_name"], ": max ", was["max_replica"], " → ", data["max_replica"]))
			}
			next := page["pagination"].(map[string]any)
			if more, _ := next["has_more"].(bool); !more {
				return out
			}
			page = c.get(llama + "/audit_logs?limit=2&" + query + "&cursor=" + next["cursor"].(string))
		}
	}
	all := []string{
		"BASETEN_SYSTEM SYSTEM <nil>: max 4 → 9",
		"USER UI <nil>: max 2 → 3",
		"API_KEY API terraform-provider-baseten: max 7 → 4",
		"API_KEY API basetensim-test: max 4 → 7",
	}
	for query, want := range map[string][]string{
		"event_type_groups=AUTOSCALING_SETTINGS":                                      all,
		"event_type_groups=ENVIRONMENT_SETTINGS":                                      {all[2], all[3]},
		"event_type_groups=AUTOSCALING_SETTINGS&sources=UI&sources=SYSTEM":            {all[0], all[1]},
		"event_type_groups=AUTOSCALING_SETTINGS&environment_names=staging":            {all[1]},
		"deployment_ids=" + basetensim.DemoLlamaProduction + "&direction=ASC":         {all[3], all[2], all[0]},
		"event_type_groups=DELETED":                                                   nil,
		"end_epoch_millis=1":                                                          nil,
		"event_type_groups=AUTOSCALING_SETTINGS&search=v13":                           {all[1]},
		"event_type_groups=AUTOSCALING_SETTINGS&sources=API&environment_names=nobody": nil,
	} {
		if got := entries(query); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %q\nwant %q", query, got, want)
		}
	}
	first := c.get(llama + "/audit_logs?direction=ASC")["items"].([]any)[0].(map[string]any)["actor"].(map[string]any)
	if first["api_key_prefix"] != basetensim.KeyPrefix(s.APIKey()) || first["api_key_name"] != basetensim.KeyName {
		t.Errorf("our own key shows as %v", first)
	}
	for _, bad := range []string{"limit=0", "limit=201", "cursor=elsewhere", "direction=UP", "start_epoch_millis=now", "colour=red"} {
		if r := c.do("GET", llama+"/audit_logs?"+bad, ""); r.status != 400 {
			t.Errorf("%s: HTTP %d", bad, r.status)
		}
	}
}

func TestSchedulesByTheClock(t *testing.T) {
	day := time.Date(2026, 9, 4, 0, 0, 0, 0, time.UTC) // a Friday
	night := basetensim.Schedule{ID: "night", StartHour: 22, EndHour: 6, EndMinute: 30}
	burst := basetensim.Schedule{ID: "burst", Hourly: true, StartMinute: 10, EndMinute: 30, StartHour: 9, EndHour: 17}
	once := basetensim.Schedule{ID: "once", StartAt: day.Add(time.Hour), EndAt: day.Add(2 * time.Hour)}
	sunday := basetensim.Schedule{ID: "sunday", Weekdays: []time.Weekday{time.Sunday}, StartHour: 8, EndHour: 9}
	for _, c := range []struct {
		schedule basetensim.Schedule
		at       time.Duration
		open     bool
	}{
		{night, 22 * time.Hour, true}, {night, 21*time.Hour + 59*time.Minute, false},
		{night, 24*time.Hour + 6*time.Hour, true}, {night, 24*time.Hour + 6*time.Hour + 30*time.Minute, false},
		{night, 48 * time.Hour, false}, // Sunday, and Saturday has no window
		{burst, 9*time.Hour + 10*time.Minute, true}, {burst, 9*time.Hour + 30*time.Minute, false}, {burst, 8*time.Hour + 15*time.Minute, false},
		{once, time.Hour, true}, {once, 2 * time.Hour, false}, {once, 0, false},
		{sunday, 48*time.Hour + 8*time.Hour, true}, {sunday, 8 * time.Hour, false},
	} {
		now := day
		s, client := demo(t, basetensim.Options{Now: func() time.Time { return now }})
		c.schedule.Settings = basetensim.Changes{"min_replica": 1, "max_replica": 9}
		err := s.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{Timezone: "UTC", ByClock: true, List: []basetensim.Schedule{c.schedule}})
		if err != nil {
			t.Fatal(err)
		}
		now = day.Add(c.at)
		s.Tick()
		if open := client.servingMax() == 9.0; open != c.open {
			t.Errorf("%s at %s: open is %t", c.schedule.ID, now, open)
		}
	}
}
