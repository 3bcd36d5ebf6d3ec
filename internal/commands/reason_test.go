package commands

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
)

// everyWord lists each spelling of the vocabulary as people may write it in a
// sentence: alone, with a value apart, and with one joined.
func everyWord() []string {
	var out []string
	for spelling, w := range vocabulary {
		value := "2"
		if w.is == isReason {
			value = "x"
		}
		out = append(out, spelling, spelling+" "+value, spelling+"="+value, "--"+spelling+" "+value, strings.ToUpper(spelling)+": "+value)
	}
	for _, s := range All() {
		out = append(out, string(s.Name))
	}
	slices.Sort(out)
	return out
}

// reasons are ways to begin a reason without quotes.
var reasons = []string{
	"reason=", "reason ", "--reason ", "--reason=", "Reason=", "REASON ", "reason = ", "reason =", "reason: ", "reason:",
	"—reason ", "reason\u00a0", "reason=\u00a0", "`reason`=", "*reason* ", "\"reason\" ", "_", // the last is none
}

// No word after an unquoted reason becomes a setting, an option or a name, wherever
// the reason stands and by whichever way the text came.
func TestUnquotedReason(t *testing.T) {
	const left = "llama-70b production max=7"
	for _, word := range everyWord() {
		for _, begin := range reasons[:len(reasons)-1] {
			for _, text := range []string{
				left + " " + begin + "high " + word,
				left + " " + begin + "high load " + word + " now",
				"can " + left + " " + begin + "high " + word,
				"undo K7M2Q " + begin + "high " + word,
				"keep K7M2Q " + begin + "high " + word,
				"extend K7M2Q 1h " + begin + "high " + word,
				"freeze llama-70b for=2h " + begin + "high " + word,
				left + " for=2h " + begin + "high " + word,
				left + " until Mon " + begin + "high " + word,
				"llama-70b " + begin + "high production " + word,
				begin + "high " + left + " " + word,
				left + " " + begin + "“high " + word,
				left + " " + begin + "high” " + word,
				left + " " + begin + "said \"go\" " + word,
				left + " " + begin + "\"said \"go\" " + word + "\"",
				left + " " + begin + "'the customers' " + word + " wish'",
			} {
				for _, arrived := range []string{text, mentioned(t, text)} {
					if c, err := Parse(arrived); err == nil {
						t.Errorf("%q is taken as %s", arrived, c)
					}
				}
			}
		}
	}
}

// mentioned is a text as it arrives by a mention.
func mentioned(t *testing.T, text string) string {
	t.Helper()
	text, ok := FromMention("<@UBOT> "+strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text), "UBOT")
	if !ok {
		t.Fatalf("mention not seen in %q", text)
	}
	return text
}

// Within quotes every word is the reason's.
func TestQuotedReason(t *testing.T) {
	want := change(baseten.Settings{baseten.MaxReplica: 7})
	for _, word := range everyWord() {
		for _, quotes := range [][2]string{{`"`, `"`}, {"'", "'"}, {"“", "”"}, {"‘", "’"}, {"„", "“"}} {
			open, shut := quotes[0], quotes[1]
			want.Reason = "high " + word + " now"
			for _, text := range []string{
				"llama-70b production max=7 reason=" + open + want.Reason + shut,
				"llama-70b production reason " + open + want.Reason + shut + " max=7",
				"--reason=" + open + want.Reason + shut + " llama-70b production max 7",
			} {
				if diff := cmp.Diff(want, mustParse(t, text)); diff != "" {
					t.Errorf("%q (-want +got):\n%s", text, diff)
				}
			}
		}
	}
}

