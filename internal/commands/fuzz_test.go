package commands

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/moment"
)

// checkParse holds Parse to what is true of every text, and reports whether it was
// understood.
func checkParse(t *testing.T, text string) (understood bool) {
	t.Helper()
	c, err := Parse(text)
	if err != nil {
		var m *Mistake
		if !errors.As(err, &m) {
			t.Fatalf("Parse(%q): %T is no *Mistake", text, err)
		}
		checkMistake(t, text, m)
		if !cmp.Equal(c, Command{}) {
			t.Errorf("Parse(%q) gave a mistake and %+v", text, c)
		}
		return false
	}
	for field, n := range c.Settings {
		row, ok := baseten.Lookup(field)
		if !ok || n < row.Least || n > row.Most {
			t.Errorf("Parse(%q): %s=%d is out of range", text, field, n)
		}
	}
	switch c.Name {
	case NameChange, NameCan:
		if c.Model.Word == "" || c.Target.Word == "" || len(c.Settings) == 0 {
			t.Errorf("Parse(%q) is incomplete: %+v", text, c)
		}
	case NameStatus:
		if c.Model.Word == "" {
			t.Errorf("Parse(%q) has no model", text)
		}
	case NameCancel, NameUndo, NameExtend, NameKeep, NameThaw:
		if len(c.ID) != 5 {
			t.Errorf("Parse(%q) has the ID %q", text, c.ID)
		}
		if (c.Name == NameExtend) != (c.For != 0) {
			t.Errorf("Parse(%q) has the time %s", text, c.For)
		}
	case NameFreeze:
		if c.Model.Word == "" || c.Reason == "" || (c.For == 0) == c.Until.IsZero() || c.DryRun || len(c.Settings) > 0 {
			t.Errorf("Parse(%q) is incomplete: %+v", text, c)
		}
	case NameList, NameWhoami, NamePending, NameReviews, NameHistory, NameHelp:
	default:
		t.Errorf("Parse(%q) has the name %q", text, c.Name)
	}
	if c.Model.Word == "" && c.Target.Word != "" {
		t.Errorf("Parse(%q) has a target without a model", text)
	}
	if c.For != 0 && (c.For < moment.Least || c.For > moment.Most || !c.Until.IsZero()) {
		t.Errorf("Parse(%q) ends after %s, until %s", text, c.For, c.Until)
	}
	if c.BreakGlass && c.Reason == "" || utf8.RuneCountInString(c.Reason) > MaxReason {
		t.Errorf("Parse(%q) has the reason %q", text, c.Reason)
	}
	spelling := c.String()
	if !utf8.ValidString(spelling) || strings.ContainsFunc(spelling, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
		t.Errorf("Parse(%q) is spelled %q", text, spelling)
	}
	again, err := Parse(spelling)
	if err != nil {
		t.Fatalf("Parse(%q) is spelled %q, which is refused: %v", text, spelling, err)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("Parse(%q) is spelled %q, which is another command (-first +second):\n%s", text, spelling, diff)
	}
	if Help(c.Topic) == "" {
		t.Errorf("Help(%q) is empty", c.Topic)
	}
	return true
}

// TestParseFragments throws pieces of the grammar together, well and badly, which
// reaches deeper than random bytes do.
func TestParseFragments(t *testing.T) {
	fragments := []string{
		"llama-70b", "production", "model:x", `model:"a b"`, "env:", "env:prod", "deploy:x", "status", "list", "can", "undo", "help",
		"K7M2Q", "#k7m2q", "max", "min", "window", "utilization", "down-rate", "reason", "dry-run", "break-glass", "for", "until", "freeze", "extend", "keep", "thaw",
		"=", ":", "+=", "7", "70", "%", "70%", "10m", "-1", "+2", "max=7", "min=1", "delay=2m", "for=2h", "1h30m", "until=18:00", "until=Mon", "08:00", "6pm", "2026-12-01", "tokens:5", "--max-replica", "—max", "-x",
		`reason="a b"`, "reason=“it’s \\\" \\\\ on”", "'", `"`, "`", "*", "“", "”", "\\", "<http://a.b|c>", "<!here>", "<@U1>",
		"\u00a0", "\u200b", "\u202e", "⑦", "🔥", "x=y", "maxx=7", "a*",
	}
	random := rand.New(rand.NewPCG(1, 2))
	understood := 0
	const rounds = 20_000
	for range rounds {
		var text strings.Builder
		for range random.IntN(9) {
			text.WriteString(fragments[random.IntN(len(fragments))])
			if random.IntN(6) > 0 {
				text.WriteByte(' ')
			}
		}
		if checkParse(t, text.String()) {
			understood++
		}
		if checkParse(t, "m t "+text.String()+" max=7") {
			understood++
		}
	}
	if understood < rounds/20 {
		t.Errorf("only %d of %d texts were understood: the fragments do not test much", understood, 2*rounds)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range All() {
		for _, e := range s.Examples {
			f.Add(e)
		}
	}
	for _, text := range []string{
		"", "llama-70b production --max-replica 7", "llama-70b production max = 7 min: 1",
		"*llama-70b* `production` —max-replica=7", "model:“my model” env:'x' max=7",
		`a b max=7 break-glass reason="it's \"on\" \\ fire" dry-run`,
		"a b max+=2", "a b max=⑦", "a b utilization = 70 %", "a b window 10 min", "list *", "list *a*",
		`a b max=1 for=2h`, `a b max=1 until="Mon 08:00"`, "a b max=1 until=2026-12-01 8:00", "a b max=1 for 1d1h", "freeze a until 6pm reason=x",
		"undo #oil0k reason=“x”", "<http://llama.ai|llama.ai> x max=1", "a b max=1 reason=x y", "can a b max=1",
		"help --max", "a\u202eb c max=1", "\xff", `"'a' b" c max=1`, "model:model:x env:a=b max=1",
		strings.Repeat("a", 255) + " " + strings.Repeat("b", 255) + ` max=1 reason="` + strings.Repeat("🔥", 500) + `"`,
		`"` + strings.Repeat("\\ ", 100) + `" b max=1 reason=` + strings.Repeat("\\", 500),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParse(t, text) })
}

// A text that arrives by mention gets an answer like any other.
func FuzzFromMention(f *testing.F) {
	for _, text := range []string{
		" llama-70b production max=7", "|x> status <http://llama.ai|llama.ai>", " a &lt;b&gt; &amp;amp;",
		" <@U1|x> <#C1> <!here> <", ": help", " <|> <>",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		command, ok := FromMention("<@UBOT>"+text, "UBOT")
		if !ok {
			t.Fatalf("mention not seen in %q", text)
		}
		checkParse(t, command)
	})
}
