package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river"

	"autoscalebot/internal/change"
)

// advances returns workers that hand the requests to be advanced to do.
func advances(do func(ctx context.Context, id change.ID) error) *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[change.AdvanceArgs]) error {
		return do(ctx, job.Args.ID)
	}))
	return w
}

func advance(id change.ID, at time.Time) change.Effects {
	return change.Effects{Jobs: []change.Job{{Args: change.AdvanceArgs{ID: id}, At: at}}}
}

func testWork(t *testing.T, s *Store) {
	done := make(chan change.ID, 10)
	// One job waits from before anybody worked.
	if err := s.Create(t.Context(), change.Delivery{}, pending("AAAAA", "d1", 0), advance("AAAAA", time.Time{})); err != nil {
		t.Fatal(err)
	}
	workers := advances(func(ctx context.Context, id change.ID) error {
		// A job uses the store like everybody else.
		_, err := s.Change(ctx, change.Delivery{}, id, move(change.Denied, t0))
		done <- id
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Work(ctx, workers, WorkOptions{Poll: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	cancel() // does not stop the work
	if err := s.Work(t.Context(), workers, WorkOptions{}); err == nil {
		t.Error("work was started twice")
	}
	if id := <-done; id != "AAAAA" {
		t.Errorf("advanced %s", id)
	}
	if err := s.Create(t.Context(), change.Delivery{}, pending("BBBBB", "d1", 0), advance("BBBBB", time.Time{})); err != nil {
		t.Fatal(err)
	}
	if id := <-done; id != "BBBBB" {
		t.Errorf("advanced %s", id)
	}
	// A kind that no worker here knows can be inserted: another replica does.
	_, err := s.Change(t.Context(), change.Delivery{}, "BBBBB", func(*change.Request) (change.Effects, error) {
		return change.Effects{Jobs: []change.Job{{Args: change.ExpireArgs{ID: "BBBBB"}, At: time.Now().Add(time.Hour)}}}, nil
	})
	if err != nil {
		t.Fatalf("insert a job of another kind: %v", err)
	}
	for range 2 {
		if err := s.StopWork(t.Context()); err != nil {
			t.Fatalf("StopWork: %v", err)
		}
	}
	if err := s.Create(t.Context(), change.Delivery{}, pending("CCCCC", "d1", 0), advance("CCCCC", time.Time{})); err != nil {
		t.Fatalf("Create after StopWork: %v", err)
	}
}

func testJobRolledBack(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e := advance("BBBBB", time.Time{})
	e.Events = []change.Event{{Kind: change.EventMoved}}
	wantErr(t, s.Create(t.Context(), change.Delivery{}, pending("AAAAA", "d1", 0), e), change.ErrIDTaken)
	_, err := s.Change(ctx, change.Delivery{}, "AAAAA", func(*change.Request) (change.Effects, error) {
		cancel()
		return e, nil
	})
	wantErr(t, err, context.Canceled)
	if n := count(t, s, `SELECT count(*) FROM river_job`); n != 0 {
		t.Errorf("%d jobs of transactions that were rolled back", n)
	}
	mustChange(t, s, "AAAAA", func(*change.Request) (change.Effects, error) { return e, nil })
	if n := count(t, s, `SELECT count(*) FROM river_job`); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

// In virtual time, on the database of the sandbox: a job waits for its time, is
// tried again soon after it failed, and is never given up.
func TestJobTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Config{URL: "sqlite::memory:", Owner: "p1"})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		tries := make(chan time.Duration, 100)
		workers := advances(func(context.Context, change.ID) error {
			tries <- time.Since(start)
			if len(tries) < 8 {
				return errors.New("Baseten is down")
			}
			return nil
		})
		if err := s.Work(t.Context(), workers, WorkOptions{}); err != nil {
			t.Fatal(err)
		}
		r := pending("AAAAA", "d1", 0)
		if err := s.Create(t.Context(), change.Delivery{}, r, advance("AAAAA", start.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		close(tries)
		var last time.Duration
		n := 0
		for at := range tries {
			switch wait := at - last; {
			// River looks five seconds ahead; the fetch that holds the job back until
			// its time asks SQLite's clock, which is not virtual.
			case n == 0 && (at < time.Minute-5*time.Second || at > time.Minute+10*time.Second):
				t.Errorf("ran after %v, want 1 min", at)
			case n > 0 && wait > longestRetry+10*time.Second:
				t.Errorf("try %d came %v after the one before", n, wait)
			}
			last = at
			n++
		}
		if n != 8 {
			t.Errorf("%d tries, want 8", n)
		}
	})
}
