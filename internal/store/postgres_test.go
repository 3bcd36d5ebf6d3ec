package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"autoscalebot/internal/change"
)

// newPostgresDatabase makes an empty database on the server and returns its URL.
func newPostgresDatabase(t testing.TB, server string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	admin(t, server, `CREATE DATABASE `+name)
	t.Cleanup(func() { admin(t, server, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("AUTOSCALE_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

func admin(t testing.TB, server, sql string) {
	t.Helper()
	ctx := context.Background() // t.Context has ended when a test is cleaned up
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// replicas is what only several processes on one PostgreSQL have to do.
func replicas(t *testing.T, fresh func(t *testing.T) string) {
	t.Run("Replicas/StartAtOnce", func(t *testing.T) {
		t.Parallel()
		url := fresh(t)
		stores := make([]*Store, 4)
		together(len(stores), func(i int) {
			var err error
			if stores[i], err = Open(t.Context(), Config{URL: url}); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
		for _, s := range stores {
			if s == nil {
				continue
			}
			if err := s.TeamID(t.Context(), "T1"); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})

	t.Run("Replicas/OneWinner", func(t *testing.T) {
		t.Parallel()
		url := fresh(t)
		stores := []*Store{openStore(t, url), openStore(t, url), openStore(t, url)}
		create(t, stores[0], pending("AAAAA", "d1", 0))
		var won atomic.Int32
		together(12, func(i int) {
			_, err := stores[i%3].Change(t.Context(), change.Delivery{Key: fmt.Sprint("E", i)}, "AAAAA",
				func(r *change.Request, now time.Time) (change.Effects, error) {
					if r.State != change.Pending {
						return change.Effects{}, change.ErrState
					}
					return move(change.Applying)(r, now)
				})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, change.ErrState) {
				t.Errorf("Change: %v", err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
	})

	t.Run("Replicas/LeaseRace", func(t *testing.T) {
		t.Parallel()
		url := fresh(t)
		testLeaseRace(t, openStore(t, url), openStore(t, url), openStore(t, url))
	})

	t.Run("Replicas/OneChain", func(t *testing.T) {
		t.Parallel()
		url := fresh(t)
		testChainRace(t, openStore(t, url), openStore(t, url), openStore(t, url))
	})

	// Leases and stamps go by the database's clock: a replica that is 20 s ahead
	// takes nothing that a living process holds.
	t.Run("Replicas/ClockAhead", func(t *testing.T) {
		t.Parallel()
		url := fresh(t)
		s := openStore(t, url)
		ahead, err := Open(t.Context(), Config{URL: url, Now: func() time.Time { return time.Now().Add(20 * time.Second) }})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ahead.Close() }()
		alive(t, s, "p1")
		alive(t, ahead, "p2")
		create(t, s, owing("AAAAA", 0))
		wantLease(t, s, "p1", "AAAAA")
		wantLease(t, ahead, "p2")
		before := mustChange(t, s, "AAAAA", move(change.Denied))
		create(t, ahead, owing("BBBBB", 0))
		after := mustChange(t, ahead, "BBBBB", move(change.Denied))
		if d := after.EndedAt.Sub(before.EndedAt); d < 0 || d > 15*time.Second {
			t.Errorf("of two that ended one after the other, the second is stamped %v later", d)
		}
		die(t, s, "p1")
		create(t, ahead, owing("CCCCC", 0))
		wantLease(t, ahead, "p2", "AAAAA", "BBBBB", "CCCCC")
	})

	t.Run("TruncateRefused", func(t *testing.T) {
		t.Parallel()
		s := openStore(t, fresh(t))
		if err := raw(s, `TRUNCATE events`); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("error = %v", err)
		}
	})
}
