package baseten

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Field is the name of one autoscaling setting as the API spells it.
type Field string

// The eight settings of AutoscalingSettingsV1 (Baseten management API).
const (
	MinReplica           Field = "min_replica"
	MaxReplica           Field = "max_replica"
	AutoscalingWindow    Field = "autoscaling_window"
	ScaleDownDelay       Field = "scale_down_delay"
	ConcurrencyTarget    Field = "concurrency_target"
	TargetUtilization    Field = "target_utilization_percentage"
	TargetInFlightTokens Field = "target_in_flight_tokens"
	MaxScaleDownRate     Field = "max_scale_down_rate"
)

// Unit says how a setting's number is read and written for people.
type Unit int

// Units of the settings.
const (
	Replicas Unit = iota
	Seconds
	Requests
	Percent
	Tokens
)

// Setting is one row of the table from which parsing, ranges, help, units and
// rendering are all taken.
type Setting struct {
	Field Field
	// Word is what people type: max.
	Word string
	// Label is what Baseten's own pages call it: Max replicas.
	Label string
	Unit  Unit
	// Least and Most bound the value, inclusive. Most is math.MaxInt32 where
	// Baseten publishes no bound.
	Least, Most int
	// Sticky settings can never be cleared again once they are set: the API
	// ignores null, and there is no reset (Baseten's Terraform provider says so).
	Sticky bool
	// Help is one line for the help page.
	Help string
}

// AllSettings is the table, in the order in which settings are shown.
// Ranges: docs.baseten.co/deployment/autoscaling/overview.
var AllSettings = []Setting{
	{MinReplica, "min", "Min replicas", Replicas, 0, math.MaxInt32, false, "replicas that always run; 0 lets it scale to zero"},
	{MaxReplica, "max", "Max replicas", Replicas, 1, math.MaxInt32, false, "replicas that may run at most"},
	{AutoscalingWindow, "window", "Autoscaling window", Seconds, 10, 3600, false, "time over which load is averaged"},
	{ScaleDownDelay, "delay", "Scale-down delay", Seconds, 0, 3600, false, "how long load stays low before a step down"},
	{ConcurrencyTarget, "concurrency", "Concurrency target", Requests, 1, math.MaxInt32, false, "requests one replica takes at a time"},
	{TargetUtilization, "utilization", "Target utilization", Percent, 1, 100, false, "share of the concurrency target at which replicas are added"},
	{TargetInFlightTokens, "tokens", "Target in-flight tokens", Tokens, 1, math.MaxInt32, true, "tokens in flight per replica (early access)"},
	{MaxScaleDownRate, "down-rate", "Max scale-down rate", Percent, 1, 50, true, "share of the excess replicas, those that load does not need, that one step down may remove"},
}

// Lookup returns the table's row for an API field name.
func Lookup(f Field) (Setting, bool) {
	i := slices.IndexFunc(AllSettings, func(s Setting) bool { return s.Field == f })
	if i < 0 {
		return Setting{}, false
	}
	return AllSettings[i], true
}

// SettingNamed returns the table's row for the word that people type (max) or the
// API's name (max_replica).
func SettingNamed(text string) (Setting, bool) {
	i := slices.IndexFunc(AllSettings, func(s Setting) bool { return text == s.Word || text == string(s.Field) })
	if i < 0 {
		return Setting{}, false
	}
	return AllSettings[i], true
}

// Format writes a value with its unit: "7", "900 s (15 min)", "70 %".
func (s Setting) Format(v int) string {
	switch s.Unit {
	case Seconds:
		if v >= 60 && v%60 == 0 {
			return fmt.Sprintf("%d s (%d min)", v, v/60)
		}
		return fmt.Sprintf("%d s", v)
	case Percent:
		return fmt.Sprintf("%d %%", v)
	case Requests:
		if v == 1 {
			return "1 request"
		}
		return fmt.Sprintf("%d requests", v)
	case Tokens:
		return fmt.Sprintf("%d tokens", v)
	default:
		return strconv.Itoa(v)
	}
}

// Settings holds values by field. A field that is absent was not asked for, or
// is null at Baseten. Its JSON form is the PATCH body: exactly the fields it
// holds, never a null.
type Settings map[Field]int

// UnmarshalJSON reads the settings that this version knows and skips the rest,
// since Baseten adds fields monthly. Null means absent. A whole number may be
// written as a float (max_scale_down_rate is typed number in one schema); any
// other value is an error, because a value that cannot be read must not be
// decided about.
func (s *Settings) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	if raw == nil {
		*s = nil
		return nil
	}
	out := make(Settings, len(AllSettings))
	for _, row := range AllSettings {
		v, ok := raw[string(row.Field)]
		if !ok || string(v) == "null" {
			continue
		}
		var n float64
		if err := json.Unmarshal(v, &n); err != nil || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
			return fmt.Errorf("setting %s: cannot read %s as a whole number", row.Field, v)
		}
		out[row.Field] = int(n)
	}
	*s = out
	return nil
}

// Fields returns the fields that s holds, in the table's order.
func (s Settings) Fields() []Field {
	out := make([]Field, 0, len(s))
	for _, row := range AllSettings {
		if _, ok := s[row.Field]; ok {
			out = append(out, row.Field)
		}
	}
	return out
}

// With returns a copy of s in which the fields of change have their new values.
func (s Settings) With(change Settings) Settings {
	out := make(Settings, len(s)+len(change))
	maps.Copy(out, s)
	maps.Copy(out, change)
	return out
}

// Only returns a copy of s that holds just the fields that touched holds.
// Fields that s lacks stay absent.
func (s Settings) Only(touched Settings) Settings {
	out := make(Settings, len(touched))
	for f := range touched {
		if v, ok := s[f]; ok {
			out[f] = v
		}
	}
	return out
}

// Without returns a copy of s that lacks the fields that touched holds.
func (s Settings) Without(touched Settings) Settings {
	out := maps.Clone(s)
	for f := range touched {
		delete(out, f)
	}
	return out
}

// Equal reports whether both hold the same fields with the same values.
func (s Settings) Equal(o Settings) bool { return maps.Equal(s, o) }

// JSON is the settings as the body of a PATCH, in the table's order.
func (s Settings) JSON() string {
	parts := make([]string, 0, len(s))
	for _, f := range s.Fields() {
		parts = append(parts, strconv.Quote(string(f))+":"+strconv.Itoa(s[f]))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// String writes the settings as people type them: "min=1 max=7".
func (s Settings) String() string {
	words := make([]string, 0, len(s))
	for _, row := range AllSettings {
		if v, ok := s[row.Field]; ok {
			words = append(words, row.Word+"="+strconv.Itoa(v))
		}
	}
	return strings.Join(words, " ")
}
