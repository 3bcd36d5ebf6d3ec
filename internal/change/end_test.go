package change_test

import (
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// An end that Baseten answers with HTTP 500 for ten minutes is tried again within the hour
// for which it is owed, and told a few times only.
func TestEndIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, termPolicy(false))
		defer w.close()
		bot := w.boot(0)
		in := w.asks(lea, "production", baseten.Settings{baseten.MaxReplica: 7})
		in.Ask.For = 5 * time.Minute
		r, err := bot.Submit(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		bot.Start(r.ID)
		pass(4 * time.Minute)
		w.baseten.Inject(basetensim.Fault{Kind: basetensim.ServerError, Method: "PATCH", Times: 1000})
		pass(11 * time.Minute)
		w.baseten.ClearFaults()
		pass(50 * time.Minute)
		if got := w.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica; got != 4 {
			t.Errorf("max is %d, want 4", got)
		}
		if r := w.get(r.ID); r.Holds() || r.Term.How != change.OriginTimeUp {
			t.Errorf("its term is %+v", r.Term)
		}
		ends := 0
		for _, o := range w.requests() {
			if o.Kind == change.KindRevert {
				ends++
			}
		}
		if ends < 2 || ends > 4 {
			t.Errorf("it was tried %d times", ends)
		}
		bot.bury()
	})
}
