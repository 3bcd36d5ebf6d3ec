package view

import (
	"autoscalebot/internal/change"
)

// Refused tells whoever acted or typed, who is viewer, that it was not carried out.
func Refused(no *change.Refused, viewer string) Message {
	var d draft
	d.lines(refused(no, viewer))
	d.byHand(no.Reason.Call)
	return d.message()
}

// RefusedText is the same in plain words, for the error under a form's field.
func RefusedText(no *change.Refused, viewer string) string {
	return refused(no, viewer).plain()
}

func refused(no *change.Refused, viewer string) prose {
	return about(no.Request, no.Reason, viewer).tell(inAnswer)
}

// decided tells who was first.
func decided(t telling) prose {
	r := t.r
	switch r.State {
	case change.Requested, change.Pending:
		return say(this(t), " is still being looked at. Please try again in a moment.")
	case change.Denied:
		if r.DeniedBy.ID == "" {
			return say(this(t), " was denied already, by the policy, ", on(r.EndedAt), ".")
		}
		return say(this(t), " was denied already, by ", t.who(r.DeniedBy), " ", on(r.EndedAt), ".")
	case change.Canceled:
		if r.ReplacedBy != "" {
			return say(this(t), " was replaced by ", replacement(r), " ", on(r.EndedAt), ".")
		}
		return say(this(t), " was canceled already, by ", t.who(r.CanceledBy), " ", on(r.EndedAt), ".")
	case change.Expired:
		return say(this(t), " expired ", on(r.EndedAt), ". Nothing was done.")
	case change.Stale:
		return say(this(t), " is over: it was not carried out, ", on(r.EndedAt), ".")
	case change.Approved, change.Applying, change.Applied, change.Failed, change.Unknown:
	}
	switch {
	case r.BrokeGlass():
		return say(this(t), " went ahead already, ", on(r.OwedSince), ": ", t.who(r.Requester), " used break-glass.")
	case r.ConfirmedBy.ID != "":
		return say(this(t), " was confirmed already, by ", t.who(r.ConfirmedBy), " ", on(r.OwedSince), ".")
	case len(r.Votes) > 0:
		return say(this(t), " was approved already, by ", t.voters(), " ", on(r.OwedSince), ".")
	default:
		return say(this(t), " "+standing(r.State)+" already.")
	}
}

// replacement is the request that replaced r.
func replacement(r *change.Request) piece {
	if r.Reason.Request == r.ReplacedBy {
		return link(r.ReplacedBy.String(), r.Reason.Link)
	}
	return piece{text: r.ReplacedBy.String()}
}

func (t telling) voters() prose {
	list := make([]prose, 0, len(t.r.Votes))
	for _, v := range t.r.Votes {
		list = append(list, t.who(v.Person))
	}
	return join(", ", list...)
}

// notYours says that only the requester can.
func notYours(t telling) prose {
	who := say("only ", t.who(t.r.Requester), " can ")
	switch t.Verb {
	case change.VerbCancel:
		return say(who, "cancel ", this(t), ". Those who can approve it can deny it.")
	case change.VerbConfirm:
		return say(who, "confirm ", this(t), ".")
	case change.VerbBreakGlass:
		return say(who, "use break-glass on ", this(t), ".")
	case change.VerbApprove, change.VerbDeny, change.VerbReview, change.VerbAskAgain, change.VerbUndo, change.VerbChange,
		change.VerbEnd, change.VerbExtend, change.VerbKeep, change.VerbThaw, change.VerbFreeze:
	}
	return say(who, "do that to ", this(t), ".")
}

// couldApprove names those who can.
func couldApprove(r *change.Request) prose {
	if len(r.Decision.Approvers) == 0 {
		return nil
	}
	return say("It can be approved by ", people(r.Decision.Approvers, 0), ".")
}

// standing is a state as people say it, after the request: was denied.
func standing(s change.State) string {
	switch s {
	case change.Failed:
		return "failed"
	case change.Expired:
		return "has expired"
	case change.Applied, change.Denied, change.Canceled, change.Stale, change.Approved:
		return "was " + stateWord(s)
	case change.Requested, change.Pending, change.Applying, change.Unknown:
	}
	return "is " + stateWord(s)
}

// stateWord is a state as people say it: what the request is.
func stateWord(s change.State) string {
	switch s {
	case change.Requested:
		return "being looked at"
	case change.Pending:
		return "waiting for people"
	case change.Applying:
		return "being applied"
	case change.Stale:
		return "not carried out"
	case change.Unknown:
		return "of unknown outcome"
	case change.Approved, change.Applied, change.Failed, change.Denied, change.Canceled, change.Expired:
		return string(s)
	default:
		return oneLine(string(s))
	}
}
