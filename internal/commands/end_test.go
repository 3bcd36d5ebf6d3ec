package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/moment"
)

func TestTemporary(t *testing.T) {
	t.Parallel()
	until := func(text string) func(*Command) {
		m, ok := moment.Parse(text)
		if !ok {
			t.Fatal(text)
		}
		return func(c *Command) { c.Until = m }
	}
	hold := func(d time.Duration) func(*Command) { return func(c *Command) { c.For = d } }
	for _, tt := range []struct {
		tail string
		want func(*Command)
	}{
		{"max=7 for=2h", hold(2 * time.Hour)},
		{"max=7 for 90m", hold(90 * time.Minute)},
		{"max=7 --for 1h30m", hold(90 * time.Minute)},
		{"max=7 —for=1h30m", hold(90 * time.Minute)},
		{"for=2d max=7", hold(48 * time.Hour)},
		{"max=7 FOR = 1D2H3M", hold(26*time.Hour + 3*time.Minute)},
		{"max=7 for:2h", hold(2 * time.Hour)},
		{"max=7 for: 2h", hold(2 * time.Hour)},
		{`max=7 for="2h"`, hold(2 * time.Hour)},
		{"max=7 `for=2h`", hold(2 * time.Hour)},
		{"max=7 for 5m", hold(moment.Least)},
		{"max=7 for=720h", hold(moment.Most)},
		{"max=7 until=18:00", until("18:00")},
		{"max=7 until 18:00", until("18:00")},
		{"max=7 --until 18:00", until("18:00")},
		{"max=7 —until=18:00", until("18:00")},
		{"max=7 until:18:00", until("18:00")},
		{"until=8:00 max=7", until("08:00")},
		{"max=7 until=6pm", until("18:00")},
		{"max=7 until=6 pm", until("18:00")},
		{"max=7 until=Mon 08:00", until("Mon 08:00")},
		{"until=Mon 08:00 max=7", until("Mon 08:00")},
		{"until Monday 8am max=7", until("Mon 08:00")},
		{`max=7 until="Mon 08:00"`, until("Mon 08:00")},
		{"max=7 until=“Mon 08:00”", until("Mon 08:00")},
		{`max=7 "until=Mon 08:00"`, until("Mon 08:00")},
		{`max=7 until "Mon 08:00"`, until("Mon 08:00")},
		{"max=7 until=2026-12-01T08:00", until("2026-12-01 08:00")},
		{"max=7 until=2026-12-01 08:00", until("2026-12-01 08:00")},
		{`max=7 until="2026-12-01 08:00"`, until("2026-12-01 08:00")},
	} {
		for _, name := range []Name{NameChange, NameCan} {
			want := change(baseten.Settings{baseten.MaxReplica: 7})
			want.Name = name
			tt.want(&want)
			text := "llama-70b production " + tt.tail
			if name == NameCan {
				text = "can " + text
			}
			for _, arrived := range []string{text, mentioned(t, text)} {
				got := mustParse(t, arrived)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q (-want +got):\n%s", arrived, diff)
				}
				if diff := cmp.Diff(got, mustParse(t, got.String())); diff != "" {
					t.Errorf("%q is spelled %q (-want +got):\n%s", arrived, got, diff)
				}
			}
		}
	}
}

func TestTemporarySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"for 90m a b max=1":                                   "a b max=1 for=1h30m",
		"a max=1 until Mon 8:00 b":                            `a b max=1 until="Mon 08:00"`,
		"freeze a until Mon 8:00 reason=x":                    `freeze a until="Mon 08:00" reason="x"`,
		"a b max=1 for 90m dry-run reason=x":                  `a b max=1 for=1h30m reason="x" dry-run`,
		"a b max=1 for=48h":                                   "a b max=1 for=2d",
		"a b max=1 for=26h":                                   "a b max=1 for=26h",
		"a b max=1 until mon 8am":                             `a b max=1 until="Mon 08:00"`,
		"a b max=1 until=8:00":                                "a b max=1 until=08:00",
		"extend k7m2q":                                        "extend #K7M2Q for=1h",
		"extend k7m2q 30m reason=busy":                        `extend #K7M2Q for=30m reason="busy"`,
		"keep k7m2q reason=busy":                              `keep #K7M2Q reason="busy"`,
		"freeze * reason=x until=2026-12-01T8am":              "",
		"freeze * until=2026-12-01T8:00 reason=x break-glass": "",
		"freeze * break-glass until=2026-12-01T8:00 reason=x": `freeze * until="2026-12-01 08:00" reason="x" break-glass`,
		"FREEZE llama-70b env:prod for=2h reason=x":           `freeze llama-70b env:prod for=2h reason="x"`,
		"thaw k7m2q":                                          "thaw #K7M2Q",
	} {
		if want == "" { // words after an unquoted reason
			mistaken(t, text)
			continue
		}
		if got := mustParse(t, text).String(); got != want {
			t.Errorf("%q is spelled %q, want %q", text, got, want)
		}
	}
}

