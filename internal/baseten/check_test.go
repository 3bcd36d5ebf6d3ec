package baseten

import (
	"errors"
	"math"
	"testing"
)

func TestCheck(t *testing.T) {
	current := Settings{MinReplica: 2, MaxReplica: 4, ConcurrencyTarget: 8}
	for _, c := range []struct {
		name        string
		touched     Settings
		current     Settings
		development bool
		field       Field
		want        string // "" is fine
	}{
		{"max alone", Settings{MaxReplica: 7}, current, false, "", ""},
		{"max down to min", Settings{MaxReplica: 2}, current, false, "", ""},
		{"min up to max", Settings{MinReplica: 4}, current, false, "", ""},
		{"both", Settings{MinReplica: 5, MaxReplica: 5}, nil, false, "", ""},
		{"no replicas touched, nothing known", Settings{ScaleDownDelay: 0}, nil, false, "", ""},
		{"development may change the rest", Settings{ConcurrencyTarget: 2}, current, true, "", ""},
		{"an odd current pair is not ours to judge", Settings{ScaleDownDelay: 60}, Settings{MinReplica: 5, MaxReplica: 1}, false, "", ""},

		{"nothing", Settings{}, current, false, "", "no setting is given; write one, such as max=4"},
		{"unknown", Settings{"max_replicas": 7}, current, false, "max_replicas",
			"max_replicas is not a setting; the settings are min, max, window, delay, concurrency, utilization, tokens, down-rate"},
		{"min above current max", Settings{MinReplica: 5}, current, false, MinReplica, "min 5 would be above the current max 4; set max too, e.g. max=5"},
		{"max below current min", Settings{MaxReplica: 1}, current, false, MaxReplica, "max 1 would be below the current min 2; set min too, e.g. min=1"},
		{"min above max", Settings{MinReplica: 5, MaxReplica: 3}, current, false, MinReplica, "min 5 is above max 3"},
		{"min, max not known", Settings{MinReplica: 5}, nil, false, MinReplica, "the current max is not known, so min 5 cannot be checked against it; set max too"},
		{"max, min not known", Settings{MaxReplica: 5}, Settings{MaxReplica: 4}, false, MaxReplica, "the current min is not known, so max 5 cannot be checked against it; set min too"},
		{"development min", Settings{MinReplica: 0}, Settings{MinReplica: 0, MaxReplica: 1}, true, MinReplica,
			"Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"},
		{"development max", Settings{MaxReplica: 2, ScaleDownDelay: 60}, Settings{MinReplica: 0, MaxReplica: 1}, true, MaxReplica,
			"Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"},
		{"range", Settings{MaxReplica: 0}, current, false, MaxReplica, "max must be at least 1, not 0"},
		{"range of several, the first in the table", Settings{MaxScaleDownRate: 51, AutoscalingWindow: 5}, current, false, AutoscalingWindow,
			"window must be from 10 to 3600 s (60 min), not 5 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.touched, c.current, c.development)
			if c.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok || invalid.Error() != c.want || invalid.Field != c.field {
				t.Errorf("got %#v, want %q about %q", err, c.want, c.field)
			}
		})
	}
}

func TestSettingCheckBounds(t *testing.T) {
	for _, row := range AllSettings {
		for _, v := range []int{row.Least, row.Most} {
			if err := row.Check(v); err != nil {
				t.Errorf("%s %d refused: %v", row.Word, v, err)
			}
		}
		for _, v := range []int{row.Least - 1, row.Most + 1, math.MinInt, math.MaxInt} {
			if _, ok := errors.AsType[*InvalidError](row.Check(v)); !ok {
				t.Errorf("%s %d let through", row.Word, v)
			}
		}
	}
}
