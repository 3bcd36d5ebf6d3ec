package view

import (
	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// A break-glass, from the private offer to the review that somebody signs.

// waiting tells the requester alone what they can do while others decide. Who may skip
// the approval is told how.
func waiting(r *change.Request) Message {
	var d draft
	what := title(r.Target)
	text := say("Waits for ", missing(r), ".")
	set := []slack.BlockElement{button(ActionCancel, "Cancel", r.ID, what)}
	if r.Decision.BreakGlass {
		text = say(text, " If it cannot wait:")
		set = append([]slack.BlockElement{button(ActionBreakGlass, "Break Glass…", r.ID, what)}, set...)
	}
	d.lines(text)
	d.buttons(set...)
	d.small(say(r.ID.String()))
	return d.message()
}

// reviewCard announces a break-glass, and asks somebody who could have approved it to
// sign that they looked at it.
func reviewCard(r *change.Request) Message {
	var d draft
	lines := []prose{say("🚨 ", user(r.Requester.ID), " used break-glass: ", bold(title(r.Target)))}
	lines = append(lines, wishLines(r)...)
	lines = append(lines, price(r), askedReason(r))
	if r.State.Ended() {
		lines = append(lines, soFar(r))
	}
	d.lines(append(lines, reviewing(r))...)
	what := title(r.Target)
	if r.Review.Open {
		d.buttons(primary(button(ActionReview, "Sign Review", r.ID, what)))
	}
	d.nextSteps(r)
	var thread prose
	if r.Review.Card != "" {
		thread = say("its thread: ", link(r.ID.String(), r.Review.Card))
	}
	d.identifiers(r, thread)
	return d.message()
}

// soFar is what came of a break-glass, as far as it is known.
func soFar(r *change.Request) prose {
	var undone prose
	if r.UndoneBy != "" {
		undone = say("Undone by " + r.UndoneBy.String() + ".")
	}
	return join("\n", told(r), join(" ", outcome(r), undone))
}

func reviewing(r *change.Request) prose {
	switch {
	case r.Review.By.ID != "":
		return say("Reviewed by ", user(r.Review.By.ID), ".")
	case !r.Review.Open:
		return say("Nothing was sent, so there is nothing to review.")
	default:
		return say("The approval was skipped. ", signers(r), ", please review it.")
	}
}

// signers are those who can sign the review. They begin a sentence.
func signers(r *change.Request) prose {
	switch ids := r.Decision.Approvers; len(ids) {
	case 0:
		return say("Somebody else who could have approved it")
	case 1:
		return people(ids, 0)
	default:
		return say("One of ", people(ids, 0))
	}
}

// reviewReminder is one line in the thread of a review card that nobody has signed.
func reviewReminder(r *change.Request) Message {
	var d draft
	d.lines(say("Still not reviewed: ", user(r.Requester.ID), " used break-glass ", on(r.OwedSince), ": ", wish(r), "."),
		say(signers(r), ", please look at it and sign above."))
	return d.message()
}

// Reviews lists the reviews that nobody has signed yet.
func Reviews(open []change.Listed) Message {
	var d draft
	if len(open) == 0 {
		d.lines(say("No break-glass waits for a review."))
		return d.message()
	}
	items := make([]prose, 0, len(open))
	for _, r := range open {
		items = append(items, join("\n",
			say(bold(r.ID.String()), " · ", user(r.Requester.ID), " used break-glass ", on(r.OwedSince)),
			wish(r.Request),
			price(r.Request),
			soFar(r.Request),
			say(signers(r.Request), " can sign it: ", reviewLink(r)),
		))
	}
	d.list(items, nil)
	return d.message()
}

// reviewLink leads to the review card; where there is no address, it says where that
// stands.
func reviewLink(r change.Listed) prose {
	if r.Link == "" {
		return say("the card is in the channel for alarms.")
	}
	return say(link(r.ID.String(), r.Link))
}
