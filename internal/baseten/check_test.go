package baseten

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	current := Settings{MinReplica: 2, MaxReplica: 4, ConcurrencyTarget: 8}
	for _, c := range []struct {
		name        string
		touched     Settings
		current     Settings
		development bool
		want        InvalidError // the zero value: fine
		text        string
	}{
		{"max alone", Settings{MaxReplica: 7}, current, false, InvalidError{}, ""},
		{"max down to min", Settings{MaxReplica: 2}, current, false, InvalidError{}, ""},
		{"min up to max", Settings{MinReplica: 4}, current, false, InvalidError{}, ""},
		{"both", Settings{MinReplica: 5, MaxReplica: 5}, nil, false, InvalidError{}, ""},
		{"no replicas touched, nothing known", Settings{ScaleDownDelay: 0}, nil, false, InvalidError{}, ""},
		{"development may change the rest", Settings{ConcurrencyTarget: 2}, current, true, InvalidError{}, ""},
		{"an odd current pair is not ours to judge", Settings{ScaleDownDelay: 60}, Settings{MinReplica: 5, MaxReplica: 1}, false, InvalidError{}, ""},

		{"nothing", Settings{}, current, false, InvalidError{Code: NoSetting}, "no setting is given; write one, such as max=4"},
		{"unknown", Settings{"max_replicas": 7}, current, false, InvalidError{Code: UnknownSetting, Field: "max_replicas"},
			"max_replicas is not a setting; the settings are min, max, window, delay, concurrency, utilization, tokens, down-rate"},
		{"min above current max", Settings{MinReplica: 5}, current, false, InvalidError{MinAboveCurrent, MinReplica, 5, 4},
			"min 5 would be above the current max 4; set max too, e.g. max=5"},
		{"max below current min", Settings{MaxReplica: 1}, current, false, InvalidError{MaxBelowCurrent, MaxReplica, 1, 2},
			"max 1 would be below the current min 2; set min too, e.g. min=1"},
		{"min above max", Settings{MinReplica: 5, MaxReplica: 3}, current, false, InvalidError{MinAboveMax, MinReplica, 5, 3}, "min 5 is above max 3"},
		{"min, max not known", Settings{MinReplica: 5}, nil, false, InvalidError{MaxNotKnown, MinReplica, 5, 0},
			"the current max is not known, so min 5 cannot be checked against it; set max too"},
		{"max, min not known", Settings{MaxReplica: 5}, Settings{MaxReplica: 4}, false, InvalidError{MinNotKnown, MaxReplica, 5, 0},
			"the current min is not known, so max 5 cannot be checked against it; set min too"},
		{"development min", Settings{MinReplica: 0}, Settings{MinReplica: 0, MaxReplica: 1}, true, InvalidError{Code: FixedReplicas, Field: MinReplica},
			"Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"},
		{"development max", Settings{MaxReplica: 2, ScaleDownDelay: 60}, Settings{MinReplica: 0, MaxReplica: 1}, true, InvalidError{Code: FixedReplicas, Field: MaxReplica},
			"Baseten fixes min 0 and max 1 on the development deployment; leave min and max out"},
		{"range", Settings{MaxReplica: 0}, current, false, InvalidError{OutOfRange, MaxReplica, 0, 0}, "max must be at least 1, not 0"},
		{"range of several, the first in the table", Settings{MaxScaleDownRate: 51, AutoscalingWindow: 5}, current, false, InvalidError{OutOfRange, AutoscalingWindow, 5, 0},
			"window must be from 10 to 3600 s (60 min), not 5 s"},
		{"more than the API takes", Settings{MaxReplica: math.MaxInt32 + 1}, current, false, InvalidError{OutOfRange, MaxReplica, math.MaxInt32 + 1, 0},
			"max must be at most 2147483647, not 2147483648"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.touched, c.current, c.development)
			if c.want == (InvalidError{}) {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok {
				t.Fatalf("got %#v, want %+v", err, c.want)
			}
			if diff := cmp.Diff(c.want, *invalid); diff != "" || invalid.Error() != c.text {
				t.Errorf("says %q, want %q; -want +got\n%s", invalid.Error(), c.text, diff)
			}
			// It is stored with the request, and has to say the same when it is read.
			var stored InvalidError
			if text, err := json.Marshal(invalid); err != nil || json.Unmarshal(text, &stored) != nil || stored != *invalid {
				t.Errorf("read again as %+v, %v", stored, err)
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