func TestMistakesInTimes(t *testing.T) {
	t.Parallel()
	const left = "llama-70b production max=7 "
	for _, tt := range []struct {
		tail  string
		text  string
		lines []string // without left
	}{
		{"for=2", "for=2 needs a unit: m for minutes, h for hours, d for days. Nothing was changed.", []string{"for=2h", "for=2d"}},
		{"for=90", "for=90 needs a unit: m for minutes, h for hours, d for days. Nothing was changed.", []string{"for=90m", "for=90h"}},
		{"for=90 min=1", "for=90 needs a unit: m for minutes, h for hours, d for days. Nothing was changed.", []string{"for=90m min=1", "for=90h min=1"}},
		{"for 90 min 1", "for=90 needs a unit: m for minutes, h for hours, d for days. Nothing was changed.", []string{"for=90m min 1", "for=90h min 1"}},
		{"for 90 min", "Write the time without spaces, for example `for=1h30m`. Nothing was changed.", []string{"for=1h30m"}},
		{"for=2 h", "Write the time without spaces, for example `for=1h30m`. Nothing was changed.", []string{"for=2h"}},
		{"for 1h 30m", "Write the time without spaces, for example `for=1h30m`. Nothing was changed.", []string{"for=1h30m"}},
		{`for="2 h"`, "for=2 h is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=2h"}},
		{"for=2hours", "for=2hours is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=2h"}},
		{`for="1 hour and 30 minutes"`, "for=1 hour and 30 minutes is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=1h30m"}},
		{"for=1.5h", "for=1.5h is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=1h30m"}},
		{"for=1w", "for=1w is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=7d"}},
		{"for=3600s", "for=3600s is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=1h"}},
		{"for=30m1h", "for=30m1h is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", []string{"for=1h30m"}},
		{"for=a-while", "for=a-while is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", nil},
		{"for=-2h", "for=-2h is not a time. Type a number with m, h or d right after it, for example `for=1h30m`. Nothing was changed.", nil},
		{"for=4m", "for takes 5m to 30d, and 4m is out of that range. Nothing was changed.", []string{"for=5m"}},
		{"for=0h", "for takes 5m to 30d, and 0h is out of that range. Nothing was changed.", []string{"for=5m"}},
		{"for=31d", "for takes 5m to 30d, and 31d is out of that range. Nothing was changed.", []string{"for=30d"}},
		{"for=30d1m", "for takes 5m to 30d, and 30d1m is out of that range. Nothing was changed.", []string{"for=30d"}},
		{"for=18:00", "for says how long, and until says when it ends. Nothing was changed.", []string{"until=18:00"}},
		{"for", "for needs a time. Nothing was changed. For example:", []string{"for=2h"}},
		{"for= min=1", "for needs a time. Nothing was changed. For example:", []string{"for=2h min=1"}},
		{"for=2h for=3h", "for is given twice. Type it once. Nothing was changed.", []string{"for=2h", "for=3h"}},
		{"for=2h until=18:00", "Both for and until are given. Type one of them. Nothing was changed.", []string{"for=2h", "until=18:00"}},
		{"until Mon 18:00 for=2h", "Both for and until are given. Type one of them. Nothing was changed.", []string{"until Mon 18:00", "for=2h"}},
		{"until=18:00 until=19:00", "until is given twice. Type it once. Nothing was changed.", []string{"until=18:00", "until=19:00"}},
		{"for=2h,min=1", "Put a space between settings: `for=2h min=1`. Nothing was changed.", []string{"for=2h min=1"}},
		{"until=18:00,min=1", "Put a space between settings: `until=18:00 min=1`. Nothing was changed.", []string{"until=18:00 min=1"}},
		{"2h", `"2h" is not a setting or option. Did you mean for=2h? Nothing was changed.`, []string{"for=2h"}},
		{"90min", `"90min" is not a setting or option. Did you mean for=1h30m? Nothing was changed.`, []string{"for=1h30m"}},
		{"until=18:00 2h", `"2h" is not a setting or option. Settings are min, max, window, delay, concurrency, utilization, tokens or down-rate; options are reason, for, until, dry-run or break-glass. Nothing was changed.`, nil},
		{"4m", `"4m" is not a setting or option. Settings are min, max, window, delay, concurrency, utilization, tokens or down-rate; options are reason, for, until, dry-run or break-glass. Nothing was changed.`, nil},
		{"duration=2h", `"duration" is not a setting or option. Did you mean for? Nothing was changed.`, []string{"for=2h"}},
		{"expires=2h", `"expires" is not a setting or option. Did you mean for? Nothing was changed.`, []string{"for=2h"}},
		{"ends=soon", `"ends" is not a setting or option. Did you mean for or until? Nothing was changed.`, nil},
		{"til=18:00", `"til" is not a setting or option. Did you mean until? Nothing was changed.`, []string{"until=18:00"}},
		{"untill Mon 08:00", `"untill" is not a setting or option. Did you mean until? Nothing was changed.`, []string{"until Mon 08:00"}},
		{"until", "until needs a time. Nothing was changed. For example:", []string{"until=18:00"}},
		{"until=tomorrow", "tomorrow is not a time. Say the time, with a weekday or a date where it is not within a day. Nothing was changed. For example:", []string{`until="Mon 08:00"`}},
		{"until=today", "Say the time, with a weekday or a date where it is not within a day. Nothing was changed. For example:", []string{"until=18:00"}},
		{"until=Mon", "Mon needs a time too. Nothing was changed. For example:", []string{`until="Mon 08:00"`}},
		{"until=18", "until=18 is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`. Nothing was changed.", []string{"until=18:00"}},
		{"until=18.30", "until=18.30 is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`. Nothing was changed.", []string{"until=18:30"}},
		{"until=2h", "until=2h is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`. Nothing was changed.", []string{"until=02:00", "for=2h"}},
		{"until=90m", "until says when it ends, and for says how long. Nothing was changed.", []string{"for=1h30m"}},
		{"until=25:00", "until=25:00 is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`. Nothing was changed.", nil},
		{"until=2026-02-30T08:00", "until=2026-02-30T08:00 is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`. Nothing was changed.", nil},
		{"until=18:00 CET", `"CET" is not a setting or option. Settings are min, max, window, delay, concurrency, utilization, tokens or down-rate; options are reason, for, until, dry-run or break-glass. Nothing was changed.`, nil},
	} {
		m := mistaken(t, left+tt.tail)
		if m.Text != tt.text {
			t.Errorf("%q:\n got %s\nwant %s", tt.tail, m.Text, tt.text)
		}
		var want []string
		for _, line := range tt.lines {
			want = append(want, left+line)
		}
		if diff := cmp.Diff(want, m.Lines); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.tail, diff)
		}
	}
}

