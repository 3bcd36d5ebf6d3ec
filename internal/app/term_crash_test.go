package app_test

import (
	"testing"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// The bot is killed with kill -9 about the end of a temporary change, and started again
// on the same file: the settings go back, with at most two sends, and it is told.
func TestKill9AroundAnEnd(t *testing.T) {
	t.Parallel()
	hung := func(s *story) {
		if err := s.Baseten.Wait(s.ctx, func(snap *basetensim.Snapshot) bool { return snap.Patches > 1 }); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		// fault holds something of the end, until the bot died.
		fault *basetensim.Fault
		// until waits for the moment at which the bot is killed, after its time is up; nil
		// kills it before.
		until func(s *story)
	}{
		{"before its time is up", nil, nil},
		{"before anything is sent", &basetensim.Fault{Kind: basetensim.Unavailable, Op: basetensim.ListEnvironments}, func(s *story) { s.logs("read settings before the change", 1) }},
		{"while Baseten works on the PATCH", &basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.PatchEnvironment}, hung},
		{"once it went back", nil, func(s *story) { s.goes(llama, 4) }},
		{"once it is told", nil, func(s *story) { s.sees("Ana", "Time is up for") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := stage(t, quietly(), nil)
			s.takesLonger()
			bot := s.spawn(nil)
			s.changes("Ana", "max=7 for=30m")
			s.sees("Ana", "In force after")
			var fault *basetensim.Injected
			if tt.fault != nil {
				fault = s.Baseten.Inject(*tt.fault)
			}
			if tt.until != nil {
				s.later(31 * time.Minute)
				tt.until(s)
			}
			bot.kill()
			if tt.until == nil {
				s.later(31 * time.Minute)
			}
			if fault != nil {
				fault.Clear()
			}
			began := time.Now()
			s.spawn(nil)
			s.goes(llama, 4)
			if took := time.Since(began); took > goesOn {
				t.Errorf("it took %v, want at most %v", took, goesOn)
			}
			s.sees("Ana", "⏱️ Back to max 4 since")
			s.wait("it is told", func(*slacksim.Snapshot) bool { return s.replies("Time is up for") > 0 })
			s.wait("no button ends it any more", func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] })
			if n := len(s.patches()); n != 2 && n != 3 {
				t.Errorf("%d PATCHes, want one there, and one or two back", n)
			}
			if n := s.replies("Time is up for"); n > 2 { // posted, and not noted before the kill: once more
				t.Errorf("told %d times", n)
			}
		})
	}
}

// [Revert Now], [Keep] and [Extend 1 h] are pressed at the same moment on two replicas,
// twice each: one end is made, and what came first holds.
func TestReplicasPressTermButtons(t *testing.T) {
	t.Parallel()
	s, _ := replicated(t)
	s.changes("Ana", "max=7 for=2h")
	m := s.sees("Ana", "[Revert Now]")
	var clicks []*slacksim.Delivery
	for _, action := range []string{"end", "end", "keep", "extend", "end", "keep"} {
		clicks = append(clicks, s.Slack.Click("U0ANA", m.Channel, m.TS, action))
	}
	served := map[string]bool{}
	for _, d := range clicks {
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
		served[d.Connection()] = true
	}
	if len(served) != 2 {
		t.Error("all clicks went to one bot")
	}
	s.wait("it is over", func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] || s.replies("Baseten: UNCHANGED") > 0 })
	if n := s.replies("Ana ended"); n > 1 {
		t.Errorf("it ended %d times", n)
	}
	if got := s.patches(); len(got) > 3 {
		t.Errorf("PATCHes %q", got)
	}
}
