package sandbox

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
)

// Every tool does what it says, and what is a state can be switched off again.
func TestWorldTray(t *testing.T) {
	w := newWorld(t, WorldOptions{Announce: channelAlarms})
	startFakeBot(t, w)
	llama := func() *basetensim.ModelSnapshot { return w.Baseten.Snapshot().Model(basetensim.DemoLlama) }
	production := func() *basetensim.EnvironmentSnapshot {
		return w.Baseten.Environment(basetensim.DemoLlama, "production")
	}
	use := func(name string, on bool) {
		t.Helper()
		if err := w.use(deed{As: "U0ANA", Channel: channelMLOnCall, Name: name, On: on}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	shows := func(name string) (found toolState) {
		t.Helper()
		for _, s := range w.trayState() {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("no tool %s", name)
		return found
	}
	for name, holds := range map[string]func() bool{
		"load": func() bool {
			return w.serving().InFlight == 3*usual && w.serving().ActiveReplicas == production().Settings.MaxReplica
		},
		"rename":        func() bool { return llama().Name == "llama-70b-chat" },
		"prices":        w.pricesHidden,
		"promotion":     func() bool { return production().Candidate == basetensim.DemoLlamaCanary },
		"schedule-week": func() bool { return production().Schedule == "peak hours" && w.serving().Settings.MaxReplica == 6 },
		"slack-busy":    func() bool { return w.Slack.Snapshot().Banner != nil && len(w.Slack.Snapshot().Banner) == 1 },
		"announce-gone": func() bool { return w.archived(channelAlarms) },
	} {
		use(name, true)
		if !holds() || !shows(name).On {
			t.Errorf("%s is on, and it is not so", name)
		}
		use(name, false)
		if holds() || shows(name).On {
			t.Errorf("%s is off, and it is so still", name)
		}
	}

	use("promotion", true)
	use("promotion-finish", true)
	if w.serving().ID != basetensim.DemoLlamaCanary || shows("promotion").On || shows("promotion-finish").Idle == "" {
		t.Errorf("after the promotion %s serves", w.serving().ID)
	}
	if err := w.use(deed{Name: "terraform", On: true}); err == nil {
		t.Error("Terraform put back what nobody had changed")
	}
	if err := w.Baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 9}); err != nil {
		t.Fatal(err)
	}
	use("terraform", true)
	if got := production().Settings.MaxReplica; got != 4 {
		t.Errorf("after Terraform max is %d, want what it was at first", got)
	}

	use("late-mention", true)
	list := w.Slack.Messages(channelMLOnCall)
	typed := list[0]
	if age := w.Now().Sub(at(t, typed.TS)); age < 3*time.Hour || age > 3*time.Hour+time.Minute {
		t.Errorf("the late mention is %s old", age)
	}
}

// A one-time schedule comes into force, and ends, as the clock is moved.
func TestClockMovesBaseten(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	if err := w.use(deed{Name: "schedule-once", On: true}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by   time.Duration
		want int
	}{{0, 4}, {10 * time.Minute, 9}, {time.Hour, 4}} {
		w.MoveClock(c.by)
		if got := w.serving().Settings.MaxReplica; got != c.want {
			t.Errorf("%s later max is %d, want %d", c.by, got, c.want)
		}
	}
	ts := w.As("Ana").Say("#ml-oncall", "", "what time is it")
	if ahead := time.Until(at(t, ts)); ahead < time.Hour || ahead > 71*time.Minute {
		t.Errorf("Slack's clock is %s ahead", ahead)
	}
}

// The bot tells of a version once, and the page knows it again.
func TestPolicyState(t *testing.T) {
	w := newWorld(t, WorldOptions{Policy: "good"})
	is := func(status, words string) {
		t.Helper()
		if got := w.policyState(); got.Status != status || got.Words != words {
			t.Errorf("policy is %+v, want %s %q", got, status, words)
		}
	}
	set := func(text string) {
		t.Helper()
		if err := w.SetPolicy(text); err != nil {
			t.Fatal(err)
		}
	}
	is(policyWaiting, "")
	w.PolicyRead([]byte("good"), nil)
	is(policyTaken, "")
	set("bad")
	is(policyWaiting, "")
	w.PolicyRead([]byte("bad"), errors.New(w.policyFile()+":1: bad"))
	is(policyRefused, "policy.yaml:1: bad")
	set("good")
	is(policyTaken, "")
	set("bad")
	is(policyRefused, "policy.yaml:1: bad")
}

// at is the time of a ts.
func at(t *testing.T, ts string) time.Time {
	t.Helper()
	seconds, err := strconv.ParseFloat(ts, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(int64(seconds * 1000))
}
