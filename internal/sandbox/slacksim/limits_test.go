package slacksim

import (
	"testing"
	"time"
)

func TestLimiterRefills(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := newLimiter(Limits{}.withDefaults(), func() time.Time { return now })
	for i := range 50 {
		if wait := l.take("chat.update", "C1"); wait != 0 {
			t.Fatalf("update %d has to wait %v", i+1, wait)
		}
	}
	if wait := l.take("chat.update", "C2"); wait != 1200*time.Millisecond {
		t.Errorf("update 51 waits %v, want 1.2s", wait)
	}
	now = now.Add(1200 * time.Millisecond)
	if wait := l.take("chat.update", "C1"); wait != 0 {
		t.Errorf("after the wait: %v", wait)
	}
	if wait := l.take("auth.test", ""); wait != 0 {
		t.Errorf("a method without limit waits %v", wait)
	}
	now = now.Add(time.Hour)
	for range 50 {
		l.take("chat.update", "C1")
	}
	if wait := l.take("chat.update", "C1"); wait == 0 {
		t.Error("an hour of silence saved up more than a minute's worth")
	}
}

func TestPostsHaveABurstPerChannel(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := newLimiter(Limits{}.withDefaults(), func() time.Time { return now })
	for i := range 4 {
		if wait := l.take("chat.postMessage", "C1"); (wait == 0) != (i < 3) {
			t.Errorf("post %d waits %v", i+1, wait)
		}
	}
	if wait := l.take("chat.postMessage", "C2"); wait != 0 {
		t.Errorf("first post in another channel waits %v", wait)
	}
}