func TestTemporaryAndFreezeCommands(t *testing.T) {
	t.Parallel()
	llama, prod := Ref{Word: "llama-70b"}, Ref{Word: "production"}
	monday := moment.Time{Weekday: "Mon", Hour: 8, Set: true}
	for _, tt := range []struct {
		text string
		want Command
	}{
		{"extend K7M2Q 1h", Command{Name: NameExtend, ID: "K7M2Q", For: time.Hour}},
		{"extend #k7m2q", Command{Name: NameExtend, ID: "K7M2Q", For: time.Hour}},
		{"Extend K7M2Q for=2h", Command{Name: NameExtend, ID: "K7M2Q", For: 2 * time.Hour}},
		{"extend K7M2Q for 90m", Command{Name: NameExtend, ID: "K7M2Q", For: 90 * time.Minute}},
		{"extend K7M2Q `1d`", Command{Name: NameExtend, ID: "K7M2Q", For: 24 * time.Hour}},
		{`extend K7M2Q 1h reason="still busy"`, Command{Name: NameExtend, ID: "K7M2Q", For: time.Hour, Reason: "still busy"}},
		{`extend K7M2Q reason="still busy" 2h`, Command{Name: NameExtend, ID: "K7M2Q", For: 2 * time.Hour, Reason: "still busy"}},
		{"extend K7M2Q reason=busy", Command{Name: NameExtend, ID: "K7M2Q", For: time.Hour, Reason: "busy"}},
		{"keep K7M2Q", Command{Name: NameKeep, ID: "K7M2Q"}},
		{`keep k7m2q reason="the traffic stays"`, Command{Name: NameKeep, ID: "K7M2Q", Reason: "the traffic stays"}},
		{`freeze llama-70b until="Mon 08:00" reason="launch"`, Command{Name: NameFreeze, Model: llama, Until: monday, Reason: "launch"}},
		{`freeze llama-70b until=Mon 08:00 reason=launch`, Command{Name: NameFreeze, Model: llama, Until: monday, Reason: "launch"}},
		{`freeze llama-70b production for 2h reason=launch`, Command{Name: NameFreeze, Model: llama, Target: prod, For: 2 * time.Hour, Reason: "launch"}},
		{`freeze * for=2h reason="launch" break-glass`, Command{Name: NameFreeze, Model: Ref{Word: "*"}, For: 2 * time.Hour, Reason: "launch", BreakGlass: true}},
		{"freeze `*` production for=2h reason=launch", Command{Name: NameFreeze, Model: Ref{Word: "*"}, Target: prod, For: 2 * time.Hour, Reason: "launch"}},
		{`freeze for=2h reason="launch" --break-glass ml/llama env:production`, Command{Name: NameFreeze, Model: Ref{Word: "ml/llama"}, Target: Ref{KindEnvironment, "production"}, For: 2 * time.Hour, Reason: "launch", BreakGlass: true}},
		{"freeze model:all for=2h reason=launch", Command{Name: NameFreeze, Model: Ref{KindModel, "all"}, For: 2 * time.Hour, Reason: "launch"}},
		{"thaw K7M2Q", Command{Name: NameThaw, ID: "K7M2Q"}},
		{"thaw #k7m2q", Command{Name: NameThaw, ID: "K7M2Q"}},
	} {
		for _, arrived := range []string{tt.text, mentioned(t, tt.text)} {
			if diff := cmp.Diff(tt.want, mustParse(t, arrived)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", arrived, diff)
			}
		}
	}
}

func TestMistakesInTemporaryAndFreezeCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		lines      []string
	}{
		{"extend", "Which request? For example: `/autoscale extend #K7M2Q 1h`.", nil},
		{"extend llama-70b 1h", `"llama-70b" is not a request ID`, nil},
		{"extend K7M2Q 1", "for=1 needs a unit", []string{"extend K7M2Q for=1h", "extend K7M2Q for=1d"}},
		{"extend K7M2Q 1 h", "without spaces", []string{"extend K7M2Q for=1h"}},
		{"extend K7M2Q 2hours", "is not a time", []string{"extend K7M2Q for=2h"}},
		{"extend K7M2Q 1m", "for takes 5m to 30d", []string{"extend K7M2Q for=5m"}},
		{"extend K7M2Q 1h for=2h", "for is given twice", []string{"extend K7M2Q 1h", "extend K7M2Q for=2h"}},
		{"extend K7M2Q until=18:00", "extend says by how much longer. For example: `/autoscale extend #K7M2Q 1h`", nil},
		{"extend K7M2Q max=7", "only an ID, a time and a reason", nil},
		{"extend K7M2Q dry-run", "only an ID, a time and a reason", nil},
		{"extend K7M2Q by 1h", "only an ID, a time and a reason", nil},
		{"keep", "Which request?", nil},
		{"keep K7M2Q for=2h", "only an ID and a reason", nil},
		{"keep K7M2Q for good", "only an ID and a reason", nil},
		{"thaw", "Which freeze? For example: `/autoscale thaw #K7M2Q`. `/autoscale pending` shows freezes and their IDs.", nil},
		{"thaw llama-70b", `"llama-70b" is not a freeze ID`, nil},
		{"thaw K7M2Q reason=done", "too much after thaw", nil},
		{"freeze", "Freeze what? For example: `/autoscale freeze llama-70b", nil},
		{"freeze llama", "A freeze needs an end and a reason. Nothing was changed. For example:", []string{`freeze llama until="Mon 08:00" reason="launch"`}},
		{"freeze llama until=18:00", "A freeze needs a reason.", []string{`freeze llama until=18:00 reason="launch"`}},
		{`freeze llama reason="x"`, "A freeze needs an end.", []string{`freeze llama reason="x" until="Mon 08:00"`}},
		{"freeze llama until=18:00 for=2h", "Both for and until are given", nil},
		{"freeze llama production for=2h reason=x y", "several words need quotes", []string{`freeze llama production for=2h reason="x y"`}},
		{`freeze llama for=2h reason="x" dry-run`, `"dry-run" does not fit after freeze`, []string{`freeze llama for=2h reason="x"`}},
		{`freeze llama for=2h reason="x" max=7`, `"max" does not fit after freeze`, []string{`freeze llama for=2h reason="x"`}},
		{`freeze llama untl=18:00 reason="x"`, `"untl" does not fit after freeze`, []string{`freeze llama until=18:00 reason="x"`}},
		{`freeze llama production now for=2h reason="x"`, `"now" does not fit after freeze`, []string{`freeze llama production for=2h reason="x"`}},
		{`freeze all until=18:00 reason="x"`, "Type * for all models. For a model called all, type `model:all`.", []string{`freeze * until=18:00 reason="x"`}},
		{`freeze llama-* until=18:00 reason="x"`, "only list takes patterns", nil},
		{`freeze llama at=12:00 until=18:00 reason="x"`, "at is not available, and without it", nil},
		{`lock llama until=18:00 reason="x"`, "Did you mean freeze?", []string{`freeze llama until=18:00 reason="x"`}},
		{`lock * until=18:00 reason="x"`, "Did you mean freeze?", []string{`freeze * until=18:00 reason="x"`}},
		{"unfreeze K7M2Q", "Did you mean thaw?", []string{"thaw K7M2Q"}},
		{"prolong K7M2Q 1h", "Did you mean extend?", []string{"extend K7M2Q 1h"}},
		{"freezes", "Did you mean pending?", []string{"pending"}},
		{"can llama production for=2h", "Which setting?", nil},
	} {
		m := mistaken(t, tt.text)
		if !strings.Contains(m.Text, tt.want) {
			t.Errorf("%q: %q does not say %q", tt.text, m.Text, tt.want)
		}
		if diff := cmp.Diff(tt.lines, m.Lines); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}
