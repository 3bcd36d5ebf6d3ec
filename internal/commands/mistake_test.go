package commands

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// refused parses a text that has to be refused, and checks what holds of every
// Mistake.
func refused(t *testing.T, text string) string {
	t.Helper()
	return mistaken(t, text).Error()
}

func mistaken(t *testing.T, text string) *Mistake {
	t.Helper()
	c, err := Parse(text)
	var m *Mistake
	if !errors.As(err, &m) {
		t.Fatalf("Parse(%q) = %q, %v, want a *Mistake", text, c, err)
	}
	checkMistake(t, text, m)
	return m
}

func checkMistake(t *testing.T, text string, m *Mistake) {
	t.Helper()
	if m.Text == "" || utf8.RuneCountInString(m.Text) > 300 || !utf8.ValidString(m.Text) {
		t.Errorf("Parse(%q): text of the mistake is empty, too long or not UTF-8: %q", text, m.Text)
	}
	if strings.ContainsAny(m.Text, "<>") || strings.Count(m.Text, "`")%2 != 0 || strings.ContainsFunc(m.Text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		t.Errorf("Parse(%q): the mistake repeats markup or control characters: %q", text, m.Text)
	}
	for i, code := range strings.Split(m.Text, "`") {
		first, _, more := strings.Cut(code, " ")
		if _, command := firstWord(first); i%2 == 1 && more && command {
			t.Errorf("Parse(%q): %q does not begin with %s: %q", text, code, Slash, m.Text)
		}
	}
	for _, line := range m.Lines {
		if _, err := Parse(line); err != nil {
			t.Errorf("Parse(%q): the corrected line %q is refused: %v", text, line, err)
		}
	}
}

