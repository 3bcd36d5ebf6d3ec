// Package change is the life of a change request, from the command to the end that
// the thread tells of. It knows what has to happen in which order and what must
// hold before anything is sent. It refuses to know Slack (see [Chat] and
// [Directory]), how policies are written (authz), how Baseten is spoken to
// (baseten) and how rows are kept ([Store]).
//
// To follow one request through the code:
//
//   - state.go: the states and who may follow whom. It is the whole life.
//   - service.go: advance, the one loop that does what a request owes by looking
//     at its state. Whoever recorded something calls it at once; a durable job
//     (jobs.go) calls it if that process died. A claim (claim.go) keeps the two
//     apart, and where it cannot, the guarded steps of the store do.
//   - submit.go records the command, origin.go an undo or a second asking. Only
//     then is it acknowledged.
//   - judge.go resolves names, reads the settings and asks the policy (rule.go):
//     refused, waiting for people, or at once.
//   - present.go posts the card of what waits for people; expire.go reminds and
//     ends it. decide.go judges each click anew, votes.go counts, glass.go is what
//     skips the counting and its review.
//   - apply.go makes sure that everything still holds (recheck.go), commits that
//     the attempt begins, and only then send.go sends it.
//   - settle.go finds out what became of an attempt that got no answer.
//   - show.go brings the messages up to date with the row, tell.go says things to
//     one person where there is no message.
//   - follow.go reads an applied change back and says what became of it.
//
// Two orders hold everywhere. Record before speaking: what was acknowledged or sent
// is a row first. And the row before the effect: a step that somebody else took
// first fails in the store, so its effect never happens twice.
package change
