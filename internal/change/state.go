package change

import "slices"

// State is where a request stands in its life. This file is the whole of that
// life: the constants say how each state is entered and left, also after a
// crash, and the table below them is what the store's guarded updates, its
// CHECK constraints and the tests are held to.
//
//	requested → pending → approved → applying → applied | failed | unknown
//	requested → approved (no approval needed) | denied | failed | canceled
//	pending   → denied | canceled | expired | stale
//	approved  → canceled | stale | failed
//
// States are a contract across versions: an older replica runs beside a newer
// one, so a state is never renamed or given another meaning.
type State string

const (
	// Requested is a command that was recorded and acknowledged, but not yet
	// resolved and judged. Entered by the insert that precedes the ack. Left
	// within seconds; after a crash the start-up scan or the advance job, on any
	// replica, resolves and judges it anew; where its card was about to be posted,
	// the same card is posted.
	Requested State = "requested"

	// Pending waits for people: an approval, or the requester's own Confirm.
	// Entered once the card is posted. Left by a click, by cancel, by expiry, or
	// when what the card shows no longer holds. A crash changes nothing about it.
	Pending State = "pending"

	// Approved owes the PATCH. Entered by the last approval needed, by Confirm,
	// by break-glass, or at once where the policy asks for nobody. Left within
	// apply_within: to applying, or to stale, denied or failed when the checks
	// made just before the PATCH say so. After a crash it is taken up again.
	Approved State = "approved"

	// Applying means that this attempt may have reached Baseten. Entered by the
	// commit that precedes the PATCH; at most one request per serving deployment
	// or environment is in it, which a unique index decides. After a crash or an
	// unknown outcome it is left by reading the settings, never by a blind repeat.
	Applying State = "applying"

	// Applied means that Baseten took the change: it answered, and status and
	// message were stored by the same commit, or the settings were read back as
	// asked. Whether they are in force is the request's Outcome, not a state.
	Applied State = "applied"

	// Failed means that nothing was changed by this request, or that Baseten
	// refused it, or that somebody else's values stand there instead.
	Failed State = "failed"

	// Unknown means that for an hour neither could be found out. It is never sent
	// again, and the thread says so.
	Unknown State = "unknown"

	// Denied means that the policy or an approver said no.
	Denied State = "denied"

	// Canceled means that the requester took it back, or replaced it by another.
	Canceled State = "canceled"

	// Expired means that not enough people approved in time.
	Expired State = "expired"

	// Stale means that what was shown no longer holds: the settings moved, the
	// deployment was promoted, or it came too late. The card offers to ask again.
	Stale State = "stale"
)

// next is the life of a request: the states each state may be left for. A state
// that is missing here is an end.
var next = map[State][]State{
	Requested: {Pending, Approved, Denied, Failed, Canceled},
	Pending:   {Approved, Denied, Canceled, Expired, Stale},
	Approved:  {Applying, Canceled, Stale, Failed},
	Applying:  {Applied, Failed, Unknown},
}

// CanBecome reports whether a request in s may go to the state to. One commit may
// take several steps, each with its own event: where nobody has to approve,
// approved and applying are entered together.
func (s State) CanBecome(to State) bool { return slices.Contains(next[s], to) }

// Ended reports whether s is an end: no request ever leaves it.
func (s State) Ended() bool { return len(next[s]) == 0 }

// States returns every state, in the order of a request's life.
func States() []State {
	return []State{Requested, Pending, Approved, Applying, Applied, Failed, Unknown, Denied, Canceled, Expired, Stale}
}