func TestMistakesInSettings(t *testing.T) {
	for _, tt := range []struct {
		tail string
		want []string // parts of the text
	}{
		{"maxx=7", []string{"Did you mean max?", "Nothing was changed."}},
		{"mox=7", []string{"Did you mean max?"}},
		{"mix=7", []string{"Did you mean min or max?"}},
		{"-max 7", []string{"Did you mean max?"}},
		{"--max-replcia 7", []string{"Did you mean max?"}},
		{"util=70", []string{"Did you mean utilization?"}},
		{"utilisation=70", []string{"Did you mean utilization?"}},
		{"replicas=7", []string{"Did you mean min or max?"}},
		{"rate=7", []string{"Did you mean down-rate?"}},
		{"dry-rum max=7", []string{"Did you mean dry-run?"}},
		{"raeson=x max=7", []string{"Did you mean reason?"}},
		{"frobnicate=7", []string{`"frobnicate" is not a setting or option`, "min, max, window"}},
		{"max=7 --yes", []string{`"--yes" is not a setting or option`}},
		{"max=7 please", []string{`"please" is not a setting or option`}},
		{"to\u212aens=7", []string{"Did you mean tokens?"}}, // Kelvin sign
		{"max=3 =7", []string{"value without a setting"}},
		{"max=7 max=7", []string{"max is given twice", "Nothing was changed."}},
		{"max=7 --max-replica 8", []string{"max is given twice, as 7 and as 8"}},
		{"max=+2", []string{"relative or negative", "For example: `/autoscale llama-70b production max=7`", "Nothing was changed."}},
		{"max+=2", []string{`"+2" is relative or negative`}},
		{"max += 2", []string{`"+2" is relative or negative`}},
		{"max -= 2", []string{`"-2" is relative or negative`}},
		{"max +2", []string{"relative or negative"}},
		{"max -1", []string{"relative or negative"}},
		{"max=-1", []string{"relative or negative"}},
		{"max=–1", []string{"relative or negative"}},
		{"max=−1", []string{"relative or negative"}},
		{"max=*2", []string{"relative or negative"}},
		{"--max-replica -1", []string{"relative or negative"}},
		{"window=-10m", []string{"relative or negative", "window=10m"}},
		{"max=7.0", []string{"max=7.0 is not a whole number"}},
		{"max=1,000", []string{"not a whole number"}},
		{"max=1.000", []string{"not a whole number", "For example: `/autoscale llama-70b production max=7`"}},
		{"max=1_000", []string{"not a whole number"}},
		{"max=1'000", []string{"not a whole number"}},
		{`max="1 000"`, []string{"not a whole number"}},
		{"max=10x", []string{"not a whole number"}},
		{"max=0x7", []string{"not a whole number"}},
		{"max=7%", []string{"not a whole number"}},
		{"max=7s", []string{"not a whole number"}},
		{"max=seven", []string{"not a whole number"}},
		{"max==7", []string{"not a whole number"}},
		{"max=*7*", []string{"relative or negative"}},
		{"max=⑦", []string{"digits 0 to 9"}},
		{"max=７", []string{"digits 0 to 9"}},
		{"max=7⃣️", []string{"not a whole number"}},
		{"max=٧", []string{"digits 0 to 9"}},
		{"max=7²", []string{"digits 0 to 9"}},
		{"max=99999999999999999999", []string{"max takes at most 2147483647 replicas"}},
		{"max=2147483648", []string{"max takes at most 2147483647 replicas"}},
		{"max=0", []string{"max takes 1 or more replicas."}},
		{"concurrency=0", []string{"concurrency takes 1 or more requests."}},
		{"tokens=0", []string{"tokens takes 1 or more tokens."}},
		{"window=9", []string{"window takes 10 s to 3600 s (60 min)."}},
		{"window=9s", []string{"window takes 10 s to 3600 s (60 min)."}},
		{"window=2h", []string{"window takes 10 s to 3600 s (60 min)."}},
		{"window=99999999999999999999h", []string{"window takes 10 s to 3600 s (60 min)."}},
		{"delay=3601", []string{"delay takes 0 s to 3600 s (60 min)."}},
		{"window=1.5m", []string{"is not a time", "window=10m"}},
		{"window=1000ms", []string{"is not a time"}},
		{"window=10min", []string{"is not a time"}},
		{"window=10m5", []string{"is not a time"}},
		{"window=10 m", []string{"right after the number", "window=10m"}},
		{"window 10 min", []string{"right after the number", "window=10m"}},
		{"delay=900 seconds", []string{"right after the number", "delay=900s"}},
		{"utilization=0", []string{"utilization takes 1 % to 100 %."}},
		{"utilization=101%", []string{"utilization takes 1 % to 100 %."}},
		{"utilization=0.7", []string{"not a whole number", "utilization=70%"}},
		{"utilization=70%%", []string{"not a whole number"}},
		{"utilization=%", []string{"not a whole number"}},
		{"down-rate=51", []string{"down-rate takes 1 % to 50 %."}},
		{"max=null", []string{"no reset for max", "`/autoscale llama-70b production max=7`"}},
		{"max=None", []string{"no reset for max"}},
		{"tokens=reset", []string{"no reset for tokens"}},
		{"down-rate=default", []string{"no reset for down-rate"}},
		{"max", []string{"max needs a value.", "For example: `/autoscale llama-70b production max=7`"}},
		{"max=", []string{"max needs a value"}},
		{`max=""`, []string{"max needs a value"}},
		{"max= min=1", []string{"max needs a value"}},
		{"max --dry-run", []string{"max needs a value"}},
		{"--max-replica", []string{"max needs a value"}},
		{"min=5 max=3", []string{"min=5 is more than max=3", "Nothing was changed."}},
	} {
		text := refused(t, "llama-70b production "+tt.tail)
		for _, part := range tt.want {
			if !strings.Contains(text, part) {
				t.Errorf("%q: %q does not say %q", tt.tail, text, part)
			}
		}
	}
}

func TestMistakesInOptions(t *testing.T) {
	for _, tt := range []struct{ tail, want string }{
		{"max=7 reason=", "reason is empty"},
		{`max=7 reason=""`, "reason is empty"},
		{`max=7 reason="  "`, "reason is empty"},
		{"max=7 --reason", "reason is empty"},
		{"max=7 reason --dry-run", "reason is empty"},
		{"max=7 reason=traffic spike at noon", "several words need quotes. Nothing was changed. `/autoscale llama-70b production max=7 reason=\"traffic spike at noon\"`"},
		{`max=7 reason="traffic spike`, "closing quote is missing"},
		{"max=7 reason=“traffic spike", "closing quote is missing"},
		{`max=7 reason="a" reason=b`, "reason is given twice"},
		{`max=7 reason="` + strings.Repeat("é", MaxReason+1) + `"`, "The reason has 501 characters, and at most 500"},
		{"max=7 break-glass", "break-glass needs a reason"},
		{"max=7 dry-run break-glass", "break-glass needs a reason"},
		{"max=7 dry-run=false", "dry-run takes no value"},
		{"max=7 --break-glass=yes reason=x", "break-glass takes no value"},
		{"max=7 At=18:00", "at is not available, and without it the change would mean something else. A change starts at once"},
		{"max=7 lock", `"lock" is not a setting or option`},
		{"schedule=nightly max=7", "schedule is not available, and without it"},
	} {
		if text := refused(t, "llama-70b production "+tt.tail); !strings.Contains(text, tt.want) || !strings.Contains(text, "Nothing was changed.") {
			t.Errorf("%q: %q does not say %q, or not that nothing was changed", tt.tail, text, tt.want)
		}
	}
}

