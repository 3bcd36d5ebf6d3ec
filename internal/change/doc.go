// Package change is the life of a change request, from the command to the end that
// the thread tells of. It knows what has to happen in which order and what must
// hold before anything is sent. It refuses to know Slack (see [Chat] and
// [Directory]), how policies are written (authz), how Baseten is spoken to
// (baseten), how rows are kept ([Store]), and it has no words for people: a request
// holds facts, and views make sentences of them.
//
// # The row is the job
//
// Everything that is known of a request stands in one row ([Request]), and so does
// what it owes: work, a message, a reminder, its end. [Request.Due] makes one time of
// all debts, and the store writes it with every change of the row. The dispatcher of
// each process takes the rows that are due and that no living process holds; a row
// is held by the name of a process, its lease, and each process says every two
// seconds that it lives. A process that dies is not missed for long, and no debt can
// be forgotten by a call that was not made.
//
// Two orders hold everywhere. Record before speaking: what was acknowledged or sent
// is a row first. And the row before the effect: a step that somebody else took first
// fails in the store, so that its effect never happens twice. To begin an effect
// takes the lease; to record what happened never does, so that nothing learned is
// lost.
//
// # To follow one request through the code
//
//   - request.go is the row, state.go its life: the states, the step from one to
//     the next, and what is due. reason.go names why.
//   - service.go: Start and advance, which do what a request owes by looking at its
//     state. dispatch.go is the clock of the process: leases, due rows, panics,
//     reminder and expiry.
//   - submit.go records the command, origin.go an undo or a second asking. Only then
//     is it acknowledged.
//   - judge.go resolves names, reads the settings (snapshot.go) and asks the policy:
//     refused, waiting for people, or at once.
//   - card.go posts the card. approve.go judges each click anew, breakglass.go is
//     what skips the approval and its review.
//   - apply.go makes sure that everything still holds, commits that the attempt
//     begins, and only then sends it. reconcile.go finds out what became of an
//     attempt that got no answer.
//   - post.go brings the messages up to date with the row, and tells people
//     otherwise where there is no message.
//   - follow.go reads an applied change back and says what became of it.
//   - term.go is for how long it holds, end.go the request that puts back what was there
//     before, or that extends or keeps it. standing.go works out what stands when.
//     clock.go makes a moment of "until 18:00".
//   - freeze.go is the freeze: a row too, which keeps all of these from being sent until
//     it is over.
//   - read.go answers what only reads. chat.go and store.go are the ports.
package change
