package change

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// This file holds the sentences that a request keeps and people read. Three words
// are fixed, because people and tests search for them: a refusal says "not
// allowed", a failure "failed", an unknown name "not found". <@ID> stands for a
// person and is the only markup; whatever a person or Baseten supplied goes
// through plain first.

// plain takes from foreign text what could be read as our markup, and nothing else:
// what Baseten says is shown unchanged.
func plain(s string) string { return markupOfOurs.ReplaceAllString(s, "‹$1") }

var markupOfOurs = regexp.MustCompile(`<(@[UW]|time:)`)

// stopped ends a sentence that somebody else wrote, so that ours can follow.
func stopped(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

func mention(p Person) string {
	if p.ID == "" {
		return "somebody"
	}
	return "<@" + p.ID + ">"
}

func mentions(ids []string) string {
	out := make([]string, 0, len(ids))
	for i, id := range ids {
		if i == mentionAtMost {
			out = append(out, fmt.Sprintf("%d more", len(ids)-i))
			break
		}
		out = append(out, "<@"+id+">")
	}
	return strings.Join(out, ", ")
}

func wordsDenied(why string) string { return "not allowed: " + why }

func wordsInvite() string {
	return "failed: I cannot post in this channel, so nothing was changed. Invite me with /invite @autoscale and type the command again."
}

// wordsAway is for what could not be done because something did not answer.
func wordsAway(what string) string {
	return "failed: " + what + ". Nothing was changed. Please try again in a minute."
}

func wordsForName(err error) *refusal {
	var (
		missing   *baseten.NotFoundError
		ambiguous *baseten.AmbiguousError
		known     *baseten.Error
	)
	switch {
	case errors.As(err, &missing):
		text := plain(missing.Word) + " not found"
		if len(missing.Suggestions) > 0 {
			text += ". Did you mean " + plain(strings.Join(missing.Suggestions, ", ")) + "?"
		} else {
			text += ". /autoscale list shows the models, /autoscale status MODEL its environments and deployments."
		}
		return &refusal{state: Failed, text: text + " Nothing was changed."}
	case errors.As(err, &ambiguous):
		return &refusal{state: Failed, text: plain(ambiguous.Word) + " fits more than one thing. Say which: " + plain(strings.Join(ambiguous.Choices, ", ")) + ". Nothing was changed."}
	case errors.As(err, &known):
		return &refusal{state: Failed, text: wordsForBaseten(known), detail: err}
	default:
		return &refusal{state: Failed, text: wordsAway("Baseten could not be read"), detail: err}
	}
}

// wordsForBaseten says what a definite refusal of Baseten's means for the person.
func wordsForBaseten(e *baseten.Error) string {
	said := ""
	if e.Message != "" {
		said = " Baseten says: " + stopped(plain(e.Message))
	}
	switch e.Kind {
	case baseten.KindAuth:
		if e.HTTPStatus == 0 {
			return "failed: the bot has no API key that it could use. Nothing was changed. Whoever runs the bot has to look at BASETEN_API_KEY."
		}
		return fmt.Sprintf("failed: Baseten does not accept the bot's API key for this (HTTP %d).%s Nothing was changed. Whoever runs the bot has to look at BASETEN_API_KEY.", e.HTTPStatus, said)
	case baseten.KindNotFound:
		return "failed: Baseten does not have this model, environment or deployment any more: not found." + said + " Nothing was changed."
	case baseten.KindInvalid: // never sent
		return "failed: this change cannot be put to Baseten." + said + " Nothing was changed."
	case baseten.KindRejected:
		return fmt.Sprintf("failed: Baseten refused the change (HTTP %d).%s Nothing was changed.", e.HTTPStatus, said)
	case baseten.KindLimited:
		return "failed: Baseten takes no more calls at the moment (HTTP 429). Nothing was changed. Please try again in a minute."
	default:
		return wordsAway("Baseten does not answer")
	}
}

// byHand is the API call that makes the change without the bot, for when the bot
// cannot. It is never given after a refusal.
func (s *Service) byHand(r *Request) string {
	if r.Target.ModelID == "" || s.cfg.Call == nil {
		return ""
	}
	return "To make the change by hand:\n" + s.cfg.Call(r)
}

func wordsCurrent(r *Request, current baseten.Settings) string {
	words := make([]string, 0, len(r.Ask.Settings))
	for _, f := range r.Ask.Settings.Fields() {
		row, _ := baseten.Lookup(f)
		v, ok := current[f]
		if !ok {
			words = append(words, row.Label+" is not set")
			continue
		}
		words = append(words, row.Label+" is "+row.Format(v))
	}
	return strings.Join(words, ", ")
}

func wordsMoved(r *Request, current baseten.Settings) string {
	var moved []string
	for _, f := range r.Ask.Settings.Fields() {
		row, _ := baseten.Lookup(f)
		was, had := r.Reading.Settings[f]
		is, has := current[f]
		if had == has && was == is {
			continue
		}
		moved = append(moved, fmt.Sprintf("%s was %s when this was shown and is %s now", row.Label, value(row, was, had), value(row, is, has)))
	}
	return "The settings moved: " + strings.Join(moved, "; ") + ". Nothing was sent."
}

func value(row baseten.Setting, v int, has bool) string {
	if !has {
		return "not set"
	}
	return row.Format(v)
}

func wordsPromoted(r *Request, now Target) string {
	switch {
	case now.Serves != "":
		return fmt.Sprintf("Deployment %s was promoted: it serves %s now. Nothing was sent.", plain(r.Target.DeploymentName), plain(now.Serves))
	default:
		return fmt.Sprintf("Deployment %s no longer serves %s. Nothing was sent.", plain(r.Target.DeploymentName), plain(r.Target.Serves))
	}
}

func wordsTooLate(r *Request, now time.Time) string {
	away := length(now.Sub(r.OwedSince))
	if r.Sends > 0 {
		return fmt.Sprintf("Too late: it was sent %s ago and did not take effect; the settings are as they were. It is not sent again.", away)
	}
	return fmt.Sprintf("Too late: for %s the change could not be sent, because the bot or Baseten was away. Nothing was sent.", away)
}

// asFailure turns the reason for a stale request into that of a failed attempt.
func asFailure(why string) string {
	if strings.HasPrefix(why, "failed") {
		return why
	}
	return "failed: " + why
}

// wordsNotKnown says that the outcome is not known yet, and why if that is known.
func wordsNotKnown(why error) string {
	text := "Baseten did not answer clearly, so I do not know yet whether it took this change."
	if not, ok := errors.AsType[notYet](why); ok {
		text = string(not)
	}
	return text + " I look again for up to an hour and will edit this message."
}

func wordsExpired(r *Request) string {
	if r.Ruling.Effect == string(authz.Confirm) {
		return "It was not confirmed in time."
	}
	return "Not enough people approved in time."
}

func wordsPendingAlready(o *Request, link string) string {
	text := fmt.Sprintf("You already asked for this: %s waits", o.ID)
	if o.Ruling.Effect == string(authz.Confirm) {
		text += " for your Confirm."
	} else {
		text += " for approval."
	}
	if link != "" {
		text += " " + link
	}
	return text
}

// wordsDecided tells who was first.
func wordsDecided(r *Request) string {
	switch r.State {
	case Requested:
		return fmt.Sprintf("%s is still being looked at. Please try again in a moment.", r.ID)
	case Approved, Applying, Applied, Failed, Unknown:
		if r.EndedBy.ID == "" {
			return fmt.Sprintf("%s is past that: it is %s.", r.ID, r.State)
		}
		verb := "approved"
		if r.EndedBy.ID == r.Requester.ID {
			verb = "confirmed"
		}
		return fmt.Sprintf("%s was already %s by %s at %s.", r.ID, verb, mention(r.EndedBy), clock(r.OwedSince))
	case Denied:
		return fmt.Sprintf("%s was already denied by %s at %s.", r.ID, orPolicy(r.EndedBy), clock(r.EndedAt))
	case Canceled:
		return fmt.Sprintf("%s was already canceled by %s at %s.", r.ID, mention(r.EndedBy), clock(r.EndedAt))
	case Expired:
		return fmt.Sprintf("%s expired at %s. Nothing was done.", r.ID, clock(r.EndedAt))
	default:
		return fmt.Sprintf("%s is already over: %s.", r.ID, cmp.Or(r.Why, string(r.State)))
	}
}

func orPolicy(p Person) string {
	if p.ID == "" {
		return "the policy"
	}
	return mention(p)
}

// wordsNotApprover says why a click does not count; why is the policy's own reason,
// "" where it has none.
func wordsNotApprover(r *Request, why string) string {
	if why == "" {
		why = "The policy does not name you as an approver of " + r.ID.String() + "."
	}
	return strings.TrimSpace("not allowed: " + why + " " + wordsWhoCould(r))
}

func wordsWhoCould(r *Request) string {
	if len(r.Ruling.Approvers) == 0 {
		return ""
	}
	return "It can be approved by " + mentions(r.Ruling.Approvers) + "."
}

// wordsStillNeeded says how far the approvals are: "1 of 2 approvals. Still needed:
// 1 of @leo." Earlier ones that do not count any more are named.
func wordsStillNeeded(t authz.Tally, d authz.Decision) string {
	missing, needed := 0, 0
	var groups []string
	for _, n := range d.Needed {
		needed += n
	}
	for group, n := range t.Missing {
		missing += n
		if group != "" {
			groups = append(groups, fmt.Sprintf("%d by %s", n, group))
		}
	}
	slices.Sort(groups)
	text := fmt.Sprintf("%d of %d approvals. Still needed: %d", needed-missing, needed, missing)
	if len(groups) > 0 {
		text = fmt.Sprintf("%d of %d approvals. Still needed: %s", needed-missing, needed, strings.Join(groups, ", "))
	}
	if len(t.Could) > 0 {
		text += " of " + mentions(t.Could)
	}
	text += "."
	for _, id := range slices.Sorted(maps.Keys(t.Ignored)) {
		text += " The approval of <@" + id + "> does not count any more."
	}
	return text
}

// wordsEnd is the end of a request in one piece, for where the thread cannot be
// reached.
func wordsEnd(r *Request) string {
	text := fmt.Sprintf("%s (%s %s, %s): %s.", r.ID, plain(r.Target.ModelName), plain(r.Target.Name()), r.Ask.Settings, r.State)
	if r.State == Applied {
		text += fmt.Sprintf(" Baseten: %s %s", plain(cmp.Or(r.Answer.Status, "no status given")), plain(r.Answer.Message))
	}
	switch {
	case r.State == Denied && r.EndedBy.ID != "": // a person's own words
		text += " " + plain(r.Why)
	case r.Why != "":
		text += " " + r.Why
	}
	return strings.TrimSpace(text)
}

func clock(t time.Time) string {
	return "<time:" + fmt.Sprint(t.Unix()) + "|" + t.UTC().Format("15:04 UTC") + ">"
}

// length writes a duration for people: 45 s, 6 min 20 s, 3 h 5 min.
func length(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour && d%time.Minute != 0:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d%time.Hour < time.Minute:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// NameProblem is the sentence for a name that could not be resolved.
func NameProblem(err error) string { return wordsForName(err).text }
