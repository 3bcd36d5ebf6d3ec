package view

import (
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// How much of each part the page shows. Together they stay below the 100 blocks that
// Slack takes.
const (
	homeDecided = 10 // two blocks each
	homeListed  = 10
	homeTerms   = 10 // two blocks each
)

// Home shows a person's own page at the moment now: what waits for them, what they asked
// for, what happened lately and what they may do. News, which may be empty, tells what came
// of what they pressed there.
func Home(h change.Home, all []authz.Stake, news Message, now time.Time) Message {
	var d draft
	d.news(news)
	if len(h.Approvable) == 0 {
		d.lines(say("Nothing waits for you."))
	} else {
		d.heading("Waiting for you (" + number(len(h.Approvable)) + ")")
		for _, r := range h.Approvable[:min(len(h.Approvable), homeDecided)] {
			d.decide(r)
		}
		d.more(len(h.Approvable)-homeDecided, "pending")
	}
	d.terms(h.Terms, homeTerms)
	d.part("Your requests", ownItems(h.Own), "history all")
	d.reviewsPart(h.Reviews)
	d.part("The last 24 hours, by others", pastItems(h.Recent), "history")
	d.part("What you may do", stakes(all), "whoami")
	d.small(say("As of ", at(now), ". Open this page again to see what is new. "), say("In a channel: "+slash+" status MODEL, or "+slash+" alone for the form."))
	return d.message()
}

// news puts what came of a press on top.
func (d *draft) news(m Message) {
	if m.Blocks != nil {
		d.blocks, d.plain = append(d.blocks, m.Blocks...), append(d.plain, m.plain...)
		d.text, d.alone = append(d.text, m.Text), append(d.alone, m.alone)
	}
}

// part is a heading with a list below it; nothing where the list is empty.
func (d *draft) part(title string, items []prose, more string) {
	if len(items) == 0 {
		return
	}
	d.heading(title)
	d.bullets(items[:min(len(items), homeListed)])
	d.more(len(items)-homeListed, more)
}

// more tells of what a part does not show, and which command does.
func (d *draft) more(n int, command string) {
	if n > 0 {
		d.lines(say("… and "+number(n)+" more: ", code(slash+" "+command)))
	}
}

// reviewsPart lists open reviews, each with a button for those who can sign it.
func (d *draft) reviewsPart(open []change.Listed) {
	if len(open) == 0 {
		return
	}
	d.heading("Not reviewed yet")
	for _, r := range open[:min(len(open), homeListed)] {
		d.lines(say("🚨 ", cardLink(r), " · ", named(r.Requester), " broke the glass ", on(r.OwedSince), ": ", shortWish(r.Request)))
		if r.Signable {
			d.buttons(button(ActionReview, "Sign Review", r.ID, title(r.Target)))
		}
	}
	d.more(len(open)-homeListed, "reviews")
}

func ownItems(own []change.Listed) []prose {
	out := make([]prose, 0, len(own))
	for _, r := range own {
		if r.Holds() {
			continue // it stands above, with its end
		}
		if r.State == change.Pending || r.State == change.Requested {
			text := waits(r.Request)
			if confirmable(r.Request) {
				text = say("Waits for you to confirm it on its card, until ", soon(r.ExpiresAt, r.CreatedAt), ".")
			}
			out = append(out, say("⏳ ", shortWish(r.Request), "\n", cardLink(r), ". ", text))
		} else {
			out = append(out, pastItem(r))
		}
	}
	return out
}

func pastItems(past []change.Listed) []prose {
	out := make([]prose, 0, len(past))
	for _, r := range past {
		out = append(out, pastItem(r))
	}
	return out
}
