package commands

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
)

// change is the command that most rows below spell in another way.
func change(s baseten.Settings) Command {
	return Command{
		Name: NameChange, Model: Ref{Word: "llama-70b"}, Target: Ref{Word: "production"}, Settings: s,
	}
}

func mustParse(t *testing.T, text string) Command {
	t.Helper()
	c, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return c
}

// A zero-width character inside a word could hide what it stands between.
func TestInvisibleInsideWords(t *testing.T) {
	for _, text := range []string{
		"llama-70b production max=7\u200b8", "llama-70b production max=7\ufeff8",
		"llama\u200d-70b production max=7", "llama-70b production ma\u2060x=7",
	} {
		if c, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want a refusal", text, c)
		}
	}
}

func TestSpellingsOfOneChange(t *testing.T) {
	for _, tail := range []string{
		"max=7", "max 7", "--max-replica 7", "--max-replica=7",
		"max = 7", "max =7", "max= 7", "max:7", "max: 7", "Max=7", "MAX 7",
		"max_replica=7", "max_replicas=7", "max-replica=7", "max-replicas 7", "maxreplicas=7",
		"--max 7", "--max=7", "--max = 7", "--max_replicas 7", "--Max-Replica 7",
		"—max-replica 7", "–max-replica=7", "——max 7", "–-max 7",
		"max\u00a07", "max\u202f7", "max\t7", "max\n7", "\u200bmax=7\u2060", "\ufeffmax=7",
		`"max=7"`, "`max=7`", "*max=7*", "“max=7”", `max="7"`, `max "7"`, "max=‘7’", "*`max=7`*",
		"max=07",
	} {
		text := "llama-70b production " + tail
		if diff := cmp.Diff(change(baseten.Settings{baseten.MaxReplica: 7}), mustParse(t, text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{
		"max=7 llama-70b production", "llama-70b max=7 production", "--max-replica 7 llama-70b production",
		"  llama-70b   production  max=7  ", "llama-70b\nproduction\nmax=7",
		"`llama-70b` production max=7", "*llama-70b* *production* max=7", `"llama-70b" 'production' max=7`,
		"“llama-70b” ‘production’ max=7", "*`llama-70b`* production max=7", "„llama-70b“ production max=7",
		"llama-70b\u200b production max=7", "llama-70b\u3000production\u2003max=7",
		"<http://llama-70b|llama-70b> production max=7", "<http://x.y|llama-70b> <mailto:a@b|production> max=7",
	} {
		if diff := cmp.Diff(change(baseten.Settings{baseten.MaxReplica: 7}), mustParse(t, text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		tail string
		want baseten.Settings
	}{
		{"min=0", baseten.Settings{baseten.MinReplica: 0}},
		{"min_replica=1", baseten.Settings{baseten.MinReplica: 1}},
		{"min-replicas=1 max-replicas=1", baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 1}},
		{"min 1 max 7", baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 7}},
		{"max = 7 min = 1", baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 7}},
		{"window=10m", baseten.Settings{baseten.AutoscalingWindow: 600}},
		{"window=10M", baseten.Settings{baseten.AutoscalingWindow: 600}},
		{"autoscaling_window=90s", baseten.Settings{baseten.AutoscalingWindow: 90}},
		{"--autoscaling-window 1h", baseten.Settings{baseten.AutoscalingWindow: 3600}},
		{"window=1m30s", baseten.Settings{baseten.AutoscalingWindow: 90}},
		{"window=60", baseten.Settings{baseten.AutoscalingWindow: 60}},
		{"delay=2m", baseten.Settings{baseten.ScaleDownDelay: 120}},
		{"delay=0", baseten.Settings{baseten.ScaleDownDelay: 0}},
		{"delay=0s", baseten.Settings{baseten.ScaleDownDelay: 0}},
		{"scale-down-delay 900", baseten.Settings{baseten.ScaleDownDelay: 900}},
		{"concurrency=32", baseten.Settings{baseten.ConcurrencyTarget: 32}},
		{"concurrency_target=32", baseten.Settings{baseten.ConcurrencyTarget: 32}},
		{"utilization=70", baseten.Settings{baseten.TargetUtilization: 70}},
		{"utilization=70%", baseten.Settings{baseten.TargetUtilization: 70}},
		{"utilization=70 %", baseten.Settings{baseten.TargetUtilization: 70}},
		{"utilization 70 % max 7", baseten.Settings{baseten.TargetUtilization: 70, baseten.MaxReplica: 7}},
		{`utilization="70 %"`, baseten.Settings{baseten.TargetUtilization: 70}},
		{"target_utilization_percentage=70", baseten.Settings{baseten.TargetUtilization: 70}},
		{"tokens=40000", baseten.Settings{baseten.TargetInFlightTokens: 40000}},
		{"--target-in-flight-tokens 1", baseten.Settings{baseten.TargetInFlightTokens: 1}},
		{"down-rate=20", baseten.Settings{baseten.MaxScaleDownRate: 20}},
		{"down_rate=20%", baseten.Settings{baseten.MaxScaleDownRate: 20}},
		{"max_scale_down_rate=50", baseten.Settings{baseten.MaxScaleDownRate: 50}},
		{"max=2147483647", baseten.Settings{baseten.MaxReplica: 2147483647}},
	} {
		got := mustParse(t, "llama-70b production "+tt.tail)
		if diff := cmp.Diff(change(tt.want), got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.tail, diff)
		}
	}
}

// Every row of the settings table is reached by each of its spellings, and takes
// its bounds and its sample.
func TestSettingsTable(t *testing.T) {
	for _, row := range baseten.AllSettings {
		for _, sp := range append(spellings(row), strings.ReplaceAll(string(row.Field), "_", "-")) {
			for _, n := range []int{row.Least, row.Most} {
				want := change(baseten.Settings{row.Field: n})
				value := strings.TrimPrefix(want.Settings.String(), row.Word)
				if diff := cmp.Diff(want, mustParse(t, "llama-70b production "+sp+value)); diff != "" {
					t.Errorf("%s%s (-want +got):\n%s", sp, value, diff)
				}
			}
		}
		if c := mustParse(t, "m t "+sample(row)); len(c.Settings) != 1 {
			t.Errorf("sample %q set %v", sample(row), c.Settings)
		}
	}
}

func TestOptions(t *testing.T) {
	base := change(baseten.Settings{baseten.MaxReplica: 7})
	with := func(edit func(*Command)) Command {
		c := base
		edit(&c)
		return c
	}
	dry := with(func(c *Command) { c.DryRun = true })
	reason := func(s string) Command { return with(func(c *Command) { c.Reason = s }) }
	glass := with(func(c *Command) { c.Reason, c.BreakGlass = "outage", true })
	for _, tt := range []struct {
		tail string
		want Command
	}{
		{"max=7 dry-run", dry}, {"dry-run max=7", dry}, {"max=7 --dry-run", dry}, {"max=7 dryrun", dry},
		{"max=7 Dry-Run", dry}, {"max=7 dry_run", dry}, {"max=7 —dry-run", dry}, {"max 7 dry-run dry-run", dry},
		{`max=7 reason="launch at noon"`, reason("launch at noon")},
		{`reason="launch at noon" max=7`, reason("launch at noon")},
		{`max=7 reason=“launch at noon”`, reason("launch at noon")},
		{`max=7 reason=‘launch at noon’`, reason("launch at noon")},
		{`max=7 reason='launch at noon'`, reason("launch at noon")},
		{`max=7 Reason = "launch at noon"`, reason("launch at noon")},
		{`max=7 --reason "launch at noon"`, reason("launch at noon")},
		{`max=7 --reason="launch at noon"`, reason("launch at noon")},
		{`max=7 reason "launch at noon"`, reason("launch at noon")},
		{"max=7 `reason=\"launch at noon\"`", reason("launch at noon")},
		{"max=7 reason=\"  launch \u00a0 at\nnoon \"", reason("launch at noon")},
		{`max=7 reason=spike`, reason("spike")},
		{`max=7 reason=INC-42:a=b`, reason("INC-42:a=b")},
		{`max=7 reason="it's a = b, max=9 --dry-run"`, reason("it's a = b, max=9 --dry-run")},
		{`max=7 reason='it’s on'`, reason("it's on")},
		{`max=7 reason="he said \"go\" twice"`, reason(`he said "go" twice`)},
		{`max=7 reason="a \ b"`, reason(`a \ b`)},
		{`max=7 reason="*urgent* – now"`, reason("*urgent* – now")},
		{`max=7 reason="` + strings.Repeat("é", MaxReason) + `"`, reason(strings.Repeat("é", MaxReason))},
		{`max=7 break-glass reason=outage`, glass}, {`break-glass max=7 reason=outage`, glass},
		{`max=7 --break-glass reason=outage`, glass}, {`max=7 reason="outage" breakglass break-glass`, glass},
		{`max=7 break-glass dry-run reason=outage`, with(func(c *Command) { c.Reason, c.BreakGlass, c.DryRun = "outage", true, true })},
	} {
		if diff := cmp.Diff(tt.want, mustParse(t, "llama-70b production "+tt.tail)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.tail, diff)
		}
	}
}

