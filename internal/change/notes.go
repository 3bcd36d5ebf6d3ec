package change

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
)

// notes says in one plain sentence each what stands in the way of the change taking
// effect or staying, with the way out; nothing where nothing does. Fields that an
// older or newer API leaves out are simply not spoken of.
func notes(r *Request, f baseten.Resolved, now time.Time) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	touched, current := r.Ask.Settings, f.Settings()
	name := plain(targetOf(f).Name())

	if f.Environment == nil && f.Serves != "" {
		add("This deployment serves %s: the next promotion will overwrite the change. To keep it, change the environment: /autoscale %s env:%s %s", plain(f.Serves), plain(cmp.Or(r.Target.ModelName, f.ModelID)), plain(f.Serves), touched)
	}
	if f.Environment == nil {
		for _, env := range f.Promoting {
			add("This deployment is being promoted into %s, which will lay that environment's settings on it.", plain(env))
		}
	}
	if env := f.Environment; env != nil {
		out = append(out, environmentNotes(env, touched, now)...)
	}
	if d := f.Deployment; d != nil {
		switch d.Status {
		case "INACTIVE", "DEACTIVATING":
			add("%s is inactive: the settings apply once somebody activates it at Baseten.", name)
		case "SCALED_TO_ZERO":
			if touched[baseten.MinReplica] == 0 {
				add("%s is scaled to zero: the first request wakes it and waits while the model loads.", name)
			}
		case "BUILDING", "DEPLOYING", "LOADING_MODEL":
			add("%s is still deploying (%s).", name, d.Status)
		case "FAILED", "BUILD_FAILED", "DEPLOY_FAILED", "BUILD_STOPPED":
			add("%s does not run (%s): the settings change nothing until it is deployed again.", name, d.Status)
		}
	}
	if n, ok := touched[baseten.MinReplica]; ok && n == 0 && current[baseten.MinReplica] > 0 {
		add("With min 0 it may scale to zero, and then the first request waits while the model loads.")
	}
	if _, ok := touched[baseten.ConcurrencyTarget]; ok && current[baseten.TargetInFlightTokens] > 0 {
		add("It scales on in-flight tokens, so the concurrency target may have no effect.")
	}
	for _, field := range touched.Fields() {
		row, _ := baseten.Lookup(field)
		if _, set := current[field]; row.Sticky && !set {
			add("%s is not set now, and Baseten cannot clear it again once it is.", row.Label)
		}
	}
	return out
}

func environmentNotes(env *baseten.Environment, touched baseten.Settings, now time.Time) []string {
	var out []string
	name := plain(env.Name)
	if env.Current == nil {
		out = append(out, fmt.Sprintf("No deployment serves %s yet: the settings apply to the first one promoted into it.", name))
	}
	if env.Promotion.Running() {
		percent := ""
		if env.Promotion.Percent != nil {
			percent = fmt.Sprintf(", %d %% of traffic moved", *env.Promotion.Percent)
		}
		out = append(out, fmt.Sprintf("A promotion into %s is in progress (%s%s): replicas may follow only when it ends.", name, plain(env.Promotion.Status), percent))
	}
	schedule, scheduled := env.Schedules.InForce()
	if scheduled {
		out = append(out, fmt.Sprintf("%s is under schedule %s%s; this takes effect afterwards.", name, plain(cmp.Or(schedule.Name, schedule.ID)), plain(scheduleUntil(schedule, env.Schedules.Timezone, now))))
	}
	if d := env.Current; d != nil && d.Settings != nil && env.Settings != nil && !scheduled {
		var differ []string
		for _, f := range touched.Fields() {
			row, _ := baseten.Lookup(f)
			a, hasA := env.Settings[f]
			b, hasB := d.Settings[f]
			if a != b || hasA != hasB {
				differ = append(differ, row.Label+" "+value(row, b, hasB))
			}
		}
		if len(differ) > 0 {
			out = append(out, fmt.Sprintf("The serving deployment %s runs with its own %s.", plain(d.Name), strings.Join(differ, ", ")))
		}
	}
	return out
}

// scheduleUntil says when a schedule's window ends, "" where it cannot be told.
func scheduleUntil(s baseten.Schedule, zone string, now time.Time) string {
	if end, err := time.Parse(time.RFC3339, s.EndAt); err == nil {
		if loc, err := time.LoadLocation(zone); err == nil && zone != "" {
			end = end.In(loc)
		}
		layout := "15:04"
		if end.Sub(now) > 20*time.Hour {
			layout = "2 Jan 15:04"
		}
		return " until " + end.Format(layout) + " " + cmp.Or(zone, end.Location().String())
	}
	if s.EndHour != nil {
		return fmt.Sprintf(" until %02d:%02d %s", *s.EndHour, s.EndMinute, cmp.Or(zone, "UTC"))
	}
	return ""
}
