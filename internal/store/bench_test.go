package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

// Benchmarks with few finished requests run with -bench .; those with a million
// are asked for by name, because filling takes a minute:
//
//	go test ./internal/store -run '^$' -bench Few
//	go test ./internal/store -run '^$' -bench Million -timeout 30m
//
// The second is skipped under -short. Both use PostgreSQL too where a server is named.
func BenchmarkFew(b *testing.B) { benchmark(b, 100) }

func BenchmarkMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("-short")
	}
	benchmark(b, 1_000_000)
}

func benchmark(b *testing.B, finished int) {
	b.Run("sqlite", func(b *testing.B) {
		each(b, openStore(b, "sqlite:"+filepath.Join(b.TempDir(), "bot.db")), finished)
	})
	b.Run("memory", func(b *testing.B) { // what fsync costs is the difference
		if finished > 10_000 {
			b.Skip("too much for memory")
		}
		each(b, openStore(b, "sqlite::memory:"), finished)
	})
	b.Run("postgres", func(b *testing.B) {
		server := os.Getenv(postgresEnv)
		if server == "" {
			b.Skip(postgresEnv + " is not set")
		}
		each(b, openStore(b, newPostgresDatabase(b, server)), finished)
	})
}

func each(b *testing.B, s *Store, finished int) {
	fill(b, s, finished)
	ctx := context.Background()
	n := 0
	next := func() change.ID { n++; return change.ID(fmt.Sprintf("B%d", n)) }
	recorded := func(id change.ID) change.Effects {
		return change.Effects{
			Events: []change.Event{{At: t0, Kind: change.EventMoved, Request: id, To: change.Requested}},
			Jobs:   []change.Job{{Args: change.AdvanceArgs{ID: id}, At: t0}},
		}
	}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}

	b.Run("Create", func(b *testing.B) {
		for b.Loop() {
			id := next()
			must(s.Create(ctx, change.Delivery{Key: string(id), At: t0}, pending(id, "dep", n), recorded(id)))
		}
	})
	create(b, s, pending("CHANGE", "other", 0))
	b.Run("Change", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Change(ctx, change.Delivery{Key: string(next()), At: t0}, "CHANGE", func(r *change.Request) (change.Effects, error) {
				r.Sends = n
				return change.Effects{Events: []change.Event{{At: t0, Kind: change.EventVoted, Request: r.ID}}}, nil
			})
			must(err)
		}
	})
	b.Run("Claim", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Claim(ctx, "CHANGE", "p1", t0, t0)
			must(err)
		}
	})
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Get(ctx, "CHANGE")
			must(err)
		}
	})
	// The lists are measured with ten requests in them.
	must(raw(s, `UPDATE requests SET state = 'canceled', ended_at = 1 WHERE state = 'pending'`))
	for i := range 10 {
		r := pending(next(), "dep", i)
		r.Owed = true
		create(b, s, r)
	}
	b.Run("Pending", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Pending(ctx, "m1/dep", 50)
			must(err)
		}
	})
	b.Run("Owed", func(b *testing.B) {
		for b.Loop() {
			_, err := s.Owed(ctx, "p1", t0, 50)
			must(err)
		}
	})
	b.Run("AppliedSince", func(b *testing.B) {
		for b.Loop() {
			_, err := s.AppliedSince(ctx, "m1/dep", "CHANGE", t0.Add(time.Hour))
			must(err)
		}
	})
	b.Run("History", func(b *testing.B) {
		for b.Loop() {
			_, err := s.History(ctx, "m1", "production", 10)
			must(err)
		}
	})
	b.Run("CountByState", func(b *testing.B) {
		for b.Loop() {
			_, err := s.CountByState(ctx)
			must(err)
		}
	})
}

// fill copies one finished request and its events n times, inside the database.
func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	create(b, s, pending("MODEL", "dep", 0))
	mustChange(b, s, "MODEL", func(r *change.Request) (change.Effects, error) {
		r.Why = strings.Repeat("the reason. ", 20)
		return move(change.Applied, t0)(r)
	})
	values := strings.NewReplacer(
		"$id", "'F' || n.i", "$created_at", fmt.Sprintf("%d + n.i", t0.Add(-1000*time.Hour).UnixMilli()),
	)
	copied := make([]string, len(writtenNames))
	for i, name := range writtenNames {
		switch name {
		case "id", "created_at":
			copied[i] = values.Replace("$" + name)
		default:
			copied[i] = "r." + name
		}
	}
	const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO requests (%s) `+numbers+`SELECT %s FROM requests r, n WHERE r.id = 'MODEL'`,
			strings.Join(writtenNames, ", "), n, strings.Join(copied, ", ")),
		fmt.Sprintf(`INSERT INTO events (%s) `+numbers+`SELECT %s FROM events e, n WHERE e.seq = 1`,
			strings.Join(eventNames, ", "), n, "e."+strings.Join(eventNames, ", e.")),
		fmt.Sprintf(`INSERT INTO deliveries (key, at) `+numbers+`SELECT 'old' || n.i, n.i FROM n`, n),
	} {
		if err := raw(s, sql); err != nil {
			b.Fatal(err)
		}
	}
	_ = raw(s, `ANALYZE requests`)
}
