package slackbot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/slackbot/view"
)

// A card and its reply do not wait for each other; what comes after three messages
// does, one second each.
func TestPostsComeInBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{StrictLimits: true})
		began := time.Now()
		var took []time.Duration
		for i := range 6 {
			l.posted(t, change.ID(fmt.Sprintf("K7Q2%d", i)))
			took = append(took, time.Since(began))
		}
		want := []time.Duration{0, 0, 0, time.Second, 2 * time.Second, 3 * time.Second}
		if !slices.Equal(took, want) {
			t.Errorf("posted after %v, want %v", took, want)
		}
		noneLimited(t, sim)
	})
}

// A slot that is given back lets the next one in; one that was used is used.
func TestSlotReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := simulated(t, slacksim.Options{})
		for range 2 {
			l.posted(t, "K7Q2M")
		}
		s, err := l.Chat().Slot(t.Context(), channel, change.Card)
		if err != nil {
			t.Fatal(err)
		}
		next := make(chan error, 1)
		go func() {
			s, err := l.Chat().Slot(t.Context(), channel, change.Reply)
			if err == nil {
				defer s.Return()
			}
			next <- err
		}()
		synctest.Wait()
		select {
		case <-next:
			t.Fatal("a fourth slot at once")
		default:
		}
		s.Return()
		s.Return()
		synctest.Wait()
		select {
		case err := <-next:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("the slot that was given back is lost")
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		for range 2 {
			if _, err = l.Chat().Slot(brief, channel, change.Card); err != nil {
				break
			}
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("slots beyond the limit: %v", err)
		}
	})
}

// A message that Slack sends back keeps its turn.
func TestPostSentBackGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		limitedOnce := false
		l := offline(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			mu.Lock()
			defer mu.Unlock()
			id := regexp.MustCompile(`0000\d`).FindString(r.Form.Encode())
			order = append(order, id)
			if id == "00002" && !limitedOnce {
				limitedOnce = true
				status(429, "Retry-After", "5")(w, r)
				return
			}
			say(`{"ok":true,"ts":"1.2"}`)(w, r)
		})
		var posts sync.WaitGroup
		for i := range 6 {
			posts.Go(func() { l.posted(t, change.ID(fmt.Sprintf("0000%d", i))) })
			synctest.Wait()
		}
		posts.Wait()
		want := "00000 00001 00002 00002 00003 00004 00005"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("posted %s, want %s", got, want)
		}
	})
}

// A post in doubt is not sent again here: the row counts.
func TestDoubtIsTheRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		sim.Fault(slacksim.Fault{Method: "chat.*", Kind: slacksim.FaultServerErrorCommit})
		s, err := l.Chat().Slot(t.Context(), channel, change.Card)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Post(t.Context(), request("K7Q2M", 1), change.Card); !errors.Is(err, change.ErrDoubtful) {
			t.Errorf("error = %v", err)
		}
		if err := l.Chat().Tell(t.Context(), request("K7Q2M", 1), change.WayPrivate); !errors.Is(err, change.ErrDoubtful) {
			t.Errorf("told privately: error = %v", err)
		}
		if n := len(sim.Messages(channel)); n != 1 {
			t.Errorf("%d messages, want one", n)
		}
	})
}

// Buttons go first, then ends, then the rest, however long that has waited; and
// Slack's limit is never met.
func TestEditsInStrictOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{StrictLimits: true})
		var cards []*change.Request
		for i := range 90 {
			cards = append(cards, l.posted(t, change.ID(fmt.Sprintf("K7Q%02d", i))))
		}
		calls := len(sim.Calls("chat.update"))
		var edits sync.WaitGroup
		edit := func(r *change.Request, u change.Urgency) {
			edits.Go(func() {
				if err := l.Chat().Edit(t.Context(), r, change.Card, u); err != nil {
					t.Error(err)
				}
			})
		}
		for _, r := range cards[:60] {
			edit(at(r, 2, change.Applied), change.Later)
		}
		synctest.Wait()
		sleep(t.Context(), 20*time.Second)
		for i, r := range cards[60:] {
			edit(at(r, 2, change.Denied), []change.Urgency{change.TellEnd, change.RemoveButtons}[i%2])
		}
		began := time.Now()
		edits.Wait()

		var order []string
		for _, c := range sim.Calls("chat.update")[calls:] {
			if c.At.After(began) {
				for i, r := range cards {
					if r.Messages.Card.Ref.TS == c.Args["ts"] {
						order = append(order, map[bool]string{true: "later", false: []string{"end", "buttons"}[i%2]}[i < 60])
					}
				}
			}
		}
		if got := slices.Compact(slices.Clone(order)); !slices.Equal(got, []string{"buttons", "end", "later"}) {
			t.Errorf("order of the edits: %q", order)
		}
		noneLimited(t, sim)
	})
}

// However many edits of a message wait, one shows the newest version, and an older
// one that comes late does nothing.
func TestNewestVersionWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		r := l.posted(t, "K7Q2M")
		var others []*change.Request
		for range editBurst {
			others = append(others, l.posted(t, "00000"))
		}
		for _, other := range others {
			if err := l.Chat().Edit(t.Context(), at(other, 2, change.Denied), change.Card, change.Later); err != nil {
				t.Fatal(err)
			}
		}
		before := len(sim.Calls("chat.update"))
		var edits sync.WaitGroup
		newest := at(r, 7, change.Denied)
		for _, version := range []*change.Request{at(r, 5, change.Approved), at(r, 3, change.Pending), newest, at(r, 4, change.Approved)} {
			edits.Go(func() {
				if err := l.Chat().Edit(t.Context(), version, change.Card, change.Later); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		edits.Wait()
		if err := l.Chat().Edit(t.Context(), at(r, 6, change.Applying), change.Card, change.RemoveButtons); err != nil {
			t.Error(err)
		}
		if n := len(sim.Calls("chat.update")) - before; n != 1 {
			t.Errorf("%d edits, want one", n)
		}
		if text := sim.Messages(channel)[0].Text; text != view.Request(newest, change.Card).Text {
			t.Errorf("the message shows %q", text)
		}
	})
}

// An edit whose fate is unknown is sent again; one of a message that is gone is not.
func TestEditTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		r := l.posted(t, "K7Q2M")
		sim.Fault(slacksim.Fault{Method: "chat.update", Kind: slacksim.FaultServerErrorCommit, Times: 2})
		if err := l.Chat().Edit(t.Context(), at(r, 2, change.Denied), change.Card, change.RemoveButtons); err != nil {
			t.Error(err)
		}
		sim.DeleteMessage(channel, r.Messages.Card.Ref.TS)
		if err := l.Chat().Edit(t.Context(), at(r, 3, change.Denied), change.Card, change.RemoveButtons); !errors.Is(err, change.ErrGone) {
			t.Errorf("error = %v", err)
		}
		if err := l.Chat().Edit(t.Context(), request("00000", 1), change.Reply, change.Later); !errors.Is(err, change.ErrGone) {
			t.Errorf("edit of nothing: %v", err)
		}
	})
}

func noneLimited(t *testing.T, sim *slacksim.Server) {
	t.Helper()
	for _, c := range sim.Calls("") {
		if c.Status == http.StatusTooManyRequests {
			t.Errorf("%s met the limit", c.Method)
		}
	}
}