func TestNames(t *testing.T) {
	max3 := baseten.Settings{baseten.MaxReplica: 3}
	for _, tt := range []struct {
		text          string
		model, target Ref
	}{
		{"model:status production max=3", Ref{KindModel, "status"}, Ref{"", "production"}},
		{"Model:Llama env:production max=3", Ref{KindModel, "Llama"}, Ref{KindEnvironment, "production"}},
		{"llama environment:production max=3", Ref{"", "llama"}, Ref{KindEnvironment, "production"}},
		{"llama DEPLOYMENT:abc123 max=3", Ref{"", "llama"}, Ref{KindDeployment, "abc123"}},
		{"llama deploy:abc123 max=3", Ref{"", "llama"}, Ref{KindDeployment, "abc123"}},
		{"ml/llama Production max=3", Ref{"", "ml/llama"}, Ref{"", "Production"}},
		{"max min max=3", Ref{"", "max"}, Ref{"", "min"}},
		{"llama status max=3", Ref{"", "llama"}, Ref{"", "status"}},
		{"model:until env:for max=3", Ref{KindModel, "until"}, Ref{KindEnvironment, "for"}},
		{"model:lock development max=3", Ref{KindModel, "lock"}, Ref{"", "development"}},
		{"model:a=b deployment:-x max=3", Ref{KindModel, "a=b"}, Ref{KindDeployment, "-x"}},
		{"model:max:7 production max=3", Ref{KindModel, "max:7"}, Ref{"", "production"}},
		{`"my model" 'my target' max=3`, Ref{"", "my model"}, Ref{"", "my target"}},
		{`model:"my  model" env:“my target” max=3`, Ref{KindModel, "my  model"}, Ref{KindEnvironment, "my target"}},
		{"model:<http://llama.ai|llama.ai> x.y max=3", Ref{KindModel, "llama.ai"}, Ref{"", "x.y"}},
		{"模型 Größe max=3", Ref{"", "模型"}, Ref{"", "Größe"}},
		{"jane's-model production max=3", Ref{"", "jane's-model"}, Ref{"", "production"}},
		{"a:b production max=3", Ref{"", "a:b"}, Ref{"", "production"}},
	} {
		want := Command{Name: NameChange, Model: tt.model, Target: tt.target, Settings: max3}
		if diff := cmp.Diff(want, mustParse(t, tt.text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestOtherCommands(t *testing.T) {
	llama, prod := Ref{Word: "llama-70b"}, Ref{Word: "production"}
	for _, tt := range []struct {
		text string
		want Command
	}{
		{"", Command{Name: NameHelp}},
		{" \u200b\n", Command{Name: NameHelp}},
		{"help", Command{Name: NameHelp}},
		{"Help", Command{Name: NameHelp}},
		{"?", Command{Name: NameHelp}},
		{"--help", Command{Name: NameHelp}},
		{"—help", Command{Name: NameHelp}},
		{"help Status", Command{Name: NameHelp, Topic: "status"}},
		{"help --max-replica", Command{Name: NameHelp, Topic: "max-replica"}},
		{"status llama-70b", Command{Name: NameStatus, Model: llama}},
		{"Status llama-70b production", Command{Name: NameStatus, Model: llama, Target: prod}},
		{"`status` *llama-70b* env:production", Command{Name: NameStatus, Model: llama, Target: Ref{KindEnvironment, "production"}}},
		{"status model:list", Command{Name: NameStatus, Model: Ref{KindModel, "list"}}},
		{"status list", Command{Name: NameStatus, Model: Ref{Word: "list"}}},
		{"list", Command{Name: NameList}},
		{"LIST", Command{Name: NameList}},
		{"list llama-*", Command{Name: NameList, Glob: "llama-*"}},
		{"list *", Command{Name: NameList, Glob: "*"}},
		{"list *llama*", Command{Name: NameList, Glob: "*llama*"}},
		{"list `llama-*`", Command{Name: NameList, Glob: "llama-*"}},
		{"list ml/*", Command{Name: NameList, Glob: "ml/*"}},
		{"whoami", Command{Name: NameWhoami}},
		{"pending", Command{Name: NamePending}},
		{"reviews", Command{Name: NameReviews}},
		{"history", Command{Name: NameHistory}},
		{"history all", Command{Name: NameHistory, All: true}},
		{"history ALL llama-70b production", Command{Name: NameHistory, All: true, Model: llama, Target: prod}},
		{"history all all", Command{Name: NameHistory, All: true, Model: Ref{Word: "all"}}},
		{"history model:all", Command{Name: NameHistory, Model: Ref{KindModel, "all"}}},
		{"history llama-70b", Command{Name: NameHistory, Model: llama}},
		{"history llama-70b production", Command{Name: NameHistory, Model: llama, Target: prod}},
		{"cancel K7M2Q", Command{Name: NameCancel, ID: "K7M2Q"}},
		{"cancel #k7m2q", Command{Name: NameCancel, ID: "K7M2Q"}},
		{"Cancel oiLl0", Command{Name: NameCancel, ID: "01110"}},
		{"undo #K7M2Q", Command{Name: NameUndo, ID: "K7M2Q"}},
		{`undo k7m2q reason="all quiet"`, Command{Name: NameUndo, ID: "K7M2Q", Reason: "all quiet"}},
		{`undo k7m2q --reason quiet`, Command{Name: NameUndo, ID: "K7M2Q", Reason: "quiet"}},
		{"can llama-70b production max=7", Command{Name: NameCan, Model: llama, Target: prod, Settings: baseten.Settings{baseten.MaxReplica: 7}}},
		{"can llama-70b production max=7 dry-run reason=x", Command{Name: NameCan, Model: llama, Target: prod, Settings: baseten.Settings{baseten.MaxReplica: 7}, Reason: "x", DryRun: true}},
	} {
		if diff := cmp.Diff(tt.want, mustParse(t, tt.text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestCanonicalSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"llama-70b production max 7 min 1":                    "llama-70b production min=1 max=7",
		"llama-70b production window=10m utilization=70%":     "llama-70b production window=600 utilization=70",
		"Model:Status Environment:prod max=7 --dry-run":       "model:Status env:prod max=7 dry-run",
		`x deploy:"my build" max=7 break-glass reason='a "b'`: `x deployment:"my build" max=7 reason="a \"b" break-glass`,
		"CANCEL k7m2q":      "cancel #K7M2Q",
		"?":                 "help",
		"Can a b max=1":     "can a b max=1",
		`list "my models*"`: `list "my models*"`,
	} {
		c := mustParse(t, text)
		if got := c.String(); got != want {
			t.Errorf("%q is spelled %q, want %q", text, got, want)
		}
		if diff := cmp.Diff(c, mustParse(t, c.String())); diff != "" {
			t.Errorf("%q does not come back (-first +second):\n%s", text, diff)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const text = "llama-70b production —max-replica 7 window=10m utilization=70 % reason=“launch at noon” dry-run"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseWorst is a text at the limit that has to look for the most partners
// of quotes.
func BenchmarkParseWorst(b *testing.B) {
	text := strings.Repeat(`"a `, maxText/3)
	for b.Loop() {
		if _, err := Parse(text); err == nil {
			b.Fatal("no mistake")
		}
	}
}

// A model that is called like a command is written so that it is read again as a model.
func TestModelCalledLikeACommand(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"help", "status", "Undo", "lock", "freeze", "for", "at", "llama"} {
		c := Command{Name: NameChange, Model: Ref{Word: word}, Target: Ref{Word: "production"}, Settings: baseten.Settings{baseten.MaxReplica: 9}}
		again, err := Parse(c.String())
		if err != nil || again.Name != NameChange || again.Model.Word != word || !again.Settings.Equal(c.Settings) {
			t.Errorf("%s is read as %+v, %v", c, again, err)
		}
	}
}
