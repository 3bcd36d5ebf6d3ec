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
			if stores[i], err = Open(t.Context(), Config{URL: url, Owner: fmt.Sprint("p", i)}); err != nil {
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
				func(r *change.Request) (change.Effects, error) {
					if r.State != change.Pending {
						return change.Effects{}, change.ErrState
					}
					return move(change.Applying, t0)(r)
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

	t.Run("Replicas/EachJobOnce", func(t *testing.T) {
		t.Parallel()
		const jobs = 40
		url := fresh(t)
		ran := make(chan change.ID, 2*jobs)
		var writer *Store
		for i := range 3 {
			s, err := Open(t.Context(), Config{URL: url, Owner: fmt.Sprint("p", i)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			workers := advances(func(_ context.Context, id change.ID) error { ran <- id; return nil })
			if err := s.Work(t.Context(), workers, WorkOptions{}); err != nil {
				t.Fatal(err)
			}
			writer = s
		}
		var e change.Effects
		for i := range jobs {
			e.Jobs = append(e.Jobs, change.Job{Args: change.AdvanceArgs{ID: change.ID(fmt.Sprintf("J%04d", i))}})
		}
		if err := writer.Create(t.Context(), change.Delivery{}, pending("AAAAA", "d1", 0), e); err != nil {
			t.Fatal(err)
		}
		seen := make(map[change.ID]int)
		for range jobs {
			seen[<-ran]++
		}
		if len(seen) != jobs {
			t.Errorf("%d of %d jobs ran: %v", len(seen), jobs, seen)
		}
	})

	t.Run("TruncateRefused", func(t *testing.T) {
		t.Parallel()
		s := openStore(t, fresh(t))
		if err := raw(s, `TRUNCATE events`); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("error = %v", err)
		}
	})
}
