package slacksim

import (
	"maps"
	"time"
)

// Limits are the rate limits that StrictLimits turns on. Per workspace and app,
// as https://docs.slack.dev/apis/web-api/rate-limits has them; the tiers promise
// at least this much, so a client that lives with exactly this much is safe.
type Limits struct {
	// PostsPerSecond and PostBurst limit chat.postMessage in each channel.
	// Defaults 1 and 3: Slack allows about one a second, with short bursts.
	PostsPerSecond float64
	PostBurst      int
	// PerMinute limits methods. Named methods replace the defaults: chat.update and
	// the other Tier 3 methods 50, Tier 4 100, usergroups.* 20,
	// apps.connections.open 10 (official SDKs call it Tier 1, about 1 a minute, which
	// two connections of one process already break). 0 or less: no limit.
	PerMinute map[string]int
}

func (l Limits) withDefaults() Limits {
	if l.PostsPerSecond == 0 {
		l.PostsPerSecond = 1
	}
	if l.PostBurst == 0 {
		l.PostBurst = 3
	}
	perMinute := map[string]int{
		"apps.connections.open": 10,
		"usergroups.list":       20, "usergroups.users.list": 20,
		"chat.update": 50, "chat.delete": 50, "conversations.info": 50, "conversations.open": 50, "bots.info": 50,
		"chat.postEphemeral": 100, "users.info": 100, "conversations.members": 100,
		"views.open": 100, "views.push": 100, "views.update": 100, "views.publish": 100,
	}
	maps.Copy(perMinute, l.PerMinute)
	l.PerMinute = perMinute
	return l
}

// limiter holds one token bucket per method, and one per channel for posts.
type limiter struct {
	limits  Limits
	now     func() time.Time
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(limits Limits, now func() time.Time) limiter {
	return limiter{limits: limits, now: now, buckets: map[string]*bucket{}}
}

// take uses up one call, or returns how long to wait before the next is allowed.
func (l *limiter) take(method, channel string) (wait time.Duration) {
	if method == "chat.postMessage" {
		return l.spend("post "+channel, l.limits.PostsPerSecond, l.limits.PostBurst)
	}
	if n := l.limits.PerMinute[method]; n > 0 {
		return l.spend(method, float64(n)/60, n)
	}
	return 0
}

func (l *limiter) spend(key string, perSecond float64, burst int) time.Duration {
	now := l.now()
	b := l.buckets[key]
	if b == nil {
		b = &bucket{tokens: float64(burst), at: now}
		l.buckets[key] = b
	}
	b.tokens = min(float64(burst), b.tokens+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
	}
	b.tokens--
	return 0
}
