package basetensim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Settings are the autoscaling settings of a deployment or environment, as the
// API writes them (AutoscalingSettingsV1). A nil field is null.
type Settings struct {
	MinReplica                  int  `json:"min_replica"`
	MaxReplica                  int  `json:"max_replica"`
	AutoscalingWindow           *int `json:"autoscaling_window"`
	ScaleDownDelay              *int `json:"scale_down_delay"`
	ConcurrencyTarget           int  `json:"concurrency_target"`
	TargetUtilizationPercentage *int `json:"target_utilization_percentage"`
	TargetInFlightTokens        *int `json:"target_in_flight_tokens"`
	MaxScaleDownRate            *int `json:"max_scale_down_rate"`
}

// DefaultSettings are those of a new deployment
// (docs.baseten.co/deployment/autoscaling/overview).
func DefaultSettings() Settings {
	return Settings{
		MinReplica:                  0,
		MaxReplica:                  1,
		AutoscalingWindow:           new(60),
		ScaleDownDelay:              new(900),
		ConcurrencyTarget:           1,
		TargetUtilizationPercentage: new(70),
	}
}

// Changes are new values by API field name, for those fields alone.
type Changes map[string]int

// field is one setting: its published range, and where it lives.
type field struct {
	name        string
	least, most int
	set         func(*Settings, int)
	get         func(Settings) *int
}

// fields lists the settings in the spec's order. Ranges:
// docs.baseten.co/deployment/autoscaling/overview; where no upper bound is
// published, what fits the API's integer is taken.
func fields() []field {
	const unbounded = math.MaxInt32
	return []field{
		{"min_replica", 0, unbounded, func(s *Settings, v int) { s.MinReplica = v }, func(s Settings) *int { return &s.MinReplica }},
		{"max_replica", 1, unbounded, func(s *Settings, v int) { s.MaxReplica = v }, func(s Settings) *int { return &s.MaxReplica }},
		{"autoscaling_window", 10, 3600, func(s *Settings, v int) { s.AutoscalingWindow = &v }, func(s Settings) *int { return s.AutoscalingWindow }},
		{"scale_down_delay", 0, 3600, func(s *Settings, v int) { s.ScaleDownDelay = &v }, func(s Settings) *int { return s.ScaleDownDelay }},
		{"concurrency_target", 1, unbounded, func(s *Settings, v int) { s.ConcurrencyTarget = v }, func(s Settings) *int { return &s.ConcurrencyTarget }},
		{"target_utilization_percentage", 1, 100, func(s *Settings, v int) { s.TargetUtilizationPercentage = &v }, func(s Settings) *int { return s.TargetUtilizationPercentage }},
		{"target_in_flight_tokens", 1, unbounded, func(s *Settings, v int) { s.TargetInFlightTokens = &v }, func(s Settings) *int { return s.TargetInFlightTokens }},
		{"max_scale_down_rate", 1, 50, func(s *Settings, v int) { s.MaxScaleDownRate = &v }, func(s Settings) *int { return s.MaxScaleDownRate }},
	}
}

// with returns the settings after the changes.
func (st Settings) with(c Changes) Settings {
	for _, f := range fields() {
		if v, ok := c[f.name]; ok {
			f.set(&st, v)
		}
	}
	return st
}

// Values returns the settings that are not null, as changes that would make
// them.
func (st Settings) Values() Changes {
	c := make(Changes)
	for _, f := range fields() {
		if v := f.get(st); v != nil {
			c[f.name] = *v
		}
	}
	return c
}

// Equal reports whether all settings are the same, null being a value of its own.
func (st Settings) Equal(o Settings) bool { return maps.Equal(st.Values(), o.Values()) }

// check says what the API has against making the changes to settings that read
// before; nothing if it takes them. Zero limit: no cap on max_replica.
func (c Changes) check(before Settings, limit int) (refusal string) {
	known := fields()
	for name := range c {
		if !slices.ContainsFunc(known, func(f field) bool { return f.name == name }) {
			return fmt.Sprintf("unknown setting %s", name)
		}
	}
	for _, f := range known {
		v, ok := c[f.name]
		if ok && v < f.least {
			return fmt.Sprintf("%s must be at least %d.", f.name, f.least)
		}
		if ok && v > f.most {
			return fmt.Sprintf("%s must be at most %d.", f.name, f.most)
		}
	}
	if v, ok := c["max_replica"]; ok && limit > 0 && v > limit {
		return fmt.Sprintf("max_replica cannot exceed %d for your organization.", limit)
	}
	if after := before.with(c); after.MinReplica > after.MaxReplica {
		return fmt.Sprintf("min_replica (%d) cannot be greater than max_replica (%d).", after.MinReplica, after.MaxReplica)
	}
	return ""
}

// parseChanges reads a body of UpdateAutoscalingSettingsV1. Null means leave,
// as in the real API, so such fields are dropped. A refusal is the text for the
// client.
func parseChanges(raw map[string]json.RawMessage) (c Changes, refusal string) {
	known := fields()
	c = make(Changes)
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		value := raw[name]
		if !slices.ContainsFunc(known, func(f field) bool { return f.name == name }) {
			return nil, extraForbidden("UpdateAutoscalingSettingsV1", name, value)
		}
		if string(value) == "null" {
			continue
		}
		var v int
		if err := json.Unmarshal(value, &v); err != nil {
			return nil, fmt.Sprintf("1 validation error for UpdateAutoscalingSettingsV1\n%s\n  Input should be a valid integer [type=int_type, input_value=%s]", name, value)
		}
		c[name] = v
	}
	return c, ""
}

// extraForbidden is worded as pydantic words it.
func extraForbidden(schema, name string, value json.RawMessage) string {
	return fmt.Sprintf("1 validation error for %s\n%s\n  Extra inputs are not permitted [type=extra_forbidden, input_value=%s]", schema, name, value)
}
