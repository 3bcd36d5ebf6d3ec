package commands

import "testing"

func TestFromMention(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		ok         bool
	}{
		{"<@UBOT> llama-70b production max=7", "llama-70b production max=7", true},
		{"<@UBOT|autoscale> status llama-70b", "status llama-70b", true},
		{"  <@UBOT>\u00a0status llama-70b ", "status llama-70b", true},
		{"<@UBOT>: status llama-70b", "status llama-70b", true},
		{"<@UBOT>, help", "help", true},
		{"<@UBOT>", "", true},
		{"<@UBOT> status <http://llama.ai|llama.ai>", "status llama.ai", true},
		{"<@UBOT> a b max=1 reason=\"see <https://x.y/z>\"", "a b max=1 reason=\"see https://x.y/z\"", true},
		{"<@UBOT> status <mailto:a@b.c|a@b.c>", "status a@b.c", true},
		{"<@UBOT> cancel <#C1|k7m2q>", "cancel #k7m2q", true},
		{"<@UBOT> a b max=1 reason=\"for <@U1|jane> and <@U2>\"", "a b max=1 reason=\"for @jane and @U2\"", true},
		{"<@UBOT> <!here> <!subteam^S1|@sre> <!date^1^{date}|today>", "@here @sre today", true},
		{"<@UBOT> a &lt;b&gt; &amp;amp; &amp;lt;", "a <b> &amp; &lt;", true},
		{"<@UBOT> <http://x?a=1&amp;b=2|x?a=1&amp;b=2>", "x?a=1&b=2", true},
		{"<@UBOT> broken <http://x", "broken <http://x", true},
		{"<@UBOT> <> <|x>", "x", true},
		{"<@UBOTTOM> status llama-70b", "", false},
		{"<@UOTHER> status llama-70b", "", false},
		{"hello <@UBOT> status llama-70b", "", false},
		{"<@UBOT status llama-70b", "", false},
		{"UBOT status", "", false},
		{"", "", false},
	} {
		got, ok := FromMention(tt.text, "UBOT")
		if got != tt.want || ok != tt.ok {
			t.Errorf("FromMention(%q) = %q, %t, want %q, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
	if got, ok := FromMention("<@> status", ""); ok {
		t.Errorf("without a bot ID: %q, true", got)
	}
}

func TestMentionIsTheSameCommand(t *testing.T) {
	text, ok := FromMention("<@UBOT> `llama-70b` production —max-replica 7 reason=“5 &gt; 4 &amp; rising”", "UBOT")
	if !ok {
		t.Fatal("mention not seen")
	}
	if got, want := mustParse(t, text).String(), `llama-70b production max=7 reason="5 > 4 & rising"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
