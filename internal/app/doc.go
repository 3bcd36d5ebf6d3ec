// Package app reads the configuration and wires the bot: Run is the one function
// that makes everything and starts it, top to bottom, called by cmd/bot with the
// environment and by cmd/sandbox and the end-to-end tests with another.
//
// It knows every package and decides nothing that one of them could.
package app