func TestReasonInTheCorrectedLine(t *testing.T) {
	for _, tt := range []struct {
		text  string
		lines []string
	}{
		{"llama-70b production max=7 reason=high concurrency 128", []string{`llama-70b production max=7 reason="high concurrency 128"`}},
		{"llama-70b production max=7 reason=launch at noon", []string{`llama-70b production max=7 reason="launch at noon"`}},
		{"llama-70b production max 7 --reason launch  at noon", []string{`llama-70b production max 7 reason="launch at noon"`}},
		{"llama-70b production max=7 reason launch until=18:00", []string{
			`llama-70b production max=7 reason="launch until=18:00"`, `llama-70b production max=7 until=18:00 reason="launch"`}},
		{"llama-70b production max=7 reason=launch until noon", []string{`llama-70b production max=7 reason="launch until noon"`}},
		{"keep k7m2q reason=traffic stays", []string{`keep k7m2q reason="traffic stays"`}},
		{"extend k7m2q 2h reason=still busy", []string{`extend k7m2q 2h reason="still busy"`}},
		{"freeze * until=18:00 reason=the launch", []string{`freeze * until=18:00 reason="the launch"`}},
		{"can llama-70b production max=7 reason=launch at noon", []string{`can llama-70b production max=7 reason="launch at noon"`}},
		{"undo k7m2q reason=all quiet now", []string{`undo k7m2q reason="all quiet now"`}},
		{"llama-70b production max=7 reason=“launch at noon", []string{`llama-70b production max=7 reason="launch at noon"`}},
		{"llama-70b production max=7 reason=\"launch\" at noon", nil},
		{`llama-70b production max=7 reason="said "go" min=1 now"`, []string{`llama-70b production max=7 reason="said \"go\" min=1 now"`}},
		{`llama-70b production max=7 reason='customers' load is high'`, []string{`llama-70b production max=7 reason="customers' load is high"`}},
		{"llama-70b production max=7 reason=INC-4 <!channel> `x`", []string{"llama-70b production max=7 reason=\"INC-4 <!channel> `x`\""}},
		// Without the settings after it the line would ask for nothing.
		{"llama-70b production reason=high load max=7", []string{`llama-70b production max=7 reason="high load"`}},
		{"llama-70b reason=spike production max=7", nil},
		// An option at the end may have been meant as one: both are shown.
		{"llama-70b production max=7 reason=outage now --break-glass", []string{
			`llama-70b production max=7 reason="outage now --break-glass"`, `llama-70b production max=7 --break-glass reason="outage now"`}},
		{"llama-70b production max=7 reason=x " + strings.Repeat("y ", MaxReason), nil},
	} {
		if diff := cmp.Diff(tt.lines, mistaken(t, tt.text).Lines); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func FuzzUnquotedReason(f *testing.F) {
	for i, word := range everyWord() {
		f.Add(uint(i), "high "+word)
		f.Add(uint(i), "high\u00a0"+word+" now")
	}
	for _, tail := range []string{
		"a b=c", "=x max=9", "= x max=9", "x\u200b max=9", "x\u2028max=9", "x\vmax=9", "x\u3000dry-run", "*x* max=9", "`x` max=9",
		"<http://a.b|x> max=9", "<@U1> max=9", "+= max 9", "- max=9", "x env:staging", "x model:y", "x\\ max=9", "– max 9", "x,max=9",
	} {
		f.Add(uint(0), tail)
	}
	left := []string{
		"llama-70b production max=7 for=2h", "freeze * until=Mon 18:00", "extend K7M2Q 1h", "keep K7M2Q", "freeze llama-70b for",
		"llama-70b production max=7", "can llama-70b production max=7 dry-run", "llama-70b max=7", "max=7", "undo K7M2Q",
		"env:production", "llama-70b production break-glass min=1 max=7", "llama-70b production window=10m max",
	}
	quotes := strings.NewReplacer(`"`, "", "'", "", "`", "", "“", "", "”", "", "„", "", "‟", "", "‘", "", "’", "", "‚", "", "‛", "")
	f.Fuzz(func(t *testing.T, pick uint, after string) {
		before := left[pick%uint(len(left))]
		begin := reasons[pick/uint(len(left))%uint(len(reasons)-1)]
		after = quotes.Replace(after)
		for _, text := range []string{before + " " + begin + after, mentioned(t, before+" "+begin+after)} {
			got, err := Parse(text)
			if err != nil {
				continue
			}
			// What was understood is what stands before the reason, and a reason of
			// one word.
			want := mustParse(t, before+" reason=x")
			want.Reason = got.Reason
			if diff := cmp.Diff(want, got); diff != "" || strings.Contains(got.Reason, " ") {
				t.Errorf("%q has the reason %q and (-want +got):\n%s", text, got.Reason, diff)
			}
		}
	})
}
