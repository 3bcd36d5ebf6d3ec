package change

import (
	"testing"
	"time"
)

// What stands at Baseten once a change is over is not its doing: it is followed no more.
func TestEndedTermIsNotFollowed(t *testing.T) {
	now := time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)
	for before, after := range map[OutcomeKind]OutcomeKind{Following: Superseded, InForce: InForce} {
		r := &Request{Kind: KindChange, State: Applied, Sends: 1, AppliedAt: now.Add(-time.Minute), Outcome: Outcome{Kind: before}}
		r.Term = Term{EndsAt: now, DueAt: now, NoticeAt: now}
		r.endTerm(new(Effects), now, &Request{ID: "E3NDS", Kind: KindRevert, State: Applied, Origin: Origin{Kind: OriginTimeUp}})
		if r.Followed() || r.Outcome.Kind != after {
			t.Errorf("%s became %+v", before, r.Outcome)
		}
		if r.Holds() || !r.Term.due().IsZero() {
			t.Errorf("%s: its term is %+v", before, r.Term)
		}
	}
}