func TestMistakesInCommands(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"llama-70b production", "Which setting? For example: `/autoscale llama-70b production max=7`. To see the settings: `/autoscale status llama-70b production`"},
		{"llama-70b production dry-run", "Which setting?"},
		{"llama-70b", "Which target and which setting? For example: `/autoscale llama-70b production max=7`"},
		{"llama-70b max=3", "Which target, an environment or a deployment? For example: `/autoscale llama-70b production max=3`"},
		{"max=3", "Which model and which target? For example: `/autoscale llama-70b production max=3`"},
		{"dry-run=", "dry-run takes no value"},
		{"--dry-run", "Which model, target and setting?"},
		{"llama max 7", "Which target?"},
		{"can", "Which model, target and setting? For example: `/autoscale can llama-70b production max=7`"},
		{"can llama production", "Which setting? For example: `/autoscale can llama production max=7`"},
		{"can llama production maxx=7", "Did you mean max?"},
		{"statsu llama-70b", "Did you mean status? `/autoscale status llama-70b`"},
		{"Statsu llama-70b production", "Did you mean status?"},
		{"pendin", "Did you mean pending? `/autoscale pending`"},
		{"histroy llama-70b production", "Did you mean history?"},
		{"approve MNWR2", "press the button on its card"},
		{"Approve #mnwr2 please", "To approve a request"},
		{"reject", "To reject a request"},
		{"#MNWR2", "#MNWR2 is a request"},
		{"show llama-70b", "Did you mean status? `/autoscale status llama-70b`"},
		{"ls", "Did you mean list? `/autoscale list`"},
		{"rollback #MNWR2", "Did you mean undo? `/autoscale undo #MNWR2`"},
		{"hi", "I show and change how models scale"},
		{"Thank you", "I show and change how models scale"},
		{"cann llama production max=7", "Did you mean can?"},
		{"cacnel K7M2Q", "Did you mean cancel? `/autoscale cancel K7M2Q`"},
		{"show llama-70b", "Did you mean status? `/autoscale status llama-70b`"},
		{"get llama-70b production", "`/autoscale status llama-70b production`"},
		{"ls", "Did you mean list? `/autoscale list`"},
		{"rollback llama-70b", "Did you mean undo? Type: `/autoscale undo ID`"},
		{"deny #K7M2Q no GPUs left", "To deny a request, press the button on its card."},
		{"restart llama-70b", "cannot restart anything. `/autoscale help`"},
		{"deploy llama-70b production", "cannot deploy anything"},
		{"up llama-70b", "For example: `/autoscale llama-70b production max=7`"},
		{"scale llama-70b production to 7", "Leave out \"scale\": the model comes first. Nothing was changed. For example: `/autoscale llama-70b production max=7`"},
		{"llama-70b:production max=7", "Put a space between the model and the target. Nothing was changed. `/autoscale llama-70b production max=7`"},
		{"llama-70b production 7", "Which setting should be 7? Nothing was changed. `/autoscale llama-70b production min=7` `/autoscale llama-70b production max=7`"},
		{"@autoscale llama-70b production max=7", "Leave out @autoscale within the command. `/autoscale llama-70b production max=7`"},
		{"--dry-run status production max=7", "type `model:status`"},
		{"lock llama-70b", "Did you mean freeze? Type: `/autoscale freeze MODEL|* [TARGET]"},
		{"unlock K7M2Q", "Did you mean thaw? `/autoscale thaw K7M2Q`"},
		{"unlock", "Did you mean thaw?"},
		{"schedule", "schedule is not available, so nothing was changed. Schedules are made at Baseten"},
		{"at 18:00 llama-70b production max=7", "at is not available, so nothing was changed. A change starts at once"},
		{"llama staging production max=3", `"production" is not a setting or option`},
		{"llama production max=3 env:staging", "llama production already"},
		{"env:production llama max=3", "The model comes first"},
		{"llama model:production max=3", "After the model comes the target"},
		{"enviroment:production llama max=3", "Did you mean `environment:production`?"},
		{"llama deploymnt:abc max=3", "Did you mean `deployment:abc`? `/autoscale llama deployment:abc max=3`"},
		{"model: llama production max=3", "right after the colon, for example `model:llama-70b`"},
		{"llama env: max=3", "right after the colon"},
		{"<llama> production max=3", "without them: llama."},
		{"<!channel> production max=3", "angle brackets"},
		{`"llama production max=3`, "has no partner"},
		{"llama` production max=3", "has no partner"},
		{"'llama production max=3", "has no partner"},
		{"*llama production max=3", "only list takes patterns"},
		{"llama-* production max=3", "only list takes patterns"},
		{`"" production max=3`, "empty name"},
		{strings.Repeat("x", 256) + " production max=3", "too long for a name"},
		{"`llama production max=3`", "The quotes make one word"},
		{"max=3 /llama production", "begins with a slash"},
		{"/autoscale llama production max=3", "Leave out /autoscale within the command. `/autoscale llama production max=3`"},
		{"status", "Which model? For example: `/autoscale status llama-70b`"},
		{"status llama max=3", "takes no settings"},
		{"status --all", "takes no settings and no options"},
		{"status a b c", `"c" is too much after status. Type: ` + "`/autoscale status MODEL [TARGET]`"},
		{"status llama-*", "only list takes patterns"},
		{"list a b", "too much after list"},
		{"list --all", "no options"},
		{`list "llama`, "has no partner"},
		{"list " + strings.Repeat("*", 300), "too long"},
		{"whoami jane", "too much after whoami"},
		{"pending llama", "too much after pending"},
		{"history a b c", "too much after history"},
		{"help a b", "too much after help"},
		{"help <x>", "no help on that"},
		{"help --", "no help on that"},
		{"cancel", "Which request? For example: `/autoscale cancel #K7M2Q`"},
		{"cancel K7M2", "is not a request ID"},
		{"cancel K7M2U", "is not a request ID"},
		{"cancel ##K7M2Q", "is not a request ID"},
		{"cancel \u017f7M2Q", "is not a request ID"}, // long s is no S
		{"cancel K7M2Q K7M2R", "too much after cancel"},
		{"cancel K7M2Q reason=x", "too much after cancel"},
		{"undo", "Which request?"},
		{"undo K7M2Q max=3", "only an ID and a reason"},
		{"undo K7M2Q dry-run", "only an ID and a reason"},
		{"undo K7M2Q break-glass reason=x", "only an ID and a reason"},
		{"undo K7M2Q reason=all quiet", "need quotes. Nothing was changed. `/autoscale undo K7M2Q reason=\"all quiet\"`"},
		{strings.Repeat("x ", 2001), "too long"},
		{"llama \xff max=3", "not valid UTF-8"},
		{"llama\u202e production max=3", "invisible control character"},
		{"llama production max=3\x00", "invisible control character"},
		{"llama\u00ad production max=3", "invisible control character"},
		{"\x1b[31mllama production max=3", "invisible control character"},
	} {
		if text := refused(t, tt.text); !strings.Contains(text, tt.want) {
			t.Errorf("%.80q: %q does not say %q", tt.text, text, tt.want)
		}
	}
}

// A mistake repeats at most 40 characters of a word, and nothing that Slack could
// bring to life.
func TestMistakesEchoLittle(t *testing.T) {
	long := strings.Repeat("ж", 120)
	for _, text := range []string{
		long, long + " " + long, long + " " + long + " max=3 " + long, "llama production max=" + long,
		"llama production " + long + "=1", "status a b " + long, "cancel " + long, "env:" + long + " llama max=3",
		"<" + long + "> production", `"` + long, "llama production max=1 reason=" + long + " " + long,
		"a b max=1 env:" + long, "/" + long, "undo k7m2q " + long, "environmen:" + long + " x",
	} {
		if got := strings.Count(mistaken(t, text).Text, "ж"); got > maxEcho {
			t.Errorf("%.60q: %d characters repeated", text, got)
		}
	}
	for _, text := range []string{
		"llama production <!channel>=3", "llama production max=<!here>", "llama production `rm`x=3",
		"status a b <@U1>", "cancel <#C1|x>", "<https://evil.example|ok", "llama production max=3 reason=a <!here>",
	} {
		refused(t, text) // checks the text
	}
}
