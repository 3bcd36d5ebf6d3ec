package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What Slack waits for is written before what nobody waits for; all others in turn;
// and who gives up waiting holds nobody up.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn := newTurn()
		if err := turn.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(ctx context.Context, name string) {
			go func() {
				if err := turn.enter(ctx); err != nil {
					order = append(order, name+" gave up")
					return
				}
				order = append(order, name)
				turn.leave()
			}()
			synctest.Wait() // they arrive in this order
		}
		until := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		wait(t.Context(), "reply")
		wait(t.Context(), "edit")
		wait(until(30*time.Second), "work")
		wait(until(2*time.Second), "command")
		wait(until(time.Second), "click")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		turn.leave()
		synctest.Wait()

		want := []string{"click gave up", "command", "work", "reply", "edit"}
		if d := cmp.Diff(want, order); d != "" {
			t.Errorf("order (-want +got)\n%s", d)
		}
		if turn.taken {
			t.Error("the turn is still taken")
		}
	})
}

// A change whose time is up before its turn comes writes nothing and says so.
func TestTurnInVain(t *testing.T) {
	turn := newTurn()
	if err := turn.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turn.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("enter = %v, want that the context ended", err)
	}
}
