package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// Benchmarks with few ended requests run with -bench .; those with a million
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

func benchmark(b *testing.B, ended int) {
	b.Run("sqlite", func(b *testing.B) {
		benchmarkStore(b, openStore(b, "sqlite:"+filepath.Join(b.TempDir(), "bot.db")), ended)
	})
	b.Run("memory", func(b *testing.B) { // what fsync costs is the difference
		if ended > 10_000 {
			b.Skip("too much for memory")
		}
		benchmarkStore(b, openStore(b, "sqlite::memory:"), ended)
	})
	b.Run("postgres", func(b *testing.B) {
		server := os.Getenv(postgresEnv)
		if server == "" {
			b.Skip(postgresEnv + " is not set")
		}
		benchmarkStore(b, openStore(b, newPostgresDatabase(b, server)), ended)
	})
}

func benchmarkStore(b *testing.B, s *Store, ended int) {
	fill(b, s, ended)
	ctx := context.Background()
	n := 0
	next := func() change.ID { n++; return change.ID(fmt.Sprintf("B%d", n)) }
	run := func(name string, op func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := op(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}

	run("Create", func() error {
		id := next()
		return s.Create(ctx, change.Delivery{Key: string(id)}, pending(id, "dep", n), move(change.Pending))
	})
	create(b, s, pending("CHANGE", "other", 0))
	run("Change", func() error {
		_, err := s.Change(ctx, change.Delivery{Key: string(next())}, "CHANGE", func(r *change.Request, _ time.Time) (change.Effects, error) {
			r.Sends = n
			return change.Effects{Events: []change.Event{{Kind: change.EventVoted, Request: r.ID}}}, nil
		})
		return err
	})
	run("Get", func() error { _, err := s.Get(ctx, "CHANGE"); return err })

	// What waits and owes is measured with ten requests in it.
	if err := raw(s, `UPDATE requests SET state = 'canceled', ended_at = 1, due_at = NULL WHERE state = 'pending'`); err != nil {
		b.Fatal(err)
	}
	for i := range 10 {
		create(b, s, pending(next(), "dep", i))
		create(b, s, owing(next(), i))
	}
	target := pending("", "dep", 0).Target
	later := t0.AddDate(100, 0, 0) // later than the clock of any database server
	run("Alive", func() error { _, err := s.Alive(ctx, "p1", time.Second); return err })
	run("LeaseAndReleaseTen", func() error {
		leased, err := s.Lease(ctx, "p1", 64)
		for _, id := range leased {
			if _, err := s.Release(ctx, id, "p1", 1); err != nil {
				return err
			}
		}
		return err
	})
	alive(b, s, "p2")
	lease(b, s, "p2", 64)
	run("LeaseNone", func() error { _, err := s.Lease(ctx, "p1", 64); return err })
	run("Applying", func() error {
		return s.db.tx(ctx, "ask", func(t tx) error {
			r := pending("CHANGE", "dep", 0)
			r.State = change.Applying
			return mayApply(ctx, t, r, change.Approved, later)
		})
	})
	run("Pending", func() error { _, err := s.Pending(ctx, "", 50); return err })
	run("PendingOfModel", func() error { _, err := s.Pending(ctx, "m1", 50); return err })
	run("Neighbours", func() error { _, err := s.Neighbours(ctx, target, 50); return err })
	run("Overtaken", func() error { _, err := s.Overtaken(ctx, target, "CHANGE", later); return err })
	run("Told", func() error { _, err := s.Told(ctx, target, later); return err })
	run("History", func() error { _, err := s.History(ctx, "", "", 10); return err })
	run("HistoryOfModel", func() error { _, err := s.History(ctx, "m1", "", 10); return err })
	run("HistoryOfTarget", func() error { _, err := s.History(ctx, "m1", target.Name(), 10); return err })
	run("HistoryOfNone", func() error { _, err := s.History(ctx, "m1", "none", 10); return err })
	run("Reached", func() error { _, err := s.Reached(ctx, "", "", 20); return err })
	run("ReachedOfModel", func() error { _, err := s.Reached(ctx, "m1", "", 20); return err })
	run("ReachedOfTarget", func() error { _, err := s.Reached(ctx, "m1", target.Name(), 20); return err })
	run("Resolved", func() error { _, err := s.Resolved(ctx, 20); return err })
	run("Own", func() error { _, err := s.Own(ctx, "U1", t0, 50); return err })
	run("CountByState", func() error { _, err := s.CountByState(ctx); return err })
	run("OpenReviews", func() error { _, err := s.OpenReviews(ctx); return err })
	all := func(f AuditFilter) func() error {
		return func() error { return s.Audit(ctx, f, func(change.Event) error { return nil }) }
	}
	run("Audit", all(AuditFilter{}))
	run("AuditOfUser", all(AuditFilter{User: "U1"}))
	run("AuditOfOne", all(AuditFilter{Request: "CHANGE"}))
	run("Verify", func() error { _, err := s.Verify(ctx, Head{}); return err })
}

// fill copies one ended request n times inside the database, and writes n events.
func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	create(b, s, pending("MODEL", "dep", 0))
	mustChange(b, s, "MODEL", func(r *change.Request, now time.Time) (change.Effects, error) {
		r.Reason.Text, r.Told = strings.Repeat("the reason. ", 20), change.WayDirect
		return move(change.Applied)(r, now)
	})
	copied := make([]string, len(writtenNames))
	for i, name := range writtenNames {
		switch name {
		case "id":
			copied[i] = `'F' || n.i`
		case "created_at":
			copied[i] = fmt.Sprintf("%d + n.i", t0.Add(-1000*time.Hour).UnixMilli())
		default:
			copied[i] = "r." + name
		}
	}
	const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO requests (%s) `+numbers+`SELECT %s FROM requests r, n WHERE r.id = 'MODEL'`,
			strings.Join(writtenNames, ", "), n, strings.Join(copied, ", ")),
		fmt.Sprintf(`INSERT INTO deliveries (key, at) `+numbers+`SELECT 'old' || n.i, n.i FROM n`, n),
	} {
		if err := raw(s, sql); err != nil {
			b.Fatal(err)
		}
	}
	const batch = 10_000
	for written := 0; written < n; written += batch {
		events := make([]change.Event, min(batch, n-written))
		for i := range events {
			events[i] = change.Event{
				At: t0, Kind: change.EventMoved, Request: change.ID(fmt.Sprint("F", (written+i)/4)), From: change.Pending, To: change.Denied,
				Actor: authz.Person{ID: fmt.Sprint("U", i%7), Name: "Somebody"}, ModelID: "m1", Model: "llama",
				Detail: []byte(`{"after":{"max_replica":7},"before":{"max_replica":4},"text":"m1 production max=7"}`),
			}
		}
		record(b, s, events...)
	}
}
