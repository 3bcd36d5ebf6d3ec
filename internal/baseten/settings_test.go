package baseten

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSettingsTable(t *testing.T) {
	if len(AllSettings) != 8 {
		t.Fatalf("%d settings, want 8", len(AllSettings))
	}
	words := map[string]bool{}
	for _, row := range AllSettings {
		if words[row.Word] || words[string(row.Field)] {
			t.Errorf("%s is in the table twice", row.Field)
		}
		words[row.Word], words[string(row.Field)] = true, true
		if row.Label == "" || row.Help == "" || row.Least > row.Most {
			t.Errorf("incomplete row %+v", row)
		}
		if got, ok := Lookup(row.Field); !ok || got.Word != row.Word {
			t.Errorf("Lookup(%s) = %+v, %v", row.Field, got, ok)
		}
	}
	if _, ok := Lookup("max_replicas"); ok {
		t.Error("the plural is not a field")
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		field Field
		value int
		want  string
	}{
		{MaxReplica, 7, "7"}, {MinReplica, 0, "0"}, {ScaleDownDelay, 900, "900 s (15 min)"}, {ScaleDownDelay, 90, "90 s"},
		{ScaleDownDelay, 0, "0 s"}, {AutoscalingWindow, 60, "60 s (1 min)"}, {ConcurrencyTarget, 1, "1 request"},
		{ConcurrencyTarget, 32, "32 requests"}, {TargetUtilization, 70, "70 %"}, {TargetInFlightTokens, 40000, "40000 tokens"},
		{MaxScaleDownRate, 50, "50 %"},
	} {
		row, _ := Lookup(c.field)
		if got := row.Format(c.value); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.field, c.value, got, c.want)
		}
	}
}

func TestSettingsUnmarshal(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       Settings
		wrong      string
	}{
		{"as documented", settingsJSON, settingsRead, ""},
		{"null", "null", nil, ""},
		{"nothing known", `{"hats":{"a":1}}`, Settings{}, ""},
		{"whole float", `{"max_scale_down_rate":20.0,"max_replica":1e1}`, Settings{MaxScaleDownRate: 20, MaxReplica: 10}, ""},
		{"zero is a value", `{"min_replica":0}`, Settings{MinReplica: 0}, ""},
		{"fraction", `{"max_scale_down_rate":1.5}`, nil, "max_scale_down_rate"},
		{"text", `{"max_replica":"7"}`, nil, "max_replica"},
		{"too large", `{"max_replica":1e12}`, nil, "max_replica"},
		{"list", `[]`, nil, "array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got Settings
			err := json.Unmarshal([]byte(c.text), &got)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want one about %s", err, c.wrong)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("error %v, -want +got\n%s", err, diff)
			}
		})
	}
}

// Whatever is set is what the body says, no more and never a null.
func TestSettingsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{}
		for _, row := range AllSettings {
			if rapid.Bool().Draw(t, row.Word) {
				s[row.Field] = rapid.IntRange(row.Least, min(row.Most, math.MaxInt32)).Draw(t, row.Word+" value")
			}
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "null") {
			t.Fatalf("a null in %s", data)
		}
		var back Settings
		if err := json.Unmarshal(data, &back); err != nil || !back.Equal(s) {
			t.Fatalf("%v came back as %v (%v)", s, back, err)
		}
		if got := s.With(nil); !got.Equal(s) {
			t.Fatalf("With nothing changed %v to %v", s, got)
		}
		if got := settingsRead.With(s).Only(s); !got.Equal(s) {
			t.Fatalf("touched fields of %v are %v", s, got)
		}
		if got := len(s.Fields()); got != len(s) {
			t.Fatalf("%d fields of %d", got, len(s))
		}
	})
}

func TestSettingsString(t *testing.T) {
	s := Settings{MaxReplica: 7, MinReplica: 0, MaxScaleDownRate: 20}
	if got, want := s.String(), "min=0 max=7 down-rate=20"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if s.Equal(Settings{MaxReplica: 7, MaxScaleDownRate: 20}) {
		t.Error("an absent min is not min 0")
	}
}
