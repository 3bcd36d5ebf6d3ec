package waitlist

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Urgent before patient, first come first served among equals, and whoever gives up
// holds nobody up.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := New(cmp.Compare[int])
		var order []string
		join := func(ctx context.Context, name string, key int) {
			w := list.Join(key)
			go func() {
				if err := w.Wait(ctx); err != nil {
					order = append(order, name+" gave up")
					return
				}
				order = append(order, name)
			}()
			synctest.Wait()
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		join(t.Context(), "patient", 9)
		join(t.Context(), "also patient", 9)
		join(brief, "brief", 1)
		join(t.Context(), "urgent", 2)
		if key, ok := list.First(); !ok || key != 1 || list.Len() != 4 {
			t.Errorf("first is %d, %t, of %d", key, ok, list.Len())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for list.Next() {
			synctest.Wait()
		}
		want := []string{"brief gave up", "urgent", "patient", "also patient"}
		if !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
		if _, ok := list.First(); ok || list.Len() != 0 {
			t.Errorf("%d still wait", list.Len())
		}
	})
}

// Of a waiter who is let through while its context ends one thing is true: it has
// what it was handed, or it left the list before.
func TestNothingIsLost(t *testing.T) {
	list := New(cmp.Compare[int])
	for range 500 {
		const n = 4
		var had atomic.Int32
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for i := range n {
			w := list.Join(i)
			wg.Go(func() {
				switch err := w.Wait(ctx); {
				case err == nil:
					had.Add(1)
				case !errors.Is(err, context.Canceled):
					t.Errorf("Wait: %v", err)
				}
			})
		}
		handed := int32(0)
		wg.Go(cancel)
		for range n {
			if list.Next() {
				handed++
			}
		}
		wg.Wait()
		if had.Load() != handed || list.Len() != 0 {
			t.Fatalf("%d were let through, %d know of it, %d still wait", handed, had.Load(), list.Len())
		}
	}
}
