package slackbot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// trouble sorts errors of the Web API, and of response_urls, by what can be done
// about them.
type trouble int

const (
	troubleRefused  trouble = iota // Slack said no, and will say it again
	troubleLimited                 // too many calls
	troubleToken                   // the token is not taken: somebody has to replace it
	troubleUnsent                  // it did not reach Slack
	troubleDoubtful                // it may or may not have been done: 5xx, time-out, reset
	troubleInvite                  // the bot is not in the channel
	troubleGone                    // channel archived, thread or message deleted
	troubleBlocks                  // the blocks are refused
)

func troubleOf(err error) trouble {
	if _, ok := limited(err); ok {
		return troubleLimited
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) && status.Code < 500 {
		return troubleRefused
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" || errors.Is(err, errUnsent) {
		return troubleUnsent
	}
	switch said(err) {
	case "", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return troubleDoubtful
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return troubleToken
	case "not_in_channel", "channel_not_found":
		return troubleInvite
	case "is_archived", "message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "cannot_reply_to_message":
		return troubleGone
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long":
		return troubleBlocks
	}
	return troubleRefused
}

// errUnsent is a call that was not begun.
var errUnsent = errors.New("not sent to slack")

// said is Slack's own word for what went wrong, "" where it gave none.
func said(err error) string {
	var refusal slack.SlackErrorResponse
	if errors.As(err, &refusal) {
		return refusal.Err
	}
	return ""
}

// explained is what Slack says about refused blocks.
func explained(err error) []string {
	var refusal slack.SlackErrorResponse
	if errors.As(err, &refusal) {
		return refusal.ResponseMetadata.Messages
	}
	return nil
}

// asChange translates the error of a post or an edit into the words of the change
// service. What it leaves as it is may be tried again later.
func asChange(err error) error {
	if err == nil {
		return nil
	}
	switch troubleOf(err) {
	case troubleDoubtful:
		return errors.Join(change.ErrDoubtful, err)
	case troubleInvite:
		return errors.Join(change.ErrNotInvited, err)
	case troubleGone:
		return errors.Join(change.ErrGone, err)
	case troubleRefused, troubleBlocks:
		var refusal slack.SlackErrorResponse
		_ = errors.As(err, &refusal) // or it is of HTTP
		return &change.ChatRefusal{Word: word(err), Needed: refusal.Needed}
	default:
		return err
	}
}

// shortWord is what a word of Slack's looks like. Anything else is kept out of
// metrics and rows.
var shortWord = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// word names what came of a call: ok, Slack's own word, or what was missing of one.
func word(err error) string {
	var status slack.StatusCodeError
	var timeout net.Error
	_, isLimited := limited(err)
	slacks := said(err)
	switch {
	case err == nil:
		return "ok"
	case shortWord.MatchString(slacks):
		return slacks
	case slacks != "":
		return "other"
	case isLimited:
		return "ratelimited"
	case errors.As(err, &status):
		return fmt.Sprintf("http_%d", status.Code)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	default:
		return "no_answer"
	}
}

// fatalToken reports errors of a token that no waiting will cure.
func fatalToken(err error) bool {
	if troubleOf(err) == troubleToken {
		return true
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		return status.Code == 404
	}
	switch said(err) {
	case "not_allowed_token_type", "missing_scope", "no_permission", "access_denied", "org_login_required":
		return true
	}
	return false
}

// Hopeless reports whether an error of Identify or Run is one that waiting will not
// cure: a token that Slack refuses.
func Hopeless(err error) bool { return fatalToken(err) }

// Trouble says in words for an operator why a call to Slack failed. It never holds
// a token or the address of a socket.
func Trouble(err error) string {
	var refusal slack.SlackErrorResponse
	var status slack.StatusCodeError
	var socket *socketError
	wait, isLimited := limited(err)
	switch {
	case isLimited:
		return fmt.Sprintf("Slack has been asked too often. Try again in %d s", int(wait.Seconds()))
	case errors.As(err, &refusal) && refusal.Err == "missing_scope" && refusal.Needed != "":
		return "Slack refuses it: the token lacks the scope " + refusal.Needed
	case errors.As(err, &refusal):
		return "Slack refuses it: " + refusal.Err
	case errors.As(err, &status):
		return fmt.Sprintf("Slack answered with HTTP %d", status.Code)
	case errors.As(err, &socket):
		return socket.forOperator()
	case word(err) == "timeout":
		return "Slack did not answer in time"
	default:
		return "Slack cannot be reached: " + inner(err).Error()
	}
}

// inner is what went wrong, without the address that was called.
func inner(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
