// Package slackbot is the bot's Slack side: it keeps sockets open, acknowledges
// what Slack sends, turns commands, mentions, clicks and forms into calls of the
// change service, and paces what the service shows to people.
//
// It is the only package that knows Slack's client library and wire formats. It
// refuses to know the policy's rules, Baseten's API and the database: what is allowed
// and what happens next is decided by internal/change. Nor does it have words for
// people: those are made by slackbot/view.
//
// # The walk of a command
//
//   - socket.go reads it from a connection that sockets.go keeps open. loop.go queues
//     it and hands it to a worker, which reads what it is.
//   - slash.go or mention.go says who asks and where, command.go parses the text and
//     has it recorded by the service. Only then loop.go acknowledges it, and the
//     service begins to work. click.go does the same for what is pressed.
//   - form_open.go opens the form for a change, form_fill.go brings it up to date with
//     each choice, options.go offers names, form_submit.go makes a command of it.
//     form_reason.go asks for the reason of an act.
//   - What only reads is acknowledged at once; reads.go answers it, answer.go finds a
//     way to the person, response.go and tell.go are the ways.
//   - While the service works it asks directory.go who people are and lookups.go keeps
//     the answers for as long as they may be used; it asks poster.go for a slot in the
//     channel and posts in it, and has edits.go bring a message up to date. pacer.go
//     lets both through as Slack's limits have it.
//
// # What Slack says no to
//
// limits.go holds Slack's limits and is the one place that knows what a 429 looks
// like and waits for it; trouble.go sorts all other errors; api.go makes the calls.
//
// # The end
//
// Bot.Run closes each socket in a moment in which all that arrived on it is
// acknowledged, and then finishes what is still to be answered.
package slackbot
