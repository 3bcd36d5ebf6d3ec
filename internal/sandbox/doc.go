// Package sandbox is a small Slack workspace and a small Baseten account in one
// process, with a web page to use them, so that the bot can be tried without
// either.
//
// A [World] ties the two simulators together: people, channels, models and a
// policy to play with. Tests steer it in sentences (w.As("Ana").Slash(…)); [Handler]
// shows it to a browser; [Run] does what `go run ./cmd/sandbox` needs.
//
// It refuses to know the bot. The bot gets environment variables and meets Slack
// and Baseten over HTTP and WebSocket, as anywhere else; what is shown here is what
// the simulators saw. It keeps nothing but a temporary directory, listens on
// loopback only, and does not start where real tokens are in the environment.
package sandbox
