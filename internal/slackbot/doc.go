// Package slackbot is the bot's Slack side: it keeps sockets open, acknowledges
// what Slack sends, turns commands, mentions and buttons into calls of the change
// service, and shows requests as messages.
//
// It is the only package that knows Slack's client library and wire formats. It
// refuses to know the policy, Baseten's API and the database: what is allowed and
// what happens next is decided by internal/change.
//
// The walk of a command: sockets.go reads it, loop.go queues it and hands it to a
// worker, command.go or mention.go parses it, the service records it, loop.go
// acknowledges it; later the service asks poster.go to post what card.go and
// result.go render.
package slackbot
